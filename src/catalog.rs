//! The catalogue: everything that is known of the Live API, as one table.
//!
//! Paths, local resolution, the layout of records, typed views, actions, the sandbox's routes and the reference page
//! `docs/live-api.md` follow from the rows of this file. A surprise from the vendor is one changed row.

use std::fmt;

/// How sure a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The vendor documents it.
    Documented,
    /// It was seen in the vendor's own client code.
    ClientCode,
    /// It is inferred; a server may differ.
    Inferred,
}

impl Mark {
    /// The letter the documentation uses: `D`, `C` or `I`.
    pub fn letter(self) -> char {
        match self {
            Mark::Documented => 'D',
            Mark::ClientCode => 'C',
            Mark::Inferred => 'I',
        }
    }
}

/// The kinds of resources of the Live API. The numbers are stable: they cross the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A core server: one PBX that the iSymphony server manages. Everything else hangs below one.
    CoreServer = 1,
    /// A user of iSymphony.
    User = 2,
    /// One login of a user: a client that is connected now.
    Login = 3,
    /// The status a user shows (available, away, ...).
    Status = 4,
    /// An extension of the PBX.
    Extension = 5,
    /// One leg of a call.
    CallSegment = 6,
    /// A call queue.
    Queue = 7,
    /// An extension that is logged in to a queue.
    Agent = 8,
    /// The statistics of an agent.
    Statistics = 9,
    /// A conference room.
    ConferenceRoom = 10,
}

impl Kind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [Kind; 10] = [
        Kind::CoreServer,
        Kind::User,
        Kind::Login,
        Kind::Status,
        Kind::Extension,
        Kind::CallSegment,
        Kind::Queue,
        Kind::Agent,
        Kind::Statistics,
        Kind::ConferenceRoom,
    ];

    /// The kind with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u32 == number)
    }

    /// The kind with this name: `"Extension"`, or the name of its list in a path or as an attribute, as in
    /// `"extensions"`, `"call_segments"`, `"conferences"`.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| {
            let row = kind.row();
            row.name == name || row.list == name || row.list_snake == name
        })
    }

    /// The row of the catalogue that describes this kind.
    pub fn row(self) -> &'static Resource {
        &RESOURCES[self as usize - 1]
    }

    /// The vendor's name of the kind, as in `"CallSegment"`.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

/// The name; `{:#}` puts the article in front of it, as in `an Extension`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let article = match self {
            _ if !f.alternate() => "",
            Kind::Extension | Kind::Agent => "an ",
            _ => "a ",
        };
        write!(f, "{article}{}", self.name())
    }
}

/// A set of kinds, less single sub resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindSet {
    kinds: u16,
    /// The sub resources that are left out, by [`SubId::index`].
    without: u32,
}

impl KindSet {
    /// Every kind.
    pub const ALL: KindSet = KindSet { kinds: u16::MAX, without: 0 };

    /// Whether the kind is in the set.
    pub fn contains(self, kind: Kind) -> bool {
        self.kinds & (1 << kind as u16) != 0
    }

    /// The set less these sub resources.
    pub fn without(self, subs: impl IntoIterator<Item = SubId>) -> KindSet {
        let without = subs.into_iter().fold(self.without, |without, sub| without | 1 << sub.index());
        KindSet { without, ..self }
    }

    /// Whether a sub resource is left out, though its kind may be in the set.
    pub fn lacks(self, sub: SubId) -> bool {
        self.without & (1 << sub.index()) != 0
    }

    /// Whether a sub resource's kind is in the set, and it is not left out.
    pub fn has(self, sub: SubId) -> bool {
        self.contains(sub.row().kind) && !self.lacks(sub)
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> KindSet {
        KindSet { kinds: kinds.into_iter().fold(0, |set, kind| set | 1 << kind as u16), without: 0 }
    }
}

/// The type of a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A JSON string.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A whole number: Unix time in milliseconds, `-1` for none.
    Millis,
}

