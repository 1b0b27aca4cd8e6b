#![forbid(unsafe_code)]
//! isymphony

pub mod catalog;
mod error;
pub mod path;
#[cfg(feature = "sandbox")]
pub mod sandbox;

pub use error::{Code, Error, Result};
pub use path::Path;
