//! The model of a telephony server: what is there, how it hangs together, what may be seen of it.
//!
//! `entities` has the objects, `table` the sets of them, `build` the world at the start, `calls` the PBX that moves
//! calls, `background` the calls nobody asked for, `clock` what happens by itself, `events` what
//! is told of it.

mod background;
pub(crate) mod build;
pub(crate) mod calls;
pub(crate) mod clock;
pub(crate) mod entities;
pub(crate) mod events;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::catalog::{Kind, SubId};
use crate::path::Selector;
use clock::Clock;
use entities::{Agent, Extension, Login, Queue, Room, Segment, Statistics, Status, User};
use events::Events;
use table::{Entity, Key, Rows, Table, Value};

use super::rng::Rng;

/// The whole model.
pub(crate) struct World {
    pub(crate) cores: Vec<Core>,
    /// Ids of this incarnation.
    pub(crate) ids: Rng,
    /// What the background does next.
    pub(crate) dice: Rng,
    pub(crate) seed: u64,
    /// How often the server was started: 1, then one more at each restart.
    pub(crate) incarnation: u64,
    pub(crate) clock: Clock,
    pub(crate) events: Events,
    pub(crate) ring_time: Duration,
    pub(crate) call_duration: Duration,
    pub(crate) calls_per_second: f64,
    pub(crate) licensing: bool,
    pub(crate) conferences_enabled: bool,
}

/// One core server and everything below it.
#[derive(Default)]
pub(crate) struct Core {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) users: Table<User>,
    pub(crate) logins: Table<Login>,
    pub(crate) statuses: Table<Status>,
    pub(crate) extensions: Table<Extension>,
    pub(crate) segments: Table<Segment>,
    pub(crate) queues: Table<Queue>,
    pub(crate) agents: Table<Agent>,
    pub(crate) statistics: Table<Statistics>,
    pub(crate) rooms: Table<Room>,
    /// The lists below the core server as they were last written, with the revision they were written at.
    pub(crate) lists: HashMap<SubId, (u64, Arc<Vec<u8>>)>,
}

impl Entity for Core {
    fn id(&self) -> Uuid {
        self.id
    }

    fn set_id(&mut self, id: Uuid) {
        self.id = id;
    }

    fn name(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn property(&self, name: &str) -> Value<'_> {
        match name {
            "slug" => Value::Text(&self.slug),
            "name" => Value::Text(&self.name),
            _ => Value::Unknown,
        }
    }
}

impl Core {
    /// The table of a kind; core servers themselves are in none.
    pub(crate) fn rows(&self, kind: Kind) -> Option<&dyn Rows> {
        Some(match kind {
            Kind::CoreServer => return None,
            Kind::User => &self.users,
            Kind::Login => &self.logins,
            Kind::Status => &self.statuses,
            Kind::Extension => &self.extensions,
            Kind::CallSegment => &self.segments,
            Kind::Queue => &self.queues,
            Kind::Agent => &self.agents,
            Kind::Statistics => &self.statistics,
            Kind::ConferenceRoom => &self.rooms,
        })
    }

    /// What is related to an object below the core server: empty for a pair of kinds the model does not relate.
    pub(crate) fn related(&self, (parent, key): (Kind, Key), child: Kind) -> &[Key] {
        let keys = match (parent, child) {
            (Kind::User, Kind::Login) => self.users.get(key).map(|u| u.logins.as_slice()),
            (Kind::User, Kind::Status) => self.users.get(key).map(|u| std::slice::from_ref(&u.status)),
            (Kind::User, Kind::Extension) => self.users.get(key).map(|u| u.extensions.as_slice()),
            (Kind::Extension, Kind::CallSegment) => self.extensions.get(key).map(|e| e.segments.as_slice()),
            (Kind::Extension, Kind::Agent) => self.extensions.get(key).map(|e| e.agents.as_slice()),
            (Kind::Queue, Kind::CallSegment) => self.queues.get(key).map(|q| q.segments.as_slice()),
            (Kind::Queue, Kind::Agent) => self.queues.get(key).map(|q| q.agents.as_slice()),
            (Kind::Agent, Kind::Extension) => self.agents.get(key).map(|a| std::slice::from_ref(&a.extension)),
            (Kind::Agent, Kind::Statistics) => self.agents.get(key).map(|a| std::slice::from_ref(&a.statistics)),
            (Kind::ConferenceRoom, Kind::CallSegment) => self.rooms.get(key).map(|r| r.segments.as_slice()),
            _ => None,
        };
        keys.unwrap_or_default()
    }

    /// Sets anew which extensions a licence covers; `users` is who changed.
    pub(crate) fn license(&mut self, extension: Key) {
        let Some(row) = self.extensions.get(extension) else { return };
        let licensed = row.users.iter().any(|user| self.users.get(*user).is_some_and(|u| u.full));
        if licensed != row.licensed {
            self.extensions.edit(extension, |e| e.licensed = licensed);
            self.segments.touch();
        }
    }

