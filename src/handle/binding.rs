//! What a handle knows of its instance, from one time it was found to the next.

use uuid::Uuid;

use super::Locator;
use crate::catalog::SubId;
use crate::error::{Code, Error, Result};
use crate::path::Path;
use crate::snapshot::{List, Resource, Snapshot, Target};

/// What a handle knows of its instance.
#[derive(Clone)]
pub(super) struct Memory {
    pub(super) locator: Locator,
    pub(super) binding: Option<Binding>,
    /// The `configurationId` that was last seen, also where it identifies nothing.
    pub(super) seen: Option<String>,
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

impl Memory {
    /// The instance that has the `configurationId` last seen, if exactly one has.
    pub(super) fn find_renamed<'s>(&self, snapshot: &'s Snapshot) -> Option<Resource<'s>> {
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
    pub(super) fn after(&self, found: &Resource<'_>, epoch: u64) -> Option<Memory> {
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
    pub(super) fn check(&self, found: &Resource<'_>) -> Result<()> {
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
