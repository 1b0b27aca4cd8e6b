//! Paths of the Live API: parsed, printed, percent-encoded.
//!
//! A path is a chain of steps from the list of core servers down. Each step names a set (`extensions`) and may pick
//! one instance of it, by UUID or by `getByName/{symbolic_name}`; the two forms mix freely. A singleton (`status`)
//! needs no pick. A path may end in an action.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

use crate::catalog::{self, Action, BY_NAME, Kind, Shape, SubId};
use crate::error::{Code, Error, Result};

/// What a path segment may hold unencoded: RFC 3986 "unreserved". The dot is encoded where a segment is only dots.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands before every path on a server.
pub const PREFIX: &str = "communication_manager/rest/live/";

/// The path of the Event API's WebSocket, on the same host and port.
pub const EVENTS: &str = "communication_manager/ws/event";

/// How a step picks one instance of its set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// By UUID: valid until the server restarts.
    Id(Uuid),
    /// By symbolic name: byte for byte, with no folding of case, Unicode form or leading zeros.
    Name(String),
}

impl From<Uuid> for Selector {
    fn from(id: Uuid) -> Self {
        Selector::Id(id)
    }
}

impl From<&str> for Selector {
    fn from(name: &str) -> Self {
        Selector::Name(name.to_owned())
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// The sub resource of the step before; `None` for the first step, the list of core servers.
    pub sub: Option<SubId>,
    /// Which instance of it; `None` for the whole list, or for a singleton.
    pub selector: Option<Selector>,
}

impl Step {
    /// The kind of what the step addresses.
    pub fn kind(&self) -> Kind {
        self.sub.map_or(Kind::CoreServer, |sub| sub.row().kind)
    }

    /// The path segment of the step's set.
    pub fn segment(&self) -> &'static str {
        self.sub.map_or(catalog::ROOT, |sub| sub.row().segment)
    }

    /// Whether the step ends on a list rather than on one object.
    pub fn is_list(&self) -> bool {
        self.selector.is_none() && self.sub.is_none_or(|sub| sub.row().shape == Shape::List)
    }
}

/// A path of the Live API: a list, an instance, or an action on an instance.
///
/// Prints as it is sent, without the server's prefix: `coreServers/getByName/default/extensions/getByName/4224`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Path {
    steps: Vec<Step>,
    action: Option<&'static str>,
}

impl Path {
    /// The list of core servers.
    pub fn core_servers() -> Path {
        Path { steps: vec![Step { sub: None, selector: None }], action: None }
    }

    /// One core server. An empty slug is refused by what goes on from it.
    pub fn core_server(selector: impl Into<Selector>) -> Path {
        Path { steps: vec![Step { sub: None, selector: Some(selector.into()) }], action: None }
    }

    /// The set below this instance. `segment` is a path segment or an attribute name of the catalogue.
    ///
    /// # Errors
    /// [`Code::InvalidPath`] where this path is a list, its kind has no such sub resource, or its name is empty.
    pub fn sub(&self, segment: &str) -> Result<Path> {
        let last = self.last();
        if let Some(selector) = &last.selector {
            check_selector(last.kind(), selector, None)?;
        }
        if last.is_list() || self.action.is_some() {
            return Err(invalid(format!("{self:?} is not one object, so nothing is below it")));
        }
        let sub = SubId::find(last.kind(), segment).ok_or_else(|| unknown_segment(last.kind(), segment, None))?;
        let mut steps = self.steps.clone();
        steps.push(Step { sub: Some(sub), selector: None });
        Ok(Path { steps, action: None })
    }

    /// One instance of this list.
    ///
    /// # Errors
    /// [`Code::InvalidPath`] where this path is not a list, the kind has no symbolic names, or the name is empty.
    pub fn item(&self, selector: impl Into<Selector>) -> Result<Path> {
        let selector = selector.into();
        if !self.last().is_list() {
            return Err(invalid(format!("{self:?} is not a list")));
        }
        check_selector(self.kind(), &selector, None)?;
        let mut path = self.clone();
        if let Some(last) = path.steps.last_mut() {
            last.selector = Some(selector);
        }
        Ok(path)
    }

    /// The same path with an action of its kind at the end.
    ///
    /// # Errors
    /// [`Code::InvalidPath`] where the kind has no such action.
    pub fn with_action(&self, name: &str) -> Result<Path> {
        let kind = self.kind();
        match kind.row().action(name) {
            Some(action) if !self.last().is_list() => {
                Ok(Path { steps: self.steps.clone(), action: Some(action.segment) })
            }
            Some(_) => Err(invalid(format!("{self:?} is a list; the action {name} needs one {kind}"))),
            None => Err(invalid(format!("{kind} has no action {name:?}"))),
        }
    }

