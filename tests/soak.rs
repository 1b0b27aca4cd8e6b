//! A soak: calls that move, restarts and faults from a seed, while readers check what must always hold.
//!
//! `ISYM_SOAK_SECONDS` (default 4) and `ISYM_SOAK_SEED` (default 1) set how long and which. `make soak` runs it for longer. Half
//! of the time all sorts of things move in a small world, and half of it what is configured changes in one whose lists are so
//! long that events make instances of them be asked for alone.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use isymphony::Live;
use isymphony::catalog::{Kind, SubId};
use isymphony::health::State;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::snapshot::{
    Agent, CallSegment, ChangeKind, CoreServer, Extension, List, Queue, Resource, Snapshot, User,
};
use isymphony::watch::{Filter, Watch};
use uuid::Uuid;

use common::{Random, VERY_LONG, count, look, memory, metric, ms, open, polling, setting};

const FAULTS: &[&str] = &[
    "delay=30ms",
    "stall=before_head",
    "stall=within_body",
    "cut=40",
    "cut=300",
    "reset=100",
    "drop",
    "length=longer",
    "length=twice",
    "chunks=bad_size",
    "garbage=200",
    "body=html",
    "body=null",
    "body=list",
    "status=500",
    "status=503",
    "status=404",
    "drip=200",
    "nested=1000",
    "gzip_bomb=10M",
    "wrong_types",
    "duplicate_ids",
    "dangling_parents",
];

/// What moves, and for how long.
struct World {
    users: u32,
    kinds: &'static [Kind],
    /// How often the lists of users and extensions are asked for.
    configured: (Duration, Duration),
    calls_per_second: f64,
    /// One of so many steps is a restart, and another one a restart within a round.
    steps_to_restart: u64,
    /// What faults are on.
    patterns: &'static [&'static str],
    /// Whether the server is away for long in the end.
    ends_away: bool,
}

impl World {
    /// How long ago the server confirms, at the earliest, what makes a client stale.
    fn patience(&self) -> Duration {
        self.configured.1.max(LONGEST) + SHORT + Duration::from_secs(1)
    }
}

/// How long it may take until all is read again, at the most, on a machine that has other things to do.
const TO_HEAL: Duration = Duration::from_secs(3);

/// How often the client asks for what is not configured, at the least, and how long it waits for an answer.
const LONGEST: Duration = ms(200);
const SHORT: Duration = ms(250);

const SMALL: World = World {
    users: 30,
    kinds: &Kind::ALL,
    configured: (Duration::from_millis(20), Duration::from_millis(200)),
    calls_per_second: 20.0,
    steps_to_restart: 20,
    patterns: &["*", "*/extensions", "*/users", "*/callSegments", "*/queues", "*/status", "*/agents", "coreServers"],
    ends_away: true,
};

const LARGE: World = World {
    users: 300,
    kinds: &[Kind::User, Kind::Extension, Kind::CallSegment, Kind::Queue],
    configured: (Duration::from_millis(500), Duration::from_millis(1500)),
    calls_per_second: 5.0,
    steps_to_restart: 100,
    patterns: &["*", "*/extensions", "*/users", "*/users/*", "*/extensions/*", "*/callSegments", "coreServers"],
    ends_away: false,
};

/// How the server is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Server {
    Well,
    Away,
}

/// What the readers know of the truth.
#[derive(Default)]
struct Truth {
    /// The ids of four objects that always exist, by epoch.
    incarnations: Mutex<HashMap<u64, [Uuid; 4]>>,
    /// When a text that was given once was replaced by another one.
    replaced: Mutex<HashMap<String, Instant>>,
    /// How the server is, and since when.
    server: Mutex<Option<(Server, Instant)>>,
    checks: AtomicU64,
}

impl Truth {
    fn check(&self, snapshot: &Snapshot) {
        let Ok(server) = snapshot.core_server("default") else { return };
        let id = |list: List<'_>, name| list.find(name).map(|resource| resource.id());
        let (extension, user, queue) =
            (id(server.extensions(), "4224"), id(server.users(), "mike"), id(server.queues(), "5001"));
        if let (Some(extension), Some(user), Some(queue)) = (extension, user, queue) {
            let ids = [server.id(), extension, user, queue];
            let mut incarnations = self.incarnations.lock().unwrap();
            assert_eq!(*incarnations.entry(snapshot.epoch()).or_insert(ids), ids, "an epoch mixes two incarnations");
            let others = incarnations.iter().filter(|(epoch, _)| **epoch != snapshot.epoch());
            assert!(others.flat_map(|(_, ids)| ids).all(|id| !ids.contains(id)), "an id outlived its incarnation");
        }
        self.relations(&server);
        self.lists(&server);
        self.checks.fetch_add(1, Relaxed);
    }

