//! Handles: symbolic references that survive a restart of the server.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use uuid::Uuid;

use crate::action::{self, Arg, Call, Ticket};
use crate::catalog::{Kind, SubId};
use crate::error::{Code, Error, Result};
use crate::live::Live;
use crate::path::Path;
use crate::snapshot::{List, Resource, ResourceOwned, Snapshot, Target, lacking};

/// How a handle finds its instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Locator {
    Path(Path),
    /// The one with this name in whichever core server has it.
    Named {
        list: SubId,
        name: String,
    },
}

/// A reference to an instance by its kind and the names along its path. It is bound anew at every use.
///
/// Rules: the name decides, byte for byte. When nothing has the name any more, the `configurationId` that was seen under it
/// does (a renamed extension is still found), unless it was empty, or others had it too. When the name changes hands, the handle follows the name; a
/// [strict](Handle::strict) handle refuses. A path that holds ids is made symbolic when it is first found; an instance
/// without a symbolic name (a call segment, an agent) is found by its id only, until the server restarts.
/// [`Handle::binding`] tells to what the handle is bound, and how often that changed.
pub struct Handle {
    live: Live,
    kind: Kind,
    is_strict: bool,
    /// Without a lock: a read never waits for another, nor in a forked child for a thread that is not there.
    memory: ArcSwap<Memory>,
}

/// What a handle knows of its instance.
#[derive(Clone)]
struct Memory {
    locator: Locator,
    binding: Option<Binding>,
    /// The `configurationId` that was last seen, also where it identifies nothing.
    seen: Option<String>,
}

/// To which object a handle is bound, as it was last found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding {
    /// The id of the object: new after every restart of the server.
    pub id: Uuid,
    /// The `configurationId` of the object, which stays: `None` where its kind has none, and where it identifies nothing,
    /// because it is empty or other objects had it too.
    pub configuration_id: Option<String>,
    /// The epoch of the snapshot it was found in.
    pub epoch: u64,
    /// How often the handle was bound anew since it was made: to the same object after a restart of the server, or to
    /// another object that has the name now.
    pub rebinds: u64,
    /// How often that was another object, as far as a `configurationId` tells.
    pub other_objects: u64,
}

impl Handle {
    pub(crate) fn new(live: Live, locator: Locator) -> Handle {
        let kind = match &locator {
            Locator::Path(path) => path.kind(),
            Locator::Named { list, .. } => list.row().kind,
        };
        let memory = ArcSwap::from_pointee(Memory { locator, binding: None, seen: None });
        Handle { live, kind, is_strict: false, memory }
    }

    /// The same reference, bound for good to the object that it finds now or, where there is none, first: when the name
    /// leads to another object, it refuses with [`Code::NotFound`]. An object is the same as long as it has its
    /// `configurationId`, also after a restart of the server; where it has none of its own, as long as it has its id.
    pub fn strict(&self) -> Handle {
        let mut strict = self.clone();
        strict.is_strict = true;
        let _ = strict.get();
        strict
    }

    /// Whether it refuses another object than the one it is bound to.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// To what the handle is bound, as it was last found; `None` before it found anything.
    pub fn binding(&self) -> Option<Binding> {
        self.memory.load().binding.clone()
    }

    /// The client it belongs to.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The kind of the instance.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The path, by symbolic names as far as there are any. Where no core server was given and none is known to have the
    /// instance, it says `*` for the core server.
    pub fn path(&self) -> String {
        let memory = self.memory.load();
        match &memory.locator {
            Locator::Path(path) => path.to_string(),
            Locator::Named { list, name } => match self.find(&self.live.snapshot(), &memory.locator) {
                Ok(resource) => resource.path().to_string(),
                Err(_) => format!("coreServers/*/{}/getByName/{}", list.row().segment, crate::path::encode_name(name)),
            },
        }
    }

    fn locator(&self) -> Locator {
        self.memory.load().locator.clone()
    }

    /// The instance in the current snapshot, whatever its age.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Ambiguous`] with the candidates, [`Code::Unsupported`] for kinds that are not synced.
    pub fn get(&self) -> Result<ResourceOwned> {
        self.get_in(&self.live.snapshot())
    }

    /// The instance in the current snapshot, if the server confirmed it within `max_age`.
    ///
    /// # Errors
    /// [`Code::Stale`]; otherwise as [`Handle::get`].
    pub fn get_within(&self, max_age: Duration) -> Result<ResourceOwned> {
        self.find_within(&self.live.snapshot(), max_age).map(|resource| resource.to_owned())
    }

    /// The id of the instance now: new after every restart of the server.
    ///
    /// # Errors
    /// As [`Handle::get`].
    pub fn resolve(&self) -> Result<Uuid> {
        self.get().map(|resource| resource.get().id())
    }

