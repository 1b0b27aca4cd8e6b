//! The writer with an answer: what it changes, and what to ask for because of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::alone::Doubts;
use super::backoff;
use super::fetch::Outcome;
use super::gather::{Gather, below, same_servers};
use super::placing::left;
use super::shared::{Shared, Status};
use super::writer::{Missed, Writer};
use crate::catalog::{Kind, SubId};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::health::Problem;
use crate::snapshot::ByName;
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::draft::Draft;

/// A list of at least this many that shrinks to less than a quarter is asked for once more before it is believed.
const BIG: usize = 20;
/// How long an answer that is not believed waits for its confirmation.
const ONCE_MORE: Duration = Duration::from_millis(100);
/// What is below at most this many new instances is read at once; a flood of them waits its turn.
const FEW: usize = 100;

impl Writer {
    pub(super) fn start_gathering(&mut self) {
        self.era += 1;
        self.gather = Some(Gather::new());
        self.shared.change(Status::forget_all);
        self.plan.clear();
        self.placing.clear();
        self.doubts = Doubts::default();
        self.gone.clear();
    }

    pub(super) fn gathered(&mut self, address: Address, path: &str, asked: Moment, outcome: Outcome, now: Moment) {
        let shared = self.shared.clone();
        // Only of a core server that did not restart: another one did, or came, or left.
        let known = self.draft.get(&address).cloned();
        let Some(gather) = &mut self.gather else { return };
        match outcome {
            Outcome::New(root) if address == Address::ROOT => {
                if !gather.root(root, shared.kinds, |slug| shared.wants(slug), now) {
                    log::info!("the server restarted while it was read; reading it anew");
                    self.start_gathering();
                }
            }
            Outcome::New(collection) => match known {
                Some(known) if shrank(&known, &collection) => gather.put(known, shared.kinds),
                Some(_) => gather.put(collection, shared.kinds),
                None => {
                    let before = gather.draft.as_ref().and_then(|draft| before_restart(&self.draft, draft, &address));
                    match before.filter(|before| shrank(before, &collection)) {
                        Some(before) if gather.doubt(address, now + ONCE_MORE) => {
                            shared.tell_shrunk(before.len(), &collection, path);
                        }
                        _ => gather.put(collection, shared.kinds),
                    }
                }
            },
            Outcome::Absent => gather.absent(address, asked, known, shared.kinds, now),
            Outcome::Same => gather.dropped(), // Nothing is known of a new incarnation, so nothing can be the same.
        }
    }

    pub(super) fn finish_gathering(&mut self) {
        let Some(gather) = self.gather.take() else { return };
        let Some(draft) = gather.draft else { return };
        self.count_epoch(&draft);
        self.tell_missing_core_servers(&draft);
        let now = Moment::now();
        self.plan.clear();
        for address in &gather.addresses {
            self.plan.add(*address, &self.shared.config, now, backoff::random());
        }
        let failing = self.shared.failing();
        for (address, problem) in failing {
            self.try_again(&address, &problem.error, now);
        }
        self.era += 1;
        self.draft = draft;
        for address in &gather.addresses {
            match self.draft.get(address) {
                Some(_) => self.look_at_strangers(address, now),
                None if self.plan.failures(address) == 0 => self.look_again(address, Some(now), now),
                None => {}
            }
        }
        self.place_calls(now);
        match std::mem::take(&mut self.missed) {
            Missed::Nothing => {}
            Missed::Something => self.lists().iter().for_each(|address| self.plan.urge(address, now)),
            Missed::Changes => self.plan.catch_up(now, self.polls.gap()),
        }
        let urged = std::mem::take(&mut self.urged);
        let lists = if std::mem::take(&mut self.refresh) { self.lists() } else { Vec::new() };
        self.urge(urged.into_iter().chain(lists), now);
        self.dirty = true;
        self.publish();
        self.tell_progress();
    }

    /// Calls that were read after an extension's own may be on that extension.
    fn place_calls(&mut self, now: Moment) {
        for server in &self.draft.servers {
            let Some(calls) = server.list_of(Kind::CallSegment) else { continue };
            if server.extension_calls().any(|on| on.confirmed() < calls.confirmed()) {
                let likeliest = self.placing.calls_changed(server, None, calls, now);
                likeliest.iter().for_each(|address| self.plan.urge(address, now));
            }
        }
    }

