#![forbid(unsafe_code)]
//! isymphony

pub mod catalog;
mod clock;
pub mod config;
mod error;
pub mod path;
pub mod snapshot;

pub use config::Config;
pub use error::{Code, Error, Result};
pub use path::Path;
