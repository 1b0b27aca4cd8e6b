//! The report: what was found, as data.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::{Kind, Mark};
use crate::config::Config;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing need be done.
    Info,
    /// Something of the catalogue is not as it says; the rest works.
    Warning,
    /// Nothing works, or what is documented does not.
    Error,
}

impl Severity {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What the server has of a part of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// The server refuses it (401, 403).
    Forbidden,
    /// It is not there (404), and a licence or a setting of the server may be why.
    Hidden,
    /// It is answered with an error of the server, or with what is not the JSON it should be.
    Broken,
    /// Nothing can be said: there was nothing to ask, or the answer tells nothing.
    Unknown,
}

impl Verdict {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Present => "present",
            Verdict::Absent => "absent",
            Verdict::Forbidden => "forbidden",
            Verdict::Hidden => "hidden",
            Verdict::Broken => "broken",
            Verdict::Unknown => "unknown",
        }
    }
}

/// Whether a step on the way to the server works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Passed {
    /// It works.
    Yes,
    /// It does not.
    No,
    /// It was not reached, or nothing can be said.
    NotReached,
}

/// A step on the way to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `settings`, `name`, `connection`, `tls`, `credentials`, `access` (the access control list), `live_api`; or
    /// `event_api`.
    pub name: &'static str,
    /// Whether it works.
    pub passed: Passed,
    /// How it is, or what is wrong.
    pub detail: String,
    /// What to do.
    pub advice: Option<String>,
}

/// A list or a singleton of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetCheck {
    /// As an overlay names it: `User.status`; the list of core servers is `coreServers`.
    pub name: String,
    /// The kind of what is in it; `None` where an overlay says that it is raw.
    #[serde(serialize_with = "maybe_kind")]
    pub kind: Option<Kind>,
    /// `D` documented, `C` seen in the vendor's client, `I` inferred, `S` set by the settings.
    pub mark: char,
    /// What the server has.
    pub verdict: Verdict,
    /// Of how many instances it was asked.
    pub asked: usize,
    /// How many have it.
    pub present: usize,
    /// How many answered 404.
    pub absent: usize,
    /// How many answers refused it.
    pub forbidden: usize,
    /// How many answers were an error of the server, or not the JSON it should be.
    pub broken: usize,
    /// How many instances are in it, over all that was asked.
    pub instances: usize,
    /// One path that was asked, by ids.
    pub example: Option<String>,
    /// What is wrong, or why nothing can be said.
    pub reason: Option<String>,
}

/// What the sample of a kind says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindCheck {
    /// The kind.
    #[serde(serialize_with = "kind")]
    pub kind: Kind,
    /// How many instances were looked at.
    pub sampled: usize,
    /// How many of them were asked for alone, by id.
    pub asked_by_id: usize,
    /// How many of these were answered with the same instance.
    pub found_by_id: usize,
    /// The catalogue's properties, in its order.
    pub properties: Vec<PropertyCheck>,
    /// Properties the catalogue does not know, at most 64.
    pub unknown: Vec<UnknownProperty>,
    /// The symbolic name, where the kind has one.
    pub symbolic_name: Option<NameCheck>,
}

/// A property of the catalogue, over the sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PropertyCheck {
    /// The JSON name; a dot leads into a nested object.
    pub name: &'static str,
    /// The type the catalogue says.
    pub r#type: &'static str,
    /// `D` documented, `C` seen in the vendor's client, `I` inferred.
    pub mark: char,
    /// How many instances have a value of that type.
    pub present: usize,
    /// How many say `null`.
    pub null: usize,
    /// How many do not have it.
    pub missing: usize,
    /// How many have a value of another type.
    pub other_type: usize,
    /// The other JSON types that were seen.
    pub other_types: BTreeMap<&'static str, usize>,
}

/// A property that the catalogue does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownProperty {
    /// The JSON name, at most 60 characters of it.
    pub name: String,
    /// The JSON types that were seen, and how often.
    pub types: BTreeMap<&'static str, usize>,
}

/// Whether a symbolic name works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameVerdict {
    /// `getByName` gives the same instance, each time.
    Works,
    /// It gives the same instance for some only.
    Partly,
    /// It never does.
    Fails,
    /// There was no name to ask for.
    NotAsked,
}

