//! The PBX: what rings, who talks to whom, which agent a queue calls.

use std::time::Duration;

use super::World;
use super::clock::{Task, unix_millis};
use super::entities::{CallerId, Phase, Segment};
use super::table::Key;

/// Where a dialled text leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    Extension(Key),
    Queue(Key),
    Room(Key),
    Outside,
}

/// Who calls, and what was dialled from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) did: Option<String>,
    pub(crate) external: bool,
    pub(crate) incoming: bool,
}

impl World {
    pub(crate) fn destination(&self, core: usize, dialled: &str) -> Destination {
        let core = &self.cores[core];
        if let Some(key) = core.extensions.by_name(dialled) {
            Destination::Extension(key)
        } else if let Some(key) = core.queues.by_name(dialled) {
            Destination::Queue(key)
        } else if let Some((key, _)) =
            core.rooms.iter().find(|(_, r)| r.identifier == dialled || r.dial_string == dialled)
        {
            Destination::Room(key)
        } else {
            Destination::Outside
        }
    }

    /// A new segment, on no extension yet.
    pub(crate) fn new_segment(&mut self, core: usize, party: Party, phase: Phase, auto: bool) -> Key {
        let caller_id = CallerId { id: self.ids.uuid(), name: party.name, number: party.number };
        self.cores[core].segments.insert(Segment {
            id: self.ids.uuid(),
            external: party.external,
            caller_id,
            did: party.did,
            on_hold: false,
            recording: false,
            incoming: party.incoming,
            extension: None,
            queue: None,
            room: None,
            peer: None,
            phase,
            goal: None,
            auto,
            due: 0,
        })
    }

    /// Rings an extension to call `destination` from it once it is answered.
    pub(crate) fn originate(&mut self, core: usize, extension: Key, destination: &str) -> Key {
        let external = self.destination(core, destination) == Destination::Outside;
        let party = self.party_of(core, extension);
        let segment = self.new_segment(core, Party { external, ..party }, Phase::Ringing, true);
        self.cores[core].segments.edit(segment, |s| s.goal = Some(destination.to_owned()));
        self.put_on_extension(core, segment, Some(extension));
        self.emit_pair(core, "dial", None, segment);
        self.schedule(core, segment, self.ring_time);
        segment
    }

    /// An extension as the caller.
    pub(crate) fn party_of(&self, core: usize, extension: Key) -> Party {
        let row = self.cores[core].extensions.get(extension);
        let (name, number) = row.map(|e| (e.display_name.clone(), e.number.clone())).unwrap_or_default();
        Party { name, number, ..Party::default() }
    }

    pub(crate) fn schedule(&mut self, core: usize, segment: Key, delay: Duration) {
        let due = self.clock.after(delay, Task::Segment { core, segment });
        self.cores[core].segments.relate(segment, |s| s.due = due);
    }

    /// A segment's time has come: a phone is answered, or a call ends.
    pub(crate) fn segment_due(&mut self, core: usize, segment: Key, number: u64) {
        match self.cores[core].segments.get(segment) {
            Some(s) if s.due == number && s.phase == Phase::Ringing => self.answer(core, segment),
            Some(s) if s.due == number => self.hang_up(core, segment),
            _ => {}
        }
    }

    /// The phone of a ringing segment is answered.
    pub(crate) fn answer(&mut self, core: usize, segment: Key) {
        let Some(s) = self.cores[core].segments.get(segment) else { return };
        let (goal, peer) = (s.goal.clone(), s.peer);
        match (goal, peer) {
            (Some(goal), _) => self.dial(core, segment, &goal),
            (None, Some(peer)) => self.link(core, peer, segment),
            (None, None) => {
                self.talk(core, segment);
                self.emit_pair(core, "linkStart", None, segment);
            }
        }
    }

