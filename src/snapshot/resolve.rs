//! From a path to what it addresses in a snapshot, as the server would resolve it.

use super::{List, Resource, Snapshot};
use crate::catalog::{Shape, SubId};
use crate::error::{Code, Error, Result};
use crate::path::{Path, Selector, Step};

/// What a path addresses.
#[derive(Debug, Clone, Copy)]
pub enum Target<'s> {
    /// One instance.
    One(Resource<'s>),
    /// A list.
    List(List<'s>),
}

impl<'s> Target<'s> {
    /// The instance.
    ///
    /// # Errors
    /// [`Code::InvalidPath`] when it is a list.
    pub fn one(self) -> Result<Resource<'s>> {
        match self {
            Target::One(resource) => Ok(resource),
            Target::List(list) => Err(Error::new(
                Code::InvalidPath,
                format!("the path addresses a list of {}s, not one of them", list.kind()),
            )),
        }
    }
}

impl Snapshot {
    /// Resolves the text of a path, see [`Path`].
    ///
    /// # Errors
    /// As [`Snapshot::resolve_path`], and [`Code::InvalidPath`] when the text is not a path.
    pub fn resolve(&self, path: &str) -> Result<Target<'_>> {
        self.resolve_path(&path.parse()?)
    }

    /// Resolves a path, any mix of ids and symbolic names. A path that ends in an action gives the instance.
    ///
    /// # Errors
    /// [`Code::NotFound`] that says at which step, [`Code::Ambiguous`], [`Code::Unsupported`] for kinds that are not synced and
    /// for what an overlay says is absent.
    pub fn resolve_path(&self, path: &Path) -> Result<Target<'_>> {
        let steps = path.steps();
        let mut list = self.core_servers();
        for (i, step) in steps.iter().enumerate() {
            if step.is_list() {
                return Ok(Target::List(list));
            }
            let resource = pick(&list, step).map_err(|error| at_step(error, path, i))?;
            match steps.get(i + 1).and_then(|next| next.sub) {
                None => return Ok(Target::One(resource)),
                Some(sub) if self.0.kinds.lacks(sub) => return Err(lacking(sub)),
                Some(sub) => list = resource.sub(sub),
            }
        }
        Ok(Target::List(list))
    }
}

/// The error for what an overlay says the server does not have.
pub(crate) fn lacking(sub: SubId) -> Error {
    let (parent, segment) = (sub.row().parent, sub.row().segment);
    Error::new(Code::Unsupported, format!("this server has no {parent}.{segment}: an overlay says so (absent = true)"))
}

fn pick<'s>(list: &List<'s>, step: &Step) -> Result<Resource<'s>> {
    let kind = step.kind();
    match &step.selector {
        Some(Selector::Name(name)) => list.by_name(name),
        Some(Selector::Id(id)) => list.by_id(*id).ok_or_else(|| list.not_there(format!("no {kind} has the id {id}"))),
        None => {
            debug_assert_eq!(step.sub.map(|sub| sub.row().shape), Some(Shape::Singleton));
            list.at(0).ok_or_else(|| list.not_there(format!("there is no {kind}")))
        }
    }
}

/// Says where on the path the step is that failed.
fn at_step(error: Error, path: &Path, step: usize) -> Error {
    match Path::from_steps(path.steps()[..step].iter().cloned()) {
        Ok(parent) if step > 0 => error.context(parent),
        _ => error,
    }
}