impl Type {
    /// The name the documentation uses.
    pub fn name(self) -> &'static str {
        match self {
            Type::Text => "string",
            Type::Bool => "boolean",
            Type::Int => "integer",
            Type::Millis => "integer (Unix milliseconds)",
        }
    }
}

/// A property of a kind. `id` is not listed: every kind has it.
#[derive(Debug)]
pub struct Property {
    /// The JSON name; a dot leads into a nested object, as in `callerId.name`.
    pub name: &'static str,
    /// The name as an attribute, as in `caller_id_name`.
    pub snake: &'static str,
    /// The type of the value.
    pub ty: Type,
    /// How sure the property is.
    pub mark: Mark,
    /// What it says.
    pub doc: &'static str,
}

/// Whether a sub resource is a list or one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A JSON array of objects.
    List,
    /// One JSON object; 404 when there is none.
    Singleton,
}

/// A sub resource: what is below an instance of a kind, at `{instance}/{segment}`.
#[derive(Debug)]
pub struct Sub {
    /// The kind of the instance it is below.
    pub parent: Kind,
    /// The path segment, as in `callSegments`.
    pub segment: &'static str,
    /// The name as an attribute, as in `call_segments`.
    pub snake: &'static str,
    /// The kind of what is in it.
    pub kind: Kind,
    /// A list or one object.
    pub shape: Shape,
    /// How sure the path is.
    pub mark: Mark,
}

/// The type of an action's argument, with the bounds that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgType {
    /// Text that must not be empty.
    NonEmptyText,
    /// What is dialled: text that must not be empty. Given as text, or by the id or path of what is to be reached.
    Destination,
    /// Any text.
    Text,
    /// One of the status types, see [`STATUS_TYPES`].
    StatusType,
    /// Unix time in milliseconds, or `-1` for none.
    Millis,
    /// The id of an extension; given by number or path and resolved when the action is sent.
    ExtensionId,
    /// A whole number that is not negative.
    Penalty,
}

/// An argument of an action.
#[derive(Debug)]
pub struct Arg {
    /// The name of the argument in this library, as in `destination`.
    pub name: &'static str,
    /// The key in the JSON body.
    pub key: &'static str,
    /// Its type and bounds.
    pub ty: ArgType,
    /// What is sent when the caller gives nothing; `None`: the caller must give it. The text is JSON.
    pub default: Option<&'static str>,
}

/// An action: `POST {instance}/{segment}`.
#[derive(Debug)]
pub struct Action {
    /// The name in this library, as in `originate`.
    pub name: &'static str,
    /// The path behind the instance, as in `originate`.
    pub segment: &'static str,
    /// The arguments; without any, no body is sent.
    pub args: &'static [Arg],
    /// How sure the path and the body are. That the action exists is documented for all of them.
    pub mark: Mark,
    /// What the action may change: `/list` of the core server, `sub` of the instance, `.` the collection that the instance is
    /// read from, `*` all that it is in.
    pub touches: &'static [&'static str],
    /// What it does.
    pub doc: &'static str,
}

/// How an instance is addressed by name.
#[derive(Debug)]
pub struct Symbolic {
    /// The position in [`Resource::properties`] of the property that is the symbolic name.
    pub property: usize,
    /// How sure it is.
    pub mark: Mark,
}

/// A kind of resource: one row of the catalogue.
#[derive(Debug)]
pub struct Resource {
    /// The kind.
    pub kind: Kind,
    /// The vendor's name.
    pub name: &'static str,
    /// The name of a list of them in a path, as in `callSegments`.
    pub list: &'static str,
    /// The name of a list of them as an attribute, as in `call_segments`.
    pub list_snake: &'static str,
    /// The symbolic name (`getByName/{symbolic_name}`), where there is one.
    pub symbolic: Option<Symbolic>,
    /// The properties besides `id`.
    pub properties: &'static [Property],
    /// The sub resources, by number; see [`Sub`].
    pub actions: &'static [Action],
    /// The first version of iSymphony that has it.
    pub since: &'static str,
    /// Which objects a list leaves out, by licence or setting.
    pub licence: &'static str,
    /// What it is.
    pub doc: &'static str,
}

