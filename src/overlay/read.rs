//! From the text of an overlay to changed rows. Every error names its line and says what is allowed there.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::catalog::{Action, Kind, SubId, Type};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::path::encode_name;

type Value<'t> = Spanned<DeValue<'t>>;

/// Changes the settings. After an error they are half changed.
pub(super) fn apply(config: &mut Config, text: &str) -> Result<()> {
    let reader = Reader { text };
    let file = DeTable::parse(text).map_err(|error| {
        let message = format!("this is not TOML: {}", error.message().replace('\n', "; "));
        reader.error_at(error.span().map_or(text.len(), |span| span.start), &message)
    })?;
    // In the order of the lines, so that the first mistake is the one that is told.
    let mut sections: Vec<_> = file.get_ref().iter().collect();
    sections.sort_by_key(|(name, _)| name.span().start);
    let mut lines = BTreeMap::new();
    for (name, section) in sections {
        let at = name.span().start;
        for (row, at, value) in reader.rows(name.get_ref(), section)? {
            let fields = reader.fields(row, at, value)?;
            match name.get_ref().as_ref() {
                "actions" => {
                    let (kind, action) = reader.action(config, row, at, &fields)?;
                    lines.insert((kind, action.name), at);
                }
                "kinds" => reader.kind(config, row, at, &fields)?,
                "subs" => reader.sub(config, row, at, &fields)?,
                other => return Err(reader.unknown_section(other, at)),
            }
        }
        if !matches!(name.get_ref().as_ref(), "actions" | "kinds" | "subs") {
            return Err(reader.unknown_section(name.get_ref(), at));
        }
    }
    reader.paths_differ(config, &lines)
}

struct Reader<'t> {
    text: &'t str,
}