    /// The instance in a snapshot of the same client, borrowed from it: for readers who pin one snapshot for many reads.
    ///
    /// # Errors
    /// As [`Handle::get`].
    pub fn find_in<'s>(&self, snapshot: &'s Snapshot) -> Result<Resource<'s>> {
        let mut memory = self.memory.load();
        let found = match self.find(snapshot, &memory.locator) {
            Err(error) if error.code() == Code::NotFound => memory.find_renamed(snapshot).ok_or(error)?,
            found => found?,
        };
        loop {
            if self.is_strict {
                memory.check(&found)?;
            }
            let Some(next) = memory.after(&found, snapshot.epoch()) else { return Ok(found) };
            let last = self.memory.compare_and_swap(&memory, Arc::new(next));
            if Arc::ptr_eq(&last, &memory) {
                return Ok(found);
            }
            memory = last; // Another thread was faster.
        }
    }

    /// The instance in a snapshot of the same client, if the server confirmed it within `max_age`.
    ///
    /// # Errors
    /// [`Code::Stale`]; otherwise as [`Handle::get`].
    pub fn find_within<'s>(&self, snapshot: &'s Snapshot, max_age: Duration) -> Result<Resource<'s>> {
        if !snapshot.has_data() {
            return Err(self.live.stale(None, max_age));
        }
        let resource = self.find_in(snapshot)?;
        let age = resource.age();
        if age > max_age { Err(self.live.stale(Some(age), max_age)) } else { Ok(resource) }
    }

    pub(crate) fn get_in(&self, snapshot: &Snapshot) -> Result<ResourceOwned> {
        self.find_in(snapshot).map(|resource| resource.to_owned())
    }

    fn find<'s>(&self, snapshot: &'s Snapshot, locator: &Locator) -> Result<Resource<'s>> {
        let (list, name) = match locator {
            Locator::Path(path) => return snapshot.resolve_path(path)?.one(),
            Locator::Named { list, name } => (*list, name),
        };
        if snapshot.0.kinds.lacks(list) {
            return Err(lacking(list));
        }
        let servers: Vec<Resource<'_>> = snapshot.core_servers().iter().collect();
        let mut found = Vec::new();
        let mut last_error = None;
        for server in &servers {
            match server.sub(list).by_name(name) {
                Ok(resource) => found.push(resource),
                Err(error) if error.code() == Code::Ambiguous => return Err(error),
                Err(error) => last_error = Some(error),
            }
        }
        match (found.as_slice(), last_error) {
            ([one], _) => Ok(*one),
            ([], Some(error)) => Err(error),
            ([], None) => Err(Error::new(Code::NotFound, "no core server is known yet")),
            (many, _) => {
                let paths: Vec<_> = many.iter().map(|resource| resource.path().to_string()).collect();
                let kind = self.kind;
                Err(Error::new(
                    Code::Ambiguous,
                    format!(
                        "several core servers have {kind:#} named {name:?}: {}; name the core server",
                        paths.join(", ")
                    ),
                ))
            }
        }
    }

    /// Carries out an action of the catalogue on the instance, at most once. Waits for its turn and for the server's answer,
    /// at most `timeout` in all (default: the action timeout of the settings). See [`action`].
    ///
    /// # Errors
    /// What surely was not carried out is an error: [`Code::NotFound`] and the like when the target is not there;
    /// [`Code::InvalidArgument`] before anything is sent; [`Code::TimedOut`] when its turn did not come in time;
    /// [`Code::Rejected`] and the like with the server's words; [`Code::ConnectionFailed`] when nothing could be sent. What may have been carried out is a [`Ticket`] whose outcome
    /// is [`Unknown`](crate::action::Outcome::Unknown).
    pub fn act(&self, action: &str, args: &[(&str, Arg)], timeout: Option<Duration>) -> Result<Ticket> {
        self.act_with(action, args, &timeout.into())
    }

    /// As [`Handle::act`], with options. A forced action on what the snapshot does not have goes to the handle's path.
    ///
    /// # Errors
    /// As [`Handle::act`].
    pub fn act_with(&self, action: &str, args: &[(&str, Arg)], options: &action::Options) -> Result<Ticket> {
        let locate = |snapshot: &Snapshot| self.get_in(snapshot);
        let path = || match self.locator() {
            Locator::Path(path) => Some(path),
            Locator::Named { .. } => None,
        };
        let (live, kind, options) = (&self.live, self.kind, options.clone());
        Call { live, kind, action, args, options, locate: &locate, path: &path }.run()
    }

    /// A handle for the singleton below this one; strict as this one is.
    ///
    /// # Errors
    /// [`Code::InvalidPath`] when nothing of that name is below it; of a strict handle also as [`Handle::get`].
    pub fn below(&self, segment: &str) -> Result<Handle> {
        if self.is_strict {
            // By the id of the object: the name may lead to another one a moment later.
            let path = self.get()?.get().id_path().sub(segment)?;
            return Ok(Handle::new(self.live.clone(), Locator::Path(path)).strict());
        }
        let path = match self.locator() {
            Locator::Path(path) => path,
            Locator::Named { .. } => self.get()?.get().path(),
        };
        Ok(Handle::new(self.live.clone(), Locator::Path(path.sub(segment)?)))
    }
}

