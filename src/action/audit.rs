//! The audit line: one for each call, see the [module](super).

use std::fmt::Write as _;
use std::time::Instant;

use super::{Arg, Outcome, Ticket};
use crate::catalog::{self, ArgType};
use crate::error::{Error, Result};
use crate::snapshot::Resource;

/// So much of a text is logged.
const LONGEST: usize = 512;

/// What the line of a call says, as it becomes known.
pub(super) struct Line {
    started: Instant,
    action: String,
    target: String,
    id: Option<uuid::Uuid>,
    pub(super) path: String,
    args: String,
    pub(super) sent: &'static str,
    pub(super) tries: u32,
    pub(super) http: Option<u16>,
}

impl Line {
    pub(super) fn new(action: String) -> Line {
        Line {
            started: Instant::now(),
            action,
            target: String::new(),
            id: None,
            path: String::new(),
            args: String::new(),
            sent: "no",
            tries: 0,
            http: None,
        }
    }

    pub(super) fn target(&mut self, target: &Resource<'_>) {
        self.target = target.path().to_string();
        self.id = Some(target.id()).filter(|id| !id.is_nil());
    }

    /// The arguments that are not private, as they were given.
    pub(super) fn args(&mut self, row: &catalog::Action, args: &[(&str, Arg)]) {
        for (name, value) in args {
            let arg = row.args.iter().find(|arg| arg.name == *name);
            let public =
                |ty| matches!(ty, ArgType::Destination | ArgType::ExtensionId | ArgType::Penalty | ArgType::StatusType);
            if arg.is_some_and(|arg| public(arg.ty)) {
                let blank = if self.args.is_empty() { "" } else { " " };
                let _ = match value {
                    Arg::Text(text) => write!(self.args, "{blank}{name}:{text}"),
                    Arg::Int(number) => write!(self.args, "{blank}{name}:{number}"),
                    Arg::Id(id) => write!(self.args, "{blank}{name}:{id}"),
                };
            }
        }
    }

    /// Writes the line.
    pub(super) fn finish(self, result: &Result<Ticket>) {
        let (outcome, error) = match result {
            Ok(ticket) => (ticket.outcome.name(), ticket.error.as_ref()),
            Err(error) => ("refused", Some(error)),
        };
        let accepted = matches!(result, Ok(ticket) if ticket.outcome == Outcome::Accepted);
        let level = if accepted { log::Level::Info } else { log::Level::Warn };
        log::log!(target: "isymphony::action", level, "{}", self.text(outcome, error));
    }

    fn text(&self, outcome: &str, error: Option<&Error>) -> String {
        let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let mut line = format!(
            "action={} target={} id={} path={} args={} sent={} tries={} http={} outcome={outcome} ms={}",
            quoted(&self.action),
            quoted(&self.target),
            dash(self.id.map(|id| id.to_string())),
            quoted(&self.path),
            quoted(&self.args),
            self.sent,
            self.tries,
            dash(self.http.map(|status| status.to_string())),
            self.started.elapsed().as_millis(),
        );
        if let Some(error) = error {
            let _ = write!(line, " code={} error={}", error.code(), quoted(error.message()));
        }
        line
    }
}

/// In quotes, with everything escaped that could end them, the line, or be hidden in a terminal.
fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() { format!("{:?}", cut + "...") } else { format!("{cut:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn a_text_cannot_forge_a_key_nor_a_line() {
        let mut line = Line::new("post".to_owned());
        line.path = "a\" outcome=accepted\nb\r\u{1b}[2J\u{2028}\u{202e}\\".to_owned();
        let error = Error::new(Code::Rejected, "no \"way\"\n").with_server_message("private");
        let text = line.text("refused", Some(&error));
        assert!(!text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}')), "{text}");
        assert!(text.contains(r#"path="a\" outcome=accepted\nb\r\u{1b}[2J\u{2028}\u{202e}\\""#), "{text}");
        assert!(text.ends_with(r#"code=rejected error="no \"way\"\n""#) && !text.contains("private"), "{text}");
        assert!(quoted(&"x".repeat(1000)).len() < 520);
    }
}
