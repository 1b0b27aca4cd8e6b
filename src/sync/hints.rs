//! What an event tells: which parts of the server's state may have moved.
//!
//! Nothing here knows a type of event. What an event is about follows from the ids in it, of whatever property: an id that
//! the snapshot knows says itself what it is, and for others the property's name says it, as the catalogue names the kinds.
//! An event is about the most fleeting things it names: a hangup names the user and the extension too, but it does not
//! change the list of users. Of a long list of a core server only the instance itself is due.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::catalog::{Kind, SubId};
use crate::snapshot::collection::{Address, LONG};
use crate::snapshot::{Resource, Snapshot};

/// More ids of one event are not looked at, one by one.
const MOST_IDS: usize = 64;
/// Nor are those below so many levels of nesting.
const DEEPEST: u8 = 8;
/// Where an extension has more agents than this, the lists of their queues are not asked for at its every call.
const FEW: usize = 8;
/// What moves along with something else: an agent's state with the calls of its extension, and so on.
const ALONG: [(Kind, Kind); 3] =
    [(Kind::CallSegment, Kind::Agent), (Kind::Login, Kind::Status), (Kind::Agent, Kind::Statistics)];

/// What is read of an event.
#[derive(Debug, Default)]
pub(super) struct Reading<'a> {
    pub(super) event_type: Option<Cow<'a, str>>,
    pub(super) time: Option<i64>,
    pub(super) core_server: Option<Uuid>,
    /// The ids in it, and what their properties' names say they are of.
    ids: Vec<(Option<Kind>, Uuid)>,
    /// There may be more.
    is_partial: bool,
}

