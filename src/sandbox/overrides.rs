//! Answers given literally in place of the model's.

use std::sync::Arc;

use super::http::Answer;
use super::pattern::Pattern;

/// An answer to be given as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawResponse {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides the length. Line ends in them become spaces.
    pub headers: Vec<(String, String)>,
    /// The body; need not be JSON, nor UTF-8.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// A 200 with this body as `application/json`, whatever it is.
    pub fn json(body: impl Into<Vec<u8>>) -> RawResponse {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        RawResponse { status: 200, headers, body: body.into() }
    }

    /// Another status with a plain-text reason.
    pub fn status(status: u16, reason: &str) -> RawResponse {
        let headers = vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())];
        RawResponse { status, headers, body: reason.as_bytes().to_vec() }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> RawResponse {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn into_answer(self) -> Answer {
        Answer { status: self.status, headers: self.headers, body: Arc::new(self.body) }
    }
}

/// The newest rule that fits wins.
#[derive(Debug, Default)]
pub(crate) struct Overrides(Vec<(Pattern, Answer)>);

impl Overrides {
    pub(crate) fn add(&mut self, pattern: &str, response: RawResponse) {
        let pattern = Pattern::new(pattern);
        self.0.retain(|(old, _)| *old != pattern);
        self.0.push((pattern, response.into_answer()));
    }

    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Answer> {
        self.0.iter().rev().find(|(pattern, _)| pattern.matches(method, path)).map(|(_, answer)| answer.clone())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
