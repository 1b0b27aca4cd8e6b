//! The embedded server of the Live API, to try this library on and to test programs with.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::Result;
use isymphony_core::sandbox::{Pbx, RawResponse, Sandbox, SandboxConfig};

use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::sandbox_config::isym_sandbox_config;
use crate::str::{self, Text, isym_str, isym_texts};

/// An embedded server of the Live API on a port of the loopback interface, with a model of a telephony server behind it:
/// users, extensions, queues with agents, conference rooms, and calls that ring, are linked and end. All actions take
/// effect. Deterministic from a seed.
///
/// All its functions but isym_sandbox_free may be called on any number of threads at once. Those that take a `core_server`
/// take its slug, or NULL for the first one.
pub struct isym_sandbox {
    pub(crate) sandbox: Sandbox,
    url: Text,
}

/// The script side of a core server, in place.
pub(crate) enum PbxRef<'a> {
    First(&'a Pbx),
    Named(Pbx),
}

impl std::ops::Deref for PbxRef<'_> {
    type Target = Pbx;

    fn deref(&self) -> &Pbx {
        match self {
            PbxRef::First(pbx) => pbx,
            PbxRef::Named(pbx) => pbx,
        }
    }
}

impl isym_sandbox {
    /// The script side of a core server.
    pub(crate) fn pbx(sandbox: Option<&isym_sandbox>, core_server: *const c_char) -> Result<PbxRef<'_>> {
        let sandbox = &need(sandbox, "sandbox")?.sandbox;
        Ok(match str::optional(core_server, "core_server")? {
            None => PbxRef::First(sandbox),
            Some(slug) => PbxRef::Named(sandbox.core_server(slug)?),
        })
    }
}

/// Builds the world and listens. `config` may be NULL: the defaults.
///
/// `sandbox` is the caller's, who frees it with isym_sandbox_free.
///
/// Errors: ISYM_CONFIG for settings that contradict each other, or a port that is taken; ISYM_INTERNAL where the system
/// gives no thread.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_new(
    config: Option<&isym_sandbox_config>,
    sandbox: Option<&mut MaybeUninit<Box<isym_sandbox>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let out = need(sandbox, "sandbox")?;
        let config = config.map_or_else(SandboxConfig::new, |config| config.0.clone());
        let sandbox = Sandbox::start(config)?;
        let url = Text::new(sandbox.url());
        out.write(Box::new(isym_sandbox { sandbox, url }));
        Ok(())
    })
}

/// Ends a sandbox: all connections are cut, all threads end, whatever hangs. No other thread may be in a call with it. In a
/// forked child it only frees: the server is the parent's. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_free(sandbox: Option<Box<isym_sandbox>>) {
    guard::plain(|| drop(sandbox));
}

/// Where a sandbox listens, as in "http://127.0.0.1:40123". Stays the same for its life; empty for NULL.
///
/// Borrowed from the sandbox.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_url(sandbox: Option<&isym_sandbox>) -> isym_str {
    guard::plain(|| sandbox.map(|sandbox| sandbox.url.borrow()).unwrap_or_default())
}

/// The port a sandbox listens on.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_port(sandbox: Option<&isym_sandbox>) -> u16 {
    guard::plain(|| sandbox.map_or(0, |sandbox| sandbox.sandbox.port()))
}

/// Restarts the server: every id is new, all connections are cut, calls, logins and dynamic agents are gone. Faults, given
/// answers and the log of requests stay.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_restart(sandbox: Option<&isym_sandbox>) {
    with(sandbox, Sandbox::restart);
}

/// Restarts the server just before the answer to the n-th request from now; 1 is the next one.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_restart_at_request(sandbox: Option<&isym_sandbox>, n: u64) {
    with(sandbox, |sandbox| sandbox.restart_at_request(n));
}

/// How often the server was started: 1, and one more after each restart. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_incarnation(sandbox: Option<&isym_sandbox>) -> u64 {
    guard::plain(|| sandbox.map_or(0, |sandbox| sandbox.sandbox.incarnation()))
}

/// The server is down: connections are cut, and new ones are refused. The model moves on.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_stop_listening(sandbox: Option<&isym_sandbox>) {
    with(sandbox, Sandbox::stop_listening);
}

/// The server is up again, on the same port.
///
/// Errors: ISYM_CONFIG where another program took the port meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_start_listening(
    sandbox: Option<&isym_sandbox>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || need(sandbox, "sandbox")?.sandbox.start_listening())
}

/// How many connections are open.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_connections(sandbox: Option<&isym_sandbox>) -> usize {
    guard::plain(|| sandbox.map_or(0, |sandbox| sandbox.sandbox.connections()))
}

/// Demands other credentials from the next request on; none where `user_name` is NULL.
///
/// Errors: ISYM_CONFIG where the user name holds a colon.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_credentials(
    sandbox: Option<&isym_sandbox>,
    user_name: *const c_char,
    password: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let sandbox = &need(sandbox, "sandbox")?.sandbox;
        match str::optional(user_name, "user_name")? {
            None => sandbox.set_credentials(None),
            Some(user_name) => sandbox.set_credentials(Some((user_name, str::any(password, "password")?))),
        }
    })
}

