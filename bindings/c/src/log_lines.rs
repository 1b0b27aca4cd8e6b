//! The log lines of the library's own threads. They wait for a thread of their own to hand them over, so that a function of
//! the program that takes its time holds up no sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::{mem, process, thread};

use arc_swap::ArcSwapOption;
use isymphony_core::threads;

use crate::log::isym_log_level;
use crate::str::Text;

/// So many lines wait, at most.
const WAITING: usize = 1_000;
/// How the names of the library's threads begin.
const OWN: &str = "isymphony-";

pub(crate) struct Line {
    pub(crate) level: isym_log_level,
    pub(crate) target: Text,
    pub(crate) message: Text,
}

/// The lines that wait, in the process whose thread hands them over.
struct Lines {
    process: u32,
    sender: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

/// Without a lock: a forked child has none of the threads that might hold it.
static LINES: ArcSwapOption<Lines> = ArcSwapOption::const_empty();

/// Whether the library started this thread.
pub(crate) fn is_own_thread() -> bool {
    thread::current().name().is_some_and(|name| name.starts_with(OWN))
}

/// Keeps a line for the thread that hands it to `deliver`. Where there can be no such thread it is handed over at once.
pub(crate) fn keep(line: Line, deliver: fn(&Line)) {
    let known = LINES.load_full().filter(|lines| lines.process == process::id());
    let Some(lines) = known.or_else(|| start(deliver)) else { return deliver(&line) };
    match lines.sender.try_send(line) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => _ = lines.lost.fetch_add(1, Relaxed),
        Err(TrySendError::Disconnected(line)) => deliver(&line),
    }
}

/// Ends the thread, once it has handed over what waits.
pub(crate) fn end() {
    replace(None);
}

fn replace(new: Option<Arc<Lines>>) {
    let old = LINES.swap(new);
    if old.as_ref().is_some_and(|lines| lines.process != process::id()) {
        mem::forget(old); // To end what the parent's threads wait for may take a lock that one of them holds.
    }
}

fn start(deliver: fn(&Line)) -> Option<Arc<Lines>> {
    let (sender, receiver) = sync_channel(WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    let lines = Arc::new(Lines { process: process::id(), sender, lost: lost.clone() });
    threads::alone(&format!("{OWN}log"), None, move || hand_over(&receiver, &lost, deliver)).ok()?;
    replace(Some(lines.clone()));
    Some(lines)
}

fn hand_over(lines: &Receiver<Line>, lost: &AtomicU64, deliver: fn(&Line)) {
    for line in lines {
        let lost = lost.swap(0, Relaxed);
        if lost > 0 {
            deliver(&Line {
                level: isym_log_level::ISYM_LOG_WARN,
                target: Text::from("isymphony::log"),
                message: Text::new(format!("{lost} lines were lost: the log callback takes too long")),
            });
        }
        deliver(&line);
    }
}
