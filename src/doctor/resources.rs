//! Lists, singletons and instances: which of them the server has; and the sample that the rest is judged by.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Options;
use super::ask::{Asker, Got};
use super::report::{KindCheck, Report, SET, SetCheck, Verdict, letter};
use crate::catalog::{Kind, Mark, ROOT, Shape, SubId};
use crate::config::Config;

/// An instance that the server showed.
pub(super) struct Instance {
    pub(super) id: Uuid,
    /// Its path, by ids.
    pub(super) path: String,
    /// The path of the list it is in; `None` for a singleton.
    pub(super) list: Option<String>,
    pub(super) object: Map<String, Value>,
}

/// The instances that are looked at: of each kind the first ones that the server shows.
pub(super) struct Sample {
    instances: BTreeMap<Kind, Vec<Instance>>,
    core_servers: Option<Vec<String>>,
    /// The property that names a core server.
    slug: &'static str,
    sample: usize,
    search: usize,
}

impl Sample {
    pub(super) fn new(config: &Config, options: &Options) -> Sample {
        let core_servers = config.get_core_servers().map(<[String]>::to_vec);
        let slug =
            config.get_symbolic_name(Kind::CoreServer).map_or("slug", |i| Kind::CoreServer.row().properties[i].name);
        let sample = options.sample.max(1);
        Sample { instances: BTreeMap::new(), core_servers, slug, sample, search: options.search.max(sample) }
    }

    /// What is looked at of a kind.
    pub(super) fn of(&self, kind: Kind) -> &[Instance] {
        let all = self.all(kind);
        &all[..all.len().min(self.sample)]
    }

    fn all(&self, kind: Kind) -> &[Instance] {
        self.instances.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, kind: Kind, found: Vec<Instance>) {
        let search = self.search;
        let all = self.instances.entry(kind).or_default();
        for instance in found {
            if all.len() < search && all.iter().all(|other| other.id != instance.id) {
                all.push(instance);
            }
        }
    }

    fn wants(&self, core_server: &Instance) -> bool {
        self.core_servers.as_ref().is_none_or(|slugs| slugs.iter().any(|wanted| self.is_named(core_server, wanted)))
    }

    fn is_named(&self, core_server: &Instance, slug: &str) -> bool {
        core_server.object.get(self.slug).and_then(Value::as_str) == Some(slug)
    }

    /// Which core servers there should be and are not.
    fn missing(&self, found: &[Instance]) -> Option<String> {
        let is_missing = |slug: &&String| !found.iter().any(|core_server| self.is_named(core_server, slug));
        let wanted: Vec<&str> = self.core_servers.iter().flatten().filter(is_missing).map(String::as_str).collect();
        match wanted.as_slice() {
            [] if found.is_empty() => Some("the list is empty: there is no core server to ask for anything".to_owned()),
            [] => None,
            missing => Some(format!("the server has no core server named {}", missing.join(", "))),
        }
    }
}

/// Asks for every list and singleton of the catalogue.
pub(super) fn examine(asker: &mut Asker, config: &Config, sample: &mut Sample, report: &mut Report) {
    let mut root = check(ROOT.to_owned(), Some(Kind::CoreServer), Mark::Inferred.letter());
    let mut found = ask(asker, ROOT, Shape::List, usize::MAX, &mut root);
    if root.present > 0 {
        root.reason = sample.missing(&found);
    }
    found.retain(|instance| sample.wants(instance));
    sample.add(Kind::CoreServer, found);
    root.verdict = verdict(&root, false);
    report.sets.push(root);
    for sub in SubId::all() {
        report.sets.push(examine_sub(asker, config, sample, sub));
    }
    for kind in Kind::ALL {
        for segment in config.get_raw_subs(kind) {
            report.sets.push(examine_raw(asker, sample, kind, segment));
        }
    }
}

/// A sub resource that only an overlay knows: whether it is there, and JSON.
fn examine_raw(asker: &mut Asker, sample: &Sample, parent: Kind, segment: &str) -> SetCheck {
    let mut check = check(format!("{}.{segment}", parent.name()), None, SET);
    for instance in sample.of(parent) {
        let path = format!("{}/{segment}", instance.path);
        match asker.get(&path) {
            Got::Body(body) => {
                check.asked += 1;
                match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
                    Ok(_) => check.present += 1,
                    Err(_) => not_usable(&mut check, "the answer is not JSON".to_owned()),
                }
            }
            Got::Status(status, error) => refused(&mut check, status, &error),
            Got::Failed(error) => {
                check.reason.get_or_insert_with(|| error.message().to_owned());
            }
        }
        check.example.get_or_insert(path);
    }
    check.verdict = verdict(&check, false);
    check
}

fn not_usable(check: &mut SetCheck, why: String) {
    check.broken += 1;
    check.reason = Some(why);
}

fn refused(check: &mut SetCheck, status: u16, error: &crate::Error) {
    check.asked += 1;
    match status {
        404 => check.absent += 1,
        401 | 403 => {
            check.forbidden += 1;
            check.reason = Some(format!("the server answers {status}"));
        }
        _ => not_usable(check, error.message().to_owned()),
    }
}

