//! The gathering of one incarnation of the server, whole, before anything of it is published.
//!
//! Everything below a core server is asked for by the core server's id, which is new at every restart: after a restart
//! in the middle the server answers 404, and the gathering starts over. So no snapshot mixes two incarnations.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Kind, KindSet, SubId};
use crate::clock::Moment;
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::draft::Draft;

/// How often one collection is tried before the rest is published without it.
const TRIES: u32 = 3;

pub(super) struct Gather {
    pub(super) draft: Option<Draft>,
    queue: VecDeque<Address>,
    pub(super) in_flight: usize,
    /// All that was ever put in the queue: an agent, for one, is in its queue's list and in its extension's.
    seen: HashSet<Address>,
    failures: HashMap<Address, u32>,
    /// What failed and is asked for again from then on.
    later: Vec<(Moment, Address)>,
    /// All that was asked for, to become the plan.
    pub(super) addresses: Vec<Address>,
    /// A look at the list of core servers is under way, because something was not there.
    looking: bool,
    /// The last request of all is under way: is it still the same incarnation?
    verifying: bool,
    verified: bool,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Ask(Address),
    /// An answer must come first.
    Wait,
    /// There is more to ask for from then on.
    Later(Moment),
    /// Everything is there.
    Finished,
}

impl Gather {
    pub(super) fn new() -> Gather {
        Gather {
            draft: None,
            queue: VecDeque::from([Address::ROOT]),
            in_flight: 0,
            seen: HashSet::new(),
            failures: HashMap::new(),
            later: Vec::new(),
            addresses: Vec::new(),
            looking: false,
            verifying: false,
            verified: false,
        }
    }

    pub(super) fn next(&mut self, now: Moment) -> Step {
        let due = self.later.iter().position(|(at, _)| *at <= now).map(|i| self.later.swap_remove(i).1);
        if let Some(address) = due.or_else(|| self.queue.pop_front()) {
            self.in_flight += 1;
            return Step::Ask(address);
        }
        if let Some(at) = self.later.iter().map(|(at, _)| *at).min() {
            return Step::Later(at);
        }
        if self.in_flight > 0 || self.draft.is_none() {
            return Step::Wait;
        }
        if self.verified {
            return Step::Finished;
        }
        self.verifying = true;
        self.in_flight += 1;
        Step::Ask(Address::ROOT)
    }

    /// A request that was taken from the queue was not sent, or its answer says nothing.
    pub(super) fn dropped(&mut self) {
        self.in_flight -= 1;
    }

    /// How many collections are there, and how many are still to be asked for.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.addresses.len(), self.queue.len() + self.later.len() + self.in_flight)
    }

    /// The list of core servers. False when it tells of another incarnation than the one being gathered: start over.
    pub(super) fn root(&mut self, root: Arc<Collection>, kinds: KindSet, wanted: impl Fn(&str) -> bool) -> bool {
        self.in_flight -= 1;
        let draft = Draft::new(root.clone(), wanted);
        if let Some(gathered) = &mut self.draft {
            let same = gathered.servers.iter().map(|s| s.id).eq(draft.servers.iter().map(|s| s.id));
            gathered.root = root;
            self.looking = false;
            self.verified = self.verifying;
            return same;
        }
        for server in &draft.servers {
            for sub in SubId::of(Kind::CoreServer).filter(|sub| kinds.has(*sub)) {
                self.queue.push_back(Address::list(server.id, sub));
            }
        }
        self.addresses.push(Address::ROOT);
        self.draft = Some(draft);
        true
    }

    /// A collection, which may call for what is below its instances.
    pub(super) fn put(&mut self, collection: Arc<Collection>, kinds: KindSet) {
        self.in_flight -= 1;
        self.insert(collection, kinds);
    }

    fn insert(&mut self, collection: Arc<Collection>, kinds: KindSet) {
        let address = collection.address;
        self.addresses.push(address);
        let Some(server) = self.draft.as_mut().and_then(|draft| draft.server_mut(address.core_server)) else { return };
        server.put(collection.clone());
        for next in below(&collection, None, kinds) {
            if self.seen.insert(next) {
                self.queue.push_back(next);
            }
        }
    }

    /// A collection that could not be read: what is `known` of it from before in this incarnation stays, and the plan asks
    /// for it again.
    pub(super) fn go_without(&mut self, address: Address, known: Option<Arc<Collection>>, kinds: KindSet) {
        match known {
            Some(known) => self.insert(known, kinds),
            None => self.addresses.push(address),
        }
    }

    /// The server has no such collection: a licence hides it, its instance is gone, or the server restarted. `known` is what
    /// it used to have, in this incarnation.
    pub(super) fn absent(&mut self, address: Address, known: Option<Arc<Collection>>, kinds: KindSet) {
        self.in_flight -= 1;
        self.go_without(address, known, kinds);
        if !self.looking {
            // Look at once whether the server restarted, before asking for more in vain.
            self.looking = true;
            self.queue.push_front(Address::ROOT);
        }
    }

    /// A request failed because the server cannot be reached.
    pub(super) fn unreachable(&mut self, address: Address) {
        self.in_flight -= 1;
        self.queue.push_front(address);
    }

    /// A request failed by itself; `wait` says how long to wait after the n-th time. False when it was tried often
    /// enough: it is [to be gone without](Gather::go_without).
    pub(super) fn failed(&mut self, address: Address, now: Moment, wait: impl Fn(u32) -> Duration) -> bool {
        self.in_flight -= 1;
        let failures = self.failures.entry(address).or_default();
        *failures += 1;
        let again = *failures < TRIES || address == Address::ROOT;
        if again {
            self.later.push((now + wait(*failures), address));
        }
        again
    }
}

/// The collections below the instances of one that are not in `old`: none for copies of instances that are in a core
/// server's own list.
pub(super) fn below(collection: &Arc<Collection>, old: Option<&Arc<Collection>>, kinds: KindSet) -> Vec<Address> {
    let address = collection.address;
    let kind = collection.kind();
    let listed = SubId::of(Kind::CoreServer).any(|sub| sub.row().kind == kind);
    if listed && !address.is_list_of_core_server() {
        return Vec::new();
    }
    let subs: Vec<SubId> = SubId::of(kind).filter(|sub| kinds.has(*sub)).collect();
    let is_old = |id: &uuid::Uuid| old.is_some_and(|old| old.has_id(id));
    let ids = collection.unshared(old).map(|(_, id)| id).filter(|id| !id.is_nil() && !is_old(id));
    ids.flat_map(|parent| subs.iter().map(move |sub| Address::below(address.core_server, parent, *sub))).collect()
}