    /// A new epoch is when a core server has another id than before. One whose slug the server does not say may be any of them.
    fn count_epoch(&mut self, draft: &Draft) {
        let ids = draft.servers.iter().map(|server| {
            let slug = slug(draft, &server.id).map(str::to_owned);
            (slug.unwrap_or_else(|| server.id.to_string()), server.id)
        });
        let ids: Vec<(String, Uuid)> = ids.collect();
        let is_nameless = |slug: &str, id: &Uuid| slug == id.to_string();
        let may_be_any = self.incarnation.iter().any(|(slug, id)| is_nameless(slug, id));
        let is_another = |(slug, id): &(String, Uuid)| {
            let is_new = self.incarnation.values().all(|old| old != id);
            is_new && (may_be_any || is_nameless(slug, id) || self.incarnation.contains_key(slug))
        };
        let restarted = ids.iter().any(is_another);
        if self.epoch == 0 || restarted {
            self.epoch += 1;
            self.incarnation.clear();
        }
        self.incarnation.extend(ids);
    }

    fn tell_missing_core_servers(&self, draft: &Draft) {
        let table = draft.root.table();
        let slugs = self.shared.config.get_core_servers().unwrap_or_default();
        let missing: Vec<_> =
            slugs.iter().filter(|slug| table.find_name(slug) == ByName::None).map(String::as_str).collect();
        if missing.is_empty() {
            return;
        }
        let there: Vec<_> = (0..table.len() as u32).filter_map(|row| table.name(row)).collect();
        let message =
            format!("the server has no core server named {}; it has {}", missing.join(", "), there.join(", "));
        log::warn!("{message}");
        let error = Error::new(Code::NotFound, message);
        let problem = Problem { error, at: SystemTime::now(), about: crate::catalog::ROOT.to_owned() };
        self.shared.change(|status| status.last_error = Some(problem));
    }

    pub(super) fn polled(&mut self, address: Address, path: &str, asked: Moment, outcome: Outcome, now: Moment) {
        let shared = self.shared.clone();
        let counters = &shared.counters;
        if self.is_gone(&address) {
            return self.forget(&address);
        }
        if address.item.is_some() {
            return self.polled_item(address, asked, outcome, now);
        }
        let read = self.draft.get(&address).is_some_and(|known| known.take_read());
        self.plan.want(&address, read || shared.signals.watch(address.kind()));
        match outcome {
            Outcome::Same => {
                counters.unchanged_answers.fetch_add(1, Relaxed);
                self.plan.answered(&address, now, false);
                match self.draft.get(&address).cloned() {
                    Some(known) => {
                        known.confirm(asked);
                        if known.patches().next().is_some() {
                            self.replace(known.settled(), now);
                        }
                    }
                    // What it was below went and came back meanwhile.
                    None => self.plan.urge(&address, now),
                }
                self.settle_doubts(&address);
                self.look_at_strangers(&address, now);
            }
            Outcome::New(collection) => {
                counters.changed_answers.fetch_add(1, Relaxed);
                if self.is_surprising(&collection) {
                    self.hold_back(path, &collection, now);
                } else if address == Address::ROOT {
                    self.new_root(collection, now);
                } else {
                    self.plan.answered(&address, now, true);
                    // What was asked for later stays.
                    let known = self.draft.get(&address).cloned();
                    let newer = known.iter().flat_map(|known| known.patches());
                    self.replace(collection.patched(newer.cloned()), now);
                    self.settle_doubts(&address);
                    self.look_at_strangers(&address, now);
                }
            }
            Outcome::Absent => self.absent(address, asked, now),
        }
    }

    /// Whether a list suddenly lost most of what it had.
    fn is_surprising(&mut self, new: &Collection) -> bool {
        let held = self.plan.entry(&new.address).is_some_and(|entry| entry.held_back);
        !held && self.draft.get(&new.address).is_some_and(|known| shrank(known, new))
    }

    fn hold_back(&mut self, path: &str, new: &Collection, now: Moment) {
        let address = &new.address;
        let old = self.draft.get(address).map_or(0, |known| known.len());
        self.shared.tell_shrunk(old, new, path);
        if let Some(entry) = self.plan.entry(address) {
            entry.held_back = true;
        }
        self.plan.again(address, now, ONCE_MORE);
    }

