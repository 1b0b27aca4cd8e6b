//! What every entry does: no panic leaves it, its arguments are checked, and its result becomes a status.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use isymphony_core::{Code, Error, Result};

use crate::error::{isym_error, isym_status};

/// Where an entry puts its error; the caller may not want it.
type ErrorSlot<'a> = Option<&'a mut MaybeUninit<Box<isym_error>>>;

/// An entry that can fail: runs it and turns what went wrong into a status and, if the caller wants it, an error.
pub(crate) fn status(error: ErrorSlot<'_>, body: impl FnOnce() -> Result<()>) -> isym_status {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(panicked(payload)));
    let Err(problem) = result else { return isym_status::ISYM_OK };
    let status = isym_status::from(problem.code());
    if let Some(slot) = error {
        slot.write(Box::new(isym_error::new(problem)));
    }
    status
}

/// An entry that says only whether it found something: nothing is allocated where it did not.
#[inline]
pub(crate) fn quiet(body: impl FnOnce() -> isym_status) -> isym_status {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        report(&panicked(payload));
        isym_status::ISYM_INTERNAL
    })
}

/// An entry that cannot fail: a defect of ours gives the default, and is logged.
#[inline]
pub(crate) fn plain<T: Default>(body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        report(&panicked(payload));
        T::default()
    })
}

/// Writes what was found to where the caller wants it.
#[inline]
pub(crate) fn found<T>(value: Option<T>, out: Option<&mut MaybeUninit<T>>) -> isym_status {
    let Some(out) = out else { return isym_status::ISYM_INVALID_ARGUMENT };
    let Some(value) = value else { return isym_status::ISYM_NOT_FOUND };
    out.write(value);
    isym_status::ISYM_OK
}

/// An argument that must not be NULL.
#[inline]
pub(crate) fn need<T>(argument: Option<T>, name: &'static str) -> Result<T> {
    argument.ok_or_else(|| invalid(format!("{name} is NULL")))
}

/// An error about an argument.
#[cold]
pub(crate) fn invalid(message: String) -> Error {
    Error::new(Code::InvalidArgument, message)
}

#[cold]
fn panicked(payload: Box<dyn std::any::Any + Send>) -> Error {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text");
    let error = Error::new(Code::Internal, format!("a defect in isymphony, please report it: {text}"));
    // Dropping a payload of an unknown type could panic again.
    std::mem::forget(payload);
    error
}

#[cold]
fn report(error: &Error) {
    ::log::error!(target: "isymphony::c", "{error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_with_its_text() {
        let mut slot = MaybeUninit::uninit();
        let status = status(Some(&mut slot), || panic!("number {}", 7));
        assert_eq!(status, isym_status::ISYM_INTERNAL);
        // SAFETY: a status other than ISYM_OK means that the error was written.
        let error = unsafe { slot.assume_init() };
        assert!(error.message().ends_with("please report it: number 7"), "{}", error.message());
        assert_eq!(super::status(None, || panic!("quietly")), isym_status::ISYM_INTERNAL);
        assert_eq!(quiet(|| panic!("quietly")), isym_status::ISYM_INTERNAL);
        assert_eq!(plain::<u32>(|| std::panic::panic_any(7)), 0);
    }
}
