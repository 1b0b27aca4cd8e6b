//! The gathering of one incarnation of the server, whole, before anything of it is published.
//!
//! Everything below a core server is asked for by the core server's id, which is new at every restart: after a restart
//! in the middle the server answers 404, and the gathering starts over. So no snapshot mixes two incarnations.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{KindSet, SubId};
use crate::clock::Moment;
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::draft::Draft;

/// How often one collection is tried before the rest is published without it.
const TRIES: u32 = 3;
/// After so many failures of a kind below the instances, with no answer between, the rest is published without all of it.
const HOPELESS: u32 = 16;
/// Where the server asks to wait for one for longer than this, the rest is published without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// When the list of core servers is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// There is no reason to.
    Never,
    From(Moment),
    UnderWay,
}

pub(super) struct Gather {
    pub(super) draft: Option<Draft>,
    queue: VecDeque<Address>,
    pub(super) in_flight: usize,
    /// All that was ever put in the queue: an agent, for one, is in its queue's list and in its extension's.
    seen: HashSet<Address>,
    failures: HashMap<Address, u32>,
    /// Sub resources of which one was tried often enough: another one that fails is not tried again.
    given_up: HashSet<SubId>,
    /// For each sub resource, the failures since one of it was answered.
    failing: HashMap<SubId, u32>,
    /// Surprising answers that were not believed, and are asked for once more.
    doubted: HashSet<Address>,
    /// What is asked for again from then on.
    later: Vec<(Moment, Address)>,
    /// All that was asked for, to become the plan.
    pub(super) addresses: Vec<Address>,
    look: Look,
    /// When the list of core servers was answered last.
    looked: Moment,
    /// Sub resources of which one was not there, as a look found in an incarnation that goes on: a licence hides them.
    hidden: HashSet<SubId>,
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
            queue: VecDeque::new(),
            in_flight: 0,
            seen: HashSet::new(),
            failures: HashMap::new(),
            given_up: HashSet::new(),
            failing: HashMap::new(),
            doubted: HashSet::new(),
            later: Vec::new(),
            addresses: Vec::new(),
            look: Look::From(Moment(0)),
            looked: Moment(0),
            hidden: HashSet::new(),
            verifying: false,
            verified: false,
        }
    }

    pub(super) fn next(&mut self, now: Moment) -> Step {
        if matches!(self.look, Look::From(at) if at <= now) {
            return Step::Ask(self.probe());
        }
        let due = self.later.iter().position(|(at, _)| *at <= now).map(|i| self.later.swap_remove(i).1);
        if let Some(address) = due.or_else(|| self.queue.pop_front()) {
            self.in_flight += 1;
            return Step::Ask(address);
        }
        let look = match self.look {
            Look::From(at) => Some(at),
            Look::Never | Look::UnderWay => None,
        };
        if let Some(at) = self.later.iter().map(|(at, _)| *at).chain(look).min() {
            return Step::Later(at);
        }
        if self.in_flight > 0 || self.draft.is_none() {
            return Step::Wait;
        }
        if self.verified {
            return Step::Finished;
        }
        self.verifying = true;
        Step::Ask(self.probe())
    }

    /// Takes the list of core servers, whatever its turn.
    pub(super) fn probe(&mut self) -> Address {
        self.look = Look::UnderWay;
        self.in_flight += 1;
        Address::ROOT
    }

    /// Asks for the list of core servers before anything else, unless that is under way.
    pub(super) fn look(&mut self, now: Moment) {
        if self.look != Look::UnderWay {
            self.look = Look::From(now);
        }
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
    pub(super) fn root(
        &mut self,
        root: Arc<Collection>,
        kinds: KindSet,
        wanted: impl Fn(&str) -> bool,
        now: Moment,
    ) -> bool {
        self.in_flight -= 1;
        self.look = Look::Never;
        self.looked = now;
        let draft = Draft::new(root.clone(), wanted);
        if let Some(gathered) = &mut self.draft {
            let same = same_servers(gathered, &draft);
            gathered.root = root;
            self.verified = self.verifying;
            return same;
        }
        for server in &draft.servers {
            self.queue.extend(Address::lists(server.id, kinds));
        }
        self.addresses.push(Address::ROOT);
        self.draft = Some(draft);
        true
    }

    /// A collection, which may call for what is below its instances.
    pub(super) fn put(&mut self, collection: Arc<Collection>, kinds: KindSet) {
        self.in_flight -= 1;
        if let Some(sub) = collection.address.sub {
            self.given_up.remove(&sub);
            self.failing.remove(&sub);
        }
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

    /// What failed is asked for again from now on.
    pub(super) fn retry(&mut self, now: Moment) {
        self.later.iter_mut().for_each(|(at, _)| *at = now);
        if let Look::From(at) = &mut self.look {
            *at = now;
        }
    }

    /// A surprising answer. True when it is asked for once more from then on; false when it was before: it is to be believed.
    pub(super) fn doubt(&mut self, address: Address, again: Moment) -> bool {
        let is_new = self.doubted.insert(address);
        if is_new {
            self.in_flight -= 1;
            self.later.push((again, address));
        }
        is_new
    }

    /// A collection that could not be read: what is `known` of it from before in this incarnation stays, and the plan asks
    /// for it again.
    pub(super) fn go_without(&mut self, address: Address, known: Option<Arc<Collection>>, kinds: KindSet) {
        match known {
            Some(known) => self.insert(known, kinds),
            None => self.addresses.push(address),
        }
    }

    /// The server, `asked` then, has no such collection: a licence hides it, its instance is gone, or the server restarted.
    /// `known` is what it used to have, in this incarnation.
    pub(super) fn absent(
        &mut self,
        address: Address,
        asked: Moment,
        known: Option<Arc<Collection>>,
        kinds: KindSet,
        now: Moment,
    ) {
        self.in_flight -= 1;
        if let Some(sub) = address.sub {
            self.failing.remove(&sub);
        }
        self.go_without(address, known, kinds);
        // Look at once whether the server restarted, before asking for more in vain. What a restart hides is of all kinds.
        if asked > self.looked && address.sub.is_some_and(|sub| self.hidden.insert(sub)) {
            self.look(now);
        }
    }

    /// Whether one of its kind was tried often enough, and none was answered since.
    pub(super) fn gave_up(&self, address: &Address) -> bool {
        address.sub.is_some_and(|sub| self.given_up.contains(&sub))
    }

    /// A request failed; `wait` says how long to wait after the n-th time, and `asked_for` how long the server asks us to.
    /// False when it was tried often enough, or would have to wait for too long: it is
    /// [to be gone without](Gather::go_without).
    pub(super) fn failed(
        &mut self,
        address: Address,
        now: Moment,
        asked_for: Duration,
        wait: impl Fn(u32) -> Duration,
    ) -> bool {
        self.in_flight -= 1;
        let failures = self.failures.entry(address).or_default();
        *failures += 1;
        let again = now + wait(*failures);
        let Some(sub) = address.sub else {
            self.look = Look::From(again);
            return true;
        };
        *self.failing.entry(sub).or_default() += 1;
        let is_one_of_many = !address.is_list_of_core_server();
        let is_enough = *failures >= TRIES || asked_for > PATIENCE;
        if is_enough || (is_one_of_many && self.given_up.contains(&sub)) {
            self.given_up.insert(sub);
            return false;
        }
        self.later.push((again, address));
        true
    }

    /// After a failure: what is still to be asked for of its kind, where that has failed so often that there is no hope. It is
    /// [to be gone without](Gather::go_without), too.
    pub(super) fn hopeless(&mut self, failed: &Address) -> Vec<Address> {
        let failures = failed.sub.and_then(|sub| self.failing.get(&sub));
        if failed.is_list_of_core_server() || failures.is_none_or(|failures| *failures < HOPELESS) {
            return Vec::new();
        }
        let of_kind = |address: &Address| address.sub == failed.sub;
        let later = self.later.extract_if(.., |(_, address)| of_kind(address)).map(|(_, address)| address);
        let hopeless = later.chain(self.queue.iter().copied().filter(of_kind)).collect();
        self.queue.retain(|address| !of_kind(address));
        hopeless
    }
}

/// Whether two drafts are of the same core servers, in whatever order the server lists them.
pub(super) fn same_servers(one: &Draft, other: &Draft) -> bool {
    let ids = |draft: &Draft| draft.servers.iter().map(|server| server.id).collect::<BTreeSet<_>>();
    ids(one) == ids(other)
}

/// The collections below the instances of one that are not in `old`: none for copies of instances that are in a core
/// server's own list.
pub(super) fn below(collection: &Arc<Collection>, old: Option<&Arc<Collection>>, kinds: KindSet) -> Vec<Address> {
    let address = collection.address;
    let kind = collection.kind();
    if SubId::own_list(kind).is_some() && !address.is_list_of_core_server() {
        return Vec::new();
    }
    let subs: Vec<SubId> = SubId::of(kind).filter(|sub| kinds.has(*sub)).collect();
    let is_old = |id: &uuid::Uuid| old.is_some_and(|old| old.has_id(id));
    let ids = collection.unshared(old).map(|(_, id)| id).filter(|id| !id.is_nil() && !is_old(id));
    ids.flat_map(|parent| subs.iter().map(move |sub| Address::below(address.core_server, parent, *sub))).collect()
}