    pub(crate) fn bind(&mut self, user: Key, extension: Key) {
        self.users.relate(user, |u| u.extensions.push(extension));
        self.extensions.relate(extension, |e| e.users.push(user));
        self.license(extension);
    }

    /// Makes an extension an agent of a queue.
    pub(crate) fn add_agent(&mut self, ids: &mut Rng, queue: Key, extension: Key, dynamic: bool, now: i64) -> Key {
        let name = self.extensions.get(extension).map_or_else(String::new, |e| e.display_name.clone());
        let statistics = self.statistics.insert(Statistics {
            id: ids.uuid(),
            calls_taken: 0,
            last_call: -1,
            penalty: 0,
            logged_in: now,
        });
        let id = ids.uuid();
        let state = "NOT_INUSE";
        let agent = self.agents.insert(Agent { id, paused: false, state, name, dynamic, queue, extension, statistics });
        self.queues.relate(queue, |q| q.agents.push(agent));
        self.extensions.relate(extension, |e| e.agents.push(agent));
        agent
    }

    pub(crate) fn remove_agent(&mut self, key: Key) {
        let Some(agent) = self.agents.remove(key) else { return };
        self.statistics.remove(agent.statistics);
        self.queues.relate(agent.queue, |q| q.agents.retain(|a| *a != key));
        self.extensions.relate(agent.extension, |e| e.agents.retain(|a| *a != key));
    }

    pub(crate) fn remove_login(&mut self, key: Key) {
        if let Some(login) = self.logins.remove(key) {
            self.users.relate(login.user, |u| u.logins.retain(|l| *l != key));
        }
    }
}

impl World {
    /// Whether the licence and the enable switches let an object be seen.
    pub(crate) fn visible(&self, core: &Core, kind: Kind, key: Key) -> bool {
        let licensed = |e: Key| !self.licensing || core.extensions.get(e).is_some_and(|e| e.licensed);
        match kind {
            Kind::Extension => licensed(key),
            Kind::CallSegment => core.segments.get(key).is_some_and(|s| s.extension.is_none_or(licensed)),
            Kind::Status => !self.licensing || core.statuses.get(key).is_some_and(|s| s.full),
            Kind::Queue => core.queues.get(key).is_some_and(|q| q.enabled),
            Kind::Agent => core
                .agents
                .get(key)
                .is_some_and(|a| licensed(a.extension) && core.queues.get(a.queue).is_some_and(|q| q.enabled)),
            Kind::ConferenceRoom => self.conferences_enabled,
            Kind::CoreServer | Kind::User | Kind::Login | Kind::Statistics => true,
        }
    }

    pub(crate) fn core(&self, selector: &Selector) -> Option<usize> {
        self.cores.iter().position(|core| match selector {
            Selector::Id(id) => core.id == *id,
            Selector::Name(slug) => core.slug == *slug,
        })
    }

    /// Makes every list be written anew.
    pub(crate) fn touch(&mut self) {
        for core in &mut self.cores {
            core.lists.clear();
        }
    }

    /// What a restart of the server does: new ids everywhere; calls, logins and dynamic agents are gone.
    pub(crate) fn restart(&mut self) {
        self.incarnation += 1;
        self.ids = Rng::new(self.seed, build::STREAM_IDS + self.incarnation);
        self.clock.cancel_all();
        let ids = &mut self.ids;
        for core in &mut self.cores {
            core.id = ids.uuid();
            core.logins.clear();
            core.segments.clear();
            let keys: Vec<Key> = core.users.keys().collect();
            keys.iter().for_each(|key| core.users.relate(*key, |u| u.logins.clear()));
            let keys: Vec<Key> = core.extensions.keys().collect();
            keys.iter().for_each(|key| core.extensions.relate(*key, |e| e.segments.clear()));
            let keys: Vec<Key> = core.queues.keys().collect();
            keys.iter().for_each(|key| core.queues.relate(*key, |q| q.segments.clear()));
            let keys: Vec<Key> = core.rooms.keys().collect();
            keys.iter().for_each(|key| core.rooms.relate(*key, |r| r.segments.clear()));
            let agents: Vec<(Key, bool)> = core.agents.iter().map(|(key, agent)| (key, agent.dynamic)).collect();
            for (key, dynamic) in agents {
                match dynamic {
                    true => core.remove_agent(key),
                    false => drop(core.agents.edit(key, |a| a.state = "NOT_INUSE")),
                }
            }
            core.users.renew_ids(ids);
            core.statuses.renew_ids(ids);
            core.extensions.renew_ids(ids);
            core.queues.renew_ids(ids);
            core.agents.renew_ids(ids);
            core.statistics.renew_ids(ids);
            core.rooms.renew_ids(ids);
        }
        self.start_background();
    }
}
