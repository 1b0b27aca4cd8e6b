//! The rows of the catalogue that overlays changed, as settings of a client.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use crate::catalog::{Action, Arg, Kind, KindSet, SubId};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::snapshot::json_string;

/// What overlays changed, besides the actions' paths and keys, which have settings of their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(super) success: BTreeMap<(Kind, &'static str), Vec<u16>>,
    pub(super) absent_actions: BTreeSet<(Kind, &'static str)>,
    pub(super) symbolic: BTreeMap<Kind, usize>,
    pub(super) absent_subs: BTreeSet<SubId>,
    pub(super) raw: BTreeSet<(Kind, String)>,
}

/// The rows of the catalogue, as overlays left them.
impl Config {
    /// The statuses with which the server says that it carried an action out; `None`: any from 200 to 299.
    pub fn get_action_success(&self, kind: Kind, action: &str) -> Option<&[u16]> {
        let name = kind.row().action(action)?.name;
        self.rows.success.get(&(kind, name)).map(Vec::as_slice)
    }

    /// Whether an overlay says that the server does not have this action.
    pub fn is_absent_action(&self, kind: Kind, action: &str) -> bool {
        kind.row().action(action).is_some_and(|row| self.rows.absent_actions.contains(&(kind, row.name)))
    }

    /// The position of the property that is the symbolic name; `None`: the kind has no symbolic names.
    pub fn get_symbolic_name(&self, kind: Kind) -> Option<usize> {
        let catalogue = kind.row().symbolic.as_ref()?.property;
        Some(self.rows.symbolic.get(&kind).copied().unwrap_or(catalogue))
    }

    /// Whether an overlay says that the server does not have this sub resource.
    pub fn is_absent(&self, sub: SubId) -> bool {
        self.rows.absent_subs.contains(&sub)
    }

    /// The path segments below an instance of a kind whose objects the catalogue does not know.
    pub fn get_raw_subs(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.rows.raw.iter().filter(move |(parent, _)| *parent == kind).map(|(_, segment)| segment.as_str())
    }

    /// Whether a path segment below an instance of a kind is one of its sub resources, raw ones too.
    pub(super) fn is_sub(&self, kind: Kind, segment: &str) -> bool {
        SubId::find(kind, segment).is_some() || self.get_raw_subs(kind).any(|raw| raw == segment)
    }

    /// Whether actions have places of their own: else one would be carried out in the place of another one, or an argument
    /// be lost.
    pub(crate) fn validate_actions(&self) -> Result<()> {
        let actions = |kind: Kind| kind.row().actions.iter().map(move |row| (kind, row));
        for (kind, action) in Kind::ALL.into_iter().flat_map(actions) {
            let (name, path) = (action.name, self.get_action_path(kind, action.name).unwrap_or_default());
            let earlier = kind.row().actions.iter().take_while(|other| other.name != name);
            let mut twins = earlier.filter(|other| self.get_action_path(kind, other.name) == Some(path));
            let absent = |name| self.is_absent_action(kind, name);
            if let Some(twin) = twins.find(|twin| !absent(twin.name) && !absent(name)) {
                let twin = twin.name;
                return Err(wrong(format!("the actions {twin} and {name} of {kind:#} are both at {path:?}")));
            }
            if self.is_sub(kind, path) && !absent(name) {
                let why = "which is a sub resource of it";
                return Err(wrong(format!("the action {name} of {kind:#} is at {path:?}, {why}")));
            }
            let key = |arg: &Arg| self.get_action_body_key(kind, name, arg.name);
            for (i, arg) in action.args.iter().enumerate() {
                if let Some(twin) = action.args[..i].iter().find(|other| key(other) == key(arg)) {
                    let (a, b, key) = (twin.name, arg.name, key(arg).unwrap_or_default());
                    return Err(wrong(format!("the arguments {a} and {b} of {kind}.{name} have the same key {key:?}")));
                }
            }
        }
        Ok(())
    }

