//! Looking up the target, sending the POST, and judging the answer.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;

use super::args::Context;
use super::audit::Line;
use super::{Arg, Calls, Options, Outcome, Ticket, invalid};
use crate::catalog::{Action, Kind, SubId};
use crate::clock::{Limit, Moment};
use crate::error::{Code, Error, Result};
use crate::live::Live;
use crate::path::{PREFIX, Path};
use crate::snapshot::collection::Address;
use crate::snapshot::{Resource, ResourceOwned, Snapshot};
use crate::sync::{Awaited, Message};
use crate::transport::{Answer, Sent, Transport};

/// How long a look at the server takes at most, after it said that the target is not there.
const LOOK: Duration = Duration::from_secs(5);
/// What a 405 means, and a 404 where the target is there.
const NO_SUCH_ACTION: &str = "the server does not take this action at this path (most action paths are inferred; set the \
                              right one in an overlay)";
/// No action takes longer.
const LONGEST: Duration = Duration::from_secs(86_400);

/// One call of an action of the catalogue.
pub(crate) struct Call<'a> {
    pub(crate) live: &'a Live,
    pub(crate) kind: Kind,
    pub(crate) action: &'a str,
    pub(crate) args: &'a [(&'a str, Arg)],
    pub(crate) options: Options,
    /// Finds the target in a snapshot.
    pub(crate) locate: &'a dyn Fn(&Snapshot) -> Result<ResourceOwned>,
    /// The path of the target where a forced action must do without finding it.
    pub(crate) path: &'a dyn Fn() -> Option<Path>,
}

/// What is sent where.
struct Post<'a> {
    live: &'a Live,
    path: String,
    body: Option<String>,
    deadline: Instant,
    /// What it may change, where that is known.
    touched: Option<Vec<Address>>,
    /// The action, where it is one of the catalogue.
    row: Option<(Kind, &'static Action)>,
}

impl Call<'_> {
    /// Carries it out, and writes the audit line.
    pub(crate) fn run(&self) -> Result<Ticket> {
        let mut line = Line::new(format!("{}.{}", self.kind.name(), self.action));
        let result = self.carry_out(&mut line);
        line.finish(&result);
        result
    }

    fn carry_out(&self, line: &mut Line) -> Result<Ticket> {
        let row = self.row()?;
        line.args(row, self.args);
        let deadline = deadline(self.live, self.options.timeout);
        let snapshot = self.live.snapshot();
        let target = match (self.locate)(&snapshot).and_then(|target| self.still_there(&snapshot, target)) {
            Ok(target) => target,
            // What is not synced, or absent as an overlay says, is no more known to be there than what is gone.
            Err(error) if self.options.force && matches!(error.code(), Code::NotFound | Code::Unsupported) => {
                let path = (self.path)().ok_or_else(|| error.context("not sent"))?;
                return self.send_by_path(&path, row, deadline, line);
            }
            Err(error) => return Err(error.context("not sent")),
        };
        match self.send(&target.get(), row, deadline, line) {
            Err(error) if error.http_status() == Some(404) => {
                // Refused for sure: nothing has that id any more. If the name has another one now, that is the target.
                let found = self.look_again(&target, deadline);
                match found {
                    Some(found) if found.get().id() != target.get().id() => {
                        self.send(&found.get(), row, deadline, line)
                    }
                    Some(_) => Err(error.context(NO_SUCH_ACTION)),
                    None => Err(error),
                }
            }
            result => result,
        }
    }

    fn row(&self) -> Result<&'static Action> {
        let (kind, action) = (self.kind, self.action);
        let row = kind.row().action(action).ok_or_else(|| {
            let known: Vec<_> = kind.row().actions.iter().map(|row| row.name).collect();
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            Error::new(Code::Unsupported, format!("{kind:#} has no action {action:?}; {known}"))
        })?;
        if self.live.config().is_absent_action(kind, action) {
            let message = format!("this server has no {kind}.{action}: an overlay says so (absent = true)");
            return Err(Error::new(Code::Unsupported, message));
        }
        Ok(row)
    }

    /// Refuses a target that came from an older snapshot and is gone: from where it was found and from its core server's
    /// list. A copy of it elsewhere may only be asked for less often.
    fn still_there(&self, snapshot: &Snapshot, target: ResourceOwned) -> Result<ResourceOwned> {
        if self.options.force || self.is_there(snapshot, &target) {
            return Ok(target);
        }
        let (id, kind, age) = (target.get().id(), self.kind, snapshot.age());
        let message = format!(
            "the {kind} {id} is gone: the snapshot, {age:.1?} old, no longer has it. Look it up again, or force the action"
        );
        Err(Error::new(Code::NotFound, message))
    }

    fn is_there(&self, snapshot: &Snapshot, target: &ResourceOwned) -> bool {
        let resource = target.get();
        let (id, address) = (resource.id(), resource.parts().1.address);
        let here = snapshot.collection(&address).is_some_and(|known| known.has_id(&id));
        let list = || snapshot.server(address.core_server)?.list_of(self.kind);
        here || list().is_some_and(|list| list.has_id(&id))
    }

    /// The target after the server was asked again for what it is in, if it is there.
    fn look_again(&self, target: &ResourceOwned, deadline: Instant) -> Option<ResourceOwned> {
        let since = Moment::now();
        let addresses = vec![Address::ROOT, target.get().parts().1.address];
        let shared = self.live.shared().ok()?;
        shared.tell(Message::Urgent(addresses.clone()));
        let limit = Limit::new(Some(deadline.saturating_duration_since(Instant::now()).min(LOOK)));
        let snapshot = shared.wait_for(&Awaited { addresses, since }, limit).ok()?;
        (self.locate)(&snapshot).ok().filter(|found| self.is_there(&snapshot, found))
    }

    fn send(&self, target: &Resource<'_>, row: &'static Action, deadline: Instant, line: &mut Line) -> Result<Ticket> {
        line.target(target);
        let (snapshot, core_server) = (target.snapshot(), target.core_server());
        let context = Context { config: self.live.config(), snapshot, kind: self.kind, core_server };
        let ticket =
            self.post(target.id_path().to_string(), &context, row, Some(touched(target, row)), deadline, line)?;
        Ok(Ticket { calls: calls_of(target, row), ..ticket })
    }

    /// Sends to a path without knowing what is there. A name in it that could be read as a step up is refused.
    fn send_by_path(&self, path: &Path, row: &'static Action, deadline: Instant, line: &mut Line) -> Result<Ticket> {
        let snapshot = self.live.snapshot();
        let context = Context { config: self.live.config(), snapshot: &snapshot, kind: self.kind, core_server: None };
        let path = path.to_string();
        let target = plain_path(&path).map_err(|error| error.context("not sent"))?.to_owned();
        self.post(target, &context, row, None, deadline, line)
    }

    fn post(
        &self,
        target: String,
        context: &Context<'_>,
        row: &'static Action,
        touched: Option<Vec<Address>>,
        deadline: Instant,
        line: &mut Line,
    ) -> Result<Ticket> {
        let segment = self.live.config().get_action_path(self.kind, row.name).unwrap_or(row.segment);
        let body = context.body(row, self.args)?;
        let path = format!("{target}/{segment}");
        Post { live: self.live, path, body, deadline, touched, row: Some((self.kind, row)) }.run(line)
    }
}

