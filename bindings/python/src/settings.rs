//! The settings of a client, as keywords: `connect` and `doctor` take the same ones.

use std::path::PathBuf;

use isymphony::{Code, Config, Error};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::convert::{self, Seconds};
use crate::errors::{OrRaise, raise};

/// A certificate and its key in two files, or both in one.
#[derive(FromPyObject)]
enum ClientCert {
    Two(PathBuf, PathBuf),
    One(PathBuf),
}

/// One file or several.
#[derive(FromPyObject)]
enum Files {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

/// The keywords of a call that are not read yet.
struct Keywords<'py>(Bound<'py, PyDict>);

impl<'py> Keywords<'py> {
    /// The value of a keyword; one that is `None` counts as not given.
    fn take<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<Option<T>> {
        let Some(value) = self.0.get_item(name)? else { return Ok(None) };
        self.0.del_item(name)?;
        if value.is_none() {
            return Ok(None);
        }
        read(name, &value).map(Some)
    }

    /// Nothing may be left.
    fn finish(self) -> PyResult<()> {
        match self.0.keys().get_item(0) {
            Ok(name) => Err(PyTypeError::new_err(format!("got an unexpected keyword argument '{name}'"))),
            Err(_) => Ok(()),
        }
    }
}

/// The value of a keyword, or a part of it.
fn read<'py, T: FromPyObjectOwned<'py>>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<T> {
    value.extract::<T>().map_err(|error| convert::misfit(value.py(), Code::Config, name, error.into()))
}

/// The value of an argument beside the keywords, or what it is when it is not given.
pub(crate) fn read_or<'py, T: FromPyObjectOwned<'py>>(
    name: &str,
    value: Option<&Bound<'py, PyAny>>,
    default: T,
) -> PyResult<T> {
    value.map_or(Ok(default), |value| read(name, value))
}

/// The settings for the server at `url`, as the keywords of a call say.
///
/// Overlays come first, then what single keywords say of actions: the more special one wins.
pub(crate) fn config(
    py: Python<'_>,
    url: &Bound<'_, PyString>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<Config> {
    let keywords = Keywords(keywords.map_or_else(|| Ok(PyDict::new(py)), |given| given.copy())?);
    let mut config = Config::new(convert::setting("url", url)?).or_raise(py)?;
    credentials(py, &mut config, keywords.take("username")?, keywords.take("password")?)?;
    if let Some(slugs) = keywords.take::<Vec<String>>("core_servers")? {
        config.core_servers(slugs).or_raise(py)?;
    }
    if let Some(names) = keywords.take::<Vec<String>>("resources")? {
        let kinds = names.iter().map(|name| convert::kind(py, "resources", name)).collect::<PyResult<Vec<_>>>()?;
        config.kinds(kinds);
    }
    if let Some(on) = keywords.take("events")? {
        config.events(on);
    }
    if let Some(on) = keywords.take("verify")? {
        config.verify(on);
    }
    if let Some(path) = keywords.take::<PathBuf>("ca_file")? {
        config.ca_file(path);
    }
    match keywords.take("client_cert")? {
        Some(ClientCert::Two(cert, key)) => _ = config.client_cert(cert, key),
        Some(ClientCert::One(both)) => _ = config.client_cert(both.clone(), both),
        None => {}
    }
    if let Some(url) = keywords.take::<String>("proxy")? {
        config.proxy(Some(&url)).or_raise(py)?;
    }

    macro_rules! set {
        ($($setting:ident),*) => {
            $(if let Some(value) = keywords.take(stringify!($setting))? {
                config.$setting(value).or_raise(py)?;
            })*
        };
    }
    macro_rules! set_times {
        ($($setting:ident),*) => {
            $(if let Some(Seconds(time)) = keywords.take(stringify!($setting))? {
                config.$setting(time).or_raise(py)?;
            })*
        };
    }
    macro_rules! set_two_times {
        ($($setting:ident),*) => {
            $(if let Some((Seconds(first), Seconds(second))) = keywords.take(stringify!($setting))? {
                config.$setting(first, second).or_raise(py)?;
            })*
        };
    }
    set!(max_requests_per_second, connections);
    set!(body_limit, header_limit, text_limit, depth_limit, object_limit);
    set_times!(connect_timeout, first_byte_timeout, silence_timeout, request_timeout, action_timeout);
    set_two_times!(backoff, event_silence);
    for (name, bounds) in keywords.take::<Bound<'_, PyDict>>("cadences")?.iter().flatten() {
        let kind = convert::kind(py, "cadences", &read::<String>("cadences", &name)?)?;
        let (Seconds(min), Seconds(max)) = read("cadences", &bounds)?;
        config.cadence(kind, min, max).or_raise(py)?;
    }

    let files = match keywords.take("overlay")? {
        Some(Files::One(file)) => vec![file],
        Some(Files::Many(files)) => files,
        None => Vec::new(),
    };
    for file in files {
        config.overlay_file(file).or_raise(py)?;
    }
    if let Some(text) = keywords.take::<String>("overlay_text")? {
        config.overlay(&text).or_raise(py)?;
    }
    for (key, segment) in keywords.take::<Bound<'_, PyDict>>("action_paths")?.iter().flatten() {
        let key: String = read("action_paths", &key)?;
        let [kind, action] = parts(py, "action_paths", &key, "extension.originate")?;
        let kind = convert::kind(py, "action_paths", kind)?;
        config.action_path(kind, action, &read::<String>("action_paths", &segment)?).or_raise(py)?;
    }
    for (key, name) in keywords.take::<Bound<'_, PyDict>>("action_body_keys")?.iter().flatten() {
        let key: String = read("action_body_keys", &key)?;
        let [kind, action, arg] = parts(py, "action_body_keys", &key, "extension.originate.destination")?;
        let kind = convert::kind(py, "action_body_keys", kind)?;
        config.action_body_key(kind, action, arg, &read::<String>("action_body_keys", &name)?).or_raise(py)?;
    }
    keywords.finish()?;
    Ok(config)
}

/// The credentials of the arguments, or else those of the URL; one may come from each.
fn credentials(
    py: Python<'_>,
    config: &mut Config,
    username: Option<String>,
    password: Option<String>,
) -> PyResult<()> {
    let of_url = config.get_credentials().map(|(user, secret)| (user.to_owned(), secret.clone()));
    let (url_user, url_secret) = of_url.unzip();
    match (username.or(url_user), password) {
        (Some(user), Some(password)) => _ = config.credentials(user, password).or_raise(py)?,
        (Some(user), None) => match url_secret {
            Some(secret) => _ = config.credentials(user, secret).or_raise(py)?,
            None => return Err(raise(py, &Error::new(Code::Config, "a username is given and no password"))),
        },
        (None, Some(_)) => return Err(raise(py, &Error::new(Code::Config, "a password is given and no username"))),
        (None, None) => {}
    }
    Ok(())
}

/// The parts of a key as in `extension.originate`.
fn parts<'k, const N: usize>(py: Python<'_>, setting: &str, key: &'k str, example: &str) -> PyResult<[&'k str; N]> {
    let parts: Vec<&str> = key.split('.').collect();
    parts.try_into().map_err(|_| {
        raise(py, &Error::new(Code::Config, format!("{setting}: the key {key:?} is not of the form {example:?}")))
    })
}
