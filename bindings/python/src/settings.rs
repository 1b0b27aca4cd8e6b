//! The settings of a client, as keywords: `connect` and `doctor` take the same ones.

use std::path::PathBuf;

use isymphony::{Code, Config, Error};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySequence, PyString, PyTuple};

use crate::convert::{self, Many, Seconds};
use crate::errors::{OrRaise, raise};

/// A certificate and its key in two files, or both in one.
struct ClientCert(PathBuf, PathBuf);

impl<'py> FromPyObject<'_, 'py> for ClientCert {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        let (cert, key) = match value.cast::<PyTuple>() {
            Ok(both) => {
                both.extract().map_err(|error| unless_text(py, error, "the paths of the certificate and of its key"))?
            }
            Err(_) => {
                let both: PathBuf =
                    value.extract().map_err(|error| unless_text(py, error, "the path of a file, or a tuple of two"))?;
                (both.clone(), both)
            }
        };
        Ok(ClientCert(cert, key))
    }
}

/// One file or several.
struct Files(Vec<PathBuf>);

impl<'py> FromPyObject<'_, 'py> for Files {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        let files = match value.cast::<PySequence>() {
            Ok(files) if !value.is_instance_of::<PyString>() => files.extract(),
            _ => value.extract().map(|file| vec![file]),
        };
        files.map(Files).map_err(|error| unless_text(py, error, "the path of a file, or a list of paths"))
    }
}

/// What should be given, in place of what is wrong with what was; but what is wrong with a text is told.
fn unless_text(py: Python<'_>, error: PyErr, what: &str) -> PyErr {
    let is_text = error.is_instance_of::<PyUnicodeEncodeError>(py);
    if is_text { error } else { PyTypeError::new_err(format!("it is {what}")) }
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
pub(crate) fn read<'py, T: FromPyObjectOwned<'py>>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<T> {
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
    if let Some(slugs) = keywords.take::<Many<String>>("core_servers")? {
        config.core_servers(slugs.0).or_raise(py)?;
    }
    if let Some(names) = keywords.take::<Many<String>>("resources")? {
        let kinds = names.0.iter().map(|name| convert::kind(py, "resources", name)).collect::<PyResult<Vec<_>>>()?;
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
    if let Some(ClientCert(cert, key)) = keywords.take("client_cert")? {
        config.client_cert(cert, key);
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

    for file in keywords.take("overlay")?.map_or_else(Vec::new, |Files(files)| files) {
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