impl Resource {
    /// The position of the property with this JSON name or attribute name.
    pub fn property(&self, name: &str) -> Option<usize> {
        self.properties.iter().position(|p| p.name == name || p.snake == name)
    }

    /// The action with this name.
    pub fn action(&self, name: &str) -> Option<&'static Action> {
        self.actions.iter().find(|a| a.name == name)
    }

    /// The property that is the symbolic name.
    pub fn symbolic_property(&self) -> Option<&'static Property> {
        self.symbolic.as_ref().map(|s| &self.properties[s.property])
    }
}

/// The number of a row of [`SUBS`]: a sub resource of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubId(u8);

impl SubId {
    /// The row of [`SUBS`].
    pub fn row(self) -> &'static Sub {
        &SUBS[usize::from(self.0)]
    }

    /// Every sub resource.
    pub fn all() -> impl Iterator<Item = SubId> {
        (0..SUBS.len() as u8).map(SubId)
    }

    /// The sub resources of one kind, in the catalogue's order.
    pub fn of(parent: Kind) -> impl Iterator<Item = SubId> {
        SubId::all().filter(move |sub| sub.row().parent == parent)
    }

    /// The sub resource of `parent` with this path segment or attribute name.
    pub fn find(parent: Kind, segment: &str) -> Option<SubId> {
        SubId::of(parent).find(|sub| sub.row().segment == segment || sub.row().snake == segment)
    }

    /// The core servers' own list of a kind, if there is one: what is in it exists, whatever else the server lists.
    pub fn own_list(kind: Kind) -> Option<SubId> {
        SubId::of(Kind::CoreServer).find(|sub| sub.row().kind == kind)
    }

    /// Whether it only confirms a relation that another collection tells first and more often: what is below extensions, and
    /// which extensions are below something.
    pub fn is_confirming(self) -> bool {
        let row = self.row();
        row.parent == Kind::Extension || (row.kind == Kind::Extension && row.parent != Kind::CoreServer)
    }

    /// The number, for compact storage.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The path of the list of core servers, below which everything is.
pub const ROOT: &str = "coreServers";

/// The segment that stands before a symbolic name.
pub const BY_NAME: &str = "getByName";

/// The values of a status's `type`. It only chooses the icon (documented).
pub const STATUS_TYPES: &[&str] =
    &["available", "unavailable", "away", "xa", "dnd", "chat", "altblue", "altgreen", "altpink", "altpurple", "altred"];

/// The values of a call segment's `type`.
pub const CALL_SEGMENT_TYPES: &[(&str, Mark)] = &[("INTERNAL", Mark::Documented), ("EXTERNAL", Mark::Inferred)];

/// The values of an agent's `state`; all but the first are inferred from the PBX's device states.
pub const AGENT_STATES: &[(&str, Mark)] = &[
    ("NOT_INUSE", Mark::Documented),
    ("UNKNOWN", Mark::Inferred),
    ("INUSE", Mark::Inferred),
    ("BUSY", Mark::Inferred),
    ("INVALID", Mark::Inferred),
    ("UNAVAILABLE", Mark::Inferred),
    ("RINGING", Mark::Inferred),
    ("RINGINUSE", Mark::Inferred),
    ("ONHOLD", Mark::Inferred),
];

const fn p(name: &'static str, snake: &'static str, ty: Type, doc: &'static str) -> Property {
    Property { name, snake, ty, mark: Mark::Documented, doc }
}

const fn inferred(name: &'static str, snake: &'static str, ty: Type, doc: &'static str) -> Property {
    Property { name, snake, ty, mark: Mark::Inferred, doc }
}

const CONFIGURATION_ID: Property = p(
    "configurationId",
    "configuration_id",
    Type::Text,
    "The id of the object in the Configuration API. Unlike `id` it should survive a restart of the server (inferred).",
);
const PERMISSION_ID: Property =
    p("permissionId", "permission_id", Type::Text, "The id of the permission that guards the object.");

const fn action(
    name: &'static str,
    segment: &'static str,
    args: &'static [Arg],
    touches: &'static [&'static str],
    doc: &'static str,
) -> Action {
    Action { name, segment, args, mark: Mark::Inferred, touches, doc }
}