impl Memory {
    /// The instance that has the `configurationId` last seen, if exactly one has.
    fn find_renamed<'s>(&self, snapshot: &'s Snapshot) -> Option<Resource<'s>> {
        let known = self.binding.as_ref()?.configuration_id.as_deref()?;
        match &self.locator {
            Locator::Named { list, .. } => only_one(&everywhere(snapshot, *list), known),
            Locator::Path(path) => {
                let mut steps = path.steps().to_vec();
                steps.last_mut()?.selector = None;
                match snapshot.resolve_path(&Path::from_steps(steps).ok()?).ok()? {
                    Target::List(list) => only_one(&[list], known),
                    Target::One(_) => None,
                }
            }
        }
    }

    /// The `configurationId` of what was found, where it identifies it: it is not empty, and nothing else has it.
    fn identity<'s>(&self, found: &Resource<'s>) -> Option<&'s str> {
        let known = found.configuration_id().filter(|known| !known.is_empty())?;
        let lists = match &self.locator {
            Locator::Named { list, .. } => everywhere(found.snapshot(), *list),
            Locator::Path(_) => vec![found.list()],
        };
        only_one(&lists, known).map(|_| known)
    }

    /// What is known after something was found; `None` where that is nothing new.
    fn after(&self, found: &Resource<'_>, epoch: u64) -> Option<Memory> {
        let (id, seen) = (found.id(), found.configuration_id());
        let known = self.binding.as_ref();
        if known.is_some_and(|known| known.epoch > epoch || known.id == id && self.seen.as_deref() == seen) {
            return None;
        }
        let configuration_id = self.identity(found).map(str::to_owned);
        let binding = match known {
            None => Binding { id, configuration_id, epoch, rebinds: 0, other_objects: 0 },
            Some(known) if known.id == id => Binding { configuration_id, ..known.clone() },
            Some(known) => {
                let is_other = known.configuration_id.is_some() && known.configuration_id.as_deref() != seen;
                let (rebinds, other_objects) = (known.rebinds + 1, known.other_objects + u64::from(is_other));
                Binding { id, configuration_id, epoch, rebinds, other_objects }
            }
        };
        let locator = match &self.locator {
            Locator::Path(path) if !path.is_symbolic() => Locator::Path(found.path()),
            locator => locator.clone(),
        };
        Some(Memory { locator, binding: Some(binding), seen: seen.map(str::to_owned) })
    }

    /// Refuses another object than the one that was bound, which may have a new id by now.
    fn check(&self, found: &Resource<'_>) -> Result<()> {
        let Some(bound) = self.binding.as_ref().filter(|bound| bound.id != found.id()) else { return Ok(()) };
        let identity = self.identity(found);
        if identity.is_some() && identity == bound.configuration_id.as_deref() {
            return Ok(());
        }
        let named = |configuration_id: Option<&str>, id: Uuid| match configuration_id {
            Some(configuration_id) => format!("configurationId {configuration_id}"),
            None => format!("id {id}"),
        };
        let message = format!(
            "{} is another object now ({}) than the one the strict handle is bound to ({})",
            found.path(),
            named(identity, found.id()),
            named(bound.configuration_id.as_deref(), bound.id),
        );
        Err(Error::new(Code::NotFound, message))
    }
}

/// A list in all core servers.
fn everywhere(snapshot: &Snapshot, list: SubId) -> Vec<List<'_>> {
    snapshot.core_servers().iter().map(|server| server.sub(list)).collect()
}

/// The instance with this `configurationId`, if exactly one has it.
fn only_one<'s>(lists: &[List<'s>], configuration_id: &str) -> Option<Resource<'s>> {
    let all = lists.iter().flat_map(|list| list.iter());
    let mut found = all.filter(|resource| resource.configuration_id() == Some(configuration_id));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        let memory = ArcSwap::new(self.memory.load_full());
        Handle { live: self.live.clone(), kind: self.kind, is_strict: self.is_strict, memory }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({} {})", self.kind, self.path())
    }
}

