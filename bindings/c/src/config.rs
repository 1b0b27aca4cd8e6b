//! The settings of a client.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::Config;

use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::kind::checked;
use crate::str;

/// The settings of a client: made with isym_config_new, changed by setters, given to isym_live_open, which copies them.
///
/// A setter that is given something impossible answers at once and changes nothing. The password is wiped from memory
/// when the settings are freed. One thread at a time sets them; any number of threads at once may open clients with
/// them.
pub struct isym_config {
    /// What the settings are, or what is wrong with the URL: told by everything that uses them.
    pub(crate) config: isymphony_core::Result<Config>,
}

impl isym_config {
    /// The settings, to change.
    pub(crate) fn edit(&mut self) -> isymphony_core::Result<&mut Config> {
        self.config.as_mut().map_err(|error| error.clone())
    }
}

/// The default settings for the server at `url`: http or https, a host, a port (default 58080 for http, 55050 for https),
/// and a user name and a password, percent-encoded, as in "http://manager:secret@pbx:58080". It may end in
/// "/communication_manager".
///
/// Never NULL. A bad URL is told by every setter and by isym_live_open, as ISYM_CONFIG or ISYM_INVALID_ARGUMENT; no
/// message repeats a part of the URL. The caller frees the settings with isym_config_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_new(url: *const c_char) -> Option<Box<isym_config>> {
    guard::plain(|| Some(Box::new(isym_config { config: str::text(url, "url").and_then(Config::new) })))
}

/// A copy of settings. NULL for NULL.
///
/// Made for the caller, who frees it with isym_config_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_clone(config: Option<&isym_config>) -> Option<Box<isym_config>> {
    guard::plain(|| config.map(|config| Box::new(isym_config { config: config.config.clone() })))
}

/// Frees settings. NULL is accepted. A client that was opened with them is not concerned.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_free(config: Option<Box<isym_config>>) {
    guard::plain(|| drop(config));
}

/// Finds settings that contradict each other; isym_live_open does it too. Files are looked at only there.
///
/// Errors: ISYM_CONFIG that names the settings and says what to do.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_validate(
    config: Option<&isym_config>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || need(config, "config")?.config.as_ref().map_err(|error| error.clone())?.validate())
}

/// The user name and the password. Default: those of the URL, or none.
///
/// Errors: ISYM_CONFIG where the user name holds a colon or a control character.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_credentials(
    config: Option<&mut isym_config>,
    user_name: *const c_char,
    password: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?.edit()?;
        config.credentials(str::text(user_name, "user_name")?, str::any(password, "password")?)?;
        Ok(())
    })
}

/// Mirrors only the core servers with these slugs. Default, and with a `count` of 0: all of them.
///
/// Errors: ISYM_CONFIG where a slug is empty.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_core_servers(
    config: Option<&mut isym_config>,
    slugs: *const *const c_char,
    count: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?.edit()?;
        config.core_servers(str::texts(slugs, count, "slugs")?)?;
        Ok(())
    })
}

/// Mirrors only these kinds of resources (isym_kind), and core servers. Default, and with a `count` of 0: all of them.
///
/// Errors: ISYM_INVALID_ARGUMENT where a number is no kind.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_kinds(
    config: Option<&mut isym_config>,
    kinds: *const u32,
    count: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?.edit()?;
        let kinds = str::array(kinds, count, "kinds")?.iter().map(|kind| checked(*kind, "kinds"));
        config.kinds(kinds.collect::<isymphony_core::Result<Vec<_>>>()?);
        Ok(())
    })
}

/// Whether to listen to the server's events as hints, so that changes show sooner. Default: true.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_events(
    config: Option<&mut isym_config>,
    on: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.events(on);
        Ok(())
    })
}

/// A PEM file with the certificates to trust instead of the system's: a private CA's, or the server's own self-signed one.
/// Default: none, the system's are trusted. NULL is not accepted.
///
/// Errors: none but bad arguments; the file is read when the client is opened.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_ca_file(
    config: Option<&mut isym_config>,
    path: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.ca_file(str::text(path, "path")?);
        Ok(())
    })
}

/// The certificate chain and the private key, two PEM files, with which the client shows who it is. Default: none.
///
/// Errors: none but bad arguments; the files are read when the client is opened.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_client_cert(
    config: Option<&mut isym_config>,
    cert_pem: *const c_char,
    key_pem: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?.edit()?;
        config.client_cert(str::text(cert_pem, "cert_pem")?, str::text(key_pem, "key_pem")?);
        Ok(())
    })
}

/// Whether the server must prove who it is. Default: true. With false, whoever sits on the way can read the password.
///
/// Errors: none but a bad `config`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_verify(
    config: Option<&mut isym_config>,
    on: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.verify(on);
        Ok(())
    })
}

/// The HTTP proxy to go through, as in "http://user:password@host:port"; NULL for none. Default: none; proxies that the
/// environment names are ignored.
///
/// Errors: ISYM_CONFIG where the URL is not that of an http or https proxy.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_proxy(
    config: Option<&mut isym_config>,
    url: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.proxy(str::optional(url, "url")?)?;
        Ok(())
    })
}

/// Posts an action to another path than the catalogue's: `segment` stands behind the instance's path. It is plain text,
/// percent-encoded when sent; a slash in it makes two segments.
///
/// Errors: ISYM_INVALID_ARGUMENT where `kind` (isym_kind) is no kind; ISYM_CONFIG where the kind has no such action, or the
/// segment is not a plain path.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_action_path(
    config: Option<&mut isym_config>,
    kind: u32,
    action: *const c_char,
    segment: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?.edit()?;
        config.action_path(checked(kind, "kind")?, str::text(action, "action")?, str::text(segment, "segment")?)?;
        Ok(())
    })
}

/// Sends an argument of an action under another key of the JSON body than the catalogue's.
///
/// Errors: ISYM_INVALID_ARGUMENT where `kind` (isym_kind) is no kind; ISYM_CONFIG where the kind has no such action, or the
/// action no such argument.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_action_body_key(
    config: Option<&mut isym_config>,
    kind: u32,
    action: *const c_char,
    argument: *const c_char,
    key: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let config = need(config, "config")?.edit()?;
        let (action, argument) = (str::text(action, "action")?, str::text(argument, "argument")?);
        config.action_body_key(checked(kind, "kind")?, action, argument, str::text(key, "key")?)?;
        Ok(())
    })
}

/// Changes rows of the catalogue by the text of an overlay: TOML that says what the server has otherwise, see
/// docs/overlay.md. Of several overlays the later ones win, row by row. Default: the rows of the catalogue.
///
/// Errors: ISYM_CONFIG with the line, and what is allowed there; then nothing is changed.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_overlay(
    config: Option<&mut isym_config>,
    text: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.overlay(str::any(text, "text")?)?;
        Ok(())
    })
}

/// Changes rows of the catalogue by an overlay in a file, which is read now.
///
/// Errors: ISYM_CONFIG where the file cannot be read, is longer than 1 MiB, or as isym_config_overlay.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_overlay_file(
    config: Option<&mut isym_config>,
    path: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.overlay_file(str::text(path, "path")?)?;
        Ok(())
    })
}
