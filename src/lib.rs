#![forbid(unsafe_code)]
//! isymphony

pub mod catalog;
mod config;
mod error;
pub mod path;

pub use config::{Cadence, Config, Secret};
pub use error::{Code, Error, Result};
pub use path::Path;
