//! The actions of the catalogue, by name.
//!
//! What they have in common, said once in the header's conventions: each is at most once and waits for the server's
//! answer, at most the action timeout of the settings.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::Result;
use isymphony_core::action::Ticket;
use isymphony_core::handle::{AgentHandle, QueueHandle};

use crate::agent::isym_agent;
use crate::call_segment::isym_call_segment;
use crate::error::{isym_error, isym_status};
use crate::guard::{self, invalid, need};
use crate::live::isym_live;
use crate::str;
use crate::ticket::isym_ticket;

/// Rings the extension with this number, then dials the destination: a number, or an extension, a queue or a conference
/// room by its path.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_originate(
    live: Option<&isym_live>,
    core_server: *const c_char,
    number: *const c_char,
    destination: *const c_char,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, server) = (&need(live, "live")?.0, str::optional(core_server, "core_server")?);
        let (number, destination) = (str::text(number, "number")?, str::text(destination, "destination")?);
        isym_ticket::give(live.extension(number, server)?.originate(destination), ticket)
    })
}

/// Turns do-not-disturb of the extension with this number on or off.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_set_dnd(
    live: Option<&isym_live>,
    core_server: *const c_char,
    number: *const c_char,
    on: bool,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, server) = (&need(live, "live")?.0, str::optional(core_server, "core_server")?);
        isym_ticket::give(live.extension(str::text(number, "number")?, server)?.set_dnd(on), ticket)
    })
}

/// Sets the status of the user with this user name. `name` is what people read, `status_type` the icon: one of
/// available, unavailable, away, xa, dnd, chat, altblue, altgreen, altpink, altpurple, altred. `note` may be NULL or
/// empty. `return_time_ms` is Unix time in milliseconds, -1 for none.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_set_status(
    live: Option<&isym_live>,
    core_server: *const c_char,
    user_name: *const c_char,
    name: *const c_char,
    status_type: *const c_char,
    note: *const c_char,
    return_time_ms: i64,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, server) = (&need(live, "live")?.0, str::optional(core_server, "core_server")?);
        let user = live.user(str::text(user_name, "user_name")?, server)?;
        let (name, kind) = (str::text(name, "name")?, str::text(status_type, "status_type")?);
        let note = str::optional(note, "note")?.unwrap_or_default();
        isym_ticket::give(user.set_status(name, kind, note, Some(return_time_ms)), ticket)
    })
}

/// Sets the status of this name as the users of the same core server show it: its type and note are theirs.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: ISYM_NOT_FOUND where no user shows a status of that name, ISYM_AMBIGUOUS where two show different ones, both
/// before anything is sent; then as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_set_status_like(
    live: Option<&isym_live>,
    core_server: *const c_char,
    user_name: *const c_char,
    name: *const c_char,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, server) = (&need(live, "live")?.0, str::optional(core_server, "core_server")?);
        let user = live.user(str::text(user_name, "user_name")?, server)?;
        isym_ticket::give(user.set_status_like(str::text(name, "name")?), ticket)
    })
}

/// Logs an extension in to the queue with this identifier, as an agent. The extension is given by its number in the
/// core server of the queue, by its id or by its path.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_login(
    live: Option<&isym_live>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        on_queue(live, core_server, queue, extension, ticket, |queue, extension| queue.login(extension))
    })
}

/// Logs an extension out of the queue with this identifier. The extension is given by its number in the core server
/// of the queue, by its id or by its path.
///
/// `core_server` is a slug; NULL: whichever core server has one of that name.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_logout(
    live: Option<&isym_live>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        on_queue(live, core_server, queue, extension, ticket, |queue, extension| queue.logout(extension))
    })
}

/// Logs an agent out of the queue.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_logout(
    live: Option<&isym_live>,
    agent: isym_agent,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || on_agent(live, agent, ticket, AgentHandle::logout))
}

/// Pauses an agent.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_pause(
    live: Option<&isym_live>,
    agent: isym_agent,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || on_agent(live, agent, ticket, AgentHandle::pause))
}

/// Ends an agent's pause.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_unpause(
    live: Option<&isym_live>,
    agent: isym_agent,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || on_agent(live, agent, ticket, AgentHandle::unpause))
}

/// Sets the penalty of an agent, which is not negative: agents with a lower one are called first.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_set_penalty(
    live: Option<&isym_live>,
    agent: isym_agent,
    penalty: i64,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || on_agent(live, agent, ticket, |agent| agent.set_penalty(penalty)))
}

/// Transfers a call to an extension, an outside number, a parking lot, a conference room or a queue: a number, or an
/// extension, a queue or a conference room by its path.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. At most once; waits as
/// isym_handle_act.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_transfer(
    live: Option<&isym_live>,
    segment: isym_call_segment,
    destination: *const c_char,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, destination) = (&need(live, "live")?.0, str::text(destination, "destination")?);
        let segment = segment.resource.get().ok_or_else(|| invalid("segment is empty".to_owned()))?;
        isym_ticket::give(live.call_segment_of(&segment)?.transfer(destination), ticket)
    })
}

fn on_queue<'a>(
    live: Option<&isym_live>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    act: impl FnOnce(&QueueHandle, &'a str) -> Result<Ticket>,
) -> Result<()> {
    let (live, server) = (&need(live, "live")?.0, str::optional(core_server, "core_server")?);
    let queue = live.queue(str::text(queue, "queue")?, server)?;
    isym_ticket::give(act(&queue, str::text(extension, "extension")?), ticket)
}

fn on_agent(
    live: Option<&isym_live>,
    agent: isym_agent,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    act: impl FnOnce(&AgentHandle) -> Result<Ticket>,
) -> Result<()> {
    let live = &need(live, "live")?.0;
    let agent = agent.resource.get().ok_or_else(|| invalid("agent is empty".to_owned()))?;
    isym_ticket::give(act(&live.agent_of(&agent)?), ticket)
}