    /// The list of core servers changed: another incarnation, another set, or only their names or order.
    fn new_root(&mut self, root: Arc<Collection>, now: Moment) {
        let next = Draft::new(root.clone(), |slug| self.shared.wants(slug));
        if same_servers(&next, &self.draft) {
            self.draft.root = root;
            self.dirty = true;
            self.plan.answered(&Address::ROOT, now, true);
        } else {
            self.start_gathering();
        }
    }

    /// Puts a changed collection in its place, and plans for what it brings and what it means.
    pub(super) fn replace(&mut self, collection: Arc<Collection>, now: Moment) {
        let address = collection.address;
        let rest = self.without_gone(collection);
        let Some(server) = self.draft.server_mut(address.core_server) else { return };
        let Some(collection) = rest else {
            self.dirty = true;
            return address.sub.into_iter().for_each(|sub| server.remove(address.parent, sub));
        };
        let old = address.sub.and_then(|sub| server.get(address.parent, sub)).cloned();
        if address.is_list_of_core_server() {
            let longest = self.shared.config.get_request_timeout();
            self.gone.retain(|_, asked| *asked + longest > now);
            self.gone.extend(left(old.as_ref(), &collection).map(|id| (id, collection.confirmed())));
        }
        // What left this collection may have left the others that it was in, too.
        let homes = left(old.as_ref(), &collection)
            .flat_map(|id| server.homes(id))
            .filter(|home| Some(**home) != address.sub.map(|sub| (address.parent, sub)));
        let mut at_once: Vec<_> =
            homes.map(|(parent, sub)| Address::below(address.core_server, *parent, *sub)).collect();
        server.put(collection.clone());
        self.dirty = true;
        let (server, old) = (&*server, old.as_ref());
        if address.kind() == Kind::CallSegment {
            at_once.extend(match address.is_list_of_core_server() {
                true => self.placing.calls_changed(server, old, &collection, now),
                false => self.placing.found(server, old, &collection, now),
            });
        }
        let new = below(&collection, old, self.shared.kinds);
        for next in &new {
            self.plan.add(*next, &self.shared.config, now, 0.0);
            self.plan.hasten(next, now); // It may be planned from when the instance was here before.
        }
        if new.len() <= FEW {
            at_once.extend(new);
        }
        for next in at_once {
            self.plan.urge(&next, now);
        }
        self.hasten_relations(old, &collection, now);
    }

    /// Of which users new extensions are, only the users' own lists tell; and what agents say of their extensions, the
    /// extensions' lists only confirm.
    fn hasten_relations(&mut self, old: Option<&Arc<Collection>>, new: &Arc<Collection>, now: Moment) {
        let (address, Some(sub)) = (new.address, new.address.sub) else { return };
        let Some(server) = self.draft.servers.iter().find(|server| server.id == address.core_server) else { return };
        let is_new = |id: &Uuid| old.is_none_or(|old| !old.has_id(id));
        let mut extensions = new.unshared(old).map(|(_, id)| id).filter(is_new).peekable();
        let (sub, parents): (_, Vec<Uuid>) = match (sub.row().kind, sub.row().parent) {
            (Kind::Extension, Kind::Agent) => (SubId::find(Kind::Extension, "agents"), extensions.collect()),
            (Kind::Extension, Kind::CoreServer) if extensions.peek().is_some() => {
                let users = server.list_of(Kind::User).into_iter().flat_map(|users| users.unshared(None));
                (SubId::find(Kind::User, "extensions"), users.map(|(_, id)| id).collect())
            }
            _ => return,
        };
        let Some(sub) = sub else { return };
        for id in parents {
            self.plan.hasten(&Address::below(address.core_server, id, sub), now);
        }
    }

    /// A collection without what left its core server's own list, where that was asked for later; `None` where nothing is left.
    fn without_gone(&self, copies: Arc<Collection>) -> Option<Arc<Collection>> {
        if copies.is_canonical || self.gone.is_empty() {
            return Some(copies);
        }
        let is_gone = |id: &Uuid| self.gone.get(id).is_some_and(|asked| *asked > copies.confirmed());
        let gone: Vec<Uuid> = copies.table().ids().filter(is_gone).collect();
        gone.iter().try_fold(copies, |copies, id| copies.without(id).map(Arc::new))
    }

