//! No signal of the application is ever handled on a thread of ours.

use nix::sys::signal::{SigSet, SigmaskHow};

/// Starts a thread with all signals blocked: a new thread inherits the mask of the one that starts it.
pub(crate) fn blocked<T>(start: impl FnOnce() -> T) -> T {
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let started = start();
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    started
}
