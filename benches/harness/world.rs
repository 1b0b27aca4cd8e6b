//! The bodies the benches read: what a server of some size answers, the same in every run.

use std::fmt::Write as _;

use uuid::Uuid;

use super::Random;

pub const CORE_SERVERS: &str = r#"[{"id":"ca5de6c4-17bd-46ce-95a2-8b29c7812ca4","slug":"default","name":"PBX"}]"#;
pub const EXTENSIONS: &str = "coreServers/getByName/default/extensions";

/// How extensions use `permissionId`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It is the `configurationId`, as in the object the vendor prints.
    Same,
    /// It is another id.
    Distinct,
}

/// An extension as a program would keep it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    pub id: Uuid,
    pub extension_number: String,
    pub display_name: String,
    pub configuration_id: String,
    pub permission_id: String,
}

/// A call segment as a program would keep it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallSegment {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub ty: String,
    pub caller_id: CallerId,
    pub did: Option<String>,
    pub on_hold: bool,
    pub recording: bool,
    pub incoming: bool,
}

#[derive(serde::Deserialize)]
pub struct CallerId {
    pub id: String,
    pub name: String,
    pub number: String,
}

const FIRST: [&str; 16] = [
    "Ada", "Michael", "Grace", "Ken", "Barbara", "Dennis", "Radia", "Leslie", "Jörg", "Frances", "Edsger", "Margaret",
    "Niklaus", "Sophie", "Tony", "Donald",
];
const LAST: [&str; 16] = [
    "Lovelace", "Young", "Hopper", "Thompson", "Liskov", "Ritchie", "Perlman", "Lamport", "Schäfer", "Allen",
    "Dijkstra", "Hamilton", "Wirth", "Wilson", "Hoare", "Knuth",
];

fn id(random: &mut Random) -> Uuid {
    let bytes = (u128::from(random.next()) << 64) | u128::from(random.next());
    uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
}

fn person(random: &mut Random) -> String {
    format!("{} {}", FIRST[random.below(16)], LAST[random.below(16)])
}

/// The number of the extension at a position: four digits in a small world, seven in a big one.
pub fn number(position: usize, count: usize) -> String {
    let base = if count <= 9_000 { 1_000 } else { 1_000_000 };
    (base + position).to_string()
}

/// The body of a list of extensions, with members as the vendor prints them, without white space.
pub fn extensions(count: usize, permission: Permission) -> String {
    let mut random = Random::new(7);
    let mut body = String::with_capacity(count * 260);
    for position in 0..count {
        let (id, configuration, number) = (id(&mut random), id(&mut random), number(position, count));
        let permission = if permission == Permission::Same { configuration } else { self::id(&mut random) };
        let name = format!("{} (desk {number})", person(&mut random));
        let lead = if position == 0 { '[' } else { ',' };
        let _ = write!(
            body,
            r#"{lead}{{"id":"{id}","extensionNumber":"{number}","displayName":"{name}","configurationId":"{configuration}","permissionId":"{permission}"}}"#
        );
    }
    body.push_str(if count == 0 { "[]" } else { "]" });
    body
}

/// The body of a list of call segments.
pub fn call_segments(count: usize) -> String {
    let mut random = Random::new(11);
    let mut body = String::with_capacity(count * 300);
    for position in 0..count {
        let (id, caller_id, name) = (id(&mut random), id(&mut random), person(&mut random));
        let number = 5_550_000_000 + random.below(9_999_999) as u64;
        let (ty, did) = match random.below(2) {
            0 => ("INTERNAL", "null".to_owned()),
            _ => ("EXTERNAL", format!("\"{}\"", 8_005_550_000 + random.below(20) as u64)),
        };
        let (on_hold, recording, incoming) = (random.below(8) == 0, random.below(4) == 0, random.below(2) == 0);
        let lead = if position == 0 { '[' } else { ',' };
        let _ = write!(
            body,
            r#"{lead}{{"id":"{id}","type":"{ty}","callerId":{{"id":"{caller_id}","name":"{name}","number":"{number}"}},"did":{did},"onHold":{on_hold},"recording":{recording},"incoming":{incoming}}}"#
        );
    }
    body.push_str(if count == 0 { "[]" } else { "]" });
    body
}