    /// The segment's own phone is off the hook: the destination is called.
    fn dial(&mut self, core: usize, segment: Key, destination: &str) {
        self.set_phase(core, segment, Phase::Dialing);
        self.cores[core].segments.relate(segment, |s| s.goal = None);
        match self.destination(core, destination) {
            Destination::Extension(extension) => self.ring(core, segment, extension),
            Destination::Queue(queue) => self.enter_queue(core, segment, queue),
            Destination::Room(room) => self.enter_room(core, segment, room),
            Destination::Outside => {
                self.talk(core, segment);
                self.emit_pair(core, "linkStart", Some(segment), segment);
            }
        }
    }

    /// Makes an extension ring for a caller's segment; do-not-disturb hangs up.
    pub(crate) fn ring(&mut self, core: usize, caller: Key, extension: Key) {
        if self.cores[core].extensions.get(extension).is_none_or(|e| e.dnd) {
            return self.hang_up(core, caller);
        }
        let Some(s) = self.cores[core].segments.get(caller) else { return };
        let auto = s.auto;
        let party = Party {
            name: s.caller_id.name.clone(),
            number: s.caller_id.number.clone(),
            did: s.did.clone(),
            external: s.external,
            incoming: true,
        };
        let called = self.new_segment(core, party, Phase::Ringing, auto);
        self.cores[core].segments.relate(called, |s| s.peer = Some(caller));
        self.cores[core].segments.relate(caller, |s| s.peer = Some(called));
        self.put_on_extension(core, called, Some(extension));
        self.emit_pair(core, "dial", Some(caller), called);
        if auto {
            self.schedule(core, called, self.ring_time);
        }
    }

    /// Two segments talk to each other from now on.
    fn link(&mut self, core: usize, caller: Key, called: Key) {
        if let Some(queue) = self.cores[core].segments.get(caller).and_then(|s| s.queue) {
            self.leave_queue(core, caller);
            self.took_call(core, called, queue);
        }
        self.cores[core].segments.relate(caller, |s| s.due = 0);
        self.talk(core, caller);
        self.cores[core].segments.relate(caller, |s| s.due = 0);
        self.talk(core, called);
        self.emit_pair(core, "linkStart", Some(caller), called);
    }

    /// A segment talks from now on, for the usual time unless a script leads it.
    pub(crate) fn talk(&mut self, core: usize, segment: Key) {
        self.set_phase(core, segment, Phase::Linked);
        self.cores[core].segments.relate(segment, |s| s.due = 0);
        if self.cores[core].segments.get(segment).is_some_and(|s| s.auto) {
            self.schedule(core, segment, self.call_duration);
        }
    }

    pub(crate) fn set_phase(&mut self, core: usize, segment: Key, phase: Phase) {
        self.cores[core].segments.relate(segment, |s| s.phase = phase);
        if let Some(extension) = self.cores[core].segments.get(segment).and_then(|s| s.extension) {
            self.refresh(core, extension);
        }
    }

    pub(crate) fn set_hold(&mut self, core: usize, segment: Key, hold: bool) {
        self.cores[core].segments.edit(segment, |s| s.on_hold = hold);
        if let Some(extension) = self.cores[core].segments.get(segment).and_then(|s| s.extension) {
            self.refresh(core, extension);
        }
    }

    /// Puts a segment on another extension, or on none.
    pub(crate) fn put_on_extension(&mut self, core: usize, segment: Key, extension: Option<Key>) {
        let world = &mut self.cores[core];
        let Some(old) = world.segments.edit(segment, |s| std::mem::replace(&mut s.extension, extension)) else {
            return;
        };
        if let Some(old) = old {
            world.extensions.relate(old, |e| e.segments.retain(|s| *s != segment));
        }
        if let Some(new) = extension {
            world.extensions.relate(new, |e| e.segments.push(segment));
        }
        [old, extension].into_iter().flatten().for_each(|e| self.refresh(core, e));
    }

