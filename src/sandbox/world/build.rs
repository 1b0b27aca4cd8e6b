//! The world at the start: the vendor's own objects first, then plausible further ones, all from the seed.

use uuid::{Uuid, uuid};

use super::clock::{Clock, unix_millis};
use super::entities::{Extension, Login, Queue, Room, Status, User};
use super::events::Events;
use super::table::Key;
use super::{Core, World};
use crate::sandbox::config::SandboxConfig;
use crate::sandbox::rng::Rng;

/// The stream of ids is a new one at each incarnation, counted from here.
pub(crate) const STREAM_IDS: u64 = 1_000;
const STREAM_CONFIGURATION: u64 = 1;
const STREAM_NAMES: u64 = 2;
const STREAM_DICE: u64 = 3;

/// Ids and values the vendor's documentation prints.
mod vendor {
    use super::{Uuid, uuid};

    pub(super) const CORE_SERVER: Uuid = uuid!("ca5de6c4-17bd-46ce-95a2-8b29c7812ca4");
    pub(super) const EXTENSION: Uuid = uuid!("ef2faba9-8557-49c1-9ffc-5a71f41c7a23");
    pub(super) const QUEUE: Uuid = uuid!("4f302d40-bd94-4fdd-8129-cf53ed68cb5e");
    pub(super) const QUEUE_CONFIGURATION: Uuid = uuid!("c46f4e60-aba2-4340-a6a5-0c7304d40ba1");
    pub(super) const MIKE: Uuid = uuid!("e7577c7b-5d58-46a5-a834-386f52401c19");
    pub(super) const MIKES_LOGIN: Uuid = uuid!("0c51236d-5f93-4379-8997-8a840a511497");
    pub(super) const MIKES_PORT: u16 = 57042;
    pub(super) const TIME: i64 = 1_436_889_915_953;
}

const FIRST_NAMES: [&str; 24] = [
    "Anna",
    "Bruno",
    "Chloé",
    "David",
    "Elif",
    "François",
    "Grace",
    "Håkan",
    "Inés",
    "Jörg",
    "Karla",
    "Łukasz",
    "María",
    "Noah",
    "Oksana",
    "Paulo",
    "Quinn",
    "Renée",
    "Søren",
    "Tomáš",
    "Ulla",
    "Viktor",
    "Wanda",
    "Zoë",
];
const LAST_NAMES: [&str; 25] = [
    "Andersson",
    "Becker",
    "Costa",
    "Dvořák",
    "Evans",
    "Fischer",
    "García",
    "Hansen",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "López",
    "Müller",
    "Novák",
    "O'Brien",
    "Petit",
    "Quispe",
    "Rossi",
    "Smith",
    "Tanaka",
    "Ünal",
    "Virtanen",
    "Weiß",
    "Young",
    "Zhang",
];
const QUEUE_NAMES: [&str; 5] = ["IncomingQ", "Support", "Sales", "Billing", "Überlauf"];
const STATUSES: [(&str, &str); 4] =
    [("Available", "available"), ("Away", "away"), ("Lunch", "xa"), ("Do Not Disturb", "dnd")];

/// What the objects of one core server are made with.
struct Builder<'a> {
    config: &'a SandboxConfig,
    ids: &'a mut Rng,
    configuration: Rng,
    names: Rng,
    /// The first core server holds the vendor's objects.
    first: bool,
}

impl World {
    pub(crate) fn new(config: &SandboxConfig) -> World {
        let mut ids = Rng::new(config.seed, STREAM_IDS + 1);
        let cores = config.core_servers.iter().enumerate().map(|(i, slug)| {
            let stream = |stream: u64| Rng::new(config.seed, stream + ((i as u64) << 32));
            let mut builder = Builder {
                config,
                ids: &mut ids,
                configuration: stream(STREAM_CONFIGURATION),
                names: stream(STREAM_NAMES),
                first: i == 0,
            };
            builder.core(slug)
        });
        let cores = cores.collect();
        let mut world = World {
            cores,
            ids,
            dice: Rng::new(config.seed, STREAM_DICE),
            seed: config.seed,
            incarnation: 1,
            clock: Clock::new(),
            events: Events::default(),
            ring_time: config.ring_time,
            call_duration: config.call_duration,
            calls_per_second: config.calls_per_second,
            licensing: config.licensing,
            conferences_enabled: config.conferences_enabled,
        };
        for core in 0..world.cores.len() {
            world.calls_at_start(core, config.calls_at_start);
        }
        world.start_background();
        world
    }
}

