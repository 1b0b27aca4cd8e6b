//! Calls come, move and go.

use uuid::Uuid;

use super::{Caller, Pbx, named, non_empty, segment, segment_id};
use crate::catalog::Kind;
use crate::error::{Code, Error, Result};
use crate::sandbox::world::entities::Phase;
use crate::sandbox::world::table::Key;

impl Pbx {
    /// A call from outside makes an extension ring, until [`Pbx::answer`] or [`Pbx::hang_up`]. Its segment's id.
    pub fn add_call(&self, extension: &str, caller: &Caller) -> Result<Uuid> {
        self.world(|world, place| {
            let extension = named(&world.cores[place], Kind::Extension, extension)?;
            let key = world.new_segment(place, caller.party(), Phase::Ringing, false);
            world.put_on_extension(place, key, Some(extension));
            world.emit_pair(place, "dial", None, key);
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
        non_empty("destination", destination)?;
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
        non_empty("destination", destination)?;
        self.world(|world, place| {
            let key = segment(&world.cores[place], segment_id)?;
            world.transfer(place, key, destination);
            Ok(())
        })
    }
}