    pub(crate) fn enter_queue(&mut self, core: usize, segment: Key, queue: Key) {
        self.leave_room(core, segment);
        self.leave_queue(core, segment);
        let row = &mut self.cores[core];
        row.segments.edit(segment, |s| (s.queue, s.peer, s.goal, s.due) = (Some(queue), None, None, 0));
        row.queues.relate(queue, |q| q.segments.push(segment));
        self.set_phase(core, segment, Phase::Waiting);
        self.distribute(core, queue);
    }

    pub(crate) fn enter_room(&mut self, core: usize, segment: Key, room: Key) {
        self.leave_room(core, segment);
        self.leave_queue(core, segment);
        let row = &mut self.cores[core];
        row.segments.edit(segment, |s| (s.room, s.peer, s.goal) = (Some(room), None, None));
        row.rooms.relate(room, |r| r.segments.push(segment));
        self.talk(core, segment);
        self.emit_room(core, "confRoomCallJoin", room, segment);
    }

    pub(crate) fn leave_queue(&mut self, core: usize, segment: Key) {
        let row = &mut self.cores[core];
        if let Some(queue) = row.segments.edit(segment, |s| s.queue.take()).flatten() {
            row.queues.relate(queue, |q| q.segments.retain(|s| *s != segment));
        }
    }

    fn leave_room(&mut self, core: usize, segment: Key) {
        let row = &mut self.cores[core];
        if let Some(room) = row.segments.edit(segment, |s| s.room.take()).flatten() {
            row.rooms.relate(room, |r| r.segments.retain(|s| *s != segment));
            self.emit_room(core, "confRoomCallLeave", room, segment);
        }
    }

    /// Parts a segment from its other side, and returns that.
    pub(crate) fn unlink(&mut self, core: usize, segment: Key) -> Option<Key> {
        let row = &mut self.cores[core];
        let peer = row.segments.get(segment)?.peer?;
        row.segments.relate(segment, |s| s.peer = None);
        row.segments.relate(peer, |s| s.peer = None);
        Some(peer)
    }

    /// Ends a segment, and with it the call; a caller who waits in a queue stays there.
    pub(crate) fn hang_up(&mut self, core: usize, segment: Key) {
        let Some(s) = self.cores[core].segments.get(segment) else { return };
        if let (Some(peer), Phase::Linked) = (s.peer, s.phase) {
            self.emit_pair(core, "linkEnd", Some(segment), peer);
        }
        self.emit_segment(core, "hangup", segment);
        let peer = self.unlink(core, segment);
        self.leave_queue(core, segment);
        self.leave_room(core, segment);
        self.put_on_extension(core, segment, None);
        self.cores[core].segments.remove(segment);
        let Some(peer) = peer else { return };
        match self.cores[core].segments.get(peer) {
            Some(Segment { phase: Phase::Waiting, queue: Some(queue), .. }) => {
                let task = Task::Queue { core, queue: *queue };
                self.clock.after(self.ring_time, task);
            }
            _ => self.hang_up(core, peer),
        }
    }

    /// Moves a call: the segment itself goes to an extension or outside; to a queue or a room goes whoever it talks
    /// to, and itself only where it is alone.
    pub(crate) fn transfer(&mut self, core: usize, segment: Key, destination: &str) {
        let destination = self.destination(core, destination);
        let waits = self.cores[core].segments.get(segment).is_some_and(|s| s.phase == Phase::Waiting);
        if let Some(ringing) = waits.then(|| self.unlink(core, segment)).flatten() {
            // The agent who was to take the call rings no longer.
            self.hang_up(core, ringing);
        }
        match destination {
            Destination::Extension(e) if self.cores[core].extensions.get(e).is_none_or(|e| e.dnd) => {
                self.hang_up(core, segment);
            }
            Destination::Extension(extension) => {
                self.leave_queue(core, segment);
                self.leave_room(core, segment);
                self.cores[core].segments.edit(segment, |s| {
                    (s.phase, s.goal, s.on_hold) = (Phase::Ringing, None, false);
                });
                self.put_on_extension(core, segment, Some(extension));
                self.emit_pair(core, "dial", None, segment);
                if self.cores[core].segments.get(segment).is_some_and(|s| s.auto) {
                    self.schedule(core, segment, self.ring_time);
                } else {
                    self.cores[core].segments.relate(segment, |s| s.due = 0);
                }
            }
            Destination::Outside => {
                self.leave_queue(core, segment);
                self.leave_room(core, segment);
                self.put_on_extension(core, segment, None);
                self.cores[core].segments.edit(segment, |s| (s.external, s.goal) = (true, None));
                self.talk(core, segment);
            }
            Destination::Queue(_) | Destination::Room(_) => {
                let moved = self.unlink(core, segment).unwrap_or(segment);
                if moved != segment {
                    self.hang_up(core, segment);
                } else {
                    self.put_on_extension(core, segment, None);
                }
                match destination {
                    Destination::Queue(queue) => self.enter_queue(core, moved, queue),
                    Destination::Room(room) => self.enter_room(core, moved, room),
                    Destination::Extension(_) | Destination::Outside => {}
                }
            }
        }
    }