    /// How the server is from now on; `None` is anyhow.
    fn server_is(&self, how: Option<Server>) {
        *self.server.lock().unwrap() = how.map(|how| (how, Instant::now()));
    }

    /// Of a server that is well the client says so at some time within its bound, and never of one that is away for longer.
    fn state(&self, live: &Live, patience: Duration, last_live: &mut Instant) {
        let was = *self.server.lock().unwrap();
        let (state, now) = (live.health().state, Instant::now());
        if state == State::Live || was != *self.server.lock().unwrap() {
            *last_live = now;
        }
        match was {
            Some((Server::Well, since)) => {
                let waited = now - since.max(*last_live);
                assert!(
                    waited < patience + TO_HEAL,
                    "{state} for {waited:?}, and the server is well: {:#?}",
                    live.health()
                );
            }
            Some((Server::Away, since)) if now - since > patience => {
                assert_ne!(state, State::Live, "the server has been away for {:?}", now - since);
            }
            _ => {}
        }
    }

    /// All relations are there from both of their sides.
    fn relations(&self, server: &CoreServer<'_>) {
        let is_in = |list: List<'_>, id| list.by_id(id).is_some();
        for user in server.users().iter_as::<User<'_>>() {
            for extension in user.extensions().iter_as::<Extension<'_>>() {
                let users = extension.users();
                assert!(users.iter().any(|of| of.id() == user.id()), "{extension:?} does not know {user:?}");
            }
        }
        for extension in server.extensions().iter_as::<Extension<'_>>() {
            assert_eq!(extension.core_server().unwrap().id(), server.id());
            for user in extension.users() {
                assert!(is_in(user.extensions(), extension.id()), "{user:?} does not know {extension:?}");
            }
            for agent in extension.agents() {
                let is_its = agent.extension().is_some_and(|of| of.id() == extension.id());
                assert!(is_its, "{agent:?} does not know {extension:?}");
            }
            for segment in extension.call_segments().iter_as::<CallSegment<'_>>() {
                // While a call goes from one to another, the lists of both may have it.
                let on = segment.parents(SubId::find(Kind::Extension, "call_segments").unwrap());
                assert!(on.iter().any(|on| on.id() == extension.id()), "{segment:?} does not know {extension:?}");
                assert!(segment.extension().is_some_and(|first| first.id() == on[0].id()));
            }
        }
        for segment in server.call_segments().iter_as::<CallSegment<'_>>() {
            if let Some(extension) = segment.extension() {
                assert!(is_in(extension.call_segments(), segment.id()), "{extension:?} does not know {segment:?}");
            }
        }
        for queue in server.queues().iter_as::<Queue<'_>>() {
            for agent in queue.agents().iter_as::<Agent<'_>>() {
                assert!(agent.queue().is_some_and(|of| of.id() == queue.id()), "{agent:?} does not know {queue:?}");
                if let Some(extension) = agent.extension() {
                    let agents = extension.agents();
                    assert!(agents.iter().any(|of| of.id() == agent.id()), "{extension:?} does not know {agent:?}");
                }
            }
        }
        for agent in server.extensions().iter_as::<Extension<'_>>().flat_map(|extension| extension.agents()) {
            if let Some(queue) = agent.queue() {
                assert!(is_in(queue.agents(), agent.id()), "{queue:?} does not know {agent:?}");
            }
        }
    }

    /// All ways to an instance lead to the same one, and none is older than its list.
    fn lists(&self, server: &CoreServer<'_>) {
        for list in [server.users(), server.extensions()] {
            let (since, age) = (Instant::now(), list.age());
            for resource in list.iter() {
                let same = |found: Option<Resource<'_>>| {
                    let found = found.expect("what is in a list is found");
                    assert_eq!((found.id(), found.name()), (resource.id(), resource.name()));
                };
                same(list.by_id(resource.id()));
                resource.name().into_iter().for_each(|name| same(list.find(name)));
                let alone = resource.age();
                assert!(age.is_some_and(|age| alone <= age + since.elapsed()), "{alone:?} in a list of {age:?}");
            }
        }
        for user in server.users().iter_as::<User<'_>>() {
            self.age(&user, [user.user_name(), user.displayed_name()]);
        }
        for extension in server.extensions().iter_as::<Extension<'_>>() {
            self.age(&extension, [extension.display_name(), None]);
        }
    }

    /// "Confirmed at" must not be later than the moment from which the server said otherwise.
    fn age(&self, resource: &Resource<'_>, says: [Option<&str>; 2]) {
        let (now, age) = (Instant::now(), resource.age());
        let replaced = self.replaced.lock().unwrap();
        for (text, replaced) in says.into_iter().flatten().filter_map(|text| replaced.get_key_value(text)) {
            let stale = now.saturating_duration_since(*replaced);
            assert!(age + Duration::from_millis(2) >= stale, "{text} is {age:?} old, and has been wrong for {stale:?}");
        }
    }
}