/// Whether this machine is missing in the server's white list: every request gets a 403. At first it is not.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_denied(sandbox: Option<&isym_sandbox>, denied: bool) {
    with(sandbox, |sandbox| sandbox.set_denied(denied));
}

/// Whether the server demands TLS: every request gets a 302. At first it does not.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_demand_tls(sandbox: Option<&isym_sandbox>, demanded: bool) {
    with(sandbox, |sandbox| sandbox.set_demand_tls(demanded));
}

/// Whether the licensing rules hold.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_licensing(sandbox: Option<&isym_sandbox>, on: bool) {
    with(sandbox, |sandbox| sandbox.set_licensing(on));
}

/// Whether conference rooms are enabled.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_conferences_enabled(sandbox: Option<&isym_sandbox>, on: bool) {
    with(sandbox, |sandbox| sandbox.set_conferences_enabled(on));
}

/// Answers a 200 with this text as JSON, whatever it is, on the requests that fit `on`, in place of the model.
///
/// `on` is a path below `communication_manager/rest/live/` as it is sent, in which `*` is any text, slashes too; a method
/// may stand before it, as in "POST */originate". The newest rule that fits wins; the same `on` replaces.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_serve(
    sandbox: Option<&isym_sandbox>,
    on: *const c_char,
    json: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let sandbox = &need(sandbox, "sandbox")?.sandbox;
        sandbox.override_body(str::text(on, "on")?, str::any(json, "json")?);
        Ok(())
    })
}

/// Answers this status with `length` bytes of this body, which need be neither text nor JSON, on the requests that fit `on`;
/// see isym_sandbox_serve. `content_type` may be NULL: text/plain in UTF-8.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_respond(
    sandbox: Option<&isym_sandbox>,
    on: *const c_char,
    status: u16,
    content_type: *const c_char,
    body: *const u8,
    length: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (sandbox, on) = (&need(sandbox, "sandbox")?.sandbox, str::text(on, "on")?);
        let content_type = str::optional(content_type, "content_type")?.unwrap_or("text/plain; charset=utf-8");
        let response = RawResponse { status, headers: Vec::new(), body: str::array(body, length, "body")?.to_vec() };
        sandbox.respond_with(on, response.header("Content-Type", content_type));
        Ok(())
    })
}

/// Takes back all of isym_sandbox_serve and isym_sandbox_respond.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_clear_overrides(sandbox: Option<&isym_sandbox>) {
    with(sandbox, Sandbox::clear_overrides);
}

/// Sends a text as an event to all who listen, whatever it is: a type that nobody knows, what is not JSON.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_send_event(
    sandbox: Option<&isym_sandbox>,
    text: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(sandbox, "sandbox")?.sandbox.send_event(str::any(text, "text")?);
        Ok(())
    })
}

/// The last 10 000 events as texts of JSON, oldest first, whether anybody listened or not. NULL for NULL.
///
/// Made for the caller, who frees them with isym_texts_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_events(sandbox: Option<&isym_sandbox>) -> Option<Box<isym_texts>> {
    guard::plain(|| sandbox.map(|sandbox| isym_texts::boxed(sandbox.sandbox.events())))
}

/// Lets something go wrong: `key=value` pairs with `;` between them, as in "status=503; retry_after=1; on=*/users; times=3".
///
/// One of them is the fault: `delay=200ms`, `stall=before_head|within_head|within_body`, `cut=BYTES`, `reset=BYTES`, `drop`,
/// `length=longer|shorter|negative|twice`, `chunks=bad_size|huge_size|cut|no_end`, `garbage=BYTES`,
/// `body=html|object|list|null|empty`, `text=TEXT`, `status=503` (then maybe `retry_after=SECONDS`), `redirect=URL` (then
/// maybe `code=307`), `drip=BYTES`, `oversized=BYTES`, `nested=DEPTH`, `gzip_bomb=BYTES`, `headers=COUNT`,
/// `header_bytes=BYTES`; or the true answer with something untrue in it: `wrong_types` (values of other JSON types),
/// `duplicate_ids`, `dangling_parents` (references to what does not exist). Beside it may stand `on=` (see
/// isym_sandbox_serve), `method=POST`, and `times=COUNT` or `for=DURATION`; without them it strikes every request until
/// isym_sandbox_clear_faults.
///
/// Errors: ISYM_INVALID_ARGUMENT; the message says which part is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_fault(
    sandbox: Option<&isym_sandbox>,
    fault: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || need(sandbox, "sandbox")?.sandbox.fault_from_str(str::text(fault, "fault")?))
}

/// Takes back all faults, and a restart that is still to come.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_clear_faults(sandbox: Option<&isym_sandbox>) {
    with(sandbox, Sandbox::clear_faults);
}

fn with(sandbox: Option<&isym_sandbox>, act: impl FnOnce(&Sandbox)) {
    guard::plain(|| {
        if let Some(sandbox) = sandbox {
            act(&sandbox.sandbox);
        }
    });
}