fn deadline(live: &Live, timeout: Option<Duration>) -> Instant {
    Instant::now() + timeout.unwrap_or(live.config().get_action_timeout()).min(LONGEST)
}

/// A POST on any path below `communication_manager/rest/live/`, for what the catalogue does not know.
pub(crate) fn post_raw(live: &Live, path: &str, body: Option<&str>, timeout: Option<Duration>) -> Result<Ticket> {
    let mut line = Line::new("post".to_owned());
    let result = prepare_raw(live, path, body, timeout).and_then(|post| post.run(&mut line));
    line.finish(&result);
    result
}

fn prepare_raw<'a>(live: &'a Live, path: &str, body: Option<&str>, timeout: Option<Duration>) -> Result<Post<'a>> {
    let path = plain_path(path)?;
    if let Some(Err(error)) = body.map(serde_json::from_str::<serde::de::IgnoredAny>) {
        return Err(invalid(format!("the body is not JSON: {error}")));
    }
    let snapshot = live.snapshot();
    let touched = path.parse::<Path>().ok().and_then(|path| {
        let target = snapshot.resolve_path(&path).ok()?.one().ok()?;
        Some(touched(&target, path.action()?))
    });
    let (path, body, deadline) = (path.to_owned(), body.map(str::to_owned), deadline(live, timeout));
    Ok(Post { live, path, body, deadline, touched, row: None })
}

/// A path as it may be sent, without the prefix of the Live API.
pub(crate) fn plain_path(path: &str) -> Result<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let sound = |c: char| c.is_ascii_alphanumeric() || "-._~%/:@!$&'()*+,;=".contains(c);
    if let Some(c) = path.chars().find(|c| !sound(*c)) {
        let message = format!("the path holds {c:?}; in a name write it percent-encoded");
        return Err(Error::new(Code::InvalidPath, message));
    }
    // Whoever is on the way may decode the path before looking at its steps.
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let steps_up = decoded.split(['/', '\\']).any(|segment| matches!(segment, "." | ".."));
    if steps_up || path.split('/').any(str::is_empty) {
        return Err(Error::new(Code::InvalidPath, "the path holds an empty segment, \".\" or \"..\""));
    }
    Ok(path)
}