/// The fields of a row, in the order of their lines.
type Fields<'a, 't> = Vec<(&'a str, usize, &'a Value<'t>)>;

impl<'t> Reader<'t> {
    fn error_at(&self, at: usize, message: &str) -> Error {
        let line = self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::new(Code::Config, format!("line {line}: {message}"))
    }

    fn unknown_section(&self, name: &str, at: usize) -> Error {
        self.error_at(at, &format!("there is no section {name:?}; the sections are actions, kinds, subs"))
    }

    /// The rows of a section, in the order of their lines.
    fn rows<'a>(&self, name: &str, section: &'a Value<'t>) -> Result<Fields<'a, 't>> {
        let Some(table) = section.get_ref().as_table() else {
            let message = format!("{name:?} is a section, as in [{name}.\"...\"], and not a value");
            return Err(self.error_at(section.span().start, &message));
        };
        Ok(in_order(table))
    }

    fn fields<'a>(&self, row: &str, at: usize, value: &'a Value<'t>) -> Result<Fields<'a, 't>> {
        match value.get_ref().as_table() {
            Some(table) => Ok(in_order(table)),
            None => Err(self.error_at(at, &format!("{row:?} is a row, as in [...{row:?}], and not a value"))),
        }
    }

    /// The two parts of `Kind.name`.
    fn split<'r>(&self, section: &str, row: &'r str, at: usize, fields: &Fields<'_, '_>) -> Result<(Kind, &'r str)> {
        let Some((kind, name)) = row.split_once('.') else {
            let hint = match fields.first() {
                Some((inner, ..)) if Kind::from_name(row).is_some() => {
                    format!("quote the two together: [{section}.\"{row}.{inner}\"]")
                }
                _ => format!("a row here is [{section}.\"Kind.name\"], and this is {row:?}"),
            };
            return Err(self.error_at(at, &hint));
        };
        Ok((self.kind_named(kind, at)?, name))
    }

    fn kind_named(&self, name: &str, at: usize) -> Result<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Kind::ALL.map(Kind::name).join(", ");
            self.error_at(at, &format!("there is no kind {name:?}; the kinds are {known}"))
        })
    }

    fn unknown_field(&self, name: &str, at: usize, allowed: &str) -> Error {
        self.error_at(at, &format!("{name:?} is not known here; allowed are {allowed}"))
    }

    fn text<'a>(&self, name: &str, value: &'a Value<'t>) -> Result<&'a str> {
        let wrong = || self.error_at(value.span().start, &format!("{name} must be a text in quotes"));
        value.get_ref().as_str().ok_or_else(wrong)
    }

    fn flag(&self, name: &str, value: &Value<'t>) -> Result<bool> {
        let wrong = || self.error_at(value.span().start, &format!("{name} must be true or false"));
        value.get_ref().as_bool().ok_or_else(wrong)
    }

    fn action(
        &self,
        config: &mut Config,
        row: &str,
        at: usize,
        fields: &Fields<'_, 't>,
    ) -> Result<(Kind, &'static Action)> {
        let (kind, name) = self.split("actions", row, at, fields)?;
        let action = kind.row().action(name).ok_or_else(|| {
            let known: Vec<_> = kind.row().actions.iter().map(|row| row.name).collect();
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            self.error_at(at, &format!("{kind:#} has no action {name:?}; {known}"))
        })?;
        let key = (kind, action.name);
        let mut absent = None;
        for (field, at, value) in fields {
            let here = |error: Error| self.error_at(value.span().start, error.message());
            match *field {
                "path" => {
                    let path = self.text("path", value)?;
                    if config.is_sub(kind, path) {
                        let message = format!("{path:?} is a sub resource of {kind:#}, so it cannot be an action");
                        return Err(self.error_at(value.span().start, &message));
                    }
                    config.action_path(kind, action.name, path).map_err(here)?;
                }
                "body" => self.body(config, kind, action, value)?,
                "success" => {
                    let statuses = self.success(value)?;
                    config.rows.success.insert(key, statuses);
                }
                "absent" => absent = Some((*at, self.flag("absent", value)?)),
                _ => return Err(self.unknown_field(field, *at, "path, body, success, absent")),
            }
        }
        match absent {
            Some((at, true)) if fields.len() > 1 => {
                Err(self.error_at(at, &format!("{row} cannot be absent and have a path, a body or success codes")))
            }
            Some((_, true)) => {
                config.rows.absent_actions.insert(key);
                Ok((kind, action))
            }
            _ => {
                config.rows.absent_actions.remove(&key);
                Ok((kind, action))
            }
        }
    }

    fn body(&self, config: &mut Config, kind: Kind, action: &'static Action, value: &Value<'t>) -> Result<()> {
        let Some(keys) = value.get_ref().as_table() else {
            let message = "body must be a table from arguments to JSON keys, as in { destination = \"number\" }";
            return Err(self.error_at(value.span().start, message));
        };
        let keys = in_order(keys);
        for (arg, at, value) in &keys {
            let key = self.text(arg, value)?;
            config.action_body_key(kind, action.name, arg, key).map_err(|error| self.error_at(*at, error.message()))?;
        }
        for (i, arg) in action.args.iter().enumerate() {
            let key = |arg: &str| config.get_action_body_key(kind, action.name, arg);
            let twin = action.args[..i].iter().find(|other| key(other.name) == key(arg.name));
            if let Some(twin) = twin {
                let given = |(name, ..): &&(&str, usize, &Value<'t>)| *name == arg.name || *name == twin.name;
                let at = keys.iter().rev().find(given).map_or(value.span().start, |(_, at, _)| *at);
                let (a, b, key) = (twin.name, arg.name, key(arg.name).unwrap_or_default());
                return Err(self.error_at(at, &format!("the arguments {a} and {b} have the same key {key:?}")));
            }
        }
        Ok(())
    }

    fn success(&self, value: &Value<'t>) -> Result<Vec<u16>> {
        let wrong = |at| self.error_at(at, "success must be a list of HTTP statuses from 200 to 399, as in [200, 204]");
        let items = value.get_ref().as_array().ok_or_else(|| wrong(value.span().start))?;
        let mut statuses = Vec::new();
        for item in items {
            let status = item.get_ref().as_integer().filter(|number| number.radix() == 10);
            let status = status.and_then(|number| number.as_str().parse::<u16>().ok());
            statuses.push(status.filter(|status| (200..400).contains(status)).ok_or_else(|| wrong(item.span().start))?);
        }
        if statuses.is_empty() {
            return Err(wrong(value.span().start));
        }
        statuses.sort_unstable();
        statuses.dedup();
        Ok(statuses)
    }

    fn kind(&self, config: &mut Config, row: &str, at: usize, fields: &Fields<'_, 't>) -> Result<()> {
        let kind = self.kind_named(row, at)?;
        for (field, at, value) in fields {
            if *field != "symbolic_name" {
                return Err(self.unknown_field(field, *at, "symbolic_name"));
            }
            let name = self.text("symbolic_name", value)?;
            let wrong = |message: String| Err(self.error_at(value.span().start, &message));
            if kind.row().symbolic.is_none() {
                return wrong(format!("{kind:#} has no symbolic names, so no property can be one"));
            }
            let properties = kind.row().properties;
            let texts = || {
                let texts = properties.iter().filter(|property| property.ty == Type::Text);
                texts.map(|property| property.name).collect::<Vec<_>>().join(", ")
            };
            match kind.row().property(name) {
                None => return wrong(format!("{kind:#} has no property {name:?}; its texts are {}", texts())),
                Some(position) if properties[position].ty != Type::Text => {
                    let ty = properties[position].ty.name();
                    return wrong(format!("{name} is a {ty}, and a symbolic name must be a text: {}", texts()));
                }
                Some(position) => drop(config.rows.symbolic.insert(kind, position)),
            }
        }
        Ok(())
    }

    fn sub(&self, config: &mut Config, row: &str, at: usize, fields: &Fields<'_, 't>) -> Result<()> {
        let (parent, segment) = self.split("subs", row, at, fields)?;
        let known = SubId::of(parent).find(|sub| sub.row().segment == segment);
        let (mut absent, mut raw) = (None, None);
        for (field, at, value) in fields {
            match *field {
                "absent" => absent = Some((*at, self.flag("absent", value)?)),
                "kind" if self.text("kind", value)? == "raw" => raw = Some(*at),
                "kind" => {
                    let message = "the kind of a further sub resource can only be \"raw\"";
                    return Err(self.error_at(value.span().start, message));
                }
                _ => return Err(self.unknown_field(field, *at, "absent, kind")),
            }
        }
        match (known, absent, raw) {
            (_, Some((at, true)), Some(_)) => {
                Err(self.error_at(at, &format!("{row} cannot be absent and be kept as raw objects")))
            }
            (Some(_), _, Some(at)) => Err(self.error_at(at, &format!("the catalogue knows {row}; it cannot be raw"))),
            (Some(sub), Some((_, true)), None) => {
                config.rows.absent_subs.insert(sub);
                Ok(())
            }
            (Some(sub), _, None) => {
                config.rows.absent_subs.remove(&sub);
                Ok(())
            }
            (None, _, Some(at)) => {
                let action = parent
                    .row()
                    .actions
                    .iter()
                    .find(|action| config.get_action_path(parent, action.name) == Some(segment));
                if let Some(action) = action {
                    let message = format!("{segment:?} is the action {} of {parent:#}", action.name);
                    return Err(self.error_at(at, &message));
                }
                if encode_name(segment) != segment || segment.is_empty() {
                    let message = format!("{segment:?} must be one plain path segment: letters, digits, - . _ ~");
                    return Err(self.error_at(at, &message));
                }
                config.rows.raw.insert((parent, segment.to_owned()));
                Ok(())
            }
            (None, _, None) => {
                let known: Vec<_> = SubId::of(parent).map(|sub| sub.row().segment).collect();
                let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
                let message = format!(
                    "the catalogue has no {segment:?} below {parent:#}, but {known}; a further one has kind = \"raw\""
                );
                Err(self.error_at(at, &message))
            }
        }
    }

    /// No two actions of a kind may be at one path: one of them would be carried out in place of the other.
    fn paths_differ(&self, config: &Config, lines: &BTreeMap<(Kind, &'static str), usize>) -> Result<()> {
        for ((kind, name), at) in lines {
            let path = config.get_action_path(*kind, name);
            let others = kind.row().actions.iter().filter(|row| row.name != *name);
            let present = others.filter(|row| !config.is_absent_action(*kind, row.name));
            let twin = present.into_iter().find(|row| config.get_action_path(*kind, row.name) == path);
            if let Some(twin) = twin.filter(|_| !config.is_absent_action(*kind, name)) {
                let (twin, path) = (twin.name, path.unwrap_or_default());
                return Err(
                    self.error_at(*at, &format!("the actions {name} and {twin} of {kind:#} are both at {path:?}"))
                );
            }
        }
        Ok(())
    }
}

fn in_order<'a, 't>(table: &'a DeTable<'t>) -> Fields<'a, 't> {
    let mut fields: Fields<'a, 't> =
        table.iter().map(|(name, value)| (name.get_ref().as_ref(), name.span().start, value)).collect();
    fields.sort_by_key(|(_, at, _)| *at);
    fields
}
