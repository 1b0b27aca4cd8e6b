//! What a sandbox was asked.

use std::collections::VecDeque;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// One request that a sandbox got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The method, as in `GET`.
    pub method: String,
    /// The path as it was sent, percent-encoded; without the prefix `/communication_manager/rest/live/` if it began
    /// with that.
    pub path: String,
    /// The HTTP status of the answer; 0 where a fault left the request without one.
    pub status: u16,
    /// When the request came, since the sandbox started.
    pub at: Duration,
    /// Whether its credentials were right, or none were demanded.
    pub authorized: bool,
    /// The body; what is not UTF-8 in it is replaced.
    pub body: String,
}

impl RequestRecord {
    /// The path percent-decoded, for reading only: a `/` in a name can no longer be told from one between segments.
    pub fn decoded_path(&self) -> String {
        percent_decode_str(&self.path).decode_utf8_lossy().into_owned()
    }
}

/// The last requests, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Log {
    records: VecDeque<RequestRecord>,
    pub(crate) count: u64,
}

impl Log {
    pub(crate) fn add(&mut self, record: RequestRecord, keep: usize) {
        self.count += 1;
        if keep == 0 {
            return;
        }
        if self.records.len() >= keep {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        self.records.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.records = VecDeque::new();
        self.count = 0;
    }
}
