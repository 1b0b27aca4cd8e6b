//! What scripts may do to one core server of a sandbox: to its `calls`, `users`, `extensions` and `queues`.

mod calls;
mod extensions;
mod queues;
mod users;

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::server::Shared;
use super::world::calls::Party;
use super::world::table::Key;
use super::world::{Core, World};
use crate::catalog::Kind;
use crate::error::{Code, Error, Result};

/// Somebody outside who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name, as the caller id shows it.
    pub name: String,
    /// The number, as the caller id shows it.
    pub number: String,
    /// The number that was dialled, if it is known.
    pub did: Option<String>,
}

impl Caller {
    /// A caller whose dialled number is not known.
    pub fn new(name: &str, number: &str) -> Caller {
        Caller { name: name.to_owned(), number: number.to_owned(), did: None }
    }

    /// Sets the number that was dialled.
    pub fn did(mut self, did: &str) -> Caller {
        self.did = Some(did.to_owned());
        self
    }

    fn party(&self) -> Party {
        Party {
            name: self.name.clone(),
            number: self.number.clone(),
            did: self.did.clone(),
            external: true,
            incoming: true,
        }
    }
}

/// One core server of a sandbox, for scripts: objects come and go, calls move.
///
/// Users are named by user name, extensions by number, queues and conference rooms by identifier, call segments by id.
/// What a licence hides from the API is named here too. Every method that names something fails with
/// [`Code::NotFound`] where there is no such thing. Names need not be unique: a second object with the same name is how
/// ambiguity is tried out; the older one is then what the name means.
#[derive(Clone)]
pub struct Pbx {
    shared: Arc<Shared>,
    place: usize,
}

impl fmt::Debug for Pbx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pbx({:?})", self.slug())
    }
}

fn missing(kind: Kind, name: &dyn fmt::Display) -> Error {
    Error::new(Code::NotFound, format!("the sandbox has no {kind} {name}"))
}

fn invalid(message: String) -> Error {
    Error::new(Code::InvalidArgument, message)
}

/// An object by its symbolic name.
fn named(core: &Core, kind: Kind, name: &str) -> Result<Key> {
    core.rows(kind).and_then(|rows| rows.find(&name.into())).ok_or_else(|| missing(kind, &name))
}

fn segment(core: &Core, id: Uuid) -> Result<Key> {
    core.segments.by_id(id).ok_or_else(|| missing(Kind::CallSegment, &id))
}

fn agent(core: &Core, queue: &str, extension: &str) -> Result<Key> {
    let queue_key = named(core, Kind::Queue, queue)?;
    let extension_key = named(core, Kind::Extension, extension)?;
    let mut agents = core.related((Kind::Queue, queue_key), Kind::Agent).iter().copied();
    agents
        .find(|key| core.agents.get(*key).is_some_and(|a| a.extension == extension_key))
        .ok_or_else(|| missing(Kind::Agent, &format!("{extension} in queue {queue}")))
}

impl Pbx {
    pub(crate) fn new(shared: Arc<Shared>, place: usize) -> Pbx {
        Pbx { shared, place }
    }

    fn world<R>(&self, work: impl FnOnce(&mut World, usize) -> R) -> R {
        self.shared.with_world(|world| work(world, self.place))
    }

    fn core<R>(&self, work: impl FnOnce(&mut Core) -> R) -> R {
        self.world(|world, place| work(&mut world.cores[place]))
    }

    fn id_of(&self, kind: Kind, name: &str) -> Result<Uuid> {
        self.core(|core| {
            let key = named(core, kind, name)?;
            core.rows(kind).and_then(|rows| rows.row(key)).map(|row| row.id()).ok_or_else(|| missing(kind, &name))
        })
    }

    /// The slug of this core server.
    pub fn slug(&self) -> String {
        self.core(|core| core.slug.clone())
    }

    /// The id of this core server, of this incarnation.
    pub fn core_server_id(&self) -> Uuid {
        self.core(|core| core.id)
    }

    /// The id of a user.
    pub fn user_id(&self, user_name: &str) -> Result<Uuid> {
        self.id_of(Kind::User, user_name)
    }

    /// The id of an extension.
    pub fn extension_id(&self, number: &str) -> Result<Uuid> {
        self.id_of(Kind::Extension, number)
    }

    /// The id of a queue.
    pub fn queue_id(&self, identifier: &str) -> Result<Uuid> {
        self.id_of(Kind::Queue, identifier)
    }

    /// The id of a conference room.
    pub fn conference_id(&self, identifier: &str) -> Result<Uuid> {
        self.id_of(Kind::ConferenceRoom, identifier)
    }

    /// The id of an extension's agent in a queue.
    pub fn agent_id(&self, queue: &str, extension: &str) -> Result<Uuid> {
        self.core(|core| {
            let key = agent(core, queue, extension)?;
            core.agents.get(key).map(|a| a.id).ok_or_else(|| missing(Kind::Agent, &extension))
        })
    }

    /// The numbers of all extensions, in the order of the API's list; those a licence hides too.
    pub fn extension_numbers(&self) -> Vec<String> {
        self.core(|core| core.extensions.iter().map(|(_, e)| e.number.clone()).collect())
    }

    /// The ids of the call segments on an extension, oldest first.
    pub fn call_segments(&self, extension: &str) -> Result<Vec<Uuid>> {
        self.core(|core| {
            let key = named(core, Kind::Extension, extension)?;
            let segments = core.related((Kind::Extension, key), Kind::CallSegment);
            Ok(segments.iter().filter_map(|s| core.segments.get(*s)).map(|s| s.id).collect())
        })
    }

    /// How many call segments there are.
    pub fn call_segment_count(&self) -> usize {
        self.core(|core| core.segments.len())
    }
}

fn segment_id(world: &World, place: usize, key: Key) -> Result<Uuid> {
    world.cores[place].segments.get(key).map(|s| s.id).ok_or_else(|| missing(Kind::CallSegment, &key))
}

fn non_empty(what: &str, text: &str) -> Result<()> {
    if text.is_empty() { Err(invalid(format!("the {what} is empty"))) } else { Ok(()) }
}
