//! Which version this is.

use std::ffi::CStr;

use crate::guard;
use crate::str::isym_str;

/// The version of the library that is running, as in "0.1.0": compare it with ISYM_VERSION, the version of the header.
///
/// The text lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn isym_version() -> isym_str {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version holds no NUL"),
    };
    guard::plain(|| isym_str::from_static(VERSION))
}
