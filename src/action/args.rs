//! From checked arguments to the JSON body.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Arg, invalid};
use crate::catalog::{self, ArgType, Kind, ROOT, STATUS_TYPES, SubId};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::snapshot::{Resource, Snapshot, Status};

/// A time below this is not in milliseconds: they reached it in 1973, and seconds will in the year 5138.
const MILLIS: std::ops::Range<i64> = 100_000_000_000..100_000_000_000_000;
/// The PBX keeps penalties as 32-bit numbers.
const PENALTIES: std::ops::RangeInclusive<i64> = 0..=i32::MAX as i64;

/// What the arguments of a call are read against.
pub(super) struct Context<'a> {
    pub(super) config: &'a Config,
    pub(super) snapshot: &'a Snapshot,
    pub(super) kind: Kind,
    /// The core server that plain names are looked up in.
    pub(super) core_server: Option<Resource<'a>>,
}

impl Context<'_> {
    /// The JSON body: checked arguments under the server's keys; `None` for an action without arguments.
    pub(super) fn body(&self, row: &catalog::Action, args: &[(&str, Arg)]) -> Result<Option<String>> {
        if let Some((name, _)) = args.iter().find(|(name, _)| row.args.iter().all(|arg| arg.name != *name)) {
            let known: Vec<_> = row.args.iter().map(|arg| arg.name).collect();
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            return Err(invalid(format!("{} has no argument {name:?}; {known}", row.name)));
        }
        if row.args.is_empty() {
            return Ok(None);
        }
        let mut members = Map::new();
        for arg in row.args {
            let given = args.iter().rev().find(|(name, _)| *name == arg.name).map(|(_, value)| value);
            let value = match (given, arg.default) {
                (Some(given), _) => {
                    self.check(arg, given).map_err(|e| e.context(format!("{} of {}", arg.name, row.name)))?
                }
                (None, Some(default)) => serde_json::from_str(default).unwrap_or_default(),
                (None, None) => return Err(invalid(format!("{} needs {}", row.name, arg.name))),
            };
            let key = self.config.get_action_body_key(self.kind, row.name, arg.name).unwrap_or(arg.key);
            members.insert(key.to_owned(), value);
        }
        Ok(Some(Value::Object(members).to_string()))
    }

    /// An argument as JSON, checked as far as the documentation goes.
    fn check(&self, arg: &catalog::Arg, given: &Arg) -> Result<Value> {
        match (arg.ty, given) {
            (ArgType::NonEmptyText | ArgType::Destination, Arg::Text(text)) if text.trim().is_empty() => {
                Err(invalid("it must not be empty"))
            }
            (ArgType::NonEmptyText | ArgType::Text, Arg::Text(text)) => Ok(Value::from(text.as_str())),
            (ArgType::NonEmptyText | ArgType::Text, _) => Err(invalid("it must be a text")),
            (ArgType::Destination, given) => self.destination(given).map(Value::from),
            (ArgType::StatusType, Arg::Text(text)) if STATUS_TYPES.contains(&text.as_str()) => {
                Ok(Value::from(text.as_str()))
            }
            (ArgType::StatusType, _) => {
                Err(invalid(format!("it is {}; it must be one of {}", shown(given), STATUS_TYPES.join(", "))))
            }
            (ArgType::Millis, Arg::Int(number)) => millis(*number).map(Value::from),
            (ArgType::Millis, _) => Err(invalid("it must be Unix time in milliseconds, or -1 for none")),
            (ArgType::Penalty, Arg::Int(number)) if PENALTIES.contains(number) => Ok(Value::from(*number)),
            (ArgType::Penalty, _) => Err(invalid(format!(
                "it must be a whole number from 0 to {}, and not {}",
                PENALTIES.end(),
                shown(given)
            ))),
            (ArgType::ExtensionId, Arg::Id(id)) => self.known_extension(*id).map(|id| Value::from(id.to_string())),
            (ArgType::ExtensionId, Arg::Text(text)) => self.extension_id(text).map(|id| Value::from(id.to_string())),
            (ArgType::ExtensionId, Arg::Int(_)) => {
                Err(invalid("it must be an extension's number as text, its id or its path"))
            }
        }
    }

    /// What is dialled: a text as it is, or the number of what an id or a path addresses.
    fn destination(&self, given: &Arg) -> Result<String> {
        match given {
            Arg::Text(text) if text.strip_prefix(ROOT).is_some_and(|rest| rest.starts_with('/')) => {
                if text.contains("/*/") {
                    return Err(Error::new(Code::NotFound, format!("nothing is known at {text}")));
                }
                dialled(&self.snapshot.resolve(text)?.one()?)
            }
            Arg::Text(text) if text.chars().any(char::is_control) => {
                Err(invalid("it holds a control character, which cannot be dialled"))
            }
            Arg::Text(text) => Ok(text.clone()),
            Arg::Id(id) => match self.snapshot.by_id(*id) {
                Some(resource) => dialled(&resource),
                None => Err(Error::new(Code::NotFound, format!("nothing has the id {id}"))),
            },
            Arg::Int(_) => Err(invalid("it must be a text (numbers may begin with 0), an id or a path")),
        }
    }

    /// The id of an extension that is given by its id, its path, or its number in the target's core server.
    fn extension_id(&self, text: &str) -> Result<Uuid> {
        if let Ok(id) = Uuid::try_parse(text) {
            return self.known_extension(id);
        }
        let resource = match text.contains('/') {
            true => self.snapshot.resolve(text)?.one()?,
            false => {
                let gone = "the core server of the target is not known, so give the extension's id or path";
                let core_server = self.core_server.ok_or_else(|| Error::new(Code::NotFound, gone))?;
                let extensions = SubId::find(Kind::CoreServer, "extensions").expect("the catalogue has extensions");
                core_server.sub(extensions).by_name(text)?
            }
        };
        match resource.kind() {
            Kind::Extension => Ok(resource.id()),
            kind => Err(invalid(format!("it is the path of {kind:#}, not of an Extension"))),
        }
    }

    /// An id, unless something else is known to have it. One that is not known may be that of an extension a licence hides.
    fn known_extension(&self, id: Uuid) -> Result<Uuid> {
        match self.snapshot.by_id(id).map(|resource| resource.kind()) {
            Some(Kind::Extension) | None => Ok(id),
            Some(kind) => Err(invalid(format!("it is the id of {kind:#}, not of an Extension"))),
        }
    }
}

