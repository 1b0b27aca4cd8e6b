//! The Live API on the model: which object a path means, what a GET shows, what a POST does. All routes follow from
//! the catalogue, through [`Path`].

use std::sync::Arc;

use uuid::Uuid;

use super::http::Answer;
use super::json;
use super::world::World;
use super::world::table::{Entity, Key};
use crate::catalog::{Kind, Shape, SubId};
use crate::path::{PREFIX, Path, Selector};

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The list of core servers.
    Cores,
    /// A core server, by its place.
    Core(usize),
    /// A list below an object.
    List { core: usize, parent: (Kind, Key), sub: SubId },
    /// An object below a core server.
    One { core: usize, kind: Kind, key: Key },
}

/// The part of a request's target behind the prefix of the Live API, without a query.
pub(crate) fn live_path(target: &str) -> Option<&str> {
    let target = target.split(['?', '#']).next().unwrap_or_default();
    target.strip_prefix('/')?.strip_prefix(PREFIX)
}

/// Answers a request that may be answered.
pub(crate) fn answer(world: &mut World, method: &str, target: &str, body: &[u8]) -> Answer {
    let Some(path) = live_path(target) else {
        return Answer::text(404, format!("nothing is here; the Live API is below /{PREFIX}"));
    };
    let path: Path = match path.parse() {
        Ok(path) => path,
        Err(error) => return Answer::text(404, error.message().to_owned()),
    };
    let allow = if path.action().is_some() { "POST, OPTIONS" } else { "GET, HEAD, OPTIONS" };
    match (method, path.action()) {
        ("OPTIONS", _) => Answer::empty(200).with("Allow", allow),
        ("GET" | "HEAD", None) | ("POST", Some(_)) => match resolve(world, &path) {
            Ok(found) => match path.action() {
                None => Answer::json(show(world, found)),
                Some(action) => super::actions::act(world, found, action, body),
            },
            Err(reason) => Answer::text(404, reason),
        },
        _ => Answer::text(405, format!("{method} does not work here; allowed: {allow}")).with("Allow", allow),
    }
}

/// The object or list a path means, or why there is none.
pub(crate) fn resolve(world: &World, path: &Path) -> Result<Found, String> {
    let mut steps = path.steps().iter();
    let place = match steps.next().and_then(|step| step.selector.as_ref()) {
        None => return Ok(Found::Cores),
        Some(selector) => world.core(selector).ok_or_else(|| none(Kind::CoreServer, selector))?,
    };
    let core = &world.cores[place];
    let mut at = (Kind::CoreServer, 0);
    for step in steps {
        let Some(sub) = step.sub else { break };
        let kind = sub.row().kind;
        let rows = core.rows(kind).ok_or_else(|| format!("no {kind} is here"))?;
        let below = |key: &Key| at.0 == Kind::CoreServer || core.related(at, kind).contains(key);
        let key = match (&step.selector, sub.row().shape) {
            (Some(selector), _) => rows.find(selector).filter(below).ok_or_else(|| none(kind, selector)),
            (None, Shape::Singleton) => core.related(at, kind).first().copied().ok_or(format!("no {kind} is here")),
            (None, Shape::List) => return Ok(Found::List { core: place, parent: at, sub }),
        }?;
        if rows.row(key).is_none() || !world.visible(core, kind, key) {
            return Err(step.selector.as_ref().map_or(format!("no {kind} is here"), |selector| none(kind, selector)));
        }
        at = (kind, key);
    }
    Ok(match at {
        (Kind::CoreServer, _) => Found::Core(place),
        (kind, key) => Found::One { core: place, kind, key },
    })
}

/// The id of the object that a path is below.
pub(crate) fn above(world: &World, path: &Path) -> Option<Uuid> {
    let (_, above) = path.steps().split_last()?;
    match resolve(world, &Path::from_steps(above.iter().cloned()).ok()?).ok()? {
        Found::Core(core) => Some(world.cores[core].id()),
        Found::One { core, kind, key } => Some(world.cores[core].rows(kind)?.row(key)?.id()),
        Found::Cores | Found::List { .. } => None,
    }
}

fn none(kind: Kind, selector: &Selector) -> String {
    match (selector, kind.row().symbolic_property()) {
        (Selector::Id(id), _) => format!("no {kind} has the id {id}"),
        (Selector::Name(name), Some(property)) => format!("no {kind} has the {} {name}", property.name),
        (Selector::Name(name), None) => format!("no {kind} has the name {name}"),
    }
}

/// What a GET shows, as JSON.
fn show(world: &mut World, found: Found) -> Arc<Vec<u8>> {
    let mut out = Vec::new();
    match found {
        Found::Cores => array(Kind::CoreServer, world.cores.iter().map(|core| core as &dyn Entity), &mut out),
        Found::Core(core) => json::write(Kind::CoreServer, &world.cores[core], &mut out),
        Found::One { core, kind, key } => {
            if let Some(row) = world.cores[core].rows(kind).and_then(|rows| rows.row(key)) {
                json::write(kind, row, &mut out);
            }
        }
        Found::List { core, parent, sub } => return list(world, core, parent, sub),
    }
    Arc::new(out)
}

/// A list; the long ones, right below a core server, are written once a revision.
fn list(world: &mut World, place: usize, parent: (Kind, Key), sub: SubId) -> Arc<Vec<u8>> {
    let core = &world.cores[place];
    let kind = sub.row().kind;
    let Some(rows) = core.rows(kind) else { return Arc::new(b"[]".to_vec()) };
    let shown = |key: &Key| world.visible(core, kind, *key);
    let mut out = Vec::new();
    if parent.0 != Kind::CoreServer {
        let keys = core.related(parent, kind).iter().copied().filter(shown);
        array(kind, keys.filter_map(|key| rows.row(key)), &mut out);
        return Arc::new(out);
    }
    let revision = rows.revision();
    if let Some((written, list)) = core.lists.get(&sub)
        && *written == revision
    {
        return Arc::clone(list);
    }
    out.reserve(core.lists.get(&sub).map_or(0, |(_, list)| list.len() + 256));
    array(kind, rows.keys().filter(shown).filter_map(|key| rows.row(key)), &mut out);
    let list = Arc::new(out);
    world.cores[place].lists.insert(sub, (revision, Arc::clone(&list)));
    list
}

fn array<'a>(kind: Kind, rows: impl Iterator<Item = &'a dyn Entity>, out: &mut Vec<u8>) {
    out.push(b'[');
    for row in rows {
        if out.len() > 1 {
            out.push(b',');
        }
        json::write(kind, row, out);
    }
    out.push(b']');
}
