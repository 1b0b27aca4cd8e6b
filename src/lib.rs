#![forbid(unsafe_code)]
//! isymphony

pub mod action;
pub mod catalog;
mod clock;
pub mod config;
mod error;
pub mod handle;
pub mod health;
mod live;
pub mod path;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod snapshot;
mod sync;
mod transport;

pub use config::Config;
pub use error::{Code, Error, Result};
pub use handle::Handle;
pub use health::Health;
pub use live::Live;
pub use path::Path;
pub use snapshot::Snapshot;
