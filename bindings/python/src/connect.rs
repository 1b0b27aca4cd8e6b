//! `connect`: opens a client.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::convert::{self, Seconds};
use crate::live::Live;
use crate::settings;

/// Opens a client of the server at `url` and waits for the first whole snapshot.
///
/// The URL may hold the credentials, and may or may not end in `/communication_manager`. `wait` is how many seconds to
/// wait for the first whole snapshot; `SyncTimeout` says why it did not come. `None` returns at once and heals later.
///
/// `core_servers` (slugs) and `resources` (kinds, as in `"extensions"`) limit what is mirrored. `overlay` (the path of a
/// file, or of several) and `overlay_text` say what the server has otherwise than the catalogue; of several the later ones
/// win. `action_paths` sends an action to another path (`{"extension.originate": "call"}`), `action_body_keys` an argument
/// under another key (`{"extension.originate.destination": "number"}`); they win over overlays. `cadences` is how often a
/// kind is asked for (`{"call_segments": (1, 5)}`), `backoff` how long to wait after a failure (at first, and at most),
/// `event_silence` how long the server may send no event before it is asked for a sign of life, and how long that may take.
/// Times are seconds or `timedelta`. What is `None` has its default.
///
/// Raises `ConfigError` where a setting is impossible, contradicts another, or names a file that cannot be used.
#[pyfunction]
#[pyo3(signature = (url, *, wait=Wait(Some(Seconds(TEN_SECONDS))), **settings), text_signature = "(url, *, username=None, \
    password=None, core_servers=None, resources=None, events=True, wait=10.0, max_requests_per_second=None, ca_file=None, \
    client_cert=None, verify=True, proxy=None, overlay=None, overlay_text=None, action_paths=None, action_body_keys=None, \
    connections=None, body_limit=None, header_limit=None, text_limit=None, depth_limit=None, object_limit=None, \
    connect_timeout=None, first_byte_timeout=None, silence_timeout=None, request_timeout=None, action_timeout=None, \
    cadences=None, backoff=None, event_silence=None)")]
pub(crate) fn connect(
    py: Python<'_>,
    url: &Bound<'_, PyString>,
    wait: Wait,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<Live> {
    Live::open(py, settings::config(py, url, settings)?, wait.0)
}

/// How long to wait for the first snapshot, if at all.
pub(crate) struct Wait(Option<Seconds>);

impl<'py> FromPyObject<'_, 'py> for Wait {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        convert::argument("wait", &value).map(Wait)
    }
}

const TEN_SECONDS: Duration = Duration::from_secs(10);
