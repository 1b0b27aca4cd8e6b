//! How far the request of this thread has come.
//!
//! ureq's errors do not tell whether a byte has left: "peer disconnected" may come from a connection that was never
//! used. So the outermost layer of a connection notes it here. ureq runs a whole request on the caller's thread, which
//! is why a thread-local will do.

use std::cell::Cell;

thread_local! {
    static STAGE: Cell<Stage> = const { Cell::new(Stage { dialled: false, sent: false, received: false }) };
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stage {
    /// A connection had to be made; otherwise one from the pool was used.
    pub(super) dialled: bool,
    /// A byte of the request may have left.
    pub(super) sent: bool,
    /// A byte of the answer has come.
    pub(super) received: bool,
}

/// The stage of this thread's request.
pub(super) fn stage() -> Stage {
    STAGE.get()
}

/// A request begins.
pub(super) fn begin() {
    STAGE.set(Stage::default());
}

/// A connection for the request has been made, or could not be made. What a proxy was sent on the way does not count.
pub(super) fn dialled() {
    STAGE.set(Stage { dialled: true, ..Stage::default() });
}

/// A part of the request is about to leave. Whether it is the first.
pub(super) fn sending() -> bool {
    let before = STAGE.get();
    STAGE.set(Stage { sent: true, ..before });
    !before.sent
}

/// A part of the answer has come.
pub(super) fn received() {
    STAGE.set(Stage { received: true, ..STAGE.get() });
}