macro_rules! handle {
    ($name:ident, $kind:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $name(pub(crate) Handle);

        impl $name {
            /// As [`Handle::strict`].
            pub fn strict(&self) -> Self {
                $name(self.0.strict())
            }
        }

        impl Deref for $name {
            type Target = Handle;

            fn deref(&self) -> &Handle {
                &self.0
            }
        }

        impl From<&$name> for Arg {
            fn from(handle: &$name) -> Self {
                Arg::from(&handle.0)
            }
        }

        impl TryFrom<Handle> for $name {
            type Error = Error;

            fn try_from(handle: Handle) -> Result<Self> {
                match handle.kind() {
                    Kind::$kind => Ok($name(handle)),
                    kind => Err(Error::new(
                        Code::InvalidArgument,
                        format!("this is a handle of {kind:#}, not of {:#}", Kind::$kind),
                    )),
                }
            }
        }
    };
}

handle!(CoreServerHandle, CoreServer, "A handle of a core server.");
handle!(UserHandle, User, "A handle of a user.");
handle!(ExtensionHandle, Extension, "A handle of an extension.");
handle!(QueueHandle, Queue, "A handle of a queue.");
handle!(AgentHandle, Agent, "A handle of an agent: by its id, until the server restarts.");
handle!(CallSegmentHandle, CallSegment, "A handle of a call segment: by its id, until the server restarts.");
handle!(ConferenceRoomHandle, ConferenceRoom, "A handle of a conference room.");

/// The actions. Errors and waiting: see [`Handle::act`].
impl ExtensionHandle {
    /// Rings the extension itself, then dials the destination: a number as text, or a handle or resource of an extension,
    /// a queue or a conference room, whose number is then dialled.
    pub fn originate(&self, destination: impl Into<Arg>) -> Result<Ticket> {
        self.act("originate", &[("destination", destination.into())], None)
    }

    /// Turns do-not-disturb on or off.
    pub fn set_dnd(&self, on: bool) -> Result<Ticket> {
        self.act(if on { "enable_dnd" } else { "disable_dnd" }, &[], None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl UserHandle {
    /// Sets the user's status. `kind` is one of [`STATUS_TYPES`](crate::catalog::STATUS_TYPES); `return_time` is Unix time
    /// in milliseconds.
    pub fn set_status(&self, name: &str, kind: &str, note: &str, return_time: Option<i64>) -> Result<Ticket> {
        let args = [
            ("name", name.into()),
            ("type", kind.into()),
            ("note", note.into()),
            ("return_time", return_time.unwrap_or(-1).into()),
        ];
        let status = self.below("status").map_err(|error| action::refused(Kind::Status, "set", &args, error))?;
        status.act("set", &args, None)
    }

    /// Sets the status of this name as other users of the core server show it: its type and note are theirs.
    ///
    /// # Errors
    /// Nothing is sent with [`Code::NotFound`] where no user shows a status of that name, [`Code::Ambiguous`] where two
    /// users show different ones; otherwise as [`Handle::act`].
    pub fn set_status_like(&self, name: &str) -> Result<Ticket> {
        let like = self.get().and_then(|user| action::status_like(&user.get(), name));
        let (ty, note) = like.map_err(|error| action::refused(Kind::Status, "set", &[], error))?;
        self.set_status(name, &ty, &note, None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl QueueHandle {
    /// Logs an extension in to the queue as an agent: by its number in the queue's core server, its id or its path.
    pub fn login(&self, extension: impl Into<Arg>) -> Result<Ticket> {
        self.act("login", &[("extension", extension.into())], None)
    }

    /// Logs an extension out of the queue.
    pub fn logout(&self, extension: impl Into<Arg>) -> Result<Ticket> {
        self.act("logout", &[("extension", extension.into())], None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl AgentHandle {
    /// Logs the agent out of its queue.
    pub fn logout(&self) -> Result<Ticket> {
        self.act("logout", &[], None)
    }

    /// Pauses the agent.
    pub fn pause(&self) -> Result<Ticket> {
        self.act("pause", &[], None)
    }

    /// Ends the agent's pause.
    pub fn unpause(&self) -> Result<Ticket> {
        self.act("unpause", &[], None)
    }

    /// Sets the agent's penalty: agents with a lower one are called first.
    pub fn set_penalty(&self, penalty: i64) -> Result<Ticket> {
        self.act("set_penalty", &[("penalty", penalty.into())], None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl CallSegmentHandle {
    /// Transfers the call to an extension, an outside number, a parking lot, a conference room or a queue: a number as
    /// text, or a handle or resource of an extension, a queue or a conference room, whose number is then dialled.
    pub fn transfer(&self, destination: impl Into<Arg>) -> Result<Ticket> {
        self.act("transfer", &[("destination", destination.into())], None)
    }
}
