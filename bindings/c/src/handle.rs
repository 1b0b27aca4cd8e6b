//! Symbolic references that survive a restart of the server.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::Handle;

use crate::args::{isym_action_options, isym_args};
use crate::error::{isym_error, isym_status};
use crate::guard::{self, found, invalid, need};
use crate::kind::{checked, isym_kind};
use crate::live::isym_live;
use crate::resource::isym_resource;
use crate::snapshot::isym_snapshot;
use crate::str::{self, isym_text};
use crate::ticket::isym_ticket;
use crate::time::limit;
use crate::uuid::isym_uuid;

/// A reference to an instance by its kind and the names along its path, bound anew at every use.
///
/// The name decides, byte for byte. When nothing has the name any more, the configuration id that was seen under it does.
/// When the name changes hands, the handle follows the name; a strict one (isym_handle_strict) refuses. A path that holds
/// ids is made symbolic when it is first found; an instance without a symbolic name (a call segment, an agent) is found by
/// its id only, until the server restarts. The caller frees it with isym_handle_free. It may be used on any number of
/// threads at once.
pub struct isym_handle(pub(crate) Handle);

/// A handle for what a path addresses, whether it is there now or not.
///
/// `handle` is the caller's, who frees it with isym_handle_free; it outlives the client.
///
/// Errors: ISYM_INVALID_PATH when it is not the path of one object.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_handle(
    live: Option<&isym_live>,
    path: *const c_char,
    handle: Option<&mut MaybeUninit<Box<isym_handle>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, path, out) = (need(live, "live")?, str::any(path, "path")?, need(handle, "handle")?);
        out.write(Box::new(isym_handle(live.0.handle(path)?)));
        Ok(())
    })
}

/// A handle for an instance that a snapshot gave: by symbolic names as far as it has any.
///
/// `handle` is the caller's, who frees it with isym_handle_free; it outlives snapshot and client.
///
/// Errors: ISYM_INVALID_ARGUMENT for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_handle_of(
    live: Option<&isym_live>,
    resource: isym_resource,
    handle: Option<&mut MaybeUninit<Box<isym_handle>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, out) = (need(live, "live")?, need(handle, "handle")?);
        let resource = resource.get().ok_or_else(|| invalid("resource is empty".to_owned()))?;
        out.write(Box::new(isym_handle(live.0.handle_of(&resource))));
        Ok(())
    })
}

/// A handle for the instance of a kind (isym_kind) with this symbolic name, in a core server; where `core_server` is NULL,
/// in whichever has one of that name.
///
/// `handle` is the caller's, who frees it with isym_handle_free; it outlives the client.
///
/// Errors: ISYM_INVALID_ARGUMENT where the kind has no symbolic names.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_handle_named(
    live: Option<&isym_live>,
    core_server: *const c_char,
    kind: u32,
    name: *const c_char,
    handle: Option<&mut MaybeUninit<Box<isym_handle>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        use isymphony_core::catalog::Kind;
        let (live, out) = (&need(live, "live")?.0, need(handle, "handle")?);
        let (server, name) = (str::optional(core_server, "core_server")?, str::text(name, "name")?);
        let handle = match checked(kind, "kind")? {
            Kind::CoreServer => Handle::clone(&live.core_server(name)),
            Kind::User => Handle::clone(&*live.user(name, server)?),
            Kind::Extension => Handle::clone(&*live.extension(name, server)?),
            Kind::Queue => Handle::clone(&*live.queue(name, server)?),
            Kind::ConferenceRoom => Handle::clone(&*live.conference(name, server)?),
            kind => return Err(invalid(format!("{kind:#} has no symbolic name"))),
        };
        out.write(Box::new(isym_handle(handle)));
        Ok(())
    })
}

/// Another handle for the same. NULL for NULL.
///
/// Made for the caller, who frees it with isym_handle_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_clone(handle: Option<&isym_handle>) -> Option<Box<isym_handle>> {
    guard::plain(|| handle.map(|handle| Box::new(isym_handle(handle.0.clone()))))
}

/// The same reference, bound for good to the object that it finds now or, where there is none, first: when the name leads to
/// another object, all that is asked of it answers ISYM_NOT_FOUND. An object is the same as long as it has its configuration
/// id, also after a restart of the server; where its kind has none, as long as it has its id. NULL for NULL.
///
/// Made for the caller, who frees it with isym_handle_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_strict(handle: Option<&isym_handle>) -> Option<Box<isym_handle>> {
    guard::plain(|| handle.map(|handle| Box::new(isym_handle(handle.0.strict()))))
}

/// Whether a handle refuses another object than the one it is bound to.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_is_strict(handle: Option<&isym_handle>) -> bool {
    guard::plain(|| handle.is_some_and(|handle| handle.0.is_strict()))
}

/// To which object a handle is bound, as it was last found: a value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_binding {
    /// The id of the object: new after every restart of the server.
    pub id: isym_uuid,
    /// The epoch of the snapshot it was found in.
    pub epoch: u64,
    /// How often the handle was bound anew since it was made: to the same object after a restart of the server, or to another
    /// object that has the name now.
    pub rebinds: u64,
    /// How often that was another object, as far as a configuration id tells.
    pub other_objects: u64,
}