const fn arg(name: &'static str, key: &'static str, ty: ArgType) -> Arg {
    Arg { name, key, ty, default: None }
}

const EXTENSION_ID: &[Arg] = &[arg("extension", "extensionId", ArgType::ExtensionId)];

/// Every kind of resource, in the order of the numbers of [`Kind`].
pub static RESOURCES: [Resource; 10] = [
    Resource {
        kind: Kind::CoreServer,
        name: "CoreServer",
        list: "coreServers",
        list_snake: "core_servers",
        symbolic: Some(Symbolic { property: 0, mark: Mark::Documented }),
        properties: &[
            p("slug", "slug", Type::Text, "The short name that stands in paths, as in `default`."),
            inferred("name", "name", Type::Text, "The name for people."),
        ],
        actions: &[],
        since: "3.2",
        licence: "",
        doc: "One PBX that the iSymphony server manages. Its id is new at every restart of the server.",
    },
    Resource {
        kind: Kind::User,
        name: "User",
        list: "users",
        list_snake: "users",
        symbolic: Some(Symbolic { property: 1, mark: Mark::Documented }),
        properties: &[
            CONFIGURATION_ID,
            p("userName", "user_name", Type::Text, "The name the user logs in with."),
            p("displayedName", "displayed_name", Type::Text, "The name for people."),
            PERMISSION_ID,
        ],
        actions: &[],
        since: "3.2",
        licence: "",
        doc: "A user of iSymphony.",
    },
    Resource {
        kind: Kind::Login,
        name: "Login",
        list: "logins",
        list_snake: "logins",
        symbolic: None,
        properties: &[
            p("ip", "ip", Type::Text, "The address the client connected from."),
            p("port", "port", Type::Int, "The port the client connected from."),
            p("timeConnected", "time_connected", Type::Millis, "When the client connected."),
        ],
        actions: &[],
        since: "3.2",
        licence: "",
        doc: "A client with which a user is logged in now.",
    },
    Resource {
        kind: Kind::Status,
        name: "Status",
        list: "statuses",
        list_snake: "statuses",
        symbolic: None,
        properties: &[
            CONFIGURATION_ID,
            p("name", "name", Type::Text, "The name of the status, as in `Lunch`."),
            p("type", "type", Type::Text, "Which icon is shown; it changes no call flow."),
            p("note", "note", Type::Text, "A note the user wrote; empty when none."),
            p("returnTime", "return_time", Type::Millis, "When the user means to be back; `-1` when not said."),
            p("userCreated", "user_created", Type::Bool, "Whether the user made this status up."),
        ],
        actions: &[Action {
            name: "set",
            segment: "set",
            args: &[
                arg("name", "name", ArgType::NonEmptyText),
                arg("type", "type", ArgType::StatusType),
                Arg { name: "note", key: "note", ty: ArgType::Text, default: Some("\"\"") },
                Arg { name: "return_time", key: "returnTime", ty: ArgType::Millis, default: Some("-1") },
            ],
            mark: Mark::Documented,
            touches: &["."],
            doc: "Sets the user's status.",
        }],
        since: "3.2",
        licence: "Absent if the user is not licensed or not a full user.",
        doc: "The status a user shows.",
    },
    Resource {
        kind: Kind::Extension,
        name: "Extension",
        list: "extensions",
        list_snake: "extensions",
        symbolic: Some(Symbolic { property: 0, mark: Mark::Documented }),
        properties: &[
            p(
                "extensionNumber",
                "extension_number",
                Type::Text,
                "The number that is dialled; not always digits (`*72`).",
            ),
            p("displayName", "display_name", Type::Text, "The name for people."),
            CONFIGURATION_ID,
            PERMISSION_ID,
        ],
        actions: &[
            action(
                "originate",
                "originate",
                &[arg("destination", "destination", ArgType::Destination)],
                &["/callSegments", "callSegments"],
                "Rings the extension itself, then dials the destination.",
            ),
            action("enable_dnd", "enableDnd", &[], &[], "Turns do-not-disturb on."),
            action("disable_dnd", "disableDnd", &[], &[], "Turns do-not-disturb off."),
        ],
        since: "3.2",
        licence: "Lists leave out extensions that are not bound to a licensed full user.",
        doc: "An extension of the PBX. The Live API tells neither its call state nor its do-not-disturb state.",
    },
    Resource {
        kind: Kind::CallSegment,
        name: "CallSegment",
        list: "callSegments",
        list_snake: "call_segments",
        symbolic: None,
        properties: &[
            p("type", "type", Type::Text, "`INTERNAL`, or `EXTERNAL` (inferred)."),
            p("callerId.id", "caller_id_id", Type::Text, "The id of the caller id itself."),
            p("callerId.name", "caller_id_name", Type::Text, "The caller's name."),
            p("callerId.number", "caller_id_number", Type::Text, "The caller's number."),
            p(
                "did",
                "did",
                Type::Text,
                "The number that was dialled from outside, or null; not always a number (`s`).",
            ),
            p("onHold", "on_hold", Type::Bool, "Whether it is on hold."),
            p("recording", "recording", Type::Bool, "Whether it is recorded."),
            p("incoming", "incoming", Type::Bool, "Whether the call came in to this side."),
        ],
        actions: &[action(
            "transfer",
            "transfer",
            &[arg("destination", "destination", ArgType::Destination)],
            &["/callSegments", "*"],
            "Transfers the call to an extension, an outside number, a parking lot, a conference room or a queue.",
        )],
        since: "3.2",
        licence: "As extensions.",
        doc: "One leg of a call. It does not name its extension: that relation exists only through the paths.",
    },
    Resource {
        kind: Kind::Queue,
        name: "Queue",
        list: "queues",
        list_snake: "queues",
        symbolic: Some(Symbolic { property: 1, mark: Mark::Documented }),
        properties: &[
            p("displayName", "display_name", Type::Text, "The name for people."),
            p("identifier", "identifier", Type::Text, "The number or name of the queue on the PBX."),
            CONFIGURATION_ID,
            PERMISSION_ID,
        ],
        actions: &[
            action("login", "login", EXTENSION_ID, &["agents"], "Logs an extension in to the queue as an agent."),
            action("logout", "logout", EXTENSION_ID, &["agents"], "Logs an extension out of the queue."),
        ],
        since: "3.2",
        licence: "Lists leave out queues that are not enabled.",
        doc: "A call queue.",
    },
    Resource {
        kind: Kind::Agent,
        name: "Agent",
        list: "agents",
        list_snake: "agents",
        symbolic: None,
        properties: &[
            p("paused", "paused", Type::Bool, "Whether the agent is paused."),
            p("state", "state", Type::Text, "The state of the agent's device: `NOT_INUSE`; the others are inferred."),
            p("name", "name", Type::Text, "The agent's name."),
            p("dynamic", "dynamic", Type::Bool, "Whether the agent logged in, rather than being configured."),
        ],
        actions: &[
            action("logout", "logout", &[], &["*"], "Logs the agent out of its queue."),
            action("pause", "pause", &[], &["*"], "Pauses the agent."),
            action("unpause", "unpause", &[], &["*"], "Ends the agent's pause."),
            action(
                "set_penalty",
                "setPenalty",
                &[arg("penalty", "penalty", ArgType::Penalty)],
                &["*", "statistics"],
                "Sets the agent's penalty: agents with a lower one are called first.",
            ),
        ],
        since: "3.2",
        licence: "The queue must be enabled and the extension licensed.",
        doc: "An extension that is logged in to a queue.",
    },
    Resource {
        kind: Kind::Statistics,
        name: "Statistics",
        list: "statistics",
        list_snake: "statistics",
        symbolic: None,
        properties: &[],
        actions: &[],
        since: "3.2",
        licence: "As agents (inferred).",
        doc: "The statistics of an agent. Its properties are unknown: whatever comes is kept.",
    },
    Resource {
        kind: Kind::ConferenceRoom,
        name: "ConferenceRoom",
        list: "conferences",
        list_snake: "conferences",
        symbolic: Some(Symbolic { property: 2, mark: Mark::Inferred }),
        properties: &[
            CONFIGURATION_ID,
            p("displayName", "display_name", Type::Text, "The name for people."),
            p("identifier", "identifier", Type::Text, "The number or name of the room on the PBX."),
            p("dialString", "dial_string", Type::Text, "What is dialled to enter the room."),
            p("userGenerated", "user_generated", Type::Bool, "Whether a user made the room."),
            PERMISSION_ID,
        ],
        actions: &[],
        since: "3.3",
        licence: "Conference rooms must be enabled.",
        doc: "A conference room. Its path says `conferences`.",
    },
];