impl Post<'_> {
    /// Waits for its turn, and sends it, once.
    fn run(mut self, line: &mut Line) -> Result<Ticket> {
        let shared = self.live.shared()?;
        if shared.is_closed() {
            return Err(crate::sync::closed());
        }
        let pass = shared.gate.enter(self.deadline)?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::new(Code::TimedOut, "the time for the action was over, and it was not sent"));
        }
        shared.counters.actions.fetch_add(1, Relaxed);
        line.path.clone_from(&self.path);
        line.tries += 1;
        let sent = shared.transport.post(&self.path, self.body.as_deref(), Some(left));
        drop(pass);
        let (outcome, error) = match sent {
            Ok(answer) => {
                (line.sent, line.http) = ("yes", Some(answer.status));
                self.judge(&answer, &shared.transport)?
            }
            Err(failure) if failure.sent == Sent::No => return Err(failure.error),
            Err(failure) => {
                (line.sent, line.http) = ("maybe", None);
                (Outcome::Unknown, Some(failure.error))
            }
        };
        let since = Moment::now();
        shared.tell(match &mut self.touched {
            Some(touched) => {
                // What is not synced is neither asked for nor waited for.
                touched.retain(|address| address.sub.is_none_or(|sub| shared.kinds.has(sub)));
                Message::Urgent(touched.clone())
            }
            None => Message::Refresh,
        });
        let (live, path, touched) = (self.live.clone(), self.path, self.touched);
        Ok(Ticket { live, outcome, error, path, touched, since, calls: None })
    }

    /// What the server's answer means.
    fn judge(&self, answer: &Answer, transport: &Transport) -> Result<(Outcome, Option<Error>)> {
        let refusal = || transport.refusal("POST", &self.path, answer);
        let unknown = |why: String| {
            let error = Error::new(Code::OutcomeUnknown, why);
            Ok((Outcome::Unknown, Some(error.with_http_status(answer.status).with_server_message(&answer.text))))
        };
        let success = self.row.and_then(|(kind, row)| self.live.config().get_action_success(kind, row.name));
        match answer.status {
            // A page of something between us and the server, or of the server's web side.
            200..=299 if answer.text.trim_start().starts_with('<') => {
                unknown("a page of HTML came, which is no answer of the Live API".to_owned())
            }
            status if success.map_or(answer.accepted(), |statuses| statuses.contains(&status)) => {
                Ok((Outcome::Accepted, None))
            }
            200..=299 => unknown("the server's answer is none that the overlay counts as success".to_owned()),
            405 => Err(refusal().context(NO_SUCH_ACTION)),
            // The server broke, or something between us and it: the action may have been carried out.
            500 | 502 | 504..=599 => unknown("the server failed while it handled the action".to_owned()),
            // Of reading these make no sense; of an action they say that it is wrong, today and tomorrow.
            400 | 402 | 406 | 409..=411 | 413..=424 | 426 | 428 | 431..=499 => Err(refusal().with_code(Code::Rejected)),
            _ => Err(refusal()),
        }
    }
}

/// The collections an action may change, see [`Action::touches`].
fn touched(target: &Resource<'_>, action: &Action) -> Vec<Address> {
    let core_server = target.core_server_id();
    let own = target.address();
    let below = |sub| Address::below(core_server, target.id(), sub);
    let homes = target.snapshot().server(core_server).map_or(&[][..], |server| server.homes(target.id()));
    let homes = homes.iter().map(|(parent, sub)| Address::below(core_server, *parent, *sub));
    let mut all = Vec::new();
    for touched in action.touches {
        match (*touched, touched.strip_prefix('/')) {
            (".", _) => all.push(own),
            ("*", _) => all.extend(homes.clone()),
            (_, Some(segment)) => {
                all.extend(SubId::find(Kind::CoreServer, segment).map(|sub| Address::list(core_server, sub)));
            }
            (segment, None) => all.extend(SubId::find(target.kind(), segment).map(below)),
        }
    }
    all
}

/// Where the calls that an action starts appear: the list of call segments below its target, and what is in it now.
fn calls_of(target: &Resource<'_>, action: &Action) -> Option<Calls> {
    let mut subs = action.touches.iter().filter_map(|touched| SubId::find(target.kind(), touched));
    let sub = subs.find(|sub| sub.row().kind == Kind::CallSegment)?;
    let address = Address::below(target.core_server_id(), target.id(), sub);
    let server = target.snapshot().server(target.core_server_id())?;
    let lists = [server.get(target.id(), sub), server.list_of(Kind::CallSegment)];
    Some(Calls { address, before: lists.into_iter().flatten().cloned().collect() })
}