    /// The steps from the root down; never empty.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The action at the end, if there is one.
    pub fn action(&self) -> Option<&'static Action> {
        let segment = self.action?;
        self.kind().row().actions.iter().find(|a| a.segment == segment)
    }

    /// The kind of what the path addresses.
    pub fn kind(&self) -> Kind {
        self.last().kind()
    }

    /// Whether the path addresses a list rather than one object.
    pub fn is_list(&self) -> bool {
        self.last().is_list()
    }

    /// Whether every pick is by symbolic name (or there is none), so that the path survives a restart.
    pub fn is_symbolic(&self) -> bool {
        self.steps.iter().all(|step| !matches!(step.selector, Some(Selector::Id(_))))
    }

    fn last(&self) -> &Step {
        // Every constructor starts with the root step.
        &self.steps[self.steps.len() - 1]
    }

    /// A path from its steps.
    ///
    /// # Errors
    /// [`Code::InvalidPath`] where a step does not fit the one before it.
    pub fn from_steps(steps: impl IntoIterator<Item = Step>) -> Result<Path> {
        let mut steps = steps.into_iter();
        let mut path = match steps.next() {
            Some(Step { sub: None, selector: None }) => Path::core_servers(),
            Some(Step { sub: None, selector: Some(selector) }) => Path::core_servers().item(selector)?,
            _ => return Err(invalid(format!("a path starts with {}", catalog::ROOT))),
        };
        for step in steps {
            path = path.sub(step.segment())?;
            if let Some(selector) = step.selector {
                path = path.item(selector)?;
            }
        }
        Ok(path)
    }
}

impl FromStr for Path {
    type Err = Error;

    /// Parses a path, with or without `communication_manager/rest/live/` or a whole URL in front.
    fn from_str(text: &str) -> Result<Path> {
        let (start, rest) = strip_prefix(text)?;
        let mut segments = Segments { text: rest, offset: start };
        match segments.next() {
            Some((_, catalog::ROOT)) => {}
            Some((at, other)) => {
                return Err(invalid(format!("at {at}: a path starts with {:?}, not with {other:?}", catalog::ROOT)));
            }
            None => return Err(invalid(format!("the path is empty; it starts with {:?}", catalog::ROOT))),
        }
        let mut path = Path::core_servers();
        while let Some((at, segment)) = segments.next() {
            let last = path.last();
            if path.action.is_some() {
                return Err(invalid(format!("at {at}: nothing follows an action, but here is {segment:?}")));
            }
            let kind = last.kind();
            if last.is_list() {
                let selector = parse_selector(kind, at, segment, &mut segments)?;
                path = path.item(selector).map_err(|e| e.context(format!("at {at}")))?;
            } else if let Some(sub) = SubId::of(kind).find(|sub| sub.row().segment == segment) {
                path.steps.push(Step { sub: Some(sub), selector: None });
            } else if let Some(action) = kind.row().actions.iter().find(|a| a.segment == segment) {
                path.action = Some(action.segment);
            } else {
                return Err(unknown_segment(kind, segment, Some(at)));
            }
        }
        Ok(path)
    }
}

/// The path's own part of `text`, and at which byte it starts.
fn strip_prefix(text: &str) -> Result<(usize, &str)> {
    if let Some(at) = text.find(['?', '#']) {
        return Err(invalid(format!(
            "at {at}: a path has no query and no fragment; in a name write {} for {:?}",
            if text.as_bytes()[at] == b'?' { "%3F" } else { "%23" },
            &text[at..=at]
        )));
    }
    if let Some(at) = text.find(|c: char| c.is_control()) {
        return Err(invalid(format!("at {at}: a path holds no control character; percent-encode it in a name")));
    }
    let mut start = 0;
    if let Some(scheme_end) = text.find("://")
        && ["http", "https"].iter().any(|scheme| text[..scheme_end].eq_ignore_ascii_case(scheme))
    {
        let host = scheme_end + 3;
        start = text[host..].find('/').map_or(text.len(), |slash| host + slash);
    }
    start += usize::from(text[start..].starts_with('/'));
    if text[start..].starts_with(PREFIX) {
        start += PREFIX.len();
    }
    Ok((start, &text[start..]))
}

