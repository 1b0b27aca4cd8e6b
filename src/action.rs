//! Actions: a POST on an instance, at most once, with one of three outcomes.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::catalog::{self, ArgType, Kind, STATUS_TYPES, SubId};
use crate::clock::Moment;
use crate::error::{Code, Error, Result};
use crate::live::Live;
use crate::path::{PREFIX, Path};
use crate::snapshot::collection::Address;
use crate::snapshot::{Resource, ResourceOwned, Snapshot};
use crate::sync::{Awaited, Message};
use crate::transport::{Answer, Sent};

/// How long a look at the server takes at most, after it said that the target is not there.
const LOOK: Duration = Duration::from_secs(5);

/// The value of an action's argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A text.
    Text(String),
    /// A whole number; times are Unix milliseconds, `-1` for none.
    Int(i64),
    /// An id.
    Id(Uuid),
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Text(text.to_owned())
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Arg::Int(number)
    }
}

impl From<Uuid> for Arg {
    fn from(id: Uuid) -> Self {
        Arg::Id(id)
    }
}

/// What became of an action that was not refused. The numbers are stable: they cross the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// The server said that it carried it out.
    Accepted = 1,
    /// It was sent, and what the server made of it is not known: the answer was lost, or was an error of the server. It is
    /// never sent again by itself.
    Unknown = 2,
}

impl Outcome {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Unknown => "unknown",
        }
    }
}

/// An action that was sent: its outcome, and what to wait for to see its effect.
pub struct Ticket {
    live: Live,
    outcome: Outcome,
    error: Option<Error>,
    path: String,
    awaited: Awaited,
}

