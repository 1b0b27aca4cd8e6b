#![forbid(unsafe_code)]
//! isymphony

pub mod catalog;
mod clock;
mod error;
pub mod path;
pub mod snapshot;

pub use error::{Code, Error, Result};
pub use path::Path;