/// What the changes of a watch say that there is.
#[derive(Default)]
struct Told {
    resources: BTreeMap<(Kind, Uuid), String>,
    changes: u64,
}

impl Told {
    fn of(snapshot: &Snapshot) -> BTreeMap<(Kind, Uuid), String> {
        // It does not always say its slug.
        let server = snapshot.core_servers().at(0).and_then(|server| CoreServer::try_from(server).ok());
        let Some(server) = server else { return BTreeMap::new() };
        // Where their own list is hidden, the extensions of users are there all the same.
        let of_users = server.users().iter_as::<User<'_>>().flat_map(|user| user.extensions().iter());
        let all = server.users().iter().chain(server.extensions().iter()).chain(of_users);
        let is_found = |of: &Resource<'_>, found: &Resource<'_>| of.kind() == found.kind();
        let known = all.filter_map(|of| snapshot.by_id(of.id()).filter(|found| is_found(&of, found)));
        known.map(|resource| ((resource.kind(), resource.id()), resource.raw())).collect()
    }

    /// Takes changes, and checks that all of them lead to what there is.
    fn follow(&mut self, watch: &mut Watch) {
        let Some(mut change) = watch.next(Some(Duration::from_millis(20))).unwrap() else { return };
        loop {
            self.changes += 1;
            match (change.kind, change.resource()) {
                (ChangeKind::EpochChanged, _) => self.resources = Told::of(watch.snapshot()),
                (ChangeKind::Removed, Some(gone)) => _ = self.resources.remove(&(gone.kind(), gone.id())),
                (ChangeKind::Added | ChangeKind::Changed, Some(resource)) => {
                    self.resources.insert((resource.kind(), resource.id()), resource.raw());
                }
                _ => {}
            }
            match watch.next(Some(Duration::ZERO)).unwrap() {
                Some(next) => change = next,
                None => break,
            }
        }
        // What was told of may be known by now from others than users, as from agents.
        let (snapshot, there) = (watch.snapshot(), Told::of(watch.snapshot()));
        let says = |(_, id): &(Kind, Uuid)| snapshot.by_id(*id).map(|resource| resource.raw());
        // Of what has the id of something else, that is found by it.
        let is_found = |(kind, id): &(Kind, Uuid)| snapshot.by_id(*id).is_none_or(|found| found.kind() == *kind);
        let differ = |key: &&(Kind, Uuid)| is_found(key) && says(key).as_ref() != self.resources.get(*key);
        let wrong = there.keys().chain(self.resources.keys()).filter(differ).take(3);
        let wrong: Vec<_> = wrong.map(|id| (id, says(id), self.resources.get(id))).collect();
        assert!(wrong.is_empty(), "the changes do not lead to what there is; it is, and was told: {wrong:#?}");
    }
}

/// What is configured, and changed step by step.
struct Configured<'s> {
    sandbox: &'s Sandbox,
    truth: &'s Truth,
    /// The users that change: their names and displayed names now.
    users: Vec<(String, String)>,
    /// The extensions that change, with their display names.
    extensions: Vec<(String, String)>,
    count: u64,
}

