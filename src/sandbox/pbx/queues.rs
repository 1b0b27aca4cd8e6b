//! Queues, agents and conference rooms.

use uuid::Uuid;

use super::{Pbx, agent, invalid, missing, named, non_empty};
use crate::catalog::{AGENT_STATES, Kind};
use crate::error::{Code, Error, Result};
use crate::sandbox::actions;
use crate::sandbox::world::entities::{Queue, Room};

impl Pbx {
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
        self.world(|world, place| {
            let key = agent(&world.cores[place], queue, extension)?;
            actions::log_out_agent(world, place, key);
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