fn shown(given: &Arg) -> String {
    match given {
        Arg::Text(text) => format!("{text:?}"),
        Arg::Int(number) => number.to_string(),
        Arg::Id(id) => id.to_string(),
    }
}

fn millis(number: i64) -> Result<i64> {
    match number {
        -1 => Ok(number),
        _ if MILLIS.contains(&number) => Ok(number),
        0..100_000_000_000 => Err(invalid(format!(
            "it must be Unix time in milliseconds, or -1 for none; {number} looks like seconds ({number}000?)"
        ))),
        _ => Err(invalid(format!("it must be Unix time in milliseconds, or -1 for none, and not {number}"))),
    }
}

/// What is dialled to reach a resource.
fn dialled(resource: &Resource<'_>) -> Result<String> {
    let properties: &[&str] = match resource.kind() {
        Kind::Extension => &["extensionNumber"],
        Kind::Queue => &["identifier"],
        Kind::ConferenceRoom => &["dialString", "identifier"],
        kind => {
            let message =
                format!("it is {kind:#}, which cannot be dialled; an Extension, a Queue or a ConferenceRoom can");
            return Err(invalid(message));
        }
    };
    let text = |name: &&str| resource.text(resource.kind().row().property(name)?).filter(|text| !text.is_empty());
    let found = properties.iter().find_map(text);
    found.map(str::to_owned).ok_or_else(|| {
        let (path, wanted) = (resource.path(), properties.join(", "));
        Error::new(Code::NotFound, format!("the server does not say what is dialled to reach {path} ({wanted})"))
    })
}

/// The type and the note that go with a status's name, as the users of the core server that `user` is below show it in the
/// same snapshot.
///
/// # Errors
/// [`Code::NotFound`] where no user shows a status of that name, [`Code::Ambiguous`] where two show different ones,
/// [`Code::Unsupported`] where statuses are not synced.
pub fn status_like(user: &Resource<'_>, name: &str) -> Result<(String, String)> {
    let not_there = |why: String| Error::new(Code::NotFound, why);
    let server = user.core_server().ok_or_else(|| not_there("the core server of the user is gone".to_owned()))?;
    let sub = |kind, segment| SubId::find(kind, segment).expect("the catalogue has users and their status");
    let (users, status) = (sub(Kind::CoreServer, "users"), sub(Kind::User, "status"));
    if !user.snapshot().0.kinds.has(status) {
        return Err(Error::new(Code::Unsupported, "the statuses of the users are not synced"));
    }
    let mut found: Vec<(&str, &str)> = Vec::new();
    for user in server.sub(users).iter() {
        let Some(shown) = user.sub(status).at(0).and_then(|status| Status::try_from(status).ok()) else { continue };
        if shown.name() != Some(name) {
            continue;
        }
        let Some(ty) = shown.r#type() else { continue };
        let like = (ty, shown.note().unwrap_or_default());
        if !found.contains(&like) {
            found.push(like);
        }
    }
    match found.as_slice() {
        [(ty, note)] => Ok(((*ty).to_owned(), (*note).to_owned())),
        [] => {
            Err(not_there(format!("no user of the core server shows a status named {name:?}, so its type is unknown")))
        }
        many => {
            let mut types: Vec<_> = many.iter().map(|(ty, _)| *ty).collect();
            types.dedup();
            let differ = if types.len() > 1 { format!("types {}", types.join(", ")) } else { "notes".to_owned() };
            Err(Error::new(
                Code::Ambiguous,
                format!("users show statuses named {name:?} with different {differ}; say the type and the note"),
            ))
        }
    }
}