/// To which object a handle is bound.
///
/// Answers ISYM_NOT_FOUND before it found anything.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_binding(
    handle: Option<&isym_handle>,
    binding: Option<&mut MaybeUninit<isym_binding>>,
) -> isym_status {
    guard::quiet(|| {
        let bound = handle.and_then(|handle| handle.0.binding());
        let value = bound.map(|bound| isym_binding {
            id: bound.id.into(),
            epoch: bound.epoch,
            rebinds: bound.rebinds,
            other_objects: bound.other_objects,
        });
        found(value, binding)
    })
}

/// Frees a handle. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_free(handle: Option<Box<isym_handle>>) {
    guard::plain(|| drop(handle));
}

/// The kind of the instance.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_kind(handle: Option<&isym_handle>) -> isym_kind {
    guard::plain(|| handle.map(|handle| handle.0.kind().into()).unwrap_or_default())
}

/// The path, by symbolic names as far as there are any. NULL for NULL.
///
/// Made for the caller, who frees it with isym_text_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_path(handle: Option<&isym_handle>) -> Option<Box<isym_text>> {
    guard::plain(|| handle.map(|handle| isym_text::boxed(handle.0.path())))
}

/// The instance in a snapshot of the same client.
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: ISYM_NOT_FOUND, ISYM_AMBIGUOUS with the candidates, ISYM_UNSUPPORTED for kinds that are not synced.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_get(
    handle: Option<&isym_handle>,
    snapshot: Option<&isym_snapshot>,
    resource: Option<&mut MaybeUninit<isym_resource>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (handle, snapshot, out) =
            (need(handle, "handle")?, need(snapshot, "snapshot")?, need(resource, "resource")?);
        out.write(handle.0.find_in(&snapshot.0)?.into());
        Ok(())
    })
}

/// As isym_handle_get, if the server confirmed the instance at most `max_age_ms` ago; negative (ISYM_ANY_AGE): whenever.
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: ISYM_STALE with the age and what went wrong last; otherwise as isym_handle_get.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_get_within(
    handle: Option<&isym_handle>,
    snapshot: Option<&isym_snapshot>,
    max_age_ms: i64,
    resource: Option<&mut MaybeUninit<isym_resource>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (handle, snapshot, out) =
            (need(handle, "handle")?, need(snapshot, "snapshot")?, need(resource, "resource")?);
        let found = match limit(max_age_ms) {
            None => handle.0.find_in(&snapshot.0)?,
            Some(max_age) => handle.0.find_within(&snapshot.0, max_age)?,
        };
        out.write(found.into());
        Ok(())
    })
}

/// The id of the instance in the client's current snapshot: new after every restart of the server.
///
/// Errors: as isym_handle_get.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_resolve(
    handle: Option<&isym_handle>,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (handle, out) = (need(handle, "handle")?, need(id, "id")?);
        out.write(handle.0.resolve()?.into());
        Ok(())
    })
}

/// Carries out an action of the catalogue on the instance, at most once, given by its name, as in "originate" with the
/// argument "destination". Waits for the server's answer, at most `timeout_ms`; negative (ISYM_DEFAULT_TIMEOUT): the
/// action timeout of the settings. `args` may be NULL.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free. What may have been carried out gives a
/// ticket whose outcome is ISYM_OUTCOME_UNCERTAIN, and ISYM_OK.
///
/// Errors: ISYM_NOT_FOUND and the like when the target is not there; ISYM_UNSUPPORTED, ISYM_INVALID_ARGUMENT before
/// anything is sent; ISYM_REJECTED and the like with the server's words; ISYM_CONNECTION_FAILED when nothing could be
/// sent; ISYM_CLOSED. Each of them means that it surely was not carried out.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_act(
    handle: Option<&isym_handle>,
    action: *const c_char,
    args: Option<&isym_args>,
    timeout_ms: i64,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (handle, action) = (need(handle, "handle")?, str::text(action, "action")?);
        isym_ticket::give(handle.0.act(action, &isym_args::list(args), limit(timeout_ms)), ticket)
    })
}

/// As isym_handle_act, with options. A forced action on what the snapshot does not have goes to the handle's path.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_act_with(
    handle: Option<&isym_handle>,
    action: *const c_char,
    args: Option<&isym_args>,
    options: isym_action_options,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (handle, action) = (need(handle, "handle")?, str::text(action, "action")?);
        isym_ticket::give(handle.0.act_with(action, &isym_args::list(args), &options.into()), ticket)
    })
}

/// Carries out an action on an instance that a snapshot gave, by its id: after a restart of the server it is refused with
/// ISYM_NOT_FOUND. Waits as isym_handle_act.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_act(
    live: Option<&isym_live>,
    resource: isym_resource,
    action: *const c_char,
    args: Option<&isym_args>,
    timeout_ms: i64,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, action) = (need(live, "live")?, str::text(action, "action")?);
        let resource = resource.get().ok_or_else(|| invalid("resource is empty".to_owned()))?;
        isym_ticket::give(live.0.act(&resource, action, &isym_args::list(args), limit(timeout_ms)), ticket)
    })
}

/// As isym_live_act, with options. A forced action on what is gone goes to the id that it had.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_act_with(
    live: Option<&isym_live>,
    resource: isym_resource,
    action: *const c_char,
    args: Option<&isym_args>,
    options: isym_action_options,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, action) = (need(live, "live")?, str::text(action, "action")?);
        let resource = resource.get().ok_or_else(|| invalid("resource is empty".to_owned()))?;
        isym_ticket::give(live.0.act_with(&resource, action, &isym_args::list(args), &options.into()), ticket)
    })
}
