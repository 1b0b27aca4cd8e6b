//! One leg of a call.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::CallSegment;

use crate::conference_room::isym_conference_room;
use crate::error::isym_status;
use crate::extension::isym_extension;
use crate::guard::{self, found};
use crate::queue::isym_queue;
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::uuid::isym_uuid;

/// One leg of a call.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_call_segment {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as a call segment.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_call_segment(
    resource: isym_resource,
    segment: Option<&mut MaybeUninit<isym_call_segment>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::CallSegment).map(|resource| isym_call_segment { resource }), segment))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_resource(segment: isym_call_segment) -> isym_resource {
    segment.resource
}

/// The id of a call segment: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_id(segment: isym_call_segment) -> isym_uuid {
    resource::isym_resource_id(segment.resource)
}

/// "INTERNAL", or "EXTERNAL" (inferred).
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_type(segment: isym_call_segment) -> isym_str {
    segment.resource.text(|view: CallSegment<'_>| view.r#type())
}

/// The id of the caller id itself.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_caller_id_id(segment: isym_call_segment) -> isym_str {
    segment.resource.text(|view: CallSegment<'_>| view.caller_id_id())
}

/// The caller's name.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_caller_id_name(segment: isym_call_segment) -> isym_str {
    segment.resource.text(|view: CallSegment<'_>| view.caller_id_name())
}

/// The caller's number.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_caller_id_number(segment: isym_call_segment) -> isym_str {
    segment.resource.text(|view: CallSegment<'_>| view.caller_id_number())
}

/// The number that was dialled from outside, where there is one; not always a number ("s").
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_did(segment: isym_call_segment) -> isym_str {
    segment.resource.text(|view: CallSegment<'_>| view.did())
}

/// Whether a call segment is on hold.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_on_hold(segment: isym_call_segment) -> bool {
    segment.resource.view(|view: CallSegment<'_>| view.on_hold().unwrap_or_default())
}

/// Whether a call segment is recorded.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_recording(segment: isym_call_segment) -> bool {
    segment.resource.view(|view: CallSegment<'_>| view.recording().unwrap_or_default())
}

/// Whether the call came in to this side.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_incoming(segment: isym_call_segment) -> bool {
    segment.resource.view(|view: CallSegment<'_>| view.incoming().unwrap_or_default())
}

/// The extension a call segment is on; not found where that is not known (yet): it is known only through the
/// extension's own list.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_extension(
    segment: isym_call_segment,
    extension: Option<&mut MaybeUninit<isym_extension>>,
) -> isym_status {
    segment.resource.related(extension, |view: CallSegment<'_>| {
        view.extension().map(|extension| isym_extension { resource: (*extension).into() })
    })
}

/// The queue a call segment is in.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_queue(
    segment: isym_call_segment,
    queue: Option<&mut MaybeUninit<isym_queue>>,
) -> isym_status {
    segment
        .resource
        .related(queue, |view: CallSegment<'_>| view.queue().map(|queue| isym_queue { resource: (*queue).into() }))
}

/// The conference room a call segment is in.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_call_segment_conference(
    segment: isym_call_segment,
    conference: Option<&mut MaybeUninit<isym_conference_room>>,
) -> isym_status {
    segment.resource.related(conference, |view: CallSegment<'_>| {
        view.conference().map(|conference| isym_conference_room { resource: (*conference).into() })
    })
}
