//! A list: the instances of one collection, in the server's order, borrowed from a snapshot.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::collection::Collection;
use super::resource::Resource;
use super::{Snapshot, View};
use crate::catalog::Kind;
use crate::error::{Code, Error, Result};

/// The instances of one list or singleton. Small, `Copy`. Empty where the server has no such list.
#[derive(Clone, Copy)]
pub struct List<'s> {
    snapshot: &'s Snapshot,
    collection: Option<&'s Arc<Collection>>,
    kind: Kind,
}

impl<'s> List<'s> {
    pub(crate) fn of_collection(snapshot: &'s Snapshot, collection: &'s Arc<Collection>) -> List<'s> {
        List { snapshot, collection: Some(collection), kind: collection.kind() }
    }

    pub(crate) fn empty(snapshot: &'s Snapshot, kind: Kind) -> List<'s> {
        List { snapshot, collection: None, kind }
    }

    /// The list of a collection of the snapshot. For bindings that store the parts of a list.
    pub fn from_parts(snapshot: &'s Snapshot, collection: Option<&'s Arc<Collection>>, kind: Kind) -> List<'s> {
        List { snapshot, collection, kind }
    }

    /// The parts to build the same list again.
    pub fn parts(&self) -> (&'s Snapshot, Option<&'s Arc<Collection>>, Kind) {
        (self.snapshot, self.collection, self.kind)
    }

    /// The kind of what is in it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the server has this list (it may be empty) and it is synced.
    pub fn is_known(&self) -> bool {
        self.collection.is_some()
    }

    /// How long ago the server last confirmed the list; `None` when it is not known.
    pub fn age(&self) -> Option<Duration> {
        self.collection.map(|collection| collection.confirmed().age())
    }

    /// The number of instances.
    pub fn len(&self) -> usize {
        self.collection.map_or(0, |collection| collection.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instance at a position of the server's order.
    pub fn at(&self, position: usize) -> Option<Resource<'s>> {
        let row = self.collection?.at(u32::try_from(position).ok()?)?;
        Some(Resource::new(self.snapshot, row).canonical())
    }

    /// All instances, in the server's order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Resource<'s>> + DoubleEndedIterator {
        (0..self.len()).map(move |position| self.at(position).expect("the position is below the length"))
    }

    /// All instances, as their typed view.
    pub fn iter_as<V: View<'s>>(self) -> impl Iterator<Item = V> {
        self.iter().filter_map(V::view)
    }

    /// The instance with this id.
    #[inline]
    pub fn by_id(&self, id: Uuid) -> Option<Resource<'s>> {
        Some(Resource::new(self.snapshot, self.collection?.find_id(&id)?).canonical())
    }

    /// The instance with this symbolic name, compared byte for byte: no folding of case, Unicode form or leading zeros.
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::Ambiguous`] with the candidates; [`Code::Unsupported`] when the kind has no symbolic
    /// names, or is not synced.
    #[inline]
    pub fn by_name(&self, name: &str) -> Result<Resource<'s>> {
        self.find(name).ok_or_else(|| self.why_not(name))
    }

    /// Like [`List::by_name`], for the many programs for which "not there" is an answer and not an error.
    ///
    /// `None` also where the name is ambiguous.
    #[inline]
    pub fn find(&self, name: &str) -> Option<Resource<'s>> {
        Some(Resource::new(self.snapshot, self.collection?.find_only(name)?).canonical())
    }

    /// Whether several instances have this symbolic name.
    pub fn is_ambiguous(&self, name: &str) -> bool {
        self.collection.is_some_and(|collection| collection.named(name).len() > 1)
    }

    /// Why [`List::find`] finds nothing.
    #[cold]
    fn why_not(&self, name: &str) -> Error {
        let kind = self.kind;
        let named = self.collection.map(|collection| collection.named(name)).unwrap_or_default();
        if named.len() > 1 {
            let some = named.iter().take(10).filter_map(|position| self.at(*position as usize));
            let ids: Vec<_> = some.map(|resource| resource.id().to_string()).collect();
            let more = if named.len() > ids.len() { ", ..." } else { "" };
            return Error::new(
                Code::Ambiguous,
                format!("{} {kind}s are named {name:?}: {}{more}; use an id", named.len(), ids.join(", ")),
            );
        }
        if kind.row().symbolic.is_none() {
            return Error::new(Code::Unsupported, format!("{kind:#} has no symbolic name; use its id"));
        }
        self.not_there(format!("no {kind} is named {name:?}"))
    }

    /// The error for what is not in it: that it is not there, unless nothing can be said of its kind.
    #[cold]
    pub(super) fn not_there(&self, message: String) -> Error {
        let kind = self.kind;
        if !self.snapshot.has_data() {
            return Error::new(Code::NotFound, "nothing was synced yet");
        }
        if !self.snapshot.0.kinds.contains(kind) {
            return Error::new(Code::Unsupported, format!("{kind} is not among the kinds this client syncs"));
        }
        Error::new(Code::NotFound, message)
    }
}

impl std::fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "List({} x {})", self.len(), self.kind)
    }
}