impl Builder<'_> {
    fn core(&mut self, slug: &str) -> Core {
        let id = self.id(vendor::CORE_SERVER);
        let name = match slug {
            "default" => "Default".to_owned(),
            _ => format!("Core server {slug}"),
        };
        let mut core = Core { id, slug: slug.to_owned(), name, ..Core::default() };
        let extensions = self.users(&mut core);
        self.queues(&mut core, &extensions);
        self.rooms(&mut core);
        core
    }

    /// A new id, or the vendor's in the first core server. A number is drawn either way.
    fn id(&mut self, vendors: Uuid) -> Uuid {
        let id = self.ids.uuid();
        if self.first { vendors } else { id }
    }

    fn users(&mut self, core: &mut Core) -> Vec<Key> {
        let count = self.config.users;
        let offset = self.names.below(600) as usize;
        let mut extensions = Vec::with_capacity(count as usize);
        for n in 0..count {
            let person = person(offset, n);
            let (user_name, displayed_name, display_name) = match n {
                0 => ("4224".to_owned(), "Michael Y (desk)".to_owned(), "Michael Y".to_owned()),
                1 => ("mike".to_owned(), "Mike".to_owned(), "Mike".to_owned()),
                3 => ("front desk".to_owned(), "Front Desk".to_owned(), "Front Desk".to_owned()),
                _ => (person.to_lowercase().replace(' ', "."), person.clone(), person),
            };
            let number = match n {
                0 => "4224".to_owned(),
                2 => "*72".to_owned(),
                _ if n < 80_000 => (10_000 + n).to_string(),
                _ => (1_000_000 + n).to_string(),
            };
            let user = self.user(core, n, user_name, displayed_name);
            let extension = self.extension(core, n == 0, number, display_name);
            core.bind(user, extension);
            extensions.push(extension);
        }
        let users: Vec<Key> = core.users.iter().map(|(key, _)| key).collect();
        for n in 0..self.config.extra_extensions {
            let user = users[n as usize % users.len()];
            let number = (3_000_000 + n).to_string();
            let extension = self.extension(core, false, number, person(offset, count + n));
            core.bind(user, extension);
        }
        extensions
    }

    fn user(&mut self, core: &mut Core, n: u32, user_name: String, displayed_name: String) -> Key {
        let full = n < self.config.users - self.config.lite_users;
        let (name, ty) = STATUSES[self.names.below(8).saturating_sub(4) as usize];
        let status = core.statuses.insert(Status {
            id: self.ids.uuid(),
            configuration_id: self.configuration.uuid(),
            name: name.to_owned(),
            ty: ty.to_owned(),
            note: String::new(),
            return_time: -1,
            user_created: false,
            full,
        });
        let mikes = n == 1 && self.first;
        let id = self.ids.uuid();
        let user = core.users.insert(User {
            id: if mikes { vendor::MIKE } else { id },
            configuration_id: self.configuration.uuid(),
            user_name,
            displayed_name,
            permission_id: self.configuration.uuid(),
            full,
            extensions: Vec::new(),
            logins: Vec::new(),
            status,
        });
        if n < 2 || n.is_multiple_of(3) {
            let id = self.ids.uuid();
            let login = core.logins.insert(Login {
                id: if mikes { vendor::MIKES_LOGIN } else { id },
                ip: if n == 1 {
                    "127.0.0.1".to_owned()
                } else {
                    format!("192.168.{}.{}", (n / 250) % 250, 1 + n % 250)
                },
                port: if n == 1 { vendor::MIKES_PORT } else { 49_152 + self.names.below(16_000) as u16 },
                time_connected: vendor::TIME - i64::from(n) * 60_000 + i64::from(n > 0) * 60_000,
                user,
            });
            core.users.relate(user, |u| u.logins.push(login));
        }
        user
    }

    fn extension(&mut self, core: &mut Core, vendors: bool, number: String, display_name: String) -> Key {
        let id = self.ids.uuid();
        core.extensions.insert(Extension {
            id: if vendors && self.first { vendor::EXTENSION } else { id },
            number,
            display_name,
            configuration_id: self.configuration.uuid(),
            permission_id: self.configuration.uuid(),
            dnd: false,
            licensed: false,
            users: Vec::new(),
            segments: Vec::new(),
            agents: Vec::new(),
        })
    }

    fn queues(&mut self, core: &mut Core, extensions: &[Key]) {
        for n in 0..self.config.queues {
            let id = self.ids.uuid();
            let configuration_id = self.configuration.uuid();
            let permission_id = self.configuration.uuid();
            let vendors = n == 0 && self.first;
            let queue = core.queues.insert(Queue {
                id: if vendors { vendor::QUEUE } else { id },
                display_name: match QUEUE_NAMES.get(n as usize) {
                    Some(name) => (*name).to_owned(),
                    None => format!("Queue {}", n + 1),
                },
                identifier: (5_001 + n).to_string(),
                configuration_id: if vendors { vendor::QUEUE_CONFIGURATION } else { configuration_id },
                permission_id: if vendors { vendor::QUEUE_CONFIGURATION } else { permission_id },
                enabled: true,
                agents: Vec::new(),
                segments: Vec::new(),
            });
            let agents = self.config.agents_per_queue.min(extensions.len() as u32);
            for a in 0..agents {
                // Neighbouring queues share agents, as real ones do.
                let extension = extensions[(n as usize * 2 + a as usize) % extensions.len()];
                core.add_agent(self.ids, queue, extension, a + 1 == agents, unix_millis());
            }
        }
    }

    fn rooms(&mut self, core: &mut Core) {
        for n in 0..self.config.conferences {
            let identifier = (8_001 + n).to_string();
            core.rooms.insert(Room {
                id: self.ids.uuid(),
                configuration_id: self.configuration.uuid(),
                display_name: format!("Room {}", n + 1),
                dial_string: identifier.clone(),
                identifier,
                user_generated: n % 2 == 1,
                permission_id: self.configuration.uuid(),
                segments: Vec::new(),
            });
        }
    }
}

