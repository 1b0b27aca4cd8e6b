//! The events that tell of what happens. What the vendor documents has exactly the documented properties; `dial`,
//! `linkStart` and `confRoomCallJoin`, which a real server surely has too, are under names of our own.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::Core;
use super::clock::unix_millis;
use super::table::Key;

type Event = Map<String, Value>;

fn put(event: &mut Event, name: &str, value: impl Into<Value>) {
    event.insert(name.to_owned(), value.into());
}

fn id(id: Uuid) -> Value {
    Value::from(id.to_string())
}

impl Core {
    fn tell(&self, event_type: &str, describe: impl FnOnce(&mut Event) -> Option<()>) {
        if self.events.is_idle() {
            return;
        }
        let mut event = Event::new();
        put(&mut event, "type", event_type);
        put(&mut event, "time", unix_millis());
        put(&mut event, "coreServerId", id(self.id));
        if describe(&mut event).is_some() {
            self.events.tell(&event);
        }
    }

    /// `userLogin`, `userLogout`.
    pub(crate) fn tell_login(&self, event_type: &str, login: Key) {
        self.tell(event_type, |event| {
            let login = self.logins.get(login)?;
            self.describe_user(Some(login.user), "", event);
            put(event, "userLoginId", id(login.id));
            put(event, "ip", login.ip.as_str());
            put(event, "port", login.port);
            Some(())
        });
    }

    /// `agentLogin`, `agentLogout`.
    pub(crate) fn tell_agent(&self, event_type: &str, agent: Key) {
        self.tell(event_type, |event| {
            let agent = self.agents.get(agent)?;
            let queue = self.queues.get(agent.queue);
            put(event, "agentId", id(agent.id));
            put(event, "agent", agent.name.as_str());
            put(event, "state", agent.state);
            put(event, "queueId", queue.map(|q| id(q.id)));
            put(event, "queue", queue.map(|q| q.display_name.as_str()));
            self.describe_extension(Some(agent.extension), "", event);
            Some(())
        });
    }

    /// `hangup`, `linkEnd`, `dial`, `linkStart`: of one call segment, or of two, whose properties then end in 1 and 2.
    pub(crate) fn tell_call(&self, event_type: &str, segments: &[Key]) {
        self.tell(event_type, |event| match *segments {
            [one, two] => {
                self.describe_segment(one, "1", event)?;
                self.describe_segment(two, "2", event)
            }
            _ => self.describe_segment(*segments.first()?, "", event),
        });
    }

    /// `confRoomCallJoin`, `confRoomCallLeave`.
    pub(crate) fn tell_room(&self, event_type: &str, room: Key, segment: Key) {
        self.tell(event_type, |event| {
            let room = self.rooms.get(room)?;
            put(event, "conferenceRoomId", id(room.id));
            put(event, "conferenceRoomName", room.display_name.as_str());
            self.describe_segment(segment, "", event)
        });
    }

    fn describe_segment(&self, segment: Key, suffix: &str, event: &mut Event) -> Option<()> {
        let named = |name: &str| format!("{name}{suffix}");
        let segment = self.segments.get(segment)?;
        put(event, &named("callSegmentId"), id(segment.id));
        put(event, &named("callerIdName"), segment.caller_id.name.as_str());
        put(event, &named("callerIdNumber"), segment.caller_id.number.as_str());
        put(event, &named("did"), segment.did.as_deref());
        self.describe_extension(segment.extension, suffix, event);
        Some(())
    }

    fn describe_extension(&self, extension: Option<Key>, suffix: &str, event: &mut Event) {
        let named = |name: &str| format!("{name}{suffix}");
        let extension = extension.and_then(|key| self.extensions.get(key));
        put(event, &named("extensionId"), extension.map(|e| id(e.id)));
        put(event, &named("extensionNumber"), extension.map(|e| e.number.as_str()));
        self.describe_user(extension.and_then(|e| e.users.first().copied()), suffix, event);
    }

    fn describe_user(&self, user: Option<Key>, suffix: &str, event: &mut Event) {
        let named = |name: &str| format!("{name}{suffix}");
        let user = user.and_then(|key| self.users.get(key));
        put(event, &named("userId"), user.map(|u| id(u.id)));
        put(event, &named("username"), user.map(|u| u.user_name.as_str()));
    }
}
