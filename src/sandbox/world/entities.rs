//! The objects of the model, one type a kind of the catalogue.

use uuid::Uuid;

use super::table::{Entity, Key, Value};

/// A user.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) configuration_id: Uuid,
    pub(crate) user_name: String,
    pub(crate) displayed_name: String,
    pub(crate) permission_id: Uuid,
    /// Has a full licence.
    pub(crate) full: bool,
    pub(crate) extensions: Vec<Key>,
    pub(crate) logins: Vec<Key>,
    pub(crate) status: Key,
}

/// A login of a user.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) id: Uuid,
    pub(crate) ip: String,
    pub(crate) port: u16,
    pub(crate) time_connected: i64,
    pub(crate) user: Key,
}

/// The status of a user.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) id: Uuid,
    pub(crate) configuration_id: Uuid,
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) note: String,
    pub(crate) return_time: i64,
    pub(crate) user_created: bool,
    /// Its user has a full licence.
    pub(crate) full: bool,
}

/// An extension.
#[derive(Debug)]
pub(crate) struct Extension {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    pub(crate) display_name: String,
    pub(crate) configuration_id: Uuid,
    pub(crate) permission_id: Uuid,
    pub(crate) dnd: bool,
    /// Bound to a user with a full licence.
    pub(crate) licensed: bool,
    pub(crate) users: Vec<Key>,
    pub(crate) segments: Vec<Key>,
    pub(crate) agents: Vec<Key>,
}

/// How far a call segment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its phone rings.
    Ringing,
    /// Its phone is off the hook, and the other side rings.
    Dialing,
    /// It waits in a queue.
    Waiting,
    /// It talks: to its peer, to a room, or to somebody outside.
    Linked,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct CallerId {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) number: String,
}

/// A call segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: Uuid,
    pub(crate) external: bool,
    pub(crate) caller_id: CallerId,
    pub(crate) did: Option<String>,
    pub(crate) on_hold: bool,
    pub(crate) recording: bool,
    pub(crate) incoming: bool,
    pub(crate) extension: Option<Key>,
    pub(crate) queue: Option<Key>,
    pub(crate) room: Option<Key>,
    /// The other side: dialled or linked.
    pub(crate) peer: Option<Key>,
    pub(crate) phase: Phase,
    /// What is dialled once its own phone is answered.
    pub(crate) goal: Option<String>,
    /// Goes on by itself; scripted calls do not.
    pub(crate) auto: bool,
    /// The number of the task that moves it on; older tasks are void.
    pub(crate) due: u64,
}

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) id: Uuid,
    pub(crate) display_name: String,
    pub(crate) identifier: String,
    pub(crate) configuration_id: Uuid,
    pub(crate) permission_id: Uuid,
    pub(crate) enabled: bool,
    pub(crate) agents: Vec<Key>,
    pub(crate) segments: Vec<Key>,
}

/// An agent.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) id: Uuid,
    pub(crate) paused: bool,
    pub(crate) state: &'static str,
    pub(crate) name: String,
    pub(crate) dynamic: bool,
    pub(crate) queue: Key,
    pub(crate) extension: Key,
    pub(crate) statistics: Key,
}

/// The statistics of an agent. The catalogue knows none of its properties, as with a real server's.
#[derive(Debug)]
pub(crate) struct Statistics {
    pub(crate) id: Uuid,
    pub(crate) calls_taken: i64,
    pub(crate) last_call: i64,
    pub(crate) penalty: i64,
    pub(crate) logged_in: i64,
}

/// A conference room.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: Uuid,
    pub(crate) configuration_id: Uuid,
    pub(crate) display_name: String,
    pub(crate) identifier: String,
    pub(crate) dial_string: String,
    pub(crate) user_generated: bool,
    pub(crate) permission_id: Uuid,
    pub(crate) segments: Vec<Key>,
}

macro_rules! entity {
    ($ty:ty $(, name = $name:ident)?; $this:ident: $($property:literal => $value:expr),* $(,)?) => {
        impl Entity for $ty {
            fn id(&self) -> Uuid {
                self.id
            }
            fn set_id(&mut self, id: Uuid) {
                self.id = id;
            }
            $(fn name(&self) -> Option<&str> {
                Some(&self.$name)
            })?
            fn property(&self, name: &str) -> Value<'_> {
                let $this = self;
                match name {
                    $($property => $value,)*
                    _ => Value::Unknown,
                }
            }
        }
    };
}

entity! { User, name = user_name; u:
    "configurationId" => Value::Id(u.configuration_id),
    "userName" => Value::Text(&u.user_name),
    "displayedName" => Value::Text(&u.displayed_name),
    "permissionId" => Value::Id(u.permission_id),
}

entity! { Login; l:
    "ip" => Value::Text(&l.ip),
    "port" => Value::Int(i64::from(l.port)),
    "timeConnected" => Value::Int(l.time_connected),
}

entity! { Status; s:
    "configurationId" => Value::Id(s.configuration_id),
    "name" => Value::Text(&s.name),
    "type" => Value::Text(&s.ty),
    "note" => Value::Text(&s.note),
    "returnTime" => Value::Int(s.return_time),
    "userCreated" => Value::Bool(s.user_created),
}

entity! { Extension, name = number; e:
    "extensionNumber" => Value::Text(&e.number),
    "displayName" => Value::Text(&e.display_name),
    "configurationId" => Value::Id(e.configuration_id),
    "permissionId" => Value::Id(e.permission_id),
}

entity! { Segment; s:
    "type" => Value::Text(if s.external { "EXTERNAL" } else { "INTERNAL" }),
    "callerId.id" => Value::Id(s.caller_id.id),
    "callerId.name" => Value::Text(&s.caller_id.name),
    "callerId.number" => Value::Text(&s.caller_id.number),
    "did" => s.did.as_deref().into(),
    "onHold" => Value::Bool(s.on_hold),
    "recording" => Value::Bool(s.recording),
    "incoming" => Value::Bool(s.incoming),
}

entity! { Queue, name = identifier; q:
    "displayName" => Value::Text(&q.display_name),
    "identifier" => Value::Text(&q.identifier),
    "configurationId" => Value::Id(q.configuration_id),
    "permissionId" => Value::Id(q.permission_id),
}

entity! { Agent; a:
    "paused" => Value::Bool(a.paused),
    "state" => Value::Text(a.state),
    "name" => Value::Text(&a.name),
    "dynamic" => Value::Bool(a.dynamic),
}

entity! { Room, name = identifier; r:
    "configurationId" => Value::Id(r.configuration_id),
    "displayName" => Value::Text(&r.display_name),
    "identifier" => Value::Text(&r.identifier),
    "dialString" => Value::Text(&r.dial_string),
    "userGenerated" => Value::Bool(r.user_generated),
    "permissionId" => Value::Id(r.permission_id),
}

impl Entity for Statistics {
    fn id(&self) -> Uuid {
        self.id
    }

    fn set_id(&mut self, id: Uuid) {
        self.id = id;
    }

    fn property(&self, _: &str) -> Value<'_> {
        Value::Unknown
    }

    fn extra(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("callsTaken", Value::Int(self.calls_taken)),
            ("lastCall", Value::Int(self.last_call)),
            ("penalty", Value::Int(self.penalty)),
            ("loggedInTime", Value::Int(self.logged_in)),
        ]
    }
}
