//! What is told of the calls, logins and agents that move: the Event API's events.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::clock::unix_millis;
use super::table::Key;
use super::{Core, World};

/// How many events are kept; who listens too slowly misses the ones before.
const KEPT: usize = 10_000;

/// One event.
#[derive(Debug)]
pub(crate) enum Event {
    /// A text: JSON, unless a script gave another one.
    Text(String),
    /// Bytes for the wire that a script gave.
    Bytes(Vec<u8>),
}

impl Event {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Event::Text(text) => Some(text),
            Event::Bytes(_) => None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Events {
    kept: VecDeque<Arc<Event>>,
    next: u64,
}

impl Events {
    pub(crate) fn add(&mut self, event: Event) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::new(event));
        self.next += 1;
    }

    /// The number of the next event.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The events from a number on, as far as they are kept.
    pub(crate) fn since(&self, number: u64) -> Vec<Arc<Event>> {
        let missing = self.next.saturating_sub(number).min(self.kept.len() as u64) as usize;
        self.kept.range(self.kept.len() - missing..).cloned().collect()
    }
}

/// The eight properties of a segment, each with `suffix` behind its name; null where there is nothing.
fn describe(core: &Core, segment: Option<Key>, suffix: &str, out: &mut Map<String, Value>) {
    let segment = segment.and_then(|key| core.segments.get(key));
    let extension = segment.and_then(|s| core.extensions.get(s.extension?));
    let user = extension.and_then(|e| core.users.get(*e.users.first()?));
    let mut put = |name: &str, value: Option<String>| drop(out.insert(format!("{name}{suffix}"), value.into()));
    put("callSegmentId", segment.map(|s| s.id.to_string()));
    put("callerIdName", segment.map(|s| s.caller_id.name.clone()));
    put("callerIdNumber", segment.map(|s| s.caller_id.number.clone()));
    put("did", segment.and_then(|s| s.did.clone()));
    put("extensionId", extension.map(|e| e.id.to_string()));
    put("extensionNumber", extension.map(|e| e.number.clone()));
    put("userId", user.map(|u| u.id.to_string()));
    put("username", user.map(|u| u.user_name.clone()));
}

fn id(id: Uuid) -> Value {
    id.to_string().into()
}

impl World {
    fn emit(&mut self, core: usize, ty: &str, describe: impl FnOnce(&Core, &mut Map<String, Value>)) {
        let core = &self.cores[core];
        let mut event = Map::new();
        event.insert("type".to_owned(), ty.into());
        event.insert("time".to_owned(), unix_millis().into());
        event.insert("coreServerId".to_owned(), id(core.id));
        describe(core, &mut event);
        self.events.add(Event::Text(Value::Object(event).to_string()));
    }

    /// An event about one segment.
    pub(crate) fn emit_segment(&mut self, core: usize, ty: &str, segment: Key) {
        self.emit(core, ty, |core, out| describe(core, Some(segment), "", out));
    }

    /// An event about a caller's segment and a called one.
    pub(crate) fn emit_pair(&mut self, core: usize, ty: &str, caller: Option<Key>, called: Key) {
        self.emit(core, ty, |core, out| {
            describe(core, caller, "1", out);
            describe(core, Some(called).filter(|called| caller != Some(*called)), "2", out);
        });
    }

    pub(crate) fn emit_room(&mut self, core: usize, ty: &str, room: Key, segment: Key) {
        self.emit(core, ty, |core, out| {
            if let Some(room) = core.rooms.get(room) {
                out.insert("conferenceRoomId".to_owned(), id(room.id));
                out.insert("conferenceRoomName".to_owned(), room.display_name.as_str().into());
            }
            describe(core, Some(segment), "", out);
        });
    }

    pub(crate) fn emit_agent(&mut self, core: usize, ty: &str, agent: Key) {
        self.emit(core, ty, |core, out| {
            let Some(agent) = core.agents.get(agent) else { return };
            let (queue, extension) = (core.queues.get(agent.queue), core.extensions.get(agent.extension));
            let user = extension.and_then(|e| core.users.get(*e.users.first()?));
            let mut put = |name: &str, value: Option<String>| drop(out.insert(name.to_owned(), value.into()));
            put("agentId", Some(agent.id.to_string()));
            put("agent", Some(agent.name.clone()));
            put("state", Some(agent.state.to_owned()));
            put("queueId", queue.map(|q| q.id.to_string()));
            put("queue", queue.map(|q| q.display_name.clone()));
            put("extensionId", extension.map(|e| e.id.to_string()));
            put("extensionNumber", extension.map(|e| e.number.clone()));
            put("userId", user.map(|u| u.id.to_string()));
            put("username", user.map(|u| u.user_name.clone()));
        });
    }

    pub(crate) fn emit_login(&mut self, core: usize, ty: &str, login: Key) {
        self.emit(core, ty, |core, out| {
            let Some(login) = core.logins.get(login) else { return };
            if let Some(user) = core.users.get(login.user) {
                out.insert("userId".to_owned(), id(user.id));
                out.insert("username".to_owned(), user.user_name.as_str().into());
            }
            out.insert("userLoginId".to_owned(), id(login.id));
            out.insert("ip".to_owned(), login.ip.as_str().into());
            out.insert("port".to_owned(), login.port.into());
        });
    }
}
