//! What scripts may do to one core server of a sandbox.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::actions;
use super::server::Shared;
use super::world::calls::Party;
use super::world::clock::unix_millis;
use super::world::entities::{Extension, Login, Phase, Queue, Room, Status, User};
use super::world::table::Key;
use super::world::{Core, World};
use crate::catalog::{AGENT_STATES, Kind, STATUS_TYPES};
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

    // ---- calls ----

    /// A call from outside makes an extension ring, until [`Pbx::answer`] or [`Pbx::hang_up`]. Its segment's id.
    pub fn add_call(&self, extension: &str, caller: &Caller) -> Result<Uuid> {
        self.world(|world, place| {
            let extension = named(&world.cores[place], Kind::Extension, extension)?;
            let key = world.new_segment(place, caller.party(), Phase::Ringing, false);
            world.put_on_extension(place, key, Some(extension));
            segment_id(world, place, key)
        })
    }

    /// One extension calls another, which rings until [`Pbx::answer`]. The ids of the caller's and the called one's
    /// segment. Fails with [`Code::Rejected`] where do-not-disturb is on.
    pub fn add_internal_call(&self, from: &str, to: &str) -> Result<(Uuid, Uuid)> {
        self.world(|world, place| {
            let core = &world.cores[place];
            let (from, to_key) = (named(core, Kind::Extension, from)?, named(core, Kind::Extension, to)?);
            if core.extensions.get(to_key).is_some_and(|e| e.dnd) {
                return Err(Error::new(Code::Rejected, format!("extension {to} is on do-not-disturb")));
            }
            let party = world.party_of(place, from);
            let caller = world.new_segment(place, party, Phase::Dialing, false);
            world.put_on_extension(place, caller, Some(from));
            world.ring(place, caller, to_key);
            let called = world.cores[place].segments.get(caller).and_then(|s| s.peer).unwrap_or(caller);
            Ok((segment_id(world, place, caller)?, segment_id(world, place, called)?))
        })
    }

    /// A call from outside waits in a queue; a free agent rings until [`Pbx::answer`]. The caller's segment's id.
    pub fn queue_call(&self, queue: &str, caller: &Caller) -> Result<Uuid> {
        self.world(|world, place| {
            let queue = named(&world.cores[place], Kind::Queue, queue)?;
            let key = world.new_segment(place, caller.party(), Phase::Waiting, false);
            world.enter_queue(place, key, queue);
            segment_id(world, place, key)
        })
    }

    /// Does what the action does: rings the extension, then calls the destination; goes on by itself. The id of the
    /// extension's segment.
    pub fn originate(&self, extension: &str, destination: &str) -> Result<Uuid> {
        self.world(|world, place| {
            let extension = named(&world.cores[place], Kind::Extension, extension)?;
            let key = world.originate(place, extension, destination);
            segment_id(world, place, key)
        })
    }

    /// Answers a ringing segment; for a caller in a queue, the agent that rings for him.
    ///
    /// Fails with [`Code::Rejected`] where nothing rings.
    pub fn answer(&self, segment_id: Uuid) -> Result<()> {
        self.world(|world, place| {
            let core = &world.cores[place];
            let key = segment(core, segment_id)?;
            let rings = |key: &Key| core.segments.get(*key).is_some_and(|s| s.phase == Phase::Ringing);
            let peer = core.segments.get(key).and_then(|s| s.peer);
            let ringing = [Some(key), peer].into_iter().flatten().find(rings);
            let ringing = ringing.ok_or_else(|| Error::new(Code::Rejected, format!("{segment_id} does not ring")))?;
            world.answer(place, ringing);
            Ok(())
        })
    }

    /// Puts a segment on hold, or takes it back.
    pub fn hold(&self, segment_id: Uuid, on: bool) -> Result<()> {
        self.world(|world, place| {
            let key = segment(&world.cores[place], segment_id)?;
            world.set_hold(place, key, on);
            Ok(())
        })
    }

    /// Starts or ends recording a segment.
    pub fn record(&self, segment_id: Uuid, on: bool) -> Result<()> {
        self.core(|core| {
            let key = segment(core, segment_id)?;
            core.segments.edit(key, |s| s.recording = on);
            Ok(())
        })
    }

    /// Ends a segment, and the one it talks to. An agent who rejects a caller of a queue leaves him waiting there.
    pub fn hang_up(&self, segment_id: Uuid) -> Result<()> {
        self.world(|world, place| {
            let key = segment(&world.cores[place], segment_id)?;
            world.hang_up(place, key);
            Ok(())
        })
    }

    /// Ends all calls.
    pub fn hang_up_all(&self) {
        self.world(|world, place| {
            let keys: Vec<Key> = world.cores[place].segments.iter().map(|(key, _)| key).collect();
            keys.into_iter().for_each(|key| world.hang_up(place, key));
        });
    }

    /// Puts a segment into a conference room; it leaves whom it talks to, who is hung up.
    pub fn join_conference(&self, segment_id: Uuid, conference: &str) -> Result<()> {
        self.world(|world, place| {
            let core = &world.cores[place];
            let (key, room) = (segment(core, segment_id)?, named(core, Kind::ConferenceRoom, conference)?);
            if let Some(peer) = world.unlink(place, key) {
                world.hang_up(place, peer);
            }
            world.enter_room(place, key, room);
            Ok(())
        })
    }

    /// Does what the action does: moves a segment to an extension, a queue, a conference room or an outside number.
    pub fn transfer(&self, segment_id: Uuid, destination: &str) -> Result<()> {
        self.world(|world, place| {
            let key = segment(&world.cores[place], segment_id)?;
            world.transfer(place, key, destination);
            Ok(())
        })
    }

    // ---- users ----

    /// A new user with a full licence and no extension. Its id.
    pub fn add_user(&self, user_name: &str, displayed_name: &str) -> Result<Uuid> {
        non_empty("user name", user_name)?;
        Ok(self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let status = core.statuses.insert(Status {
                id: ids.uuid(),
                configuration_id: ids.uuid(),
                name: "Available".to_owned(),
                ty: "available".to_owned(),
                note: String::new(),
                return_time: -1,
                user_created: false,
                full: true,
            });
            let id = ids.uuid();
            core.users.insert(User {
                id,
                configuration_id: ids.uuid(),
                user_name: user_name.to_owned(),
                displayed_name: displayed_name.to_owned(),
                permission_id: ids.uuid(),
                full: true,
                extensions: Vec::new(),
                logins: Vec::new(),
                status,
            });
            id
        }))
    }

    /// Removes a user, with logins and status. The extensions stay, unbound.
    pub fn remove_user(&self, user_name: &str) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            core.related((Kind::User, key), Kind::Login).to_vec().into_iter().for_each(|l| core.remove_login(l));
            let Some(user) = core.users.remove(key) else { return Ok(()) };
            core.statuses.remove(user.status);
            for extension in user.extensions {
                core.extensions.relate(extension, |e| e.users.retain(|u| *u != key));
                core.license(extension);
            }
            Ok(())
        })
    }

    /// Gives a user another user name; the id stays.
    pub fn rename_user(&self, user_name: &str, new_user_name: &str) -> Result<()> {
        non_empty("user name", new_user_name)?;
        self.edit_user(user_name, |u| u.user_name = new_user_name.to_owned())
    }

    /// Sets the displayed name of a user.
    pub fn set_displayed_name(&self, user_name: &str, displayed_name: &str) -> Result<()> {
        self.edit_user(user_name, |u| u.displayed_name = displayed_name.to_owned())
    }

    fn edit_user(&self, user_name: &str, change: impl FnOnce(&mut User)) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            core.users.edit(key, change);
            Ok(())
        })
    }

    /// Gives a user a full licence, or a lite one.
    pub fn set_full_user(&self, user_name: &str, full: bool) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            if let Some((status, extensions)) = core.users.edit(key, |u| {
                u.full = full;
                (u.status, u.extensions.clone())
            }) {
                core.statuses.edit(status, |s| s.full = full);
                extensions.into_iter().for_each(|e| core.license(e));
            }
            Ok(())
        })
    }

    /// A user's client connects. The id of the login.
    pub fn log_in_user(&self, user_name: &str, ip: &str, port: u16) -> Result<Uuid> {
        self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let user = named(core, Kind::User, user_name)?;
            let (id, time_connected) = (ids.uuid(), unix_millis());
            let login = core.logins.insert(Login { id, ip: ip.to_owned(), port, time_connected, user });
            core.users.relate(user, |u| u.logins.push(login));
            core.tell_login("userLogin", login);
            Ok(id)
        })
    }

    /// All of a user's clients disconnect.
    pub fn log_out_user(&self, user_name: &str) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            core.related((Kind::User, key), Kind::Login).to_vec().into_iter().for_each(|l| core.remove_login(l));
            Ok(())
        })
    }

    /// Sets a user's status, as the user would. `return_time` is Unix time in milliseconds, -1 for none.
    ///
    /// Fails with [`Code::InvalidArgument`] where the type is none of [`STATUS_TYPES`].
    pub fn set_status(&self, user_name: &str, name: &str, ty: &str, note: &str, return_time: i64) -> Result<()> {
        if !STATUS_TYPES.contains(&ty) {
            return Err(invalid(format!("{ty:?} is no status type; there are {}", STATUS_TYPES.join(", "))));
        }
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            for status in core.related((Kind::User, key), Kind::Status).to_vec() {
                core.statuses.edit(status, |s| {
                    s.name = name.to_owned();
                    s.ty = ty.to_owned();
                    s.note = note.to_owned();
                    s.return_time = return_time;
                });
            }
            Ok(())
        })
    }

    // ---- extensions ----

    /// A new extension, bound to a user if one is named; else a licence hides it. Its id.
    pub fn add_extension(&self, number: &str, display_name: &str, user_name: Option<&str>) -> Result<Uuid> {
        non_empty("extension number", number)?;
        self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let user = user_name.map(|name| named(core, Kind::User, name)).transpose()?;
            let id = ids.uuid();
            let extension = core.extensions.insert(Extension {
                id,
                number: number.to_owned(),
                display_name: display_name.to_owned(),
                configuration_id: ids.uuid(),
                permission_id: ids.uuid(),
                dnd: false,
                licensed: false,
                users: Vec::new(),
                segments: Vec::new(),
                agents: Vec::new(),
            });
            user.into_iter().for_each(|user| core.bind(user, extension));
            Ok(id)
        })
    }

    /// Removes an extension; its calls end, its agents are logged out.
    pub fn remove_extension(&self, number: &str) -> Result<()> {
        self.world(|world, place| {
            let key = named(&world.cores[place], Kind::Extension, number)?;
            for segment in world.cores[place].related((Kind::Extension, key), Kind::CallSegment).to_vec() {
                world.hang_up(place, segment);
            }
            let core = &mut world.cores[place];
            core.related((Kind::Extension, key), Kind::Agent).to_vec().into_iter().for_each(|a| core.remove_agent(a));
            for user in core.extensions.remove(key).into_iter().flat_map(|e| e.users) {
                core.users.relate(user, |u| u.extensions.retain(|e| *e != key));
            }
            Ok(())
        })
    }

    /// Gives an extension another number; the id stays.
    pub fn rename_extension(&self, number: &str, new_number: &str) -> Result<()> {
        non_empty("extension number", new_number)?;
        self.edit_extension(number, |e| e.number = new_number.to_owned())
    }

    /// Sets the display name of an extension.
    pub fn set_display_name(&self, number: &str, display_name: &str) -> Result<()> {
        self.edit_extension(number, |e| e.display_name = display_name.to_owned())
    }

    fn edit_extension(&self, number: &str, change: impl FnOnce(&mut Extension)) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::Extension, number)?;
            core.extensions.edit(key, change);
            Ok(())
        })
    }

    /// Whether do-not-disturb is on, which the API does not show.
    pub fn dnd(&self, number: &str) -> Result<bool> {
        self.core(|core| {
            let key = named(core, Kind::Extension, number)?;
            Ok(core.extensions.get(key).is_some_and(|e| e.dnd))
        })
    }

    /// Turns do-not-disturb on or off.
    pub fn set_dnd(&self, number: &str, on: bool) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::Extension, number)?;
            core.extensions.relate(key, |e| e.dnd = on);
            Ok(())
        })
    }

    // ---- queues, agents, conference rooms ----

    /// A new queue without agents. Its id.
    pub fn add_queue(&self, identifier: &str, display_name: &str) -> Result<Uuid> {
        non_empty("identifier", identifier)?;
        Ok(self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let id = ids.uuid();
            core.queues.insert(Queue {
                id,
                display_name: display_name.to_owned(),
                identifier: identifier.to_owned(),
                configuration_id: ids.uuid(),
                permission_id: ids.uuid(),
                enabled: true,
                agents: Vec::new(),
                segments: Vec::new(),
            });
            id
        }))
    }

    /// Removes a queue; its callers are hung up, its agents are logged out.
    pub fn remove_queue(&self, identifier: &str) -> Result<()> {
        self.world(|world, place| {
            let key = named(&world.cores[place], Kind::Queue, identifier)?;
            for segment in world.cores[place].related((Kind::Queue, key), Kind::CallSegment).to_vec() {
                world.hang_up(place, segment);
            }
            let core = &mut world.cores[place];
            core.related((Kind::Queue, key), Kind::Agent).to_vec().into_iter().for_each(|a| core.remove_agent(a));
            core.queues.remove(key);
            Ok(())
        })
    }

    /// Enables or disables a queue; a disabled one and its agents are not shown.
    pub fn set_queue_enabled(&self, identifier: &str, enabled: bool) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::Queue, identifier)?;
            core.queues.edit(key, |q| q.enabled = enabled);
            Ok(())
        })
    }

    /// Logs an extension in to a queue. The agent's id. Fails with [`Code::Rejected`] where it is logged in already.
    pub fn log_in_agent(&self, queue: &str, extension: &str) -> Result<Uuid> {
        self.world(|world, place| {
            let core = &world.cores[place];
            let (queue, extension) = (named(core, Kind::Queue, queue)?, named(core, Kind::Extension, extension)?);
            let key =
                actions::log_in_agent(world, place, queue, extension).map_err(|e| Error::new(Code::Rejected, e))?;
            world.cores[place].agents.get(key).map(|a| a.id).ok_or_else(|| missing(Kind::Agent, &key))
        })
    }

    /// Logs an extension out of a queue.
    pub fn log_out_agent(&self, queue: &str, extension: &str) -> Result<()> {
        self.core(|core| {
            let key = agent(core, queue, extension)?;
            core.remove_agent(key);
            Ok(())
        })
    }

    /// Pauses an agent, or ends the pause.
    pub fn pause_agent(&self, queue: &str, extension: &str, paused: bool) -> Result<()> {
        self.world(|world, place| {
            let key = agent(&world.cores[place], queue, extension)?;
            let queue = world.cores[place].agents.edit(key, |a| {
                a.paused = paused;
                a.queue
            });
            queue.into_iter().for_each(|queue| world.distribute(place, queue));
            Ok(())
        })
    }

    /// Sets an agent's state, until the next call of its extension changes it.
    ///
    /// Fails with [`Code::InvalidArgument`] where it is none of [`AGENT_STATES`].
    pub fn set_agent_state(&self, queue: &str, extension: &str, state: &str) -> Result<()> {
        let known = AGENT_STATES.iter().map(|(name, _)| *name).find(|name| *name == state);
        let known = known.ok_or_else(|| {
            let names: Vec<_> = AGENT_STATES.iter().map(|(name, _)| *name).collect();
            invalid(format!("{state:?} is no agent state; there are {}", names.join(", ")))
        })?;
        self.core(|core| {
            let key = agent(core, queue, extension)?;
            core.agents.edit(key, |a| a.state = known);
            Ok(())
        })
    }

    /// A new conference room. Its id.
    pub fn add_conference(&self, identifier: &str, display_name: &str) -> Result<Uuid> {
        non_empty("identifier", identifier)?;
        Ok(self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let id = ids.uuid();
            core.rooms.insert(Room {
                id,
                configuration_id: ids.uuid(),
                display_name: display_name.to_owned(),
                identifier: identifier.to_owned(),
                dial_string: identifier.to_owned(),
                user_generated: true,
                permission_id: ids.uuid(),
                segments: Vec::new(),
            });
            id
        }))
    }

    /// Removes a conference room; who is in it is hung up.
    pub fn remove_conference(&self, identifier: &str) -> Result<()> {
        self.world(|world, place| {
            let key = named(&world.cores[place], Kind::ConferenceRoom, identifier)?;
            for segment in world.cores[place].related((Kind::ConferenceRoom, key), Kind::CallSegment).to_vec() {
                world.hang_up(place, segment);
            }
            world.cores[place].rooms.remove(key);
            Ok(())
        })
    }
}

fn segment_id(world: &World, place: usize, key: Key) -> Result<Uuid> {
    world.cores[place].segments.get(key).map(|s| s.id).ok_or_else(|| missing(Kind::CallSegment, &key))
}

fn non_empty(what: &str, text: &str) -> Result<()> {
    if text.is_empty() { Err(invalid(format!("the {what} is empty"))) } else { Ok(()) }
}