const fn list(parent: Kind, segment: &'static str, snake: &'static str, kind: Kind, mark: Mark) -> Sub {
    Sub { parent, segment, snake, kind, shape: Shape::List, mark }
}

const fn one(parent: Kind, segment: &'static str, kind: Kind) -> Sub {
    Sub { parent, segment, snake: segment, kind, shape: Shape::Singleton, mark: Mark::Documented }
}

/// Every sub resource.
pub static SUBS: &[Sub] = &[
    list(Kind::CoreServer, "users", "users", Kind::User, Mark::Documented),
    list(Kind::CoreServer, "extensions", "extensions", Kind::Extension, Mark::Documented),
    list(Kind::CoreServer, "callSegments", "call_segments", Kind::CallSegment, Mark::Documented),
    list(Kind::CoreServer, "queues", "queues", Kind::Queue, Mark::Documented),
    list(Kind::CoreServer, "conferences", "conferences", Kind::ConferenceRoom, Mark::Documented),
    list(Kind::User, "logins", "logins", Kind::Login, Mark::Documented),
    one(Kind::User, "status", Kind::Status),
    list(Kind::User, "extensions", "extensions", Kind::Extension, Mark::Documented),
    list(Kind::Extension, "callSegments", "call_segments", Kind::CallSegment, Mark::Documented),
    list(Kind::Extension, "agents", "agents", Kind::Agent, Mark::Documented),
    list(Kind::Queue, "callSegments", "call_segments", Kind::CallSegment, Mark::Inferred),
    list(Kind::Queue, "agents", "agents", Kind::Agent, Mark::Documented),
    one(Kind::Agent, "extension", Kind::Extension),
    one(Kind::Agent, "statistics", Kind::Statistics),
    list(Kind::ConferenceRoom, "callSegments", "call_segments", Kind::CallSegment, Mark::Inferred),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_where_their_kind_says() {
        for kind in Kind::ALL {
            assert_eq!(kind.row().kind, kind);
            assert_eq!(Kind::from_number(kind as u32), Some(kind));
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_number(0), None);
        assert_eq!(Kind::from_number(11), None);
    }

    #[test]
    fn symbolic_names_are_text_properties_of_their_kind() {
        let names: Vec<_> = RESOURCES.iter().filter_map(|r| Some((r.name, r.symbolic_property()?.name))).collect();
        assert_eq!(
            names,
            [
                ("CoreServer", "slug"),
                ("User", "userName"),
                ("Extension", "extensionNumber"),
                ("Queue", "identifier"),
                ("ConferenceRoom", "identifier"),
            ]
        );
        for row in &RESOURCES {
            assert!(row.symbolic_property().is_none_or(|p| p.ty == Type::Text), "{}", row.name);
            assert!(row.properties.len() <= 16, "{}: the record's state has room for 16 properties", row.name);
        }
    }

    #[test]
    fn what_an_action_touches_exists() {
        for row in &RESOURCES {
            for action in row.actions {
                for touched in action.touches {
                    match touched.strip_prefix('/') {
                        Some(segment) => assert!(SubId::find(Kind::CoreServer, segment).is_some()),
                        None if matches!(*touched, "." | "*") => {}
                        None => assert!(SubId::find(row.kind, touched).is_some(), "{} {touched}", row.name),
                    }
                }
            }
        }
    }
}