/// Whether `getByName` works with the property that is the symbolic name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NameCheck {
    /// The property.
    pub property: &'static str,
    /// `D` documented, `C` seen in the vendor's client, `I` inferred, `S` set by the settings.
    pub mark: char,
    /// Whether it works.
    pub verdict: NameVerdict,
    /// How many names were asked for.
    pub asked: usize,
    /// How many gave the same instance.
    pub worked: usize,
    /// Other text properties with which it works, where this one does not.
    pub instead: Vec<String>,
}

/// An action of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionCheck {
    /// As an overlay names it: `Extension.originate`.
    pub name: String,
    /// The path behind the instance.
    pub path: String,
    /// `D` documented, `I` inferred, `S` set by the settings.
    pub mark: char,
    /// Whether the server has the path.
    pub verdict: Verdict,
    /// What tells so.
    pub reason: String,
    /// The path that was asked, by ids.
    pub example: Option<String>,
}

/// What something means, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The part of the server it is about, as in `User.status`.
    pub about: String,
    /// What was found.
    pub message: String,
    /// What to do; empty when nothing.
    pub advice: String,
}

/// What a server has. See the [module](super).
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The server's origin, as in `http://pbx:58080`.
    pub server: String,
    /// The user that was asked as.
    pub user: Option<String>,
    /// What the server says of its own software (the `Server` header).
    pub software: Option<String>,
    /// The way to the server, step by step.
    pub connection: Vec<Step>,
    /// The Event API.
    pub event_api: Step,
    /// The lists and singletons of the catalogue.
    pub sets: Vec<SetCheck>,
    /// The kinds of the catalogue.
    pub kinds: Vec<KindCheck>,
    /// The actions of the catalogue.
    pub actions: Vec<ActionCheck>,
    /// How many lists, singletons and actions have which verdict, by its name.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// What all this means, the worst first.
    pub findings: Vec<Finding>,
    /// How many requests were made.
    pub requests: u64,
    /// How long it took.
    pub milliseconds: u64,
    /// Why not everything was asked.
    pub cut_short: Option<String>,
    /// The rows of an overlay that the settings have already, see [`Report::overlay`].
    #[serde(skip)]
    pub(super) set_rows: Vec<String>,
}

impl Report {
    pub(super) fn new(config: &Config) -> Report {
        Report {
            server: config.get_origin(),
            user: config.get_credentials().map(|(user, _)| user.to_owned()),
            software: None,
            connection: Vec::new(),
            event_api: Step {
                name: "event_api",
                passed: Passed::NotReached,
                detail: "not asked".to_owned(),
                advice: None,
            },
            sets: Vec::new(),
            kinds: Vec::new(),
            actions: Vec::new(),
            verdicts: BTreeMap::new(),
            findings: Vec::new(),
            requests: 0,
            milliseconds: 0,
            cut_short: None,
            set_rows: super::overlay::set_rows(config),
        }
    }

    /// Whether the Live API can be used at all.
    pub fn is_connected(&self) -> bool {
        !self.connection.is_empty() && self.connection.iter().all(|step| step.passed == Passed::Yes)
    }

    /// Whether nothing is wrong that needs to be mended: no finding is an [`Error`](Severity::Error).
    pub fn ok(&self) -> bool {
        self.count(Severity::Error) == 0
    }

    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    pub(super) fn count_verdicts(&mut self) {
        let verdicts =
            self.sets.iter().map(|check| check.verdict).chain(self.actions.iter().map(|check| check.verdict));
        for verdict in verdicts {
            *self.verdicts.entry(verdict.name()).or_default() += 1;
        }
    }

    /// The check of a list or singleton, as in `User.status`.
    pub fn set(&self, name: &str) -> Option<&SetCheck> {
        self.sets.iter().find(|check| check.name == name)
    }

    /// The check of a kind.
    pub fn kind(&self, kind: Kind) -> Option<&KindCheck> {
        self.kinds.iter().find(|check| check.kind == kind)
    }

    /// The check of an action, as in `Extension.originate`.
    pub fn action(&self, name: &str) -> Option<&ActionCheck> {
        self.actions.iter().find(|check| check.name == name)
    }

    /// The whole report as the text of a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn kind<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

fn maybe_kind<S: serde::Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.map(Kind::name).serialize(serializer)
}

/// The letter for what the settings say.
pub(super) const SET: char = 'S';

/// The letter for how sure something is: `S` where the settings say it.
pub(super) fn letter(mark: Mark, is_set: bool) -> char {
    if is_set { SET } else { mark.letter() }
}
