//! Log lines, handed to the program.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::{Arc, PoisonError, RwLock};

use ::log::{LevelFilter, Log, Metadata, Record};
use isymphony_core::{Code, Error};

use crate::error::{isym_error, isym_status};
use crate::guard::{self, invalid};
use crate::log_lines::{self, Line};
use crate::str::{Text, isym_str};

/// How much a log line matters.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum isym_log_level {
    /// Nothing is logged.
    ISYM_LOG_OFF = 0,
    /// Something needs a person.
    ISYM_LOG_ERROR = 1,
    /// Something is wrong and may heal by itself.
    ISYM_LOG_WARN = 2,
    /// What happens: states, restarts, actions.
    ISYM_LOG_INFO = 3,
    /// What the client does.
    ISYM_LOG_DEBUG = 4,
    /// Every request.
    ISYM_LOG_TRACE = 5,
}

/// Takes a log line: how much it matters, which part of the library says it (as in "isymphony::action"), what it says, and
/// the pointer that was given to isym_set_log_callback. The texts are borrowed until it returns.
///
/// It is called on the threads that are in a call of the library, and on one of the library's for what its own threads say, on
/// several at once. No lock is held meanwhile, and it may call the library. It must not let an exception out, nor jump out. One
/// that takes its time holds up no sync: 1 000 lines wait for it, and how many were lost beyond that is a line of its own.
pub type isym_log_callback =
    Option<unsafe extern "C" fn(level: isym_log_level, target: isym_str, message: isym_str, userdata: *mut c_void)>;

struct Callback {
    function: unsafe extern "C" fn(isym_log_level, isym_str, isym_str, *mut c_void),
    userdata: *mut c_void,
}

// SAFETY: the pointer is only handed back to the program, which the header tells that it happens on any thread.
unsafe impl Send for Callback {}
// SAFETY: as above; nothing here changes.
unsafe impl Sync for Callback {}

struct Logger(RwLock<Option<Arc<Callback>>>);

static LOGGER: Logger = Logger(RwLock::new(None));

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("isymphony")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        if self.callback().is_none() {
            return;
        }
        let (target, message) = (Text::from(record.target()), Text::new(record.args().to_string()));
        let level = match record.level() {
            ::log::Level::Error => isym_log_level::ISYM_LOG_ERROR,
            ::log::Level::Warn => isym_log_level::ISYM_LOG_WARN,
            ::log::Level::Info => isym_log_level::ISYM_LOG_INFO,
            ::log::Level::Debug => isym_log_level::ISYM_LOG_DEBUG,
            ::log::Level::Trace => isym_log_level::ISYM_LOG_TRACE,
        };
        let line = Line { level, target, message };
        match log_lines::is_own_thread() {
            true => log_lines::keep(line, deliver),
            false => deliver(&line),
        }
    }

    fn flush(&self) {}
}

impl Logger {
    fn callback(&self) -> Option<Arc<Callback>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn deliver(line: &Line) {
    let Some(callback) = LOGGER.callback() else { return };
    let (target, message) = (line.target.borrow(), line.message.borrow());
    // SAFETY: the program gave a function of this type, and both texts live until it returns.
    unsafe { (callback.function)(line.level, target, message, callback.userdata) };
}

/// Hands log lines up to `max_level` (isym_log_level) to a function; NULL ends it. Default: nothing is logged. One for the
/// whole process: the last one set counts.
///
/// Lines that are being handed over on other threads, or wait for that, may still arrive at the function before for a
/// moment; do not free what `userdata` points to at once. Log lines hold names, numbers and paths, never a password.
///
/// Errors: ISYM_INVALID_ARGUMENT where `max_level` is no level; ISYM_UNSUPPORTED where the program links the library
/// statically together with another logger of Rust.
#[unsafe(no_mangle)]
pub extern "C" fn isym_set_log_callback(
    callback: isym_log_callback,
    userdata: *mut c_void,
    max_level: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let filter = LevelFilter::iter().nth(max_level as usize);
        let filter = filter.ok_or_else(|| invalid(format!("max_level is {max_level}, which is no level")))?;
        let ours = std::ptr::addr_eq(::log::logger(), &LOGGER as &dyn Log) || ::log::set_logger(&LOGGER).is_ok();
        if !ours {
            return Err(Error::new(Code::Unsupported, "the process has another logger"));
        }
        let new = callback.map(|function| Arc::new(Callback { function, userdata }));
        ::log::set_max_level(if new.is_some() { filter } else { LevelFilter::Off });
        let is_end = new.is_none();
        *LOGGER.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        if is_end {
            log_lines::end();
        }
        Ok(())
    })
}