/// The n-th person: 600 distinct names, then the same ones with a number.
fn person(offset: usize, n: u32) -> String {
    let count = FIRST_NAMES.len() * LAST_NAMES.len();
    // 24 and 25 have no common divisor, so stepping through both at once meets every pair.
    let i = (offset + n as usize) % count;
    let (first, last) = (FIRST_NAMES[i % FIRST_NAMES.len()], LAST_NAMES[i % LAST_NAMES.len()]);
    match n as usize / count {
        0 => format!("{first} {last}"),
        round => format!("{first} {last} {}", round + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_the_seed_decides() {
        let config = SandboxConfig::new().users(3000).extra_extensions(10).seed(7);
        let world = World::new(&config);
        let core = &world.cores[0];
        let names: HashSet<_> = core.users.iter().map(|(_, u)| u.user_name.clone()).collect();
        let numbers: HashSet<_> = core.extensions.iter().map(|(_, e)| e.number.clone()).collect();
        assert_eq!((names.len(), numbers.len()), (3000, 3010));
        assert!(names.iter().any(|n| !n.is_ascii()) && names.iter().any(|n| n.contains(' ')));
        let ids = |w: &World| w.cores[0].extensions.iter().map(|(_, e)| e.id).collect::<Vec<_>>();
        assert_eq!(ids(&world), ids(&World::new(&config)));
        assert_ne!(ids(&world), ids(&World::new(&config.clone().seed(8))));
    }
}
