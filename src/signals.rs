//! No signal of the application is ever handled on a thread of ours.

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// What a thread gets for a defect of its own: blocked, it would end the process without the application's handler.
const FAULTS: [Signal; 7] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGABRT, Signal::SIGSYS];

/// Starts a thread with all signals blocked, except for faults: a new thread inherits the mask of the one that starts it.
pub(crate) fn blocked<T>(start: impl FnOnce() -> T) -> T {
    let mut signals = SigSet::all();
    FAULTS.into_iter().for_each(|fault| signals.remove(fault));
    let mask = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let started = start();
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    started
}
