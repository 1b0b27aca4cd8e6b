#![forbid(unsafe_code)]
//! The live state of an iSymphony telephony server inside your process: names resolved in nanoseconds, actions by name.
//!
//! A [`Live`] client keeps a [`Snapshot`] of the server's core servers, users, extensions, call segments, queues, agents and
//! conference rooms true in the background. Reading it never waits, takes no lock and copies nothing:
//!
//! ```no_run
//! use std::time::Duration;
//! use isymphony::{Config, Live, snapshot::Extension};
//!
//! # fn main() -> isymphony::Result<()> {
//! let mut config = Config::new("http://pbx:58080")?;
//! config.credentials("manager", "secret")?;
//! let live = Live::open(config)?;
//! live.wait(Some(Duration::from_secs(10)))?;
//!
//! let snapshot = live.snapshot();                                     // a pin: all reads agree with each other
//! let extension = Extension::try_from(snapshot.core_server("default")?.extensions().by_name("4224")?)?;
//! println!("{} {}", extension.display_name().unwrap_or("?"), extension.id());
//!
//! let ticket = live.extension("4224", None)?.originate("5551234")?;   // symbolic: it survives a restart of the server
//! ticket.wait(Some(Duration::from_secs(5)))?;                         // now the snapshot knows the call
//! # Ok(())
//! # }
//! ```
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`catalog`] | everything that is known of the Live API, as one table |
//! | [`path`] | paths of the Live API |
//! | [`config`] | the settings of a client |
//! | [`snapshot`] | what is known, and how to read it |
//! | [`handle`], [`action`] | symbolic references, and what can be done with them |
//! | [`watch`] | what changes, as it changes |
//! | [`Event`] | what the server tells as it happens: a hint where to look, and news for who watches |
//! | [`health`] | the truth about how well the client knows the server |
//! | [`doctor`], [`overlay`] | what a given server really has, and how to say so |
//! | [`sandbox`] | an embedded server to try and test on |
//!
//! The server gives all objects new ids at every restart, and its documentation is unfinished. So handles are symbolic and
//! bind anew, and nothing unknown, missing or malformed breaks what works.

pub mod action;
#[doc(hidden)]
pub mod bench;
pub mod catalog;
mod clock;
pub mod config;
pub mod doctor;
mod error;
mod event;
pub mod handle;
pub mod health;
mod live;
pub mod overlay;
pub mod path;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod snapshot;
mod sync;
#[doc(hidden)]
pub mod threads;
mod transport;
pub mod watch;

pub use config::Config;
pub use error::{Code, Error, Result};
pub use event::Event;
pub use handle::Handle;
pub use health::Health;
pub use live::Live;
pub use path::Path;
pub use snapshot::Snapshot;
pub use watch::Watch;
