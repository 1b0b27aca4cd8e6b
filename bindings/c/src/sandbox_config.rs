//! What a sandbox is started with.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::sandbox::SandboxConfig;

use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::str;
use crate::time;

/// The settings of a sandbox: made with isym_sandbox_config_new, changed by setters, given to isym_sandbox_new, which
/// copies them and checks that they do not contradict each other. All counts are per core server. The caller frees them
/// with isym_sandbox_config_free. One thread at a time sets them; any number of threads at once may start sandboxes
/// with them.
pub struct isym_sandbox_config(pub(crate) SandboxConfig);

impl isym_sandbox_config {
    fn edit(&mut self, change: impl FnOnce(SandboxConfig) -> SandboxConfig) {
        self.0 = change(std::mem::take(&mut self.0));
    }
}

/// The defaults: 20 users, 3 queues, 2 conference rooms, the core server "default", no calls, no authentication. Never NULL.
/// The caller frees them with isym_sandbox_config_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_new() -> Option<Box<isym_sandbox_config>> {
    guard::plain(|| Some(Box::new(isym_sandbox_config(SandboxConfig::new()))))
}

/// Frees settings. NULL is accepted. A sandbox that was started with them is not concerned.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_free(config: Option<Box<isym_sandbox_config>>) {
    guard::plain(|| drop(config));
}

/// How many users there are, each with one extension. Default 20, at most 1 000 000. The first is the user 4224 with
/// extension 4224, the second is mike.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_users(
    config: Option<&mut isym_sandbox_config>,
    count: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.users(count));
        Ok(())
    })
}

/// How many of the users, counted from the last, have a lite licence: they have no status, and lists leave out the
/// extensions that only they have. Default 0.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_lite_users(
    config: Option<&mut isym_sandbox_config>,
    count: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.lite_users(count));
        Ok(())
    })
}

/// How many further extensions there are, shared out among the users in turn. Default 0.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_extra_extensions(
    config: Option<&mut isym_sandbox_config>,
    count: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.extra_extensions(count));
        Ok(())
    })
}

/// How many queues there are, numbered from 5001. Default 3, at most 2 999.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_queues(
    config: Option<&mut isym_sandbox_config>,
    count: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.queues(count));
        Ok(())
    })
}

/// How many agents each queue starts with. Default 4.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_agents_per_queue(
    config: Option<&mut isym_sandbox_config>,
    count: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.agents_per_queue(count));
        Ok(())
    })
}

/// How many conference rooms there are, numbered from 8001. Default 2, at most 1 999.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_conferences(
    config: Option<&mut isym_sandbox_config>,
    count: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.conferences(count));
        Ok(())
    })
}

/// What names, ids and the calls of the background follow from. Default 0.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_seed(
    config: Option<&mut isym_sandbox_config>,
    seed: u64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.seed(seed));
        Ok(())
    })
}

/// How many linked calls there are at the start. Default 0.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_calls_at_start(
    config: Option<&mut isym_sandbox_config>,
    count: u32,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.calls_at_start(count));
        Ok(())
    })
}

/// How many calls a second the background makes; they ring, are answered and end. Default 0, at most 10 000.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_calls_per_second(
    config: Option<&mut isym_sandbox_config>,
    calls: f64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.calls_per_second(calls));
        Ok(())
    })
}

/// How long a phone rings before it is answered, in milliseconds. Default 200.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_ring_time(
    config: Option<&mut isym_sandbox_config>,
    ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        let time = time::setting(ms, "ms")?;
        config.edit(|config| config.ring_time(time));
        Ok(())
    })
}

/// How long a call lasts that an action or the background made, in milliseconds. Default 30 000.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_call_duration(
    config: Option<&mut isym_sandbox_config>,
    ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        let time = time::setting(ms, "ms")?;
        config.edit(|config| config.call_duration(time));
        Ok(())
    })
}

/// Whether the licensing rules hide what they hide on a real server. Default true.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_licensing(
    config: Option<&mut isym_sandbox_config>,
    on: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.licensing(on));
        Ok(())
    })
}

/// Whether conference rooms are enabled. Default true.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_conferences_enabled(
    config: Option<&mut isym_sandbox_config>,
    on: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.conferences_enabled(on));
        Ok(())
    })
}

/// The loopback port to listen on; 0 picks a free one. Default 0.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_port(
    config: Option<&mut isym_sandbox_config>,
    port: u16,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.port(port));
        Ok(())
    })
}

/// How many connections are served at the same time. Default 256.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_max_connections(
    config: Option<&mut isym_sandbox_config>,
    count: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.max_connections(count));
        Ok(())
    })
}

/// How many requests isym_sandbox_requests remembers. Default 100 000.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_max_requests_kept(
    config: Option<&mut isym_sandbox_config>,
    count: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        config.edit(|config| config.max_requests_kept(count));
        Ok(())
    })
}

/// Demands HTTP Basic authentication. Default: none is demanded. The user name must not hold a colon.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_credentials(
    config: Option<&mut isym_sandbox_config>,
    user_name: *const c_char,
    password: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        let (user_name, password) = (str::text(user_name, "user_name")?, str::any(password, "password")?);
        config.edit(|config| config.credentials(user_name, password));
        Ok(())
    })
}

/// The slugs of the core servers. Default one, "default". The first one is what a call of the sandbox means that
/// names none.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_config_set_core_servers(
    config: Option<&mut isym_sandbox_config>,
    slugs: *const *const c_char,
    count: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?;
        let slugs = str::texts(slugs, count, "slugs")?;
        config.edit(|config| config.core_servers(slugs));
        Ok(())
    })
}
