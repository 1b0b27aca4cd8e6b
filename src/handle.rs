//! Handles: symbolic references that survive a restart of the server.

mod binding;
mod kinds;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use uuid::Uuid;

pub use binding::Binding;
use binding::Memory;
pub use kinds::{
    AgentHandle, CallSegmentHandle, ConferenceRoomHandle, CoreServerHandle, ExtensionHandle, QueueHandle, UserHandle,
};

use crate::action::{self, Arg, Call, Ticket};
use crate::catalog::{Kind, SubId};
use crate::error::{Code, Error, Result};
use crate::live::Live;
use crate::path::Path;
use crate::snapshot::{Resource, ResourceOwned, Snapshot, lacking};

/// How a handle finds its instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
///
/// Two are equal where they were made of the same path, or of the same name, for the same client; strict ones where they are
/// also bound to the same object. A strict one never equals one that is not.
pub struct Handle {
    live: Live,
    kind: Kind,
    /// What it was made of.
    origin: Arc<Locator>,
    is_strict: bool,
    /// Without a lock: a read never waits for another, nor in a forked child for a thread that is not there.
    memory: ArcSwap<Memory>,
}

impl Handle {
    pub(crate) fn new(live: Live, locator: Locator) -> Handle {
        let kind = match &locator {
            Locator::Path(path) => path.kind(),
            Locator::Named { list, .. } => list.row().kind,
        };
        let origin = Arc::new(locator.clone());
        let memory = ArcSwap::from_pointee(Memory { locator, binding: None, seen: None });
        Handle { live, kind, origin, is_strict: false, memory }
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

impl Clone for Handle {
    fn clone(&self) -> Self {
        let memory = ArcSwap::new(self.memory.load_full());
        let (live, origin) = (self.live.clone(), self.origin.clone());
        Handle { live, kind: self.kind, origin, is_strict: self.is_strict, memory }
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        let made_alike = |handle: &Handle| (handle.live.client(), handle.is_strict);
        let bound = |handle: &Handle| handle.binding().map(|bound| bound.configuration_id.ok_or(bound.id));
        made_alike(self) == made_alike(other)
            && self.origin == other.origin
            && (!self.is_strict || bound(self) == bound(other))
    }
}

impl Eq for Handle {}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Not to what it is bound: that may change.
        (self.live.client(), self.is_strict, &self.origin).hash(state);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({} {})", self.kind, self.path())
    }
}
