//! A snapshot from the bodies of answers, without a server: for benches, tests and replays.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::collection::{Address, Collection};
use super::draft::Draft;
use super::{Limits, Snapshot, Source, Table, Target, process_seed};
use crate::catalog::{KindSet, Shape};
use crate::clock::Moment;
use crate::error::{Code, Error, Result};
use crate::path::Path;

impl Snapshot {
    /// The snapshot of a server that gave these bodies on GETs of these paths: the list of core servers first, and every
    /// instance before what is below it.
    ///
    /// ```
    /// let servers = r#"[{"id":"ca5de6c4-17bd-46ce-95a2-8b29c7812ca4","slug":"default"}]"#;
    /// let queues = r#"[{"id":"4f302d40-bd94-4fdd-8129-cf53ed68cb5e","identifier":"5001"}]"#;
    /// let snapshot = isymphony::Snapshot::from_bodies([
    ///     ("coreServers", servers.as_bytes()),
    ///     ("coreServers/getByName/default/queues", queues.as_bytes()),
    /// ])?;
    /// assert!(snapshot.core_server("default")?.queues().find("5001").is_some());
    /// # Ok::<(), isymphony::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::InvalidPath`] for a path that is not that of a list or singleton; as [`Snapshot::resolve_path`] when what a
    /// path is below is not there; [`Code::BadAnswer`] as the sync would find.
    pub fn from_bodies<'b>(bodies: impl IntoIterator<Item = (&'b str, &'b [u8])>) -> Result<Snapshot> {
        let finish = |draft: Draft| draft.finish(1, 1, Source::Replay, KindSet::ALL);
        let mut draft: Option<Draft> = None;
        for (path, body) in bodies {
            let path: Path = path.parse()?;
            match &mut draft {
                None if path == Path::core_servers() => {
                    draft = Some(Draft::new(collection(Address::ROOT, body)?, |_| true));
                }
                None => return Err(Error::new(Code::InvalidPath, "the list of core servers comes first")),
                Some(draft) => {
                    let address = address(&finish(draft.clone()), &path)?;
                    let collection = collection(address, body)?;
                    draft.server_mut(address.core_server).expect("its address was found in the draft").put(collection);
                }
            }
        }
        Ok(draft.map_or_else(|| Draft::nothing(KindSet::ALL), finish))
    }
}

/// Where the list or singleton of a path belongs.
fn address(snapshot: &Snapshot, path: &Path) -> Result<Address> {
    let no_set =
        || Error::new(Code::InvalidPath, format!("{path} is not the path of a list or singleton below an instance"));
    let (last, above) = path.steps().split_last().ok_or_else(no_set)?;
    let (Some(sub), None, None) = (last.sub, &last.selector, path.action()) else { return Err(no_set()) };
    let Target::One(parent) = snapshot.resolve_path(&Path::from_steps(above.iter().cloned())?)? else {
        return Err(no_set());
    };
    Ok(Address::below(parent.core_server_id(), parent.id(), sub))
}

fn collection(address: Address, body: &[u8]) -> Result<Arc<Collection>> {
    let shape = address.sub.map_or(Shape::List, |sub| sub.row().shape);
    let table = Table::from_json(address.kind(), shape, body, &Limits::default())?;
    Ok(Arc::new(Collection::new(address, table, digest(body), Moment::now())))
}

/// What tells whether a body is the one that was read before: 128 bits, with a seed of the process, so that nobody can
/// choose two bodies with the same.
pub fn digest(body: &[u8]) -> u128 {
    xxh3_128_with_seed(body, process_seed())
}
