//! The settings of a client, as `connect` takes them.

use std::path::PathBuf;

use isymphony::{Code, Config, Error};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{self, Seconds};
use crate::errors::{OrRaise, raise};
use crate::live::Live;

/// A certificate and its key in two files, or both in one.
#[derive(FromPyObject)]
pub(crate) enum ClientCert {
    Two(PathBuf, PathBuf),
    One(PathBuf),
}

/// Opens a client of the server at `url` and waits for the first whole snapshot.
///
/// The URL may hold the credentials, and may or may not end in `/communication_manager`. `wait` is how many seconds to
/// wait for the first whole snapshot; `SyncTimeout` says why it did not come. `None` returns at once and heals later.
///
/// `core_servers` (slugs) and `resources` (kinds, as in `"extensions"`) limit what is mirrored. `action_paths` sends an
/// action to another path (`{"extension.originate": "call"}`), `action_body_keys` an argument under another key
/// (`{"extension.originate.destination": "number"}`). `cadences` is how often a kind is asked for
/// (`{"call_segments": (1, 5)}`, seconds), `backoff` how long to wait after a failure. Times are seconds or `timedelta`.
#[pyfunction]
#[pyo3(signature = (
    url, *, username=None, password=None, core_servers=None, resources=None, events=true, wait=Some(Seconds(TEN_SECONDS)),
    max_requests_per_second=None, ca_file=None, client_cert=None, verify=true, proxy=None, action_paths=None,
    action_body_keys=None, connections=None, body_limit=None, header_limit=None, text_limit=None, depth_limit=None,
    object_limit=None, connect_timeout=None, first_byte_timeout=None, silence_timeout=None, request_timeout=None,
    action_timeout=None, cadences=None, backoff=None
), text_signature = "(url, *, username=None, password=None, core_servers=None, resources=None, events=True, wait=10.0, \
    max_requests_per_second=None, ca_file=None, client_cert=None, verify=True, proxy=None, action_paths=None, \
    action_body_keys=None, connections=None, body_limit=None, header_limit=None, text_limit=None, depth_limit=None, \
    object_limit=None, connect_timeout=None, first_byte_timeout=None, silence_timeout=None, request_timeout=None, \
    action_timeout=None, cadences=None, backoff=None)")]
#[allow(clippy::too_many_arguments)]
pub(crate) fn connect(
    py: Python<'_>,
    url: &str,
    username: Option<&str>,
    password: Option<&str>,
    core_servers: Option<Vec<String>>,
    resources: Option<Vec<String>>,
    events: bool,
    wait: Option<Seconds>,
    max_requests_per_second: Option<f64>,
    ca_file: Option<PathBuf>,
    client_cert: Option<ClientCert>,
    verify: bool,
    proxy: Option<&str>,
    action_paths: Option<&Bound<'_, PyDict>>,
    action_body_keys: Option<&Bound<'_, PyDict>>,
    connections: Option<usize>,
    body_limit: Option<u64>,
    header_limit: Option<usize>,
    text_limit: Option<usize>,
    depth_limit: Option<usize>,
    object_limit: Option<usize>,
    connect_timeout: Option<Seconds>,
    first_byte_timeout: Option<Seconds>,
    silence_timeout: Option<Seconds>,
    request_timeout: Option<Seconds>,
    action_timeout: Option<Seconds>,
    cadences: Option<&Bound<'_, PyDict>>,
    backoff: Option<(Seconds, Seconds)>,
) -> PyResult<Live> {
    let mut config = Config::new(url).or_raise(py)?;
    credentials(py, &mut config, username, password)?;
    if let Some(slugs) = core_servers {
        config.core_servers(slugs).or_raise(py)?;
    }
    if let Some(names) = resources {
        let kinds = names.iter().map(|name| convert::kind(py, "resources", name)).collect::<PyResult<Vec<_>>>()?;
        config.kinds(kinds);
    }
    config.events(events).verify(verify);
    if let Some(path) = ca_file {
        config.ca_file(path);
    }
    match client_cert {
        Some(ClientCert::Two(cert, key)) => _ = config.client_cert(cert, key),
        Some(ClientCert::One(both)) => _ = config.client_cert(both.clone(), both),
        None => {}
    }
    config.proxy(proxy).or_raise(py)?;

    macro_rules! set {
        ($($setting:ident: $given:expr),* $(,)?) => {
            $(if let Some(value) = $given {
                config.$setting(value).or_raise(py)?;
            })*
        };
    }
    set! {
        max_requests_per_second: max_requests_per_second,
        connections: connections,
        body_limit: body_limit,
        header_limit: header_limit,
        text_limit: text_limit,
        depth_limit: depth_limit,
        object_limit: object_limit,
        connect_timeout: connect_timeout.map(|seconds| seconds.0),
        first_byte_timeout: first_byte_timeout.map(|seconds| seconds.0),
        silence_timeout: silence_timeout.map(|seconds| seconds.0),
        request_timeout: request_timeout.map(|seconds| seconds.0),
        action_timeout: action_timeout.map(|seconds| seconds.0),
    }
    if let Some((min, max)) = backoff {
        config.backoff(min.0, max.0).or_raise(py)?;
    }
    for (name, bounds) in cadences.into_iter().flatten() {
        let kind = convert::kind(py, "cadences", &name.extract::<String>()?)?;
        let (min, max): (Seconds, Seconds) = bounds.extract()?;
        config.cadence(kind, min.0, max.0).or_raise(py)?;
    }
    for (key, segment) in action_paths.into_iter().flatten() {
        let key: String = key.extract()?;
        let [kind, action] = parts(py, "action_paths", &key, "extension.originate")?;
        let kind = convert::kind(py, "action_paths", kind)?;
        config.action_path(kind, action, &segment.extract::<String>()?).or_raise(py)?;
    }
    for (key, name) in action_body_keys.into_iter().flatten() {
        let key: String = key.extract()?;
        let [kind, action, arg] = parts(py, "action_body_keys", &key, "extension.originate.destination")?;
        let kind = convert::kind(py, "action_body_keys", kind)?;
        config.action_body_key(kind, action, arg, &name.extract::<String>()?).or_raise(py)?;
    }
    Live::open(py, config, wait)
}

const TEN_SECONDS: std::time::Duration = std::time::Duration::from_secs(10);

/// The credentials of the arguments, or else those of the URL; one may come from each.
fn credentials(py: Python<'_>, config: &mut Config, username: Option<&str>, password: Option<&str>) -> PyResult<()> {
    let of_url = config.get_credentials().map(|(user, secret)| (user.to_owned(), secret.clone()));
    let (url_user, url_secret) = of_url.unzip();
    match (username.map(str::to_owned).or(url_user), password) {
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