impl<'a> Reading<'a> {
    /// Reads an event; `None` when it is not a JSON object. What cannot be read in it is passed over.
    pub(super) fn of(json: &'a str) -> Option<Reading<'a>> {
        let mut reading = Reading::default();
        let is_object = members(json, |name, value| {
            let (name, value) = (text(name.get()).unwrap_or_default(), value.get());
            match &*name {
                "type" if value.starts_with('"') => reading.event_type = text(value),
                "time" => reading.time = value.parse().ok(),
                "coreServerId" => reading.core_server = text(value).and_then(|id| Uuid::try_parse(&id).ok()),
                name => reading.find(name, value, 0),
            }
        });
        is_object.then_some(reading)
    }

    /// Finds the ids in the value of a member, whatever it is.
    fn find(&mut self, name: &str, value: &str, depth: u8) {
        match value.as_bytes().first() {
            Some(b'"') => {
                if let Some(text) = text(value) {
                    self.add(name, &text);
                }
            }
            Some(b'[') if depth < DEEPEST => {
                let items: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
                items.into_iter().for_each(|item| self.find(name, item.get(), depth + 1));
            }
            Some(b'{') if depth < DEEPEST => {
                members(value, |inner, value| {
                    let inner = text(inner.get()).unwrap_or_default();
                    // The id of what the member holds.
                    self.find(if inner == "id" { name } else { &inner }, value.get(), depth + 1);
                });
            }
            Some(b'[' | b'{') => self.is_partial = true,
            _ => {}
        }
    }

    fn add(&mut self, name: &str, text: &str) {
        // All other ways to write a UUID are not what this server sends.
        if text.len() == 36
            && let Ok(id) = Uuid::try_parse(text)
        {
            match self.ids.len() < MOST_IDS {
                true => self.ids.push((kind_of(name), id)),
                false => self.is_partial = true,
            }
        }
    }
}

/// Fleeting kinds come and go with the day's work; the others are configured, and have names.
pub(super) fn is_fleeting(kind: Kind) -> bool {
    kind.row().symbolic.is_none()
}

/// The kind that a property's name speaks of: `extensionId2` of an extension, `userLoginId` of a login.
fn kind_of(name: &str) -> Option<Kind> {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = name.strip_suffix("Ids").or_else(|| name.strip_suffix("Id")).unwrap_or(name);
    let speaks_of = |kind: &Kind| {
        let row = kind.row();
        let whole = [Some(row.name), row.list.strip_suffix('s')].into_iter().flatten();
        stem.ends_with(row.name) || whole.into_iter().any(|name| stem.eq_ignore_ascii_case(name))
    };
    Kind::ALL.into_iter().filter(speaks_of).max_by_key(|kind| kind.name().len())
}

/// The collections and instances that an event makes due, what changes fastest first.
pub(super) fn due(snapshot: &Snapshot, reading: &Reading<'_>, out: &mut Vec<Address>) {
    let servers = &snapshot.0.servers;
    let server = match reading.core_server {
        None if servers.len() == 1 => servers.first(),
        None => None,
        Some(id) => match snapshot.server(id) {
            Some(server) => Some(server),
            // One that is not mirrored.
            None if snapshot.0.root.has_id(&id) => return,
            None => {
                out.push(Address::ROOT);
                None
            }
        },
    };
    let named: Vec<(Kind, Uuid, Option<Resource<'_>>)> = reading
        .ids
        .iter()
        .filter_map(|(kind, id)| {
            let known = snapshot.by_id(*id);
            Some((known.map(|known| known.kind()).or(*kind)?, *id, known))
        })
        .collect();
    let about_fleeting = named.iter().any(|(kind, ..)| is_fleeting(*kind));
    let is_named = |wanted| named.iter().any(|(kind, ..)| *kind == wanted);
    let moves = |moved: Kind| {
        let along = || ALONG.iter().any(|(with, along)| *along == moved && is_named(*with));
        !about_fleeting || (is_fleeting(moved) && (is_named(moved) || along()))
    };
    for (kind, id, known) in &named {
        let server = match known {
            Some(known) => snapshot.server(known.core_server_id()),
            None => server,
        };
        let Some(server) = server else { continue };
        let address = |parent, sub| Address::below(server.id, parent, sub);
        let own_list = SubId::of(Kind::CoreServer).find(|sub| sub.row().kind == *kind);
        if known.is_none() || moves(*kind) {
            out.extend(own_list.map(|sub| match server.get(server.id, sub) {
                Some(list) if list.len() >= LONG => address(server.id, sub).item(*id),
                _ => address(server.id, sub),
            }));
        }
        if known.is_none() {
            continue;
        }
        if is_fleeting(*kind) {
            out.extend(server.homes(*id).iter().map(|(parent, sub)| address(*parent, *sub)));
        }
        for sub in SubId::of(*kind).filter(|sub| moves(sub.row().kind)) {
            out.push(address(*id, sub));
            // An extension's agents are in the lists of their queues too.
            let below = server.get(*id, sub).filter(|below| *kind == Kind::Extension && below.len() <= FEW);
            let ids = below.into_iter().flat_map(|below| below.unshared(None));
            let homes = ids.flat_map(|(_, id)| server.homes(id));
            out.extend(homes.map(|(parent, sub)| address(*parent, *sub)));
        }
    }
    if (out.is_empty() || reading.is_partial)
        && let Some(server) = server
    {
        out.extend(server.lists.iter().flatten().map(|list| list.address));
    }
    out.sort_unstable_by_key(|address| (rank(address.kind()), *address));
    out.dedup();
}

/// What changes fastest, and is looked at most, first.
pub(super) fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::CoreServer => 0,
        Kind::CallSegment => 1,
        Kind::Agent => 2,
        Kind::Status => 3,
        Kind::Login => 4,
        Kind::Statistics => 5,
        _ => 6,
    }
}

/// A JSON object as a map whose keys and values are as they were sent: what one of them holds spoils no other.
struct Members<F>(F);

impl<'a, F: FnMut(&'a RawValue, &'a RawValue)> Visitor<'a> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some((name, value)) = map.next_entry()? {
            (self.0)(name, value);
        }
        Ok(())
    }
}

/// Gives the members of an object, and says whether it was one.
fn members<'a>(json: &'a str, member: impl FnMut(&'a RawValue, &'a RawValue)) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Members(member)).and_then(|()| deserializer.end()).is_ok()
}

/// A text, borrowed where it holds no escapes; `None` where it cannot be one, as with half a surrogate.
fn text(json: &str) -> Option<Cow<'_, str>> {
    let plain = json.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') { serde_json::from_str(json).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(plain)) }
}

#[cfg(test)]
mod tests;