fn parse_selector(kind: Kind, at: usize, segment: &str, segments: &mut Segments<'_>) -> Result<Selector> {
    if segment != BY_NAME {
        return Uuid::try_parse(segment).ok().filter(|_| segment.len() == 36).map(Selector::Id).ok_or_else(|| {
            invalid(match kind.row().symbolic {
                Some(_) => format!("at {at}: {segment:?} is no UUID; a symbolic name stands behind {BY_NAME}/"),
                None => format!("at {at}: {segment:?} is no UUID, and {kind:#} has no symbolic name"),
            })
        });
    }
    let Some((at, encoded)) = segments.next() else {
        return Err(invalid(format!("at {at}: a symbolic name must follow {BY_NAME}/")));
    };
    if let Some(bad) = bad_escape(encoded) {
        return Err(invalid(format!("at {}: '%' must be followed by two hexadecimal digits", at + bad)));
    }
    let name = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|e| invalid(format!("at {at}: the name {encoded:?} is not UTF-8 once percent-decoded ({e})")))?;
    Ok(Selector::Name(name.into_owned()))
}

fn bad_escape(encoded: &str) -> Option<usize> {
    let bytes = encoded.as_bytes();
    let hex = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_hexdigit);
    (0..bytes.len()).find(|&i| bytes[i] == b'%' && !(hex(i + 1) && hex(i + 2)))
}

fn check_selector(kind: Kind, selector: &Selector, at: Option<usize>) -> Result<()> {
    let Selector::Name(name) = selector else { return Ok(()) };
    let place = at.map_or(String::new(), |at| format!("at {at}: "));
    if kind.row().symbolic.is_none() {
        return Err(invalid(format!("{place}{kind:#} has no symbolic name, so {BY_NAME} does not work; use its id")));
    }
    if name.is_empty() {
        return Err(invalid(format!("{place}the symbolic name of {kind:#} is empty")));
    }
    Ok(())
}

fn unknown_segment(kind: Kind, segment: &str, at: Option<usize>) -> Error {
    let place = at.map_or(String::new(), |at| format!("at {at}: "));
    let subs: Vec<_> = SubId::of(kind).map(|sub| sub.row().segment).collect();
    let actions: Vec<_> = kind.row().actions.iter().map(|a| a.segment).collect();
    let mut message = format!("{place}{kind:#} has no {segment:?}");
    match subs.is_empty() {
        true => message.push_str("; nothing is below it"),
        false => message.push_str(&format!("; below it are {}", subs.join(", "))),
    }
    if !actions.is_empty() {
        message.push_str(&format!("; its actions are {}", actions.join(", ")));
    }
    invalid(message)
}

fn invalid(message: String) -> Error {
    Error::new(Code::InvalidPath, message)
}

