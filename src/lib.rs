#![forbid(unsafe_code)]
//! isymphony

pub mod catalog;
mod config;
mod error;
pub mod path;
#[allow(dead_code)] // until the live engine uses it
mod transport;

pub use config::{Cadence, Config, Secret};
pub use error::{Code, Error, Result};
pub use path::Path;