    /// What is in a list and not in its own list may be over already, and nothing would tell: as long as there is any, the list
    /// is asked for as often as its kind, also where it only confirms what others tell.
    fn look_at_strangers(&mut self, address: &Address, now: Moment) {
        let server = self.draft.servers.iter().find(|server| server.id == address.core_server);
        let Some(known) = self.draft.get(address).filter(|known| !known.is_canonical) else { return };
        let own = server.and_then(|server| server.list_of(address.kind()));
        if own.is_some_and(|own| known.table().ids().any(|id| !own.has_id(&id))) {
            self.plan.hasten_by(address, now + self.shared.config.get_cadence(address.kind()).max);
        }
    }

    /// 404 where something used to be: it is gone when the server says so twice and what it was below is still there.
    fn absent(&mut self, address: Address, asked: Moment, now: Moment) {
        self.shared.change(|status| {
            status.absent.insert(address, asked);
        });
        let Some(sub) = address.sub else { return };
        let since = self.plan.entry(&address).and_then(|entry| entry.missing_since);
        if self.draft.get(&address).is_none() {
            self.plan.answered(&address, now, false);
            return self.look_again(&address, since, now);
        }
        let above = self.draft.above(&address);
        let confirmed = since.is_some_and(|since| {
            above.as_ref().and_then(|above| self.draft.get(above)).is_some_and(|above| above.confirmed() > since)
        });
        if confirmed {
            if let Some(server) = self.draft.server_mut(address.core_server) {
                server.remove(address.parent, sub);
                self.dirty = true;
            }
            self.plan.answered(&address, now, true);
            return self.look_again(&address, since, now);
        }
        if let Some(above) = above {
            self.plan.urge(&above, now);
        }
        self.plan.urge(&Address::ROOT, now);
        let Some(entry) = self.plan.entry(&address) else { return };
        let missing_for = now.since(*entry.missing_since.get_or_insert(now));
        // Soon, and then less and less often: what it was below may be long in coming.
        let wait = missing_for.max(ONCE_MORE).min(entry.shortest_wait());
        self.plan.again(&address, now, wait);
    }

    /// What is missing `since` then may come back: it is looked at as often as its kind at first, also where it only confirms
    /// what others tell, and then less and less often.
    fn look_again(&mut self, address: &Address, since: Option<Moment>, now: Moment) {
        let (Some(since), Some(entry)) = (since, self.plan.entry(address)) else { return };
        entry.missing_since = Some(since);
        let wait = now.since(since).max(self.shared.config.get_cadence(address.kind()).max);
        self.plan.hasten_by(address, now + wait);
    }
}

impl Shared {
    /// A list that suddenly lost most of what it had is not believed yet.
    fn tell_shrunk(&self, old: usize, new: &Collection, path: &str) {
        self.counters.held_back_answers.fetch_add(1, Relaxed);
        let (kind, new) = (new.address.kind(), new.len());
        let message = format!("the list of {kind}s shrank from {old} to {new}; it is asked for once more");
        let error = Error::new(Code::BadAnswer, message);
        self.change(|status| {
            status.last_error = Some(Problem { error, at: SystemTime::now(), about: path.to_owned() });
        });
    }
}

/// The slug of a core server.
fn slug<'d>(draft: &'d Draft, id: &Uuid) -> Option<&'d str> {
    let (root, row) = draft.root.find_id(id)?;
    root.table().name(row)
}

/// What a core server's own list was in the `old` incarnation, by the core server's slug.
fn before_restart<'d>(old: &'d Draft, new: &Draft, address: &Address) -> Option<&'d Arc<Collection>> {
    let sub = address.sub.filter(|_| address.is_list_of_core_server())?;
    let name = slug(new, &address.core_server)?;
    let server = old.servers.iter().find(|server| slug(old, &server.id) == Some(name))?;
    server.get(server.id, sub)
}

/// Whether a list suddenly lost most of what it had.
fn shrank(old: &Collection, new: &Collection) -> bool {
    old.len() >= BIG && new.len() < old.len() / 4
}
