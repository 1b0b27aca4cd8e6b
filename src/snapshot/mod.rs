//! The snapshot
mod build;
mod fast;
mod index;
mod layout;
mod pool;
mod slow;
mod table;

pub use build::Limits;
pub use layout::State;
pub use table::{ByName, Report, Table};

#[cfg(test)]
mod laws;
