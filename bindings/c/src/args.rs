//! The arguments of an action that is given by its name.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::action::{Arg, Options};

use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::str;
use crate::time::limit;
use crate::uuid::isym_uuid;

/// The arguments of an action, by name. Setting one again replaces it. The caller frees them with isym_args_free; one
/// object may be used for any number of actions. One thread at a time sets them; actions may take them on any number of
/// threads at once.
pub struct isym_args(Vec<(String, Arg)>);

impl isym_args {
    fn set(&mut self, name: &str, value: Arg) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// The arguments as the core takes them; none for NULL.
    pub(crate) fn list(args: Option<&isym_args>) -> Vec<(&str, Arg)> {
        args.map(|args| args.0.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()).unwrap_or_default()
    }
}

/// How an action is carried out: a value. All zero (`= {0}`) means the defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct isym_action_options {
    /// How long it may take in all, waiting for its turn included. 0 or negative (ISYM_DEFAULT_TIMEOUT): the action timeout
    /// of the settings.
    pub timeout_ms: i64,
    /// Whether it is sent although the snapshot says that the target is gone: then the server has the word.
    pub force: bool,
}

impl From<isym_action_options> for Options {
    fn from(given: isym_action_options) -> Options {
        Options::from(limit(given.timeout_ms).filter(|limit| !limit.is_zero())).force(given.force)
    }
}

/// No arguments yet. Never NULL. The caller frees them with isym_args_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_args_new() -> Option<Box<isym_args>> {
    guard::plain(|| Some(Box::new(isym_args(Vec::new()))))
}

/// Frees arguments. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_args_free(args: Option<Box<isym_args>>) {
    guard::plain(|| drop(args));
}

/// Sets an argument to a text, which may be empty.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_args_set_text(
    args: Option<&mut isym_args>,
    name: *const c_char,
    value: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(args, "args")?.set(str::text(name, "name")?, str::any(value, "value")?.into());
        Ok(())
    })
}

/// Sets an argument to a whole number; times are Unix milliseconds, -1 for none.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_args_set_int(
    args: Option<&mut isym_args>,
    name: *const c_char,
    value: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(args, "args")?.set(str::text(name, "name")?, value.into());
        Ok(())
    })
}

/// Sets an argument to an id.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_args_set_uuid(
    args: Option<&mut isym_args>,
    name: *const c_char,
    value: isym_uuid,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(args, "args")?.set(str::text(name, "name")?, Arg::Id(value.into()));
        Ok(())
    })
}
