//! From the JSON body of one answer to a Table, in one pass.
//!
//! Each item is first read by [`fast`](super::fast), which knows only the usual shape (plain strings, the catalogue's
//! types) and gives up on anything else; then by [`slow`](super::slow), which takes whatever serde_json takes and keeps
//! it without loss. Both write through the same [`Builder`], and a property test holds them to the same result.

use std::borrow::Cow;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::builder::Builder;
use super::layout::Layout;
use super::table::Table;
use super::{fast, slow};
use crate::catalog::{Kind, Shape};
use crate::error::{Code, Error, Result};

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Objects in one list.
    pub objects: usize,
    /// Levels of nesting in one item.
    pub depth: usize,
    /// Bytes of one text.
    pub text: usize,
}

impl Default for Limits {
    /// 4 million objects, 64 levels, 64 KiB.
    fn default() -> Self {
        Limits { objects: 4_000_000, depth: 64, text: 64 * 1024 }
    }
}

impl Table {
    /// Builds a Table from the body of an answer: a JSON array for [`Shape::List`], an object for [`Shape::Singleton`].
    ///
    /// An item that cannot be kept without loss is left out and counted in the [`Report`](super::Report); it never costs the others.
    ///
    /// # Errors
    /// [`Code::BadAnswer`] when the body as a whole is not such JSON, is cut short, exceeds a limit, or holds items of
    /// which none can be kept.
    pub fn from_json(kind: Kind, shape: Shape, body: &[u8], limits: &Limits) -> Result<Table> {
        build(kind, shape, body, limits, true)
    }

    /// As [`Table::from_json`], with another property as the symbolic name than the catalogue says.
    pub(crate) fn from_json_named(
        (kind, name): (Kind, Option<usize>),
        shape: Shape,
        body: &[u8],
        limits: &Limits,
    ) -> Result<Table> {
        let layout = name.map_or_else(|| Layout::of(kind), |name| Layout::named_by(kind, name));
        build_as((kind, layout), shape, body, limits, true)
    }
}

impl Table {
    /// The same Table less one instance; `None` where nothing is left of it.
    pub(super) fn without(&self, id: &Uuid, shape: Shape) -> Option<Table> {
        if shape == Shape::Singleton {
            return None;
        }
        let rest: Vec<String> = (0..self.rows).filter(|row| self.id(*row) != *id).map(|row| self.json(row)).collect();
        // They passed the limits of their time.
        let limits = Limits { objects: rest.len(), depth: 120, text: 1 << 30 };
        let body = format!("[{}]", rest.join(","));
        build_as((self.kind, self.layout), shape, body.as_bytes(), &limits, true).ok()
    }
}

pub(super) fn build(kind: Kind, shape: Shape, body: &[u8], limits: &Limits, fast: bool) -> Result<Table> {
    build_as((kind, Layout::of(kind)), shape, body, limits, fast)
}

fn build_as(
    (kind, layout): (Kind, &'static Layout),
    shape: Shape,
    body: &[u8],
    limits: &Limits,
    fast: bool,
) -> Result<Table> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let (text, damaged) = decode(body);
    let reader = Reader { kind, text: &text, damaged: &damaged, fast };
    let mut builder = Builder::new((kind, layout), shape, *limits);
    match shape {
        Shape::List => reader.list(&mut builder)?,
        Shape::Singleton => reader.singleton(&mut builder)?,
    }
    builder.finish()
}

/// The body as text; where it is not UTF-8, the places that are not.
fn decode(body: &[u8]) -> (Cow<'_, str>, Vec<usize>) {
    if let Ok(text) = std::str::from_utf8(body) {
        return (Cow::Borrowed(text), Vec::new());
    }
    let (mut text, mut damaged) = (String::with_capacity(body.len()), Vec::new());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            damaged.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (Cow::Owned(text), damaged)
}

struct Reader<'a> {
    kind: Kind,
    text: &'a str,
    /// The places that were not UTF-8, in their order.
    damaged: &'a [usize],
    fast: bool,
}

impl Reader<'_> {
    fn list(&self, builder: &mut Builder) -> Result<()> {
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, 0);
        if bytes.get(at) != Some(&b'[') {
            return Err(self.wrong("a JSON array", at));
        }
        at = skip_space(bytes, at + 1);
        if bytes.get(at) == Some(&b']') {
            return self.end(at + 1);
        }
        let start = at;
        loop {
            at = skip_space(bytes, self.item(builder, at)?);
            match bytes.get(at) {
                Some(b',') => at = skip_space(bytes, at + 1),
                Some(b']') => break,
                _ => return Err(self.wrong("',' or ']'", at)),
            }
            if builder.seen == 64 {
                builder.expect_rows((bytes.len() - start) / ((at - start) / 64).max(1))?;
            }
            if builder.seen > builder.limits.objects {
                return Err(bad(format!("the list holds more than {} objects", builder.limits.objects)));
            }
        }
        self.end(at + 1)
    }

    fn singleton(&self, builder: &mut Builder) -> Result<()> {
        let at = skip_space(self.text.as_bytes(), 0);
        if self.text.as_bytes().get(at) != Some(&b'{') {
            return Err(self.wrong("a JSON object", at));
        }
        let end = self.item(builder, at)?;
        self.end(end)
    }

    fn end(&self, at: usize) -> Result<()> {
        let at = skip_space(self.text.as_bytes(), at);
        if at == self.text.len() { Ok(()) } else { Err(self.wrong("the end", at)) }
    }

    /// Reads the item at `at`; says where it ends.
    fn item(&self, builder: &mut Builder, at: usize) -> Result<usize> {
        builder.seen += 1;
        if self.fast {
            builder.begin();
            if let Some(end) = fast::item(builder, self.text, at) {
                if self.is_damaged(at, end) {
                    builder.reject()
                } else {
                    builder.commit()?
                }
                return Ok(end);
            }
            builder.roll_back();
        }
        let (raw, end) = raw_value(self.text, at).map_err(|e| self.wrong(&e.to_string(), at))?;
        builder.begin();
        if !self.is_damaged(at, end) && slow::item(builder, raw).is_some() {
            builder.commit()?;
        } else {
            builder.reject();
        }
        Ok(end)
    }

    fn is_damaged(&self, start: usize, end: usize) -> bool {
        let first = self.damaged.partition_point(|at| *at < start);
        self.damaged.get(first).is_some_and(|at| *at < end)
    }

    fn wrong(&self, expected: &str, at: usize) -> Error {
        let found: String = self.text[at..].chars().take(20).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let found = if found.is_empty() { "the end of the body".to_owned() } else { format!("{found:?}") };
        bad(format!("the answer for {} is not what was expected: at byte {at}: {expected}; found {found}", self.kind))
    }
}

pub(super) fn bad(message: String) -> Error {
    Error::new(Code::BadAnswer, message)
}

pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The JSON value at `at`, as it stands there, and where it ends.
pub(super) fn raw_value(text: &str, at: usize) -> serde_json::Result<(&str, usize)> {
    let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(value)) => Ok((value.get(), at + values.byte_offset())),
        Some(Err(error)) => Err(error),
        None => Err(serde::de::Error::custom("a JSON value")),
    }
}
