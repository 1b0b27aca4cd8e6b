//! The kinds of resources.

use std::ffi::c_char;

use isymphony_core::Result;
use isymphony_core::catalog::Kind;

use crate::guard::{self, invalid};
use crate::str::{self, isym_str};

/// The kinds of resources. The numbers never change their meaning; later versions may add further ones.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_kind {
    /// No kind: what an empty view answers.
    #[default]
    ISYM_KIND_NONE = 0,
    /// A core server: one PBX that the iSymphony server manages.
    ISYM_KIND_CORE_SERVER = 1,
    /// A user of iSymphony.
    ISYM_KIND_USER = 2,
    /// A client with which a user is logged in now.
    ISYM_KIND_LOGIN = 3,
    /// The status a user shows; in C isym_user_status.
    ISYM_KIND_STATUS = 4,
    /// An extension of the PBX.
    ISYM_KIND_EXTENSION = 5,
    /// One leg of a call.
    ISYM_KIND_CALL_SEGMENT = 6,
    /// A call queue.
    ISYM_KIND_QUEUE = 7,
    /// An extension that is logged in to a queue.
    ISYM_KIND_AGENT = 8,
    /// The statistics of an agent.
    ISYM_KIND_STATISTICS = 9,
    /// A conference room.
    ISYM_KIND_CONFERENCE_ROOM = 10,
}

impl From<Kind> for isym_kind {
    fn from(kind: Kind) -> isym_kind {
        match kind {
            Kind::CoreServer => isym_kind::ISYM_KIND_CORE_SERVER,
            Kind::User => isym_kind::ISYM_KIND_USER,
            Kind::Login => isym_kind::ISYM_KIND_LOGIN,
            Kind::Status => isym_kind::ISYM_KIND_STATUS,
            Kind::Extension => isym_kind::ISYM_KIND_EXTENSION,
            Kind::CallSegment => isym_kind::ISYM_KIND_CALL_SEGMENT,
            Kind::Queue => isym_kind::ISYM_KIND_QUEUE,
            Kind::Agent => isym_kind::ISYM_KIND_AGENT,
            Kind::Statistics => isym_kind::ISYM_KIND_STATISTICS,
            Kind::ConferenceRoom => isym_kind::ISYM_KIND_CONFERENCE_ROOM,
        }
    }
}

/// A kind that C gave as a number.
pub(crate) fn checked(kind: u32, name: &'static str) -> Result<Kind> {
    Kind::from_number(kind).ok_or_else(|| invalid(format!("{name} is {kind}, which is no kind of resource")))
}

/// The vendor's name of a kind, as in "CallSegment". Empty for a number that is no kind.
///
/// The text lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn isym_kind_name(kind: u32) -> isym_str {
    guard::plain(|| match Kind::from_number(kind) {
        None => isym_str::default(),
        Some(kind) => isym_str::from_static(match kind {
            Kind::CoreServer => c"CoreServer",
            Kind::User => c"User",
            Kind::Login => c"Login",
            Kind::Status => c"Status",
            Kind::Extension => c"Extension",
            Kind::CallSegment => c"CallSegment",
            Kind::Queue => c"Queue",
            Kind::Agent => c"Agent",
            Kind::Statistics => c"Statistics",
            Kind::ConferenceRoom => c"ConferenceRoom",
        }),
    })
}

/// The kind with this name: "Extension", or the name of its list in a path or as an attribute, as in "extensions" and
/// "call_segments". ISYM_KIND_NONE where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn isym_kind_from_name(name: *const c_char) -> isym_kind {
    guard::plain(|| str::quiet(name).and_then(Kind::from_name).map(isym_kind::from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_and_names_are_those_of_the_core() {
        for kind in Kind::ALL {
            assert_eq!(isym_kind::from(kind) as u32, kind as u32);
            let name = isym_kind_name(kind as u32);
            assert_eq!(isym_kind_from_name(name.ptr), isym_kind::from(kind));
            assert_eq!(name.len, kind.name().len());
        }
        assert_eq!(isym_kind_name(0).len + isym_kind_name(11).len + isym_kind_name(u32::MAX).len, 0);
        assert_eq!(isym_kind_from_name(std::ptr::null()), isym_kind::ISYM_KIND_NONE);
    }
}
