//! What the integration tests share: clients of the sandbox, waiting until something shows, and looking at the process.
#![allow(dead_code)] // Each test program uses a part of it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use isymphony::catalog::{Kind, SubId};
use isymphony::sandbox::{RequestRecord, Sandbox, SandboxConfig};
use isymphony::snapshot::{Extension, Resource, Snapshot};
use isymphony::watch::Watch;
use isymphony::{Config, Live};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use uuid::Uuid;

/// A time limit that nothing reaches which works.
pub(crate) const LONG: Option<Duration> = Some(Duration::from_secs(10));
/// The same for what many do at once, or what has to survive a lot first.
pub(crate) const VERY_LONG: Option<Duration> = Some(Duration::from_secs(20));

/// So many milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A sandbox as it is without any settings.
pub(crate) fn sandbox() -> Sandbox {
    Sandbox::start(SandboxConfig::new()).unwrap()
}

/// Gives every kind this cadence.
pub(crate) fn every_kind(config: &mut Config, shortest: Duration, longest: Duration) {
    for kind in Kind::ALL {
        config.cadence(kind, shortest, longest).unwrap();
    }
}

/// The settings of a client that has this cadence for every kind, and which the rate of requests does not slow down.
pub(crate) fn polling(sandbox: &Sandbox, shortest: Duration, longest: Duration) -> Config {
    let mut config = Config::new(&sandbox.url()).unwrap();
    every_kind(&mut config, shortest, longest);
    config.max_requests_per_second(2000.0).unwrap();
    config
}

/// The settings of a client that sees soon what changes, and tries again soon.
pub(crate) fn quick(sandbox: &Sandbox) -> Config {
    let mut config = polling(sandbox, ms(20), ms(100));
    config.backoff(ms(5), ms(100)).unwrap();
    config
}

/// A sandbox as it is without any settings, and a quick client that has read everything.
pub(crate) fn world() -> (Sandbox, Live) {
    let sandbox = sandbox();
    let live = open(quick(&sandbox));
    (sandbox, live)
}

/// A client that has read everything.
pub(crate) fn open(config: Config) -> Live {
    open_within(LONG, config)
}

/// A client that has read everything within this time.
pub(crate) fn open_within(limit: Option<Duration>, config: Config) -> Live {
    let live = Live::open(config).unwrap();
    live.wait(limit).unwrap();
    live
}

/// Waits until it is so.
#[track_caller]
pub(crate) fn until(what: &str, done: impl FnMut() -> bool) {
    look(ms(2), LONG, what, done, String::new);
}

/// Waits until it is so; if it never is, the client's health and figures are told.
#[track_caller]
pub(crate) fn until_live(what: &str, live: &Live, done: impl FnMut() -> bool) {
    look(ms(2), LONG, what, done, || format!("{:#?} {:?}", live.health(), live.metrics()));
}

/// Waits until the client's snapshot says so, and gives that snapshot.
#[track_caller]
pub(crate) fn until_shown(what: &str, live: &Live, mut done: impl FnMut(&Snapshot) -> bool) -> Snapshot {
    let mut snapshot = live.snapshot();
    let shows = || {
        snapshot = live.snapshot();
        done(&snapshot)
    };
    until_live(what, live, shows);
    snapshot
}

/// Looks whether it is so, again and again with a pause between, until it is. If it is not within the limit, what is
/// waited for is told, and what `tell` says.
#[track_caller]
pub(crate) fn look(
    pause: Duration,
    limit: Option<Duration>,
    what: &str,
    mut done: impl FnMut() -> bool,
    tell: impl Fn() -> String,
) {
    let start = Instant::now();
    while !done() {
        assert!(limit.is_none_or(|limit| start.elapsed() < limit), "{what}: {}", tell());
        std::thread::sleep(pause);
    }
}

/// One of the client's figures.
pub(crate) fn metric(live: &Live, name: &str) -> u64 {
    live.metrics().into_iter().find(|(found, _)| *found == name).unwrap().1
}