/// Splits at `/`, with the byte offset of each segment in the text the user gave. One trailing slash is allowed.
struct Segments<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Segments<'a> {
    fn next(&mut self) -> Option<(usize, &'a str)> {
        if self.text.is_empty() {
            return None;
        }
        let at = self.offset;
        let (segment, rest) = self.text.split_once('/').unwrap_or((self.text, ""));
        self.offset += self.text.len() - rest.len();
        self.text = rest;
        Some((at, segment))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            if i > 0 {
                f.write_str("/")?;
            }
            f.write_str(step.segment())?;
            match &step.selector {
                Some(Selector::Id(id)) => write!(f, "/{id}")?,
                Some(Selector::Name(name)) => write!(f, "/{BY_NAME}/{}", encode_name(name))?,
                None => {}
            }
        }
        match self.action {
            Some(segment) => write!(f, "/{segment}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A name as one path segment. It can never be read as more than one segment, a query, or a step up.
pub(crate) fn encode_name(name: &str) -> String {
    match name {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(name, SEGMENT).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(text: &str) -> String {
        let error = text.parse::<Path>().unwrap_err();
        assert_eq!(error.code(), Code::InvalidPath);
        error.message().to_owned()
    }

    #[test]
    fn prefixes_and_urls_are_accepted() {
        let plain: Path = "coreServers/getByName/default/extensions/getByName/4224".parse().unwrap();
        for form in [
            "/coreServers/getByName/default/extensions/getByName/4224",
            "/communication_manager/rest/live/coreServers/getByName/default/extensions/getByName/4224",
            "communication_manager/rest/live/coreServers/getByName/default/extensions/getByName/4224/",
            "http://localhost:58080/communication_manager/rest/live/coreServers/getByName/default/extensions/getByName/4224",
            "HTTPS://user:secret@pbx:55050/coreServers/getByName/default/extensions/getByName/4224",
        ] {
            assert_eq!(form.parse::<Path>().unwrap(), plain, "{form}");
        }
        assert_eq!(plain.to_string(), "coreServers/getByName/default/extensions/getByName/4224");
    }

    #[test]
    fn a_bad_path_says_where_and_why() {
        assert!(message("").contains("empty"));
        assert!(message("users").starts_with("at 0: a path starts with \"coreServers\""));
        assert!(message("coreServers/default").starts_with("at 12: \"default\" is no UUID"));
        assert!(message("coreServers/getByName").starts_with("at 12: a symbolic name must follow"));
        assert!(message("coreServers/getByName//users").contains("empty"));
        assert!(Path::core_server("").sub("users").unwrap_err().message().contains("CoreServer is empty"));
        assert!(message("coreServers/getByName/a%2").starts_with("at 23: '%'"));
        assert!(message("coreServers/getByName/%ff").contains("not UTF-8"));
        assert!(message("coreServers/getByName/a?b").starts_with("at 23:"));
        assert!(message("coreServers/getByName/d/phones").contains("below it are users, extensions"));
        assert!(message("coreServers/getByName/d/callSegments/getByName/x").contains("no symbolic name"));
        assert!(message("coreServers/getByName/d/extensions/getByName/1/originate/x").contains("follows an action"));
    }

    #[test]
    fn singletons_lists_and_actions_are_told_apart() {
        let status: Path = "coreServers/getByName/d/users/getByName/u/status".parse().unwrap();
        assert!(!status.is_list() && status.kind() == Kind::Status);
        let set: Path = "coreServers/getByName/d/users/getByName/u/status/set".parse().unwrap();
        assert_eq!(set.action().unwrap().name, "set");
        assert_eq!(set, status.with_action("set").unwrap());
        let list: Path = "coreServers/getByName/d/users".parse().unwrap();
        assert!(list.is_list());
        assert!(list.with_action("set").is_err());
    }

    #[test]
    fn dots_never_step_up() {
        for name in [".", ".."] {
            let path = Path::core_server(name);
            assert!(!path.to_string().ends_with('.'));
            assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
        }
    }

    fn any_selector(kind: Kind) -> BoxedStrategy<Selector> {
        let id = any::<u128>().prop_map(|n| Selector::Id(Uuid::from_u128(n)));
        match kind.row().symbolic {
            Some(_) => prop_oneof![id, "\\PC{1,12}|[./%?#\\x00-\\x20]{1,4}".prop_map(Selector::Name)].boxed(),
            None => id.boxed(),
        }
    }

    fn any_path() -> impl Strategy<Value = Path> {
        let start = any_selector(Kind::CoreServer).prop_map(Path::core_server);
        start.prop_flat_map(|root| {
            proptest::collection::vec(
                (any::<prop::sample::Index>(), any::<u128>(), "\\PC{1,12}|[./%?#\\x00-\\x20]{1,4}"),
                0..4,
            )
            .prop_map(move |picks| {
                let mut path = root.clone();
                for (index, id, name) in picks {
                    let subs: Vec<_> = SubId::of(path.kind()).collect();
                    if subs.is_empty() || path.is_list() {
                        break;
                    }
                    let sub = subs[index.index(subs.len())].row();
                    path = path.sub(sub.segment).unwrap();
                    if sub.shape == Shape::List && id % 5 != 0 {
                        let named = sub.kind.row().symbolic.is_some() && id % 2 == 0;
                        let selector = if named { Selector::Name(name) } else { Selector::Id(Uuid::from_u128(id)) };
                        path = path.item(selector).unwrap();
                    }
                }
                path
            })
        })
    }

    proptest! {
        #[test]
        fn printing_then_parsing_gives_the_same_path(path in any_path()) {
            let text = path.to_string();
            prop_assert_eq!(text.parse::<Path>().unwrap(), path.clone());
            prop_assert_eq!(format!("http://u:p@h:1/{PREFIX}{text}").parse::<Path>().unwrap(), path.clone());
            prop_assert_eq!(Path::from_steps(path.steps().iter().cloned()).unwrap(), path);
        }

        #[test]
        fn any_text_parses_or_errs(text in "\\PC*") {
            let _ = text.parse::<Path>();
        }
    }
}
