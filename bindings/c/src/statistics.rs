//! The statistics of an agent.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::Statistics;

use crate::agent::isym_agent;
use crate::error::isym_status;
use crate::guard::{self, found};
use crate::resource::{self, isym_resource};
use crate::uuid::isym_uuid;

/// The statistics of an agent. Nothing is known of their properties: read isym_resource_raw.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_statistics {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as statistics.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_statistics(
    resource: isym_resource,
    statistics: Option<&mut MaybeUninit<isym_statistics>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::Statistics).map(|resource| isym_statistics { resource }), statistics))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_statistics_resource(statistics: isym_statistics) -> isym_resource {
    statistics.resource
}

/// The id of statistics: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_statistics_id(statistics: isym_statistics) -> isym_uuid {
    resource::isym_resource_id(statistics.resource)
}

/// The agent whose statistics they are.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_statistics_agent(
    statistics: isym_statistics,
    agent: Option<&mut MaybeUninit<isym_agent>>,
) -> isym_status {
    statistics
        .resource
        .related(agent, |view: Statistics<'_>| view.agent().map(|agent| isym_agent { resource: (*agent).into() }))
}