impl Ticket {
    /// What became of it. A refusal is an error and gives no ticket.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why the outcome is unknown: [`Code::OutcomeUnknown`].
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The path that was sent, by ids, below `communication_manager/rest/live/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Waits for a snapshot in which everything the action may have touched was read after it was carried out.
    /// `None` waits as long as it takes.
    ///
    /// # Errors
    /// [`Code::TimedOut`], [`Code::Closed`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Snapshot> {
        self.live.shared().wait_for(&self.awaited, timeout)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({} {})", self.path, self.outcome.name())
    }
}

/// Carries out an action on what `locate` finds in the current snapshot.
pub(crate) fn act(
    live: &Live,
    locate: &dyn Fn(&Snapshot) -> Result<ResourceOwned>,
    action: &str,
    args: &[(&str, Arg)],
    timeout: Option<Duration>,
) -> Result<Ticket> {
    let target = locate(&live.snapshot())?;
    match send(live, &target.get(), action, args, timeout) {
        Err(error) if error.http_status() == Some(404) => {
            // Refused for sure: nothing has that id any more. If the name has another one now, that is the target.
            let found = look_again(live, &target, locate);
            match found.filter(|found| found.get().id() != target.get().id()) {
                Some(found) => send(live, &found.get(), action, args, timeout),
                None => Err(error),
            }
        }
        result => result,
    }
}

/// The target after the server was asked again for what it is in.
fn look_again(
    live: &Live,
    target: &ResourceOwned,
    locate: &dyn Fn(&Snapshot) -> Result<ResourceOwned>,
) -> Option<ResourceOwned> {
    let since = Moment::now();
    let addresses = vec![Address::ROOT, target.get().parts().1.address];
    live.shared().tell(Message::Urgent(addresses.clone()));
    let snapshot = live.shared().wait_for(&Awaited { addresses, since }, Some(LOOK)).ok()?;
    locate(&snapshot).ok()
}

fn send(
    live: &Live,
    target: &Resource<'_>,
    action: &str,
    args: &[(&str, Arg)],
    timeout: Option<Duration>,
) -> Result<Ticket> {
    let kind = target.kind();
    let row = kind.row().action(action).ok_or_else(|| no_such_action(kind, action))?;
    let config = live.config();
    let segment = config.get_action_path(kind, row.name).unwrap_or(row.segment);
    let body = body(live, target, row, args)?;
    let path = format!("{}/{segment}", target.id_path());
    post(live, path, body.as_deref(), timeout, touched(target, row), &format!("{}.{}", kind.name(), row.name))
}

fn no_such_action(kind: Kind, action: &str) -> Error {
    let known: Vec<_> = kind.row().actions.iter().map(|row| row.name).collect();
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    Error::new(Code::Unsupported, format!("a {kind} has no action {action:?}; {known}"))
}

/// A POST on any path below `communication_manager/rest/live/`, for what the catalogue does not know.
pub(crate) fn post_raw(live: &Live, path: &str, body: Option<&str>, timeout: Option<Duration>) -> Result<Ticket> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let sound = |c: char| c.is_ascii_alphanumeric() || "-._~%/:@!$&'()*+,;=".contains(c);
    if let Some(c) = path.chars().find(|c| !sound(*c)) {
        let message = format!("the path holds {c:?}; in a name write it percent-encoded");
        return Err(Error::new(Code::InvalidPath, message));
    }
    if path
        .split('/')
        .any(|segment| matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "" | "." | ".."))
    {
        return Err(Error::new(Code::InvalidPath, "the path holds an empty segment, \".\" or \"..\""));
    }
    if let Some(Err(error)) = body.map(serde_json::from_str::<serde::de::IgnoredAny>) {
        return Err(Error::new(Code::InvalidArgument, format!("the body is not JSON: {error}")));
    }
    let snapshot = live.snapshot();
    let known = path.parse::<Path>().ok().and_then(|path| {
        let target = snapshot.resolve_path(&path).ok()?.one().ok()?;
        Some(touched(&target, path.action()?))
    });
    post(live, path.to_owned(), body, timeout, known.unwrap_or_default(), "post")
}

fn post(
    live: &Live,
    path: String,
    body: Option<&str>,
    timeout: Option<Duration>,
    addresses: Vec<Address>,
    what: &str,
) -> Result<Ticket> {
    let shared = live.shared();
    if shared.is_closed() {
        return Err(crate::sync::closed());
    }
    shared.counters.actions.fetch_add(1, Relaxed);
    let started = Instant::now();
    let result = match shared.transport.post(&path, body, timeout) {
        Ok(answer) => judge(live, &path, &answer),
        Err(failure) if failure.sent == Sent::No => Err(failure.error),
        Err(failure) => Ok((Outcome::Unknown, Some(failure.error))),
    };
    let outcome = match &result {
        Ok((outcome, _)) => outcome.name(),
        Err(_) => "refused",
    };
    let took = started.elapsed().as_millis();
    let why = match &result {
        Ok((_, Some(error))) | Err(error) => format!(" error={error}"),
        Ok((_, None)) => String::new(),
    };
    log::info!(target: "isymphony::action", "action={what} path={path} outcome={outcome} ms={took}{why}");
    let (outcome, error) = result?;
    let since = Moment::now();
    shared.tell(Message::Urgent(addresses.clone()));
    Ok(Ticket { live: live.clone(), outcome, error, path, awaited: Awaited { addresses, since } })
}

/// What the server's answer to a POST means.
fn judge(live: &Live, path: &str, answer: &Answer) -> Result<(Outcome, Option<Error>)> {
    let refusal = || live.shared().transport.refusal("POST", path, answer);
    match answer.status {
        _ if answer.accepted() => Ok((Outcome::Accepted, None)),
        405 => Err(refusal().context(
            "the server does not take this action at this path (most action paths are inferred; set the right one in the \
             client's settings)",
        )),
        // The server broke, or something between us and it: the action may have been carried out.
        500 | 502 | 504..=599 => {
            let error = Error::new(Code::OutcomeUnknown, "the server failed while it handled the action");
            Ok((Outcome::Unknown, Some(error.with_http_status(answer.status).with_server_message(&answer.text))))
        }
        _ => Err(refusal()),
    }
}

/// The collections an action may change, see [`catalog::Action::touches`].
fn touched(target: &Resource<'_>, action: &catalog::Action) -> Vec<Address> {
    let core_server = target.core_server_id();
    let own = target.parts().1.address;
    let below = |sub| Address { core_server, parent: target.id(), sub: Some(sub) };
    action
        .touches
        .iter()
        .filter_map(|touched| match (*touched, touched.strip_prefix('/')) {
            ("." | "^", _) => Some(own),
            (_, Some(segment)) => SubId::find(Kind::CoreServer, segment).map(|sub| Address::list(core_server, sub)),
            (segment, None) => SubId::find(target.kind(), segment).map(below),
        })
        .collect()
}

/// The JSON body: checked arguments under the server's keys; `None` for an action without arguments.
fn body(live: &Live, target: &Resource<'_>, row: &catalog::Action, args: &[(&str, Arg)]) -> Result<Option<String>> {
    if let Some((name, _)) = args.iter().find(|(name, _)| row.args.iter().all(|arg| arg.name != *name)) {
        let known: Vec<_> = row.args.iter().map(|arg| arg.name).collect();
        let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        return Err(invalid(format!("{} has no argument {name:?}; {known}", row.name)));
    }
    if row.args.is_empty() {
        return Ok(None);
    }
    let mut members = Map::new();
    for arg in row.args {
        let given = args.iter().rev().find(|(name, _)| *name == arg.name).map(|(_, value)| value);
        let value = match (given, arg.default) {
            (Some(given), _) => {
                check(target, arg, given).map_err(|e| e.context(format!("{} of {}", arg.name, row.name)))?
            }
            (None, Some(default)) => serde_json::from_str(default).unwrap_or_default(),
            (None, None) => return Err(invalid(format!("{} needs {}", row.name, arg.name))),
        };
        let key = live.config().get_action_body_key(target.kind(), row.name, arg.name).unwrap_or(arg.key);
        members.insert(key.to_owned(), value);
    }
    Ok(Some(Value::Object(members).to_string()))
}

/// An argument as JSON, checked as far as the documentation goes.
fn check(target: &Resource<'_>, arg: &catalog::Arg, given: &Arg) -> Result<Value> {
    match (arg.ty, given) {
        (ArgType::NonEmptyText, Arg::Text(text)) if text.trim().is_empty() => Err(invalid("it must not be empty")),
        (ArgType::NonEmptyText | ArgType::Text, Arg::Text(text)) => Ok(Value::from(text.as_str())),
        (ArgType::StatusType, Arg::Text(text)) if STATUS_TYPES.contains(&text.as_str()) => {
            Ok(Value::from(text.as_str()))
        }
        (ArgType::StatusType, _) => {
            Err(invalid(format!("it is {given:?}; it must be one of {}", STATUS_TYPES.join(", "))))
        }
        (ArgType::Millis, Arg::Int(number)) if *number >= -1 => Ok(Value::from(*number)),
        (ArgType::Millis, _) => Err(invalid("it must be Unix time in milliseconds, or -1 for none")),
        (ArgType::Penalty, Arg::Int(number)) if *number >= 0 => Ok(Value::from(*number)),
        (ArgType::Penalty, _) => Err(invalid("it must be a whole number that is not negative")),
        (ArgType::ExtensionId, Arg::Id(id)) => Ok(Value::from(id.to_string())),
        (ArgType::ExtensionId, Arg::Text(text)) => extension_id(target, text).map(|id| Value::from(id.to_string())),
        (ArgType::ExtensionId, Arg::Int(_)) => {
            Err(invalid("it must be an extension's number as text, its id or its path"))
        }
        (ArgType::NonEmptyText | ArgType::Text, _) => Err(invalid("it must be a text")),
    }
}

/// The id of an extension that is given by its id, its path, or its number in the target's core server.
fn extension_id(target: &Resource<'_>, text: &str) -> Result<Uuid> {
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(id);
    }
    let snapshot = target.snapshot();
    let resource = match text.contains('/') {
        true => snapshot.resolve(text)?.one()?,
        false => {
            let core_server =
                target.core_server().ok_or_else(|| Error::new(Code::NotFound, "its core server is gone"))?;
            let extensions = SubId::find(Kind::CoreServer, "extensions").expect("the catalogue has extensions");
            core_server.sub(extensions).by_name(text)?
        }
    };
    match resource.kind() {
        Kind::Extension => Ok(resource.id()),
        kind => Err(invalid(format!("it is the path of a {kind}, not of an Extension"))),
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::InvalidArgument, message)
}
