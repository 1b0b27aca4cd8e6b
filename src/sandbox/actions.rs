//! The actions: the body is checked by the catalogue's arguments, then the model moves.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::http::Answer;
use super::rest::Found;
use super::world::World;
use super::world::clock::unix_millis;
use super::world::table::Key;
use crate::catalog::{Action, ArgType, Kind, STATUS_TYPES};

/// Carries out an action: 204, or 412 with the reason.
pub(crate) fn act(world: &mut World, found: Found, action: &Action, body: &[u8]) -> Answer {
    let Found::One { core, kind, key } = found else {
        return Answer::text(404, "an action needs one object".to_owned());
    };
    let done = arguments(action, body).and_then(|arguments| carry_out(world, core, (kind, key), action, &arguments));
    match done {
        Ok(()) => Answer::empty(204),
        Err(reason) => Answer::text(412, reason),
    }
}

/// The arguments by their name in the catalogue, with the defaults filled in.
fn arguments(action: &Action, body: &[u8]) -> Result<Map<String, Value>, String> {
    let mut arguments = Map::new();
    if action.args.is_empty() {
        return Ok(arguments);
    }
    let sent: Value = serde_json::from_slice(body).map_err(|e| format!("the body is not JSON: {e}"))?;
    let Value::Object(mut sent) = sent else {
        return Err("the body is not a JSON object".to_owned());
    };
    for arg in action.args {
        let value = match sent.remove(arg.key).filter(|value| !value.is_null()) {
            Some(value) => value,
            None => arg
                .default
                .and_then(|default| serde_json::from_str(default).ok())
                .ok_or_else(|| format!("the property {} is missing", arg.key))?,
        };
        if let Err(what) = check(arg.ty, &value) {
            return Err(format!("the property {} must be {what}", arg.key));
        }
        arguments.insert(arg.name.to_owned(), value);
    }
    Ok(arguments)
}

fn check(ty: ArgType, value: &Value) -> Result<(), String> {
    let (good, what) = match ty {
        ArgType::NonEmptyText | ArgType::Destination => {
            (value.as_str().is_some_and(|text| !text.trim().is_empty()), "a text that is not empty")
        }
        ArgType::Text => (value.is_string(), "a text"),
        ArgType::StatusType => {
            let good = value.as_str().is_some_and(|text| STATUS_TYPES.contains(&text));
            return if good { Ok(()) } else { Err(format!("one of {}", STATUS_TYPES.join(", "))) };
        }
        ArgType::Millis => (value.is_i64(), "a whole number of Unix milliseconds, or -1"),
        ArgType::ExtensionId => {
            (value.as_str().is_some_and(|id| Uuid::try_parse(id).is_ok()), "the id of an extension")
        }
        ArgType::Penalty => (value.as_u64().is_some_and(|n| n <= 1 << 31), "a whole number that is not negative"),
    };
    if good { Ok(()) } else { Err(what.to_owned()) }
}

fn carry_out(
    world: &mut World,
    core: usize,
    (kind, key): (Kind, Key),
    action: &Action,
    arguments: &Map<String, Value>,
) -> Result<(), String> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| arguments.get(name).and_then(Value::as_i64).unwrap_or_default();
    let row = &mut world.cores[core];
    match (kind, action.name) {
        (Kind::Status, "set") => drop(row.statuses.edit(key, |status| {
            status.name = text("name");
            status.ty = text("type");
            status.note = text("note");
            status.return_time = number("return_time");
        })),
        (Kind::Extension, "originate") => drop(world.originate(core, key, &text("destination"))),
        (Kind::Extension, "enable_dnd") => row.extensions.relate(key, |e| e.dnd = true),
        (Kind::Extension, "disable_dnd") => row.extensions.relate(key, |e| e.dnd = false),
        (Kind::CallSegment, "transfer") => world.transfer(core, key, &text("destination")),
        (Kind::Queue, "login") => {
            let extension = extension(world, core, &text("extension"))?;
            log_in_agent(world, core, key, extension)?;
        }
        (Kind::Queue, "logout") => {
            let extension = extension(world, core, &text("extension"))?;
            let agent = agent_of(world, core, key, extension).ok_or("the extension is not logged in to the queue")?;
            log_out_agent(world, core, agent);
        }
        (Kind::Agent, "logout") => log_out_agent(world, core, key),
        (Kind::Agent, "pause") => drop(row.agents.edit(key, |a| a.paused = true)),
        (Kind::Agent, "unpause") => {
            if let Some(queue) = row.agents.edit(key, |a| {
                a.paused = false;
                a.queue
            }) {
                world.distribute(core, queue);
            }
        }
        (Kind::Agent, "set_penalty") => {
            if let Some(statistics) = row.agents.get(key).map(|a| a.statistics) {
                row.statistics.edit(statistics, |s| s.penalty = number("penalty"));
            }
        }
        _ => return Err(format!("this sandbox cannot {} {kind:#}", action.name)),
    }
    Ok(())
}

fn extension(world: &World, core: usize, id: &str) -> Result<Key, String> {
    let row = &world.cores[core];
    Uuid::try_parse(id)
        .ok()
        .and_then(|id| row.extensions.by_id(id))
        .filter(|key| world.visible(row, Kind::Extension, *key))
        .ok_or_else(|| format!("no Extension has the id {id}"))
}

fn agent_of(world: &World, core: usize, queue: Key, extension: Key) -> Option<Key> {
    let row = &world.cores[core];
    let agents = row.related((Kind::Extension, extension), Kind::Agent);
    agents.iter().copied().find(|key| row.agents.get(*key).is_some_and(|a| a.queue == queue))
}

/// Logs an extension in to a queue.
pub(crate) fn log_in_agent(world: &mut World, core: usize, queue: Key, extension: Key) -> Result<Key, String> {
    if agent_of(world, core, queue, extension).is_some() {
        return Err("the extension is already logged in to the queue".to_owned());
    }
    let (row, ids) = (&mut world.cores[core], &mut world.ids);
    let agent = row.add_agent(ids, queue, extension, true, unix_millis());
    world.emit_agent(core, "agentLogin", agent);
    world.refresh(core, extension);
    world.distribute(core, queue);
    Ok(agent)
}

/// Logs an agent out of its queue.
pub(crate) fn log_out_agent(world: &mut World, core: usize, agent: Key) {
    world.emit_agent(core, "agentLogout", agent);
    world.cores[core].remove_agent(agent);
}