/// How often the sandbox was asked for something whose path ends so.
pub(crate) fn asked_for(sandbox: &Sandbox, end: &str) -> usize {
    sandbox.requests().iter().filter(|request| request.method == "GET" && request.path.ends_with(end)).count()
}

/// The actions that the sandbox was asked for.
pub(crate) fn posts(sandbox: &Sandbox) -> Vec<RequestRecord> {
    sandbox.requests().into_iter().filter(|request| request.method == "POST").collect()
}

/// The extension of the core server "default" that has this number.
pub(crate) fn extension<'s>(snapshot: &'s Snapshot, number: &str) -> Option<Extension<'s>> {
    Extension::try_from(snapshot.core_server("default").ok()?.extensions().find(number)?).ok()
}

/// The display name of the extension 4224: in the beginning "Michael Y".
pub(crate) fn michael(snapshot: &Snapshot) -> String {
    let extension = snapshot.core_server("default").unwrap().extensions().by_name("4224").unwrap();
    Extension::try_from(extension).unwrap().display_name().unwrap().to_owned()
}

/// Whether the watch's descriptor says, within this time, that there may be something to take.
pub(crate) fn is_readable(watch: &Watch, within: Duration) -> bool {
    let within = Timespec::try_from(within).unwrap();
    poll(&mut [PollFd::from_borrowed_fd(watch.fd().unwrap(), PollFlags::IN)], Some(&within)).unwrap() > 0
}

/// How many threads ("task") or descriptors ("fd") this process has.
pub(crate) fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// A line of what the kernel says of this process's memory ("VmRSS", for example), in bytes.
pub(crate) fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|status| status.strip_prefix(line)?.strip_prefix(':')).unwrap();
    value.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The ids of all that is below a core server, whatever it is and wherever it was found.
fn ids_below(resource: Resource<'_>, ids: &mut HashSet<Uuid>) {
    for sub in SubId::of(resource.kind()) {
        for below in resource.sub(sub).iter() {
            if ids.insert(below.id()) {
                ids_below(below, ids);
            }
        }
    }
}

/// The ids of all that is in a snapshot, and below which core server.
fn ids(snapshot: &Snapshot) -> Vec<(Uuid, Uuid)> {
    let Ok(server) = snapshot.core_server("default") else { return Vec::new() };
    let mut ids = HashSet::new();
    ids_below(*server, &mut ids);
    ids.into_iter().filter(|id| !id.is_nil()).map(|id| (id, server.id())).collect()
}

/// What was seen of the incarnations of a server: none is ever mixed with another.
#[derive(Default)]
pub(crate) struct Incarnations {
    /// Below which core server each id was seen.
    homes: HashMap<Uuid, Uuid>,
    /// The core server of each epoch.
    epochs: HashMap<u64, Uuid>,
}

impl Incarnations {
    /// Looks at one more snapshot. What is the core server's, and what is below it, are of one incarnation where no id was seen
    /// below another.
    #[track_caller]
    pub(crate) fn look(&mut self, snapshot: &Snapshot) {
        for (id, server) in ids(snapshot) {
            let known = *self.homes.entry(id).or_insert(server);
            assert_eq!(known, server, "{id} is in two incarnations");
            let known = *self.epochs.entry(snapshot.epoch()).or_insert(server);
            assert_eq!(known, server, "two incarnations are in epoch {}", snapshot.epoch());
        }
    }

    /// Knows an incarnation from a client of its own, which has seen all of it.
    pub(crate) fn know(&mut self, sandbox: &Sandbox) {
        let witness = open(polling(sandbox, ms(50), ms(100)));
        let all = ids(&witness.snapshot());
        assert!(all.len() > 10, "the witness has seen little: {all:?}");
        self.homes.extend(all);
        witness.close(None);
    }

    /// How many core servers were seen.
    pub(crate) fn len(&self) -> usize {
        self.epochs.values().collect::<HashSet<_>>().len()
    }
}

/// A small generator, so that a seed tells the whole story.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}