    /// Lets each waiting caller of a queue ring one free agent: lowest penalty first, then fewest calls taken.
    pub(crate) fn distribute(&mut self, core: usize, queue: Key) {
        loop {
            let row = &self.cores[core];
            let Some(q) = row.queues.get(queue).filter(|q| q.enabled) else { return };
            let waiting = q
                .segments
                .iter()
                .find(|s| row.segments.get(**s).is_some_and(|s| s.phase == Phase::Waiting && s.peer.is_none()));
            let free = q.agents.iter().filter_map(|key| {
                let agent = row.agents.get(*key)?;
                let extension = row.extensions.get(agent.extension)?;
                let statistics = row.statistics.get(agent.statistics)?;
                let free = !agent.paused && agent.state == "NOT_INUSE" && !extension.dnd;
                free.then_some((statistics.penalty, statistics.calls_taken, *key, agent.extension))
            });
            let (Some(caller), Some((.., extension))) = (waiting.copied(), free.min()) else { return };
            self.ring(core, caller, extension);
        }
    }

    fn took_call(&mut self, core: usize, called: Key, queue: Key) {
        let row = &mut self.cores[core];
        let Some(extension) = row.segments.get(called).and_then(|s| s.extension) else { return };
        for key in row.related((crate::catalog::Kind::Extension, extension), crate::catalog::Kind::Agent).to_vec() {
            if let Some(agent) = row.agents.get(key).filter(|a| a.queue == queue) {
                row.statistics.edit(agent.statistics, |s| {
                    s.calls_taken += 1;
                    s.last_call = unix_millis();
                });
            }
        }
    }

    /// Sets the state of an extension's agents by its segments, and gives a free agent work.
    pub(crate) fn refresh(&mut self, core: usize, extension: Key) {
        let row = &mut self.cores[core];
        let Some(e) = row.extensions.get(extension) else { return };
        let (mut ringing, mut in_use, mut held) = (false, false, false);
        for segment in e.segments.iter().filter_map(|s| row.segments.get(*s)) {
            ringing |= segment.phase == Phase::Ringing;
            in_use |= segment.phase != Phase::Ringing;
            held |= segment.on_hold;
        }
        let state = match (ringing, in_use, held) {
            (true, true, _) => "RINGINUSE",
            (true, false, _) => "RINGING",
            (false, true, true) => "ONHOLD",
            (false, true, false) => "INUSE",
            (false, false, _) => "NOT_INUSE",
        };
        let mut freed = Vec::new();
        for key in e.agents.clone() {
            if row.agents.get(key).is_some_and(|a| a.state != state) {
                row.agents.edit(key, |a| a.state = state);
                freed.extend(row.agents.get(key).filter(|_| state == "NOT_INUSE").map(|a| a.queue));
            }
        }
        // Not at once: a caller whom an agent just rejected would ring the same one for ever.
        for queue in freed {
            self.clock.after(self.ring_time, Task::Queue { core, queue });
        }
    }
}