impl<'s> Configured<'s> {
    fn new(sandbox: &'s Sandbox, truth: &'s Truth, live: &Live) -> Configured<'s> {
        let snapshot = live.snapshot();
        let server = snapshot.core_server("default").unwrap();
        let some = |list: List<'_>| -> Vec<(String, String)> {
            let names = list.iter().map(|resource| resource.name().unwrap().to_owned());
            names.filter(|name| name != "mike").take(40).map(|name| (name, String::new())).collect()
        };
        Configured { sandbox, truth, users: some(server.users()), extensions: some(server.extensions()), count: 0 }
    }

    /// Replaces a text, and says which one it was.
    fn replace(&self, old: &mut String, new: String) {
        self.truth.replaced.lock().unwrap().insert(std::mem::replace(old, new), Instant::now());
    }

    fn step(&mut self, random: &mut Random) {
        self.count += 1;
        let new = |what: &str| format!("{what} {}", self.count);
        let place = random.below(40) as usize;
        let (property, id) = match random.below(3) {
            0 if place < self.users.len() => {
                let (mut name, displayed) = self.users[place].clone();
                let new = new("user");
                self.sandbox.rename_user(&name, &new).unwrap();
                self.replace(&mut name, new);
                let id = self.sandbox.user_id(&name).unwrap();
                self.users[place] = (name, displayed);
                ("userId", id)
            }
            1 if place < self.users.len() => {
                let (name, mut displayed) = self.users[place].clone();
                let new = new("User");
                self.sandbox.set_displayed_name(&name, &new).unwrap();
                self.replace(&mut displayed, new);
                let id = self.sandbox.user_id(&name).unwrap();
                self.users[place] = (name, displayed);
                ("userId", id)
            }
            _ => {
                let place = place % self.extensions.len();
                let (number, mut displayed) = self.extensions[place].clone();
                let new = new("Extension");
                self.sandbox.set_display_name(&number, &new).unwrap();
                self.replace(&mut displayed, new);
                let id = self.sandbox.extension_id(&number).unwrap();
                self.extensions[place] = (number, displayed);
                ("extensionId", id)
            }
        };
        let core_server = self.sandbox.core_server_id();
        // Some are missed.
        if random.below(10) > 0 {
            let event = format!(r#"{{"type":"changed","coreServerId":"{core_server}","{property}":"{id}"}}"#);
            self.sandbox.send_event(&event);
        }
    }

    /// Whether a snapshot has all of it as it is now.
    fn is_in(&self, server: &CoreServer<'_>) -> bool {
        let user = |(name, displayed): &(String, String)| {
            let user = server.users().find(name).and_then(|user| User::try_from(user).ok());
            user.is_some_and(|user| displayed.is_empty() || user.displayed_name() == Some(displayed))
        };
        let extension = |(number, displayed): &(String, String)| {
            let extension = server.extensions().find(number).and_then(|found| Extension::try_from(found).ok());
            extension.is_some_and(|found| displayed.is_empty() || found.display_name() == Some(displayed))
        };
        self.users.iter().all(user) && self.extensions.iter().all(extension)
    }
}

/// How many instances of a core server's lists were asked for alone, and answered.
fn asked_alone(sandbox: &Sandbox) -> usize {
    let is_alone = |path: &str| {
        let mut steps = path.rsplit('/');
        let (id, list) = (steps.next(), steps.next());
        id.is_some_and(|id| Uuid::try_parse(id).is_ok()) && matches!(list, Some("users" | "extensions"))
    };
    sandbox.requests().iter().filter(|request| request.status == 200 && is_alone(&request.path)).count()
}

fn megabytes() -> u64 {
    memory("VmRSS") >> 20
}

#[test]
fn nothing_that_must_hold_is_ever_broken() {
    let (time, seed) = (Duration::from_secs(setting("ISYM_SOAK_SECONDS", 4)), setting("ISYM_SOAK_SEED", 1));
    soak(&SMALL, time / 2, seed);
    let alone = soak(&LARGE, time / 2, seed);
    assert!(alone > 0 || time < Duration::from_secs(10), "no instance was asked for alone");
}

