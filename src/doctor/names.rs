//! Symbolic names: does `getByName` with the property that should be the name give the same instance?

use serde_json::Value;

use super::ask::Asker;
use super::properties::value;
use super::report::{NameCheck, NameVerdict, letter};
use super::resources::{Instance, Sample, gives};
use crate::catalog::{BY_NAME, Kind};
use crate::config::Config;
use crate::path::encode_name;

pub(super) fn examine(asker: &mut Asker, config: &Config, sample: &Sample, kind: Kind) -> Option<NameCheck> {
    let row = kind.row();
    let symbolic = row.symbolic.as_ref()?;
    let position = config.get_symbolic_name(kind)?;
    let property = row.properties[position].name;
    let instances = sample.of(kind);
    let (asked, worked) = try_property(asker, instances, property);
    let verdict = match (asked, worked) {
        (0, _) => NameVerdict::NotAsked,
        (asked, worked) if asked == worked => NameVerdict::Works,
        (_, 0) => NameVerdict::Fails,
        _ => NameVerdict::Partly,
    };
    let instead = match verdict {
        NameVerdict::Works => Vec::new(),
        _ => others(asker, instances, kind, property),
    };
    let mark = letter(symbolic.mark, position != symbolic.property);
    Some(NameCheck { property, mark, verdict, asked, worked, instead })
}

/// How many instances were asked for by this property, and how many gave themselves.
fn try_property(asker: &mut Asker, instances: &[Instance], property: &str) -> (usize, usize) {
    let (mut asked, mut worked) = (0, 0);
    for instance in instances {
        let Some(list) = &instance.list else { continue };
        let Some(Value::String(name)) = value(&instance.object, property) else { continue };
        // A name that two have says nothing of the property.
        let same = |other: &&Instance| value(&other.object, property).and_then(Value::as_str) == Some(name);
        if name.is_empty() || instances.iter().filter(same).count() > 1 {
            continue;
        }
        let Some(same) = gives(asker, &format!("{list}/{BY_NAME}/{}", encode_name(name)), instance.id) else { break };
        asked += 1;
        worked += usize::from(same);
    }
    (asked, worked)
}

/// The other text properties, known to the catalogue or not, with which it always works: the catalogue's first.
fn others(asker: &mut Asker, instances: &[Instance], kind: Kind, but: &str) -> Vec<String> {
    let known = kind.row().properties.iter().map(|property| property.name.to_owned());
    let seen = instances.iter().flat_map(|instance| &instance.object);
    let texts = seen.filter(|(_, value)| value.is_string()).map(|(name, _)| name.clone());
    let mut candidates: Vec<String> = Vec::new();
    for name in known.chain(texts) {
        if name != but && name != "id" && !candidates.contains(&name) && candidates.len() < 16 {
            candidates.push(name);
        }
    }
    candidates.retain(|property| {
        let (asked, worked) = try_property(asker, instances, property);
        asked > 0 && asked == worked
    });
    candidates.iter_mut().for_each(|name| *name = name.chars().take(60).flat_map(char::escape_debug).collect());
    candidates
}