    /// What is synced.
    pub(crate) fn kind_set(&self) -> KindSet {
        let kinds: KindSet = Kind::ALL.into_iter().filter(|kind| self.wants(*kind)).collect();
        kinds.without(self.rows.absent_subs.iter().copied())
    }

    /// The property that takes the place of the catalogue's symbolic name.
    pub(crate) fn other_name(&self, kind: Kind) -> Option<usize> {
        self.rows
            .symbolic
            .get(&kind)
            .copied()
            .filter(|other| kind.row().symbolic.as_ref().is_some_and(|symbolic| symbolic.property != *other))
    }

    /// The row of an overlay that says what is set of an action; `None` where nothing differs from the catalogue.
    pub(crate) fn action_row(&self, kind: Kind, action: &Action) -> Option<String> {
        let mut row = String::new();
        if self.is_absent_action(kind, action.name) {
            row.push_str("absent = true\n");
        }
        let path = self.get_action_path(kind, action.name).filter(|path| *path != action.segment);
        if let Some(path) = path {
            let plain = percent_decode_str(path).decode_utf8_lossy();
            let _ = writeln!(row, "path = {}", json_string(&plain));
        }
        let keys: Vec<String> = action
            .args
            .iter()
            .filter_map(|arg| {
                let key = self.get_action_body_key(kind, action.name, arg.name).filter(|key| *key != arg.key)?;
                Some(format!("{} = {}", arg.name, json_string(key)))
            })
            .collect();
        if !keys.is_empty() {
            let _ = writeln!(row, "body = {{ {} }}", keys.join(", "));
        }
        if let Some(statuses) = self.get_action_success(kind, action.name) {
            let _ = writeln!(row, "success = {statuses:?}");
        }
        (!row.is_empty()).then(|| format!("[actions.\"{}.{}\"]\n{row}", kind.name(), action.name))
    }
}

fn wrong(message: String) -> Error {
    Error::new(Code::Config, message)
}

#[cfg(test)]
mod tests {
    use crate::catalog::{Kind, Shape, Type};
    use crate::snapshot::{ByName, Limits, Table};

    #[test]
    fn a_table_says_the_same_whatever_property_names_its_rows() {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.row().symbolic.is_some()) {
            let properties = kind.row().properties;
            let texts: Vec<_> = (0..properties.len()).filter(|i| properties[*i].ty == Type::Text).collect();
            let long = "a name that is longer than a record has room for";
            let item = |n: u32, texts: &[usize]| {
                let members: String = texts
                    .iter()
                    .map(|i| format!(",\"{}\":\"{i}-{n}{}\"", properties[*i].name, if n == 1 { long } else { "" }))
                    .collect();
                format!("{{\"id\":\"00000000-0000-4000-8000-00000000000{n}\"{members},\"more\":[{n}]}}")
            };
            let body = format!("[{},{},{}]", item(0, &texts), item(1, &texts), item(2, &texts[..1]));
            let limits = Limits::default();
            let plain = Table::from_json(kind, Shape::List, body.as_bytes(), &limits).unwrap();
            for name in &texts {
                let named = Table::from_json_named((kind, Some(*name)), Shape::List, body.as_bytes(), &limits).unwrap();
                let sealed = Table::from_bytes(&named.to_bytes()).unwrap();
                for row in 0..3 {
                    assert_eq!((sealed.json(row), sealed.name(row)), (plain.json(row), named.name(row)));
                    assert_eq!(named.json(row), plain.json(row), "{kind} by {name}");
                    assert!(
                        named.same_row(row, &plain, row) || *name != kind.row().symbolic.as_ref().unwrap().property
                    );
                    assert_eq!(named.name(row), plain.text(row, *name));
                    if let Some(text) = plain.text(row, *name) {
                        assert_eq!(named.find_name(text), ByName::One(row));
                    }
                }
                assert_eq!(named.find_name("nobody"), ByName::None);
            }
        }
    }
}
