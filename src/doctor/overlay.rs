//! The report as an overlay: what differs from the catalogue, as far as it could be determined.

use std::fmt::Write as _;

use super::report::{NameVerdict, Report, Verdict};
use crate::catalog::Kind;
use crate::config::Config;

/// The rows that the settings have and that are not examined anew: actions that were changed, and raw sub resources.
pub(super) fn set_rows(config: &Config) -> Vec<String> {
    let actions = Kind::ALL.into_iter().flat_map(|kind| kind.row().actions.iter().map(move |row| (kind, row)));
    let raw = |kind: Kind| {
        config.get_raw_subs(kind).map(move |segment| format!("[subs.\"{}.{segment}\"]\nkind = \"raw\"\n", kind.name()))
    };
    let actions = actions.filter_map(|(kind, row)| config.action_row(kind, row));
    actions.chain(Kind::ALL.into_iter().flat_map(raw)).collect()
}

impl Report {
    /// The text of an [overlay](crate::overlay) that adapts a client to this server: symbolic names that work in place of
    /// those that do not, sub resources that are absent, and what the settings have set already. What could not be
    /// determined (the path of an action that is absent) is a comment to fill in. `None` when there is nothing to say.
    ///
    /// Nothing in it is a value of a property.
    pub fn overlay(&self) -> Option<String> {
        let mut out = String::new();
        for row in &self.set_rows {
            let _ = writeln!(out, "{row}");
        }
        for check in &self.kinds {
            let Some(name) = &check.symbolic_name else { continue };
            let row = check.kind.row();
            let usable = |name: &&String| row.property(name).is_some_and(|p| row.properties[p].name == name.as_str());
            let works = match name.verdict {
                NameVerdict::Works => Some(name.property),
                _ => name.instead.iter().find(usable).map(String::as_str),
            };
            let catalogue = row.symbolic_property().map(|property| property.name);
            if let Some(works) = works.filter(|works| Some(*works) != catalogue) {
                let _ = writeln!(out, "[kinds.{}]\nsymbolic_name = \"{works}\"\n", check.kind.name());
            }
        }
        for check in self.sets.iter().filter(|check| check.kind.is_some() && check.name.contains('.')) {
            let name = &check.name;
            let _ = match check.verdict {
                Verdict::Absent => writeln!(out, "[subs.\"{name}\"]\nabsent = true\n"),
                Verdict::Hidden => writeln!(
                    out,
                    "# 404, and a licence or a setting may be why. Where it will stay so:\n# [subs.\"{name}\"]\n# absent = \
                     true\n"
                ),
                _ => Ok(()),
            };
        }
        for check in self.actions.iter().filter(|check| check.verdict == Verdict::Absent) {
            let (name, path) = (&check.name, &check.path);
            let _ = writeln!(
                out,
                "# The server has nothing at {path:?}. Fill in the right path, or say absent = true:\n# \
                 [actions.\"{name}\"]\n# path = \"\"\n"
            );
        }
        (!out.is_empty()).then(|| format!("# What {} has otherwise than the catalogue says.\n\n{out}", self.server))
    }
}
