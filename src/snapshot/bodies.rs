//! A snapshot from the bodies of answers, without a server: for benches, tests and replays.

use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::collection::{Address, Collection};
use super::draft::Draft;
use super::{Limits, Snapshot, Source, Target, process_seed};
use crate::catalog::KindSet;
use crate::clock::Moment;
use crate::error::{Code, Error, Result};
use crate::path::{Path, Selector};

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
    /// As [`Snapshot::with_bodies`].
    pub fn from_bodies<'b>(bodies: impl IntoIterator<Item = (&'b str, &'b [u8])>) -> Result<Snapshot> {
        Draft::nothing(KindSet::ALL).with_bodies(bodies)
    }

    /// The snapshot after the server gave these further bodies: on paths of lists and singletons, and on those of single
    /// instances of a core server's own list, by their ids. Shares with this one what did not change.
    ///
    /// # Errors
    /// [`Code::InvalidPath`] for any other path; as [`Snapshot::resolve_path`] when what a path is below is not there;
    /// [`Code::BadAnswer`] as the sync would find.
    pub fn with_bodies<'b>(&self, bodies: impl IntoIterator<Item = (&'b str, &'b [u8])>) -> Result<Snapshot> {
        let finish = |draft: Draft| draft.finish(self.generation() + 1, 1, Source::Replay, KindSet::ALL);
        let mut draft = self.has_data().then(|| Draft::from_snapshot(self));
        for (path, body) in bodies {
            let path: Path = path.parse()?;
            let Some(draft) = &mut draft else {
                if path != Path::core_servers() {
                    return Err(Error::new(Code::InvalidPath, "the list of core servers comes first"));
                }
                draft = Some(Draft::new(collection(Address::ROOT, body)?, |_| true));
                continue;
            };
            let address = address(&finish(draft.clone()), &path)?;
            let mut new = collection(address, body)?;
            if let (Some(_), Some(list)) = (address.item, draft.get(&address)) {
                new.confirm(list.confirmed_of(address.item) + Duration::from_nanos(1));
                new = list.patched([new]);
            }
            draft.server_mut(address.core_server).expect("its address was found in the draft").put(new);
        }
        Ok(draft.map_or_else(|| self.clone(), finish))
    }
}

/// Where the list, singleton or instance of a path belongs.
fn address(snapshot: &Snapshot, path: &Path) -> Result<Address> {
    let not_read = || Error::new(Code::InvalidPath, format!("{path} is not a path that is read below an instance"));
    let (last, above) = path.steps().split_last().ok_or_else(not_read)?;
    let (Some(sub), None) = (last.sub, path.action()) else { return Err(not_read()) };
    let Target::One(parent) = snapshot.resolve_path(&Path::from_steps(above.iter().cloned())?)? else {
        return Err(not_read());
    };
    let address = Address::below(parent.core_server_id(), parent.id(), sub);
    match last.selector {
        None => Ok(address),
        Some(Selector::Id(id)) if address.is_list_of_core_server() && snapshot.collection(&address).is_some() => {
            Ok(address.item(id))
        }
        Some(_) => Err(not_read()),
    }
}

fn collection(address: Address, body: &[u8]) -> Result<Arc<Collection>> {
    Collection::from_answer(&address, None, (body, digest(body)), &Limits::default(), Moment::now())
}

/// What tells whether a body is the one that was read before: 128 bits, with a seed of the process, so that nobody can
/// choose two bodies with the same.
pub fn digest(body: &[u8]) -> u128 {
    xxh3_128_with_seed(body, process_seed())
}