/// Ends the threads, also where the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Gives how many instances were asked for alone.
fn soak(world: &World, time: Duration, seed: u64) -> usize {
    let config = SandboxConfig::new().users(world.users).seed(seed).max_requests_kept(10_000);
    let config = config.calls_per_second(world.calls_per_second).call_duration(Duration::from_millis(400));
    let sandbox = Sandbox::start(config).unwrap();
    let mut config = polling(&sandbox, ms(20), LONGEST);
    config.backoff(ms(2), ms(100)).unwrap();
    config.first_byte_timeout(SHORT).unwrap().silence_timeout(SHORT).unwrap().request_timeout(2 * SHORT).unwrap();
    for kind in [Kind::User, Kind::Extension] {
        config.cadence(kind, world.configured.0, world.configured.1).unwrap();
    }
    config.max_requests_per_second(1500.0).unwrap().body_limit(4 << 20).unwrap().kinds(world.kinds.iter().copied());
    let live = open(config);

    let (truth, done) = (Truth::default(), AtomicBool::new(false));
    let (mut restarts, mut faults, mut changes, mut alone, mut start) = (0, 0, 0, 0, None);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let end = End(&done);
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    truth.check(&live.snapshot());
                }
            });
        }
        scope.spawn(|| {
            let mut last_live = Instant::now();
            while !done.load(Relaxed) {
                truth.state(&live, world.patience(), &mut last_live);
                std::thread::sleep(ms(5));
            }
        });
        let watcher = scope.spawn(|| {
            let mut watch = live.watch_from_nothing(Filter::default().kinds([Kind::User, Kind::Extension]));
            let mut told = Told::default();
            while !done.load(Relaxed) {
                told.follow(&mut watch);
            }
            told.changes
        });
        let mut random = Random(seed);
        let mut configured = Configured::new(&sandbox, &truth, &live);
        // The server is away for longer than the client waits, and then is well, for as long.
        let away = || {
            sandbox.clear_faults();
            sandbox.stop_listening();
            truth.server_is(Some(Server::Away));
            std::thread::sleep(world.patience() + ms(300));
            truth.server_is(None);
            sandbox.start_listening().unwrap();
            truth.server_is(Some(Server::Well));
        };
        let mut next_away = if time > 6 * world.patience() { time / 3 } else { time };
        while begin.elapsed() < time {
            if begin.elapsed() > next_away {
                away();
                std::thread::sleep(world.patience() + TO_HEAL);
                truth.server_is(None);
                next_away = begin.elapsed() + Duration::from_secs(30);
            }
            std::thread::sleep(Duration::from_millis(20 + random.below(60)));
            configured.step(&mut random);
            alone += asked_alone(&sandbox);
            sandbox.clear_requests();
            let is_late = begin.elapsed() > time / 2;
            match random.below(world.steps_to_restart) {
                _ if is_late && restarts == 0 => {
                    sandbox.restart();
                    restarts += 1;
                }
                0 => {
                    sandbox.restart();
                    restarts += 1;
                }
                1 => sandbox.restart_at_request(1 + random.below(30)),
                _ => {}
            }
            match random.below(20) {
                2..=7 => {
                    let (fault, on) = (random.pick(FAULTS), random.pick(world.patterns));
                    sandbox.fault_from_str(&format!("{fault}; on={on}; for={}ms", 20 + random.below(300))).unwrap();
                    faults += 1;
                }
                8 => sandbox.clear_faults(),
                9 => {
                    sandbox.stop_listening();
                    std::thread::sleep(Duration::from_millis(random.below(200)));
                    sandbox.start_listening().unwrap();
                }
                _ => {}
            }
            // Now and then there are no connections.
            if (time / 4..time / 2).contains(&begin.elapsed()) {
                let (memory, most) = start.unwrap_or((megabytes(), 0));
                start = Some((memory, count("fd").max(most)));
            }
        }
        sandbox.clear_faults();
        if world.ends_away {
            away();
        }
        truth.server_is(Some(Server::Well));
        let current = || {
            let snapshot = live.snapshot();
            let server = snapshot.core_server("default");
            live.health().state == State::Live
                && server.is_ok_and(|server| server.id() == sandbox.core_server_id() && configured.is_in(&server))
        };
        look(ms(10), VERY_LONG, "healed", current, || format!("{:#?}", live.health()));
        drop(end);
        changes = watcher.join().unwrap();
    });
    let (memory_then, descriptors_then) = start.unwrap_or((megabytes(), count("fd")));
    println!(
        "soak: {} users, {time:?}, seed {seed}: {restarts} restarts, {faults} faults, {} requests ({} failed), {alone} of \
         single instances, {} snapshots, {} epochs, {changes} changes watched, {} checks, memory {memory_then} -> {} MB, \
         descriptors {descriptors_then} -> {}",
        world.users,
        metric(&live, "requests"),
        metric(&live, "failed_requests"),
        live.snapshot().generation(),
        live.snapshot().epoch(),
        truth.checks.load(Relaxed),
        megabytes(),
        count("fd"),
    );
    assert!(truth.checks.load(Relaxed) > 20 && changes > 10 && live.snapshot().epoch() > 1, "the soak did something");
    let are_few = || count("fd") <= descriptors_then + 8;
    look(ms(10), VERY_LONG, "descriptors leak", are_few, || format!("{descriptors_then} -> {}", count("fd")));
    assert!(megabytes() <= memory_then + 40, "memory grows: {memory_then} -> {} MB", megabytes());
    alone
}