fn check(name: String, kind: Option<Kind>, mark: char) -> SetCheck {
    SetCheck {
        name,
        kind,
        mark,
        verdict: Verdict::Unknown,
        asked: 0,
        present: 0,
        absent: 0,
        forbidden: 0,
        broken: 0,
        instances: 0,
        example: None,
        reason: None,
    }
}

fn examine_sub(asker: &mut Asker, config: &Config, sample: &mut Sample, sub: SubId) -> SetCheck {
    let row = sub.row();
    let mark = letter(row.mark, config.is_absent(sub));
    let mut check = check(format!("{}.{}", row.parent.name(), row.segment), Some(row.kind), mark);
    let parents: Vec<String> = sample.all(row.parent).iter().map(|parent| parent.path.clone()).collect();
    if parents.is_empty() {
        check.reason = Some(format!("there is no {} to ask", row.parent));
        return check;
    }
    for (i, parent) in parents.iter().enumerate() {
        if i >= sample.sample && sample.all(row.kind).len() >= sample.sample {
            break;
        }
        let found = ask(asker, &format!("{parent}/{}", row.segment), row.shape, sample.search, &mut check);
        sample.add(row.kind, found);
    }
    check.verdict = verdict(&check, !row.kind.row().licence.is_empty());
    if matches!(check.verdict, Verdict::Absent | Verdict::Hidden) && !matches!(asker.get(&parents[0]), Got::Body(_)) {
        check.verdict = Verdict::Unknown;
        check.reason = Some(format!("the {} that was asked is no longer there", row.parent));
    } else if check.verdict == Verdict::Hidden {
        check.reason = Some(row.kind.row().licence.to_owned());
    }
    check
}

fn verdict(check: &SetCheck, licensed: bool) -> Verdict {
    match check {
        _ if check.present > 0 => Verdict::Present,
        _ if check.broken > 0 => Verdict::Broken,
        _ if check.forbidden > 0 => Verdict::Forbidden,
        _ if check.absent > 0 && licensed => Verdict::Hidden,
        _ if check.absent > 0 => Verdict::Absent,
        _ => Verdict::Unknown,
    }
}

/// Asks for one list or singleton, counts the answer, and gives the first instances in it.
fn ask(asker: &mut Asker, path: &str, shape: Shape, most: usize, check: &mut SetCheck) -> Vec<Instance> {
    match asker.get(path) {
        Got::Body(body) => {
            check.asked += 1;
            match read(body, path, shape, most) {
                Ok((found, count)) => {
                    check.present += 1;
                    check.instances += count;
                    if check.broken == 0 {
                        check.example = Some(path.to_owned());
                    }
                    return found;
                }
                Err(why) => {
                    not_usable(check, why);
                    check.example = Some(path.to_owned());
                }
            }
        }
        Got::Status(status, error) => {
            refused(check, status, &error);
            check.example.get_or_insert_with(|| path.to_owned());
        }
        Got::Failed(error) => {
            check.reason.get_or_insert_with(|| error.message().to_owned());
        }
    }
    Vec::new()
}

/// The first instances of a body, and how many there are. No error repeats a piece of the body.
fn read(body: &[u8], path: &str, shape: Shape, most: usize) -> Result<(Vec<Instance>, usize), String> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if shape == Shape::Singleton {
        let object: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| "the answer is not a JSON object".to_owned())?;
        let id = id(&object).unwrap_or_default();
        return Ok((vec![Instance { id, path: path.to_owned(), list: None, object }], 1));
    }
    let items: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|_| "the answer is not a JSON array".to_owned())?;
    let mut found = Vec::new();
    for item in items.iter().take(most) {
        let Ok(object) = serde_json::from_str::<Map<String, Value>>(item.get()) else { continue };
        let Some(id) = id(&object) else { continue };
        found.push(Instance { id, path: format!("{path}/{id}"), list: Some(path.to_owned()), object });
    }
    if found.is_empty() && !items.is_empty() {
        return Err("no item of the list is a JSON object with an id".to_owned());
    }
    Ok((found, items.len()))
}

fn id(object: &Map<String, Value>) -> Option<Uuid> {
    let text = object.get("id")?.as_str()?;
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// Asks for the sample's instances alone, by id.
pub(super) fn instances(asker: &mut Asker, sample: &Sample, check: &mut KindCheck) {
    for instance in sample.of(check.kind).iter().filter(|instance| instance.list.is_some()) {
        match gives(asker, &instance.path, instance.id) {
            Some(same) => {
                check.asked_by_id += 1;
                check.found_by_id += usize::from(same);
            }
            None => return,
        }
    }
}

/// Whether a path gives the instance with this id; `None` where it could not be asked.
pub(super) fn gives(asker: &mut Asker, path: &str, wanted: Uuid) -> Option<bool> {
    match asker.get(path) {
        Got::Body(body) => {
            let object = serde_json::from_slice::<Map<String, Value>>(body).ok();
            Some(object.and_then(|object| id(&object)) == Some(wanted))
        }
        Got::Status(..) => Some(false),
        Got::Failed(error) => (error.code() == crate::Code::BadAnswer).then_some(false),
    }
}
