//! Texts across the boundary.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use isymphony_core::Result;

use crate::error::isym_status;
use crate::guard::{self, found, invalid};

/// A text in UTF-8, borrowed from the object that gave it.
///
/// `ptr` is never NULL, and a NUL stands behind the last byte: it can be given to printf. `len` does not count that NUL. A
/// text from the server may hold a NUL of its own; then `len` tells the truth and printf stops early.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_str {
    /// The first byte.
    pub ptr: *const c_char,
    /// The number of bytes.
    pub len: usize,
}

impl isym_str {
    pub(crate) fn from_static(text: &'static CStr) -> isym_str {
        isym_str { ptr: text.as_ptr(), len: text.count_bytes() }
    }

    /// A text that has a NUL behind its last byte, as all texts of a snapshot have.
    #[inline]
    pub(crate) fn from_terminated(text: &str) -> isym_str {
        if text.is_empty() { isym_str::default() } else { isym_str { ptr: text.as_ptr().cast(), len: text.len() } }
    }
}

impl Default for isym_str {
    fn default() -> isym_str {
        isym_str::from_static(c"")
    }
}

/// A text of our own with a NUL behind it.
#[derive(Clone)]
pub(crate) struct Text(Box<str>);

impl Text {
    pub(crate) fn new(mut text: String) -> Text {
        text.push('\0');
        Text(text.into_boxed_str())
    }

    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0[..self.0.len() - 1]
    }

    pub(crate) fn borrow(&self) -> isym_str {
        isym_str { ptr: self.0.as_ptr().cast(), len: self.0.len() - 1 }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::new(text.to_owned())
    }
}

/// A text that was made for the caller, who frees it with isym_text_free. Immutable. May be used on any number of
/// threads at once.
pub struct isym_text(Text);

impl isym_text {
    pub(crate) fn boxed(text: impl Into<String>) -> Box<isym_text> {
        Box::new(isym_text(Text::new(text.into())))
    }
}

/// The text, borrowed from its object; empty for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_text_str(text: Option<&isym_text>) -> isym_str {
    guard::plain(|| text.map(|text| text.0.borrow()).unwrap_or_default())
}

/// Frees a text. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_text_free(text: Option<Box<isym_text>>) {
    guard::plain(|| drop(text));
}

/// Some texts that were made for the caller, who frees them with isym_texts_free. Immutable. May be used on any number of
/// threads at once.
pub struct isym_texts(Vec<Text>);

impl isym_texts {
    pub(crate) fn boxed(texts: Vec<String>) -> Box<isym_texts> {
        Box::new(isym_texts(texts.into_iter().map(Text::new).collect()))
    }
}

/// The number of texts.
#[unsafe(no_mangle)]
pub extern "C" fn isym_texts_count(texts: Option<&isym_texts>) -> usize {
    guard::plain(|| texts.map_or(0, |texts| texts.0.len()))
}

/// The text at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `texts`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_texts_at(
    texts: Option<&isym_texts>,
    position: usize,
    text: Option<&mut MaybeUninit<isym_str>>,
) -> isym_status {
    guard::quiet(|| found(texts.and_then(|texts| texts.0.get(position)).map(Text::borrow), text))
}

/// Frees texts. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_texts_free(texts: Option<Box<isym_texts>>) {
    guard::plain(|| drop(texts));
}

/// A text from the caller, if there is one: it may be NULL or empty, but must be UTF-8.
#[inline]
pub(crate) fn optional<'a>(text: *const c_char, name: &'static str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the header demands NULL or a NUL-terminated text that stays as it is until the call returns, and no entry
    // keeps what is borrowed here.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|error| invalid(format!("{name} is not UTF-8: {error}")))
}

/// A text from the caller that may be empty.
#[inline]
pub(crate) fn any<'a>(text: *const c_char, name: &'static str) -> Result<&'a str> {
    optional(text, name)?.ok_or_else(|| invalid(format!("{name} is NULL")))
}

/// A text from the caller that must say something.
#[inline]
pub(crate) fn text<'a>(text: *const c_char, name: &'static str) -> Result<&'a str> {
    match any(text, name)? {
        "" => Err(invalid(format!("{name} is empty"))),
        text => Ok(text),
    }
}

/// A text from the caller that must say something, for entries that build no error and are called all the time: names are
/// short and most often ASCII, for which one pass finds the end and the proof that it is UTF-8.
#[inline]
pub(crate) fn quiet<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    let (mut len, mut seen) = (0, 0u8);
    // SAFETY: as in `optional`; nothing behind the NUL is read.
    let bytes = unsafe {
        while *text.add(len) != 0 {
            seen |= *text.add(len) as u8;
            len += 1;
        }
        std::slice::from_raw_parts(text.cast::<u8>(), len)
    };
    match (len, seen.is_ascii()) {
        (0, _) => None,
        // SAFETY: all bytes are ASCII.
        (_, true) => Some(unsafe { std::str::from_utf8_unchecked(bytes) }),
        _ => std::str::from_utf8(bytes).ok(),
    }
}

/// An array from the caller; NULL only where it has no elements.
pub(crate) fn array<'a, T>(elements: *const T, count: usize, name: &'static str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if elements.is_null() {
        return Err(invalid(format!("{name} is NULL, and the count is {count}")));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(invalid(format!("the count of {name} is {count}, more than memory can hold")));
    }
    // SAFETY: the header demands that there are `count` elements that stay as they are until the call returns; the size
    // was checked above, and no entry keeps what is borrowed here.
    Ok(unsafe { std::slice::from_raw_parts(elements, count) })
}

/// An array of texts from the caller.
pub(crate) fn texts<'a>(texts: *const *const c_char, count: usize, name: &'static str) -> Result<Vec<&'a str>> {
    array(texts, count, name)?.iter().map(|text| any(*text, name)).collect()
}
