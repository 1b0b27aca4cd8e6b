//! The doctor: finds out what a given server really has, without carrying out or changing anything.
//!
//! Much of the Live API is inferred. [`examine`] asks a server, with GET and OPTIONS only, which parts of the catalogue it
//! has: the way to it (name, connection, TLS, credentials, access control list), each list and singleton, each property, the
//! symbolic names, the Event API, and each action's path. The [`Report`] is data, prints as a table, and writes an
//! [overlay](crate::overlay) that adapts a client to the server.
//!
//! It looks at a small sample of instances, the first that the server lists. No value of a property is ever in a report:
//! instances are named by the ids in their paths, properties by their names and types. Passwords are never in it.
//!
//! ```no_run
//! # fn main() -> isymphony::Result<()> {
//! use isymphony::doctor::{self, Options};
//!
//! let config = isymphony::Config::new("http://manager:secret@pbx:58080")?;
//! let report = doctor::examine(&config, &Options::default());
//! println!("{report}");
//! if let Some(overlay) = report.overlay() {
//!     std::fs::write("pbx.toml", overlay).ok();
//! }
//! std::process::exit(if report.ok() { 0 } else { 1 });
//! # }
//! ```
//!
//! | file | what it does |
//! | --- | --- |
//! | `ask` | asks within bounds of time and rate, and gives up on a server that is gone |
//! | `connection` | the way to the server; the Event API |
//! | `resources` | lists, singletons and instances; gathers the sample |
//! | `properties`, `names` | what the sample says; symbolic names |
//! | `actions` | the actions' paths |
//! | `findings` | what all this means, and what to do |
//! | `report`, `table`, `overlay` | the report as data, as text, as an overlay |

mod actions;
mod ask;
mod connection;
mod findings;
mod names;
mod overlay;
mod properties;
mod report;
mod resources;
mod table;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

pub use report::{
    ActionCheck, Finding, KindCheck, NameCheck, NameVerdict, Passed, PropertyCheck, Report, SetCheck, Severity, Step,
    UnknownProperty, Verdict,
};

use crate::config::Config;
use resources::Sample;

/// How thoroughly a server is examined.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many instances of each kind are looked at. Default: 3.
    pub sample: usize,
    /// How many instances are asked for what is below them, where the first ones have nothing there (most users are not
    /// logged in). Default: 25.
    pub search: usize,
    /// When the examination ends, done or not. Default: 60 s. A request that is under way then is waited for.
    pub time_limit: Duration,
    /// Whether an action's path is asked with GET where OPTIONS leaves the question open. Default: `true`. A server that
    /// keeps to HTTP carries nothing out for a GET; for one that may not, say `false`.
    pub get_actions: bool,
    /// Where it becomes `true` the examination ends, and the report says so. Default: `None`. A request that is under way
    /// then is waited for.
    pub stop: Option<Arc<AtomicBool>>,
}

impl Default for Options {
    fn default() -> Self {
        Options { sample: 3, search: 25, time_limit: Duration::from_secs(60), get_actions: true, stop: None }
    }
}

impl Options {
    /// How many instances of each kind are looked at.
    pub fn sample(mut self, instances: usize) -> Self {
        self.sample = instances;
        self
    }

    /// How many instances are asked for what is below them.
    pub fn search(mut self, instances: usize) -> Self {
        self.search = instances;
        self
    }

    /// When the examination ends, done or not.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Whether an action's path is asked with GET where OPTIONS leaves the question open.
    pub fn get_actions(mut self, on: bool) -> Self {
        self.get_actions = on;
        self
    }

    /// Ends the examination where it becomes `true`.
    pub fn stop(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = Some(stop);
        self
    }
}

/// Examines the server that the settings name: over connections of its own, with GET and OPTIONS only.
///
/// Whatever goes wrong is in the report. The settings' paths, symbolic names, credentials, time limits and
/// `max_requests_per_second` (default here: 50) hold.
pub fn examine(config: &Config, options: &Options) -> Report {
    let started = Instant::now();
    let mut report = Report::new(config);
    if let Some(mut asker) = connection::open(config, options, &mut report) {
        connection::way(&mut asker, config, &mut report);
        if report.is_connected() {
            let mut sample = Sample::new(config, options);
            resources::examine(&mut asker, config, &mut sample, &mut report);
            report.kinds = properties::examine(&sample);
            for check in &mut report.kinds {
                resources::instances(&mut asker, &sample, check);
                check.symbolic_name = names::examine(&mut asker, config, &sample, check.kind);
            }
            report.event_api = connection::events(&mut asker);
            report.actions = actions::examine(&mut asker, config, options, &sample);
        }
        report.requests = asker.requests();
        report.cut_short = asker.gave_up().map(str::to_owned);
        asker.close();
    }
    report.milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    report.count_verdicts();
    report.findings = findings::of(&report, config);
    report
}
