//! Faults of the server and of the host, each with what is told of it, and how it heals.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

mod common;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use isymphony::action::Outcome;
use isymphony::catalog::{Kind, SubId};
use isymphony::health::{EventsState, State};
use isymphony::sandbox::{Caller, RawResponse, Sandbox, SandboxConfig};
use isymphony::snapshot::{Agent, ChangeKind, Extension, Resource, Snapshot, User};
use isymphony::watch::Filter;
use isymphony::{Code, Config, Live};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use uuid::Uuid;

use common::{VERY_LONG, metric, ms, open_within, polling, posts, sandbox, until_shown};

fn config(sandbox: &Sandbox) -> Config {
    let mut config = polling(sandbox, ms(10), ms(50));
    config.backoff(ms(2), ms(100)).unwrap().events(false);
    config
}

fn extensions(snapshot: &Snapshot) -> Vec<Extension<'_>> {
    snapshot.core_server("default").unwrap().extensions().iter_as().collect()
}

/// With these, the calls of an extension are only confirmed within half a minute.
fn calls_that_are_confirmed_late(sandbox: &Sandbox) -> Config {
    let mut config = config(sandbox);
    config.cadence(Kind::CallSegment, Duration::from_millis(50), Duration::from_secs(2)).unwrap();
    config
}

#[test]
fn a_call_that_was_over_when_all_calls_were_read_first_is_gone_soon() {
    let sandbox = sandbox();
    let core_server = sandbox.core_server_id();
    for (n, number) in (1..).zip(sandbox.extension_numbers()) {
        let calls =
            format!("coreServers/{core_server}/extensions/{}/callSegments", sandbox.extension_id(&number).unwrap());
        sandbox.override_body(&calls, &format!(r#"[{{"id":"{}"}}]"#, Uuid::from_u128(n)));
    }
    let live = open_within(VERY_LONG, calls_that_are_confirmed_late(&sandbox));
    let has = |extension: &Extension<'_>| !extension.call_segments().is_empty();
    assert!(extensions(&live.snapshot()).iter().all(has));
    sandbox.clear_overrides();
    until_shown("gone everywhere", &live, |now| !extensions(now).iter().any(has));
}

#[test]
fn calls_that_are_read_after_their_extensions_find_them() {
    let sandbox = Sandbox::start(SandboxConfig::new().ring_time(Duration::from_secs(3600))).unwrap();
    let mut config = calls_that_are_confirmed_late(&sandbox);
    config.backoff(Duration::from_millis(300), Duration::from_secs(1)).unwrap();
    let calls = format!("coreServers/{}/callSegments", sandbox.core_server_id());
    sandbox.fault_from_str(&format!("status=500; on={calls}; times=2")).unwrap();
    let live = Live::open(config).unwrap();
    let numbers = sandbox.extension_numbers();
    let asked = || sandbox.requests().iter().filter(|request| request.path.contains("/extensions/")).count();
    until_shown("the extensions' calls", &live, |_| asked() >= 2 * numbers.len());
    for number in numbers.iter().take(10) {
        sandbox.add_call(number, &Caller::new("Ann", "5550001")).unwrap();
    }
    live.wait(VERY_LONG).unwrap();
    let placed = |now: &Snapshot| extensions(now).iter().filter(|e| !e.call_segments().is_empty()).count();
    until_shown("all are placed", &live, |now| placed(now) == 10);
}

#[test]
fn new_extensions_find_their_users() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    // The users' own lists of extensions are only confirmed within half a minute.
    config.cadence(Kind::Extension, Duration::from_millis(50), Duration::from_secs(2)).unwrap();
    let live = open_within(VERY_LONG, config);
    let before = live.snapshot();
    let users = before.core_server("default").unwrap().users();
    let users: Vec<&str> = users.iter().take(6).map(|user| user.name().unwrap()).collect();
    let count = |now: &Snapshot, user: &str| {
        let user = now.core_server("default").unwrap().users().by_name(user).unwrap();
        User::try_from(user).unwrap().extensions().len()
    };
    for (n, user) in users.iter().enumerate() {
        sandbox.add_extension(&format!("700{n}"), "New", Some(user)).unwrap();
    }
    let has_its_own = |now: &Snapshot, user: &&str| count(now, user) == count(&before, user) + 1;
    until_shown("each is its user's", &live, |now| users.iter().all(|user| has_its_own(now, user)));
}

#[test]
fn extensions_that_were_hidden_find_their_users_again() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.cadence(Kind::Extension, Duration::from_millis(50), Duration::from_secs(2)).unwrap();
    let live = open_within(VERY_LONG, config);
    let before = live.snapshot();
    let of_users = |now: &Snapshot| -> Vec<Vec<Uuid>> {
        let users = now.core_server("default").unwrap().users().iter_as::<User<'_>>();
        users.map(|user| user.extensions().iter().map(|extension| extension.id()).collect()).collect()
    };
    sandbox.fault_from_str(&format!("status=404; on=coreServers/{}/extensions", sandbox.core_server_id())).unwrap();
    until_shown("hidden", &live, |now| !now.core_server("default").unwrap().extensions().is_known());
    assert!(of_users(&live.snapshot()).iter().all(Vec::is_empty));
    sandbox.clear_faults();
    until_shown("back", &live, |now| of_users(now) == of_users(&before));
}

#[test]
fn what_only_a_user_has_is_told_when_the_list_of_all_goes_and_comes() {
    let sandbox = sandbox();
    let (core_server, mike) = (sandbox.core_server_id(), sandbox.user_id("mike").unwrap());
    let id = Uuid::from_u128(7);
    let list = format!("coreServers/{core_server}/users/{mike}/extensions");
    sandbox.override_body(&list, &format!(r#"[{{"id":"{id}","extensionNumber":"777"}}]"#));
    let live = open_within(VERY_LONG, config(&sandbox));
    assert!(live.snapshot().by_id(id).is_none(), "the list of all does not have it");
    let mut watch = live.watch(Filter::default().kinds([Kind::Extension]));
    let mut is_told = false;
    for is_hidden in [true, false] {
        match is_hidden {
            true => sandbox.fault_from_str(&format!("status=404; on=coreServers/{core_server}/extensions")).unwrap(),
            false => sandbox.clear_faults(),
        }
        until_shown("told", &live, |_| {
            while let Some(change) = watch.next(Some(Duration::ZERO)).unwrap() {
                if change.resource().is_some_and(|resource| resource.id() == id) {
                    is_told = change.kind != ChangeKind::Removed;
                }
            }
            assert_eq!(is_told, watch.snapshot().by_id(id).is_some());
            is_told == is_hidden
        });
    }
}

#[test]
fn an_extension_lists_the_agents_that_name_it_soon() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.cadence(Kind::Agent, Duration::from_millis(50), Duration::from_secs(2)).unwrap();
    let live = open_within(VERY_LONG, config);
    let agents = SubId::find(Kind::Extension, "agents").unwrap();
    let before = live.snapshot();
    let free: Vec<Extension<'_>> = extensions(&before).into_iter().filter(|e| e.agents().is_empty()).take(6).collect();
    for extension in &free {
        sandbox.log_in_agent("5001", extension.extension_number().unwrap()).unwrap();
    }
    until_shown("each has its agent", &live, |now| {
        free.iter().all(|extension| now.by_id(extension.id()).unwrap().sub(agents).len() == 1)
    });
}

#[test]
fn what_is_hidden_while_all_is_read_first_is_there_soon() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.cadence(Kind::Extension, Duration::from_millis(50), Duration::from_secs(2)).unwrap();
    sandbox.fault_from_str("status=404; on=*/users/*/extensions").unwrap();
    let live = open_within(VERY_LONG, config);
    sandbox.clear_faults();
    let is_known = |user: Resource<'_>| user.sub(SubId::find(Kind::User, "extensions").unwrap()).is_known();
    until_shown("the users' extensions", &live, |now| now.core_server("default").unwrap().users().iter().all(is_known));
}

#[test]
fn calls_that_were_hidden_are_back_soon() {
    let sandbox = Sandbox::start(SandboxConfig::new().ring_time(Duration::from_secs(3600))).unwrap();
    let live = open_within(VERY_LONG, calls_that_are_confirmed_late(&sandbox));
    let call = sandbox.add_call("4224", &Caller::new("Ann", "5550001")).unwrap();
    let calls = format!("extensions/{}/callSegments", sandbox.extension_id("4224").unwrap());
    let is_on = |now: &Snapshot| {
        let extension = now.core_server("default").unwrap().extensions().find("4224").unwrap();
        Extension::try_from(extension).unwrap().call_segments().by_id(call).is_some()
    };
    until_shown("it is on its extension", &live, is_on);
    sandbox.fault_from_str(&format!("status=404; on=*/{calls}")).unwrap();
    // A second call makes its list be looked at.
    sandbox.add_call("4224", &Caller::new("Bob", "4224")).unwrap();
    until_shown("hidden", &live, |now| !is_on(now));
    assert!(live.snapshot().by_id(call).is_some());
    sandbox.clear_faults();
    until_shown("back", &live, is_on);
}

/// What is told of odd things in answers.
const COUNTED: [&str; 5] =
    ["rejected_items", "other_types", "ambiguous_names", "duplicate_ids", "items_with_unknown_properties"];

#[test]
fn what_is_odd_in_a_list_costs_its_item_at_most_and_is_counted() {
    let sandbox = sandbox();
    let live = open_within(VERY_LONG, config(&sandbox));
    let before = live.snapshot();
    let whole: Vec<String> = extensions(&before).iter().map(|extension| extension.raw()).collect();
    let id = |n: u128| Uuid::from_u128(n).to_string();
    let odd = |n: u128, rest: &str| format!(r#"{{"id":"{}",{rest}}}"#, id(n)).into_bytes();
    let long = "x".repeat(10 << 20);
    // What is served beside the others: is it kept, and what is counted for it?
    let cases: [(Vec<u8>, bool, &str); 13] = [
        (odd(1, &format!(r#""extensionNumber":"odd","displayName":"{long}""#)), false, "rejected_items"),
        ([odd(2, r#""displayName":""#).as_slice(), b"\xff\xfe\"}"].concat(), false, "rejected_items"),
        (odd(3, r#""extensionNumber":"odd","displayName":"\ud800""#), true, "other_types"),
        (odd(4, r#""extensionNumber":"odd","displayName":1e400"#), true, "other_types"),
        (odd(5, r#""extensionNumber":"odd","displayName":null"#), true, ""),
        (odd(6, r#""extensionNumber":"odd","displayName":"a\u0000b""#), true, ""),
        (odd(7, r#""extensionNumber":"odd","mood":{"x":1e400}"#), true, "items_with_unknown_properties"),
        (odd(8, r#""extensionNumber":"odd","extensionNumber":"even""#), false, "rejected_items"),
        (odd(9, r#""extensionNumber":"4224""#), true, "ambiguous_names"),
        (br#"{"id":"4224","extensionNumber":"odd"}"#.to_vec(), false, "rejected_items"),
        (br#"{"extensionNumber":"odd"}"#.to_vec(), false, "rejected_items"),
        (b"null".to_vec(), false, "rejected_items"),
        (whole[0].clone().into_bytes(), true, "duplicate_ids"),
    ];
    let counts = || COUNTED.map(|name| metric(&live, name));
    let path = format!("coreServers/{}/extensions", sandbox.core_server_id());
    for (n, (item, is_kept, counted)) in (1..).zip(cases) {
        let body = [b"\xef\xbb\xbf[".as_slice(), &item, b",", whole.join(",").as_bytes(), b"]"].concat();
        let what = String::from_utf8_lossy(&item[..item.len().min(80)]).into_owned();
        let (snapshot, quiet) = (live.snapshot(), counts());
        sandbox.respond_with(&path, RawResponse::json(body));
        sandbox.set_displayed_name("mike", &what).unwrap();
        let changed = live.refresh(VERY_LONG).unwrap();
        assert_eq!(changed.by_id(Uuid::from_u128(n)).is_some(), is_kept && n < 13, "{what}");
        for extension in extensions(&snapshot) {
            let now = changed.by_id(extension.id()).map(|now| now.raw());
            assert_eq!(now.as_deref(), Some(&*extension.raw()), "{what}: the others are as they were");
        }
        let mut more = quiet;
        COUNTED.iter().zip(&mut more).filter(|(name, _)| **name == counted).for_each(|(_, count)| *count += 1);
        // What is of another type is kept with the unknown.
        more[4] += u64::from(counted == "other_types");
        assert_eq!(counts(), more, "{what}");
        assert!(live.health().failing.is_empty(), "{what}");
        sandbox.clear_overrides();
        until_shown("healed", &live, |now| {
            counts() == quiet && now.by_id(Uuid::from_u128(n)).is_none() && extensions(now).len() == whole.len()
        });
    }
}

#[test]
fn of_an_agent_that_two_queues_tell_differently_the_latest_news_counts() {
    let sandbox = Sandbox::start(SandboxConfig::new().queues(2)).unwrap();
    let live = open_within(VERY_LONG, config(&sandbox));
    let before = live.snapshot();
    let queues: Vec<Uuid> =
        before.core_server("default").unwrap().queues().iter().take(2).map(|queue| queue.id()).collect();
    let id = Uuid::from_u128(7);
    let name_of = |agent: Resource<'_>| Agent::try_from(agent).unwrap().name().unwrap().to_owned();
    let says = |queue: usize, name: &str| {
        let path = format!("coreServers/{}/queues/{}/agents", sandbox.core_server_id(), queues[queue]);
        sandbox.override_body(&path, &format!(r#"[{{"id":"{id}","name":"{name}"}}]"#));
        until_shown(name, &live, |now| now.by_id(id).is_some_and(|agent| name_of(agent) == name));
    };
    let agents = SubId::find(Kind::Queue, "agents").unwrap();
    let in_queue = |now: &Snapshot, queue: usize| now.by_id(queues[queue]).unwrap().sub(agents).by_id(id).map(name_of);
    says(0, "Ann");
    for (queue, name) in [(1, "Bea"), (0, "Cleo"), (1, "Dora"), (1, "Eve"), (0, "Flo")] {
        let other = in_queue(&live.snapshot(), 1 - queue);
        says(queue, name);
        let now = live.refresh(VERY_LONG).unwrap();
        assert_eq!((in_queue(&now, queue).as_deref(), in_queue(&now, 1 - queue)), (Some(name), other));
        let paths = agents.row().segment;
        assert!(now.by_id(id).unwrap().id_path().to_string().contains(&format!("{}/{paths}", queues[queue])));
    }
    sandbox.clear_overrides();
    until_shown("gone", &live, |now| now.by_id(id).is_none());
    assert!(live.health().state == State::Live && live.snapshot().epoch() == before.epoch());
}

#[test]
fn a_redirect_leads_nowhere_and_the_error_says_what_to_set() {
    let other = sandbox();
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "much-secret")).unwrap();
    let mut config = config(&sandbox);
    config.credentials("manager", "much-secret").unwrap();
    let live = open_within(VERY_LONG, config);
    let elsewhere = other.url();
    for (fault, says) in [
        ("redirect=https://127.0.0.1:55050/".to_owned(), "https"),
        (format!("redirect={elsewhere}; code=307"), &*elsewhere),
        (format!("redirect={elsewhere}; code=308"), &*elsewhere),
    ] {
        sandbox.fault_from_str(&fault).unwrap();
        until_shown(&fault, &live, |_| live.health().state == State::Failed);
        let error = live.health().last_error.unwrap().error;
        assert!(error.message().contains(says) && !error.retryable(), "{error}");
        assert!(!format!("{error:?} {error}").contains("much-secret"));
        let refused = live.extension("4224", None).unwrap().originate("5551234").unwrap_err();
        assert!(refused.message().contains(says), "{refused}");
        assert_eq!(extensions(&live.snapshot()).len(), sandbox.extension_numbers().len());
        sandbox.clear_faults();
        until_shown("healed", &live, |_| live.health().state == State::Live);
    }
    assert_eq!((other.request_count(), other.connections()), (0, 0), "nothing was sent elsewhere");
}

#[test]
fn the_return_of_a_server_is_no_storm() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(300)).unwrap();
    let mut config = config(&sandbox);
    config.kinds([Kind::User, Kind::Status]).max_requests_per_second(200.0).unwrap();
    let live = open_within(VERY_LONG, config);
    for _ in 0..2 {
        sandbox.stop_listening();
        until_shown("down", &live, |_| live.health().state == State::Stale);
        std::thread::sleep(Duration::from_millis(300));
        sandbox.clear_requests();
        sandbox.start_listening().unwrap();
        until_shown("up", &live, |_| live.health().state == State::Live && sandbox.requests().len() > 300);
        let came: Vec<Duration> = sandbox.requests().iter().map(|request| request.at).collect();
        let span = Duration::from_millis(500);
        let most = came.iter().map(|from| came.iter().filter(|at| (*from..*from + span).contains(*at)).count()).max();
        // A burst, and half a second of the rate; a late look at the clock may double it.
        assert!(most < Some(2 * (40 + 100)), "{most:?} within {span:?}");
    }
}

#[test]
fn a_slow_watch_gets_the_latest_of_each_and_is_told_how_much_was_merged() {
    let sandbox = sandbox();
    let live = open_within(VERY_LONG, config(&sandbox));
    let mut watch = live.watch(Filter::default().kinds([Kind::Extension]));
    for n in 1..=20 {
        sandbox.set_display_name("4224", &format!("Michael {n}")).unwrap();
        live.refresh(VERY_LONG).unwrap();
    }
    let change = watch.next(VERY_LONG).unwrap().unwrap();
    let says = [&change.old, &change.new].map(|side| {
        let extension = Extension::try_from(side.as_ref().unwrap().get()).unwrap();
        extension.display_name().unwrap().to_owned()
    });
    assert_eq!((change.kind, says), (ChangeKind::Changed, ["Michael Y".to_owned(), "Michael 20".to_owned()]));
    assert!(watch.merged() >= 19 && watch.next(Some(Duration::ZERO)).unwrap().is_none(), "{}", watch.merged());
}

/// What sockets, and other nameless things of the kernel, a program that this process starts has.
fn inherited() -> BTreeSet<String> {
    let output = Command::new("ls").args(["-l", "/proc/self/fd"]).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let links = text.lines().filter_map(|line| line.split_once(" -> ")).map(|(_, to)| to.to_owned());
    links.filter(|to| to.starts_with("socket:") || to.starts_with("anon_inode:")).collect()
}

#[test]
fn a_program_that_the_process_starts_inherits_nothing() {
    let before = inherited();
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    let live = open_within(VERY_LONG, config.events(true).clone());
    let watch = live.watch(Filter::default());
    watch.fd().unwrap();
    live.extension("4224", None).unwrap().originate("5551234").unwrap().wait(VERY_LONG).unwrap();
    until_shown("the events", &live, |_| live.health().events == EventsState::Connected);
    assert_eq!(inherited(), before);
}

extern "C" fn ignore(_: i32) {}

#[test]
fn signals_all_the_time_interrupt_nothing() {
    let flags = SaFlags::empty(); // What the kernel may interrupt, it does.
    let action = SigAction::new(SigHandler::Handler(ignore), flags, SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    let sandbox = sandbox();
    let (url, done) = (sandbox.url(), Arc::new(AtomicBool::new(false)));
    sandbox.fault_from_str("delay=50ms; method=POST").unwrap();
    let (tell, thread) = std::sync::mpsc::channel();
    let end = done.clone();
    let busy = std::thread::spawn(move || {
        // SAFETY: it only says which thread this is.
        tell.send(unsafe { nix::libc::pthread_self() }).unwrap();
        let life = std::panic::catch_unwind(|| {
            for n in 0..3 {
                let live = Live::open(Config::new(&url).unwrap()).unwrap();
                live.wait(VERY_LONG).unwrap();
                let mut watch = live.watch(Filter::default().kinds([Kind::CallSegment]).events(false));
                for _ in 0..3 {
                    let ticket = live.extension("4224", None).unwrap().originate(format!("555{n}")).unwrap();
                    assert_eq!(ticket.outcome(), Outcome::Accepted);
                    ticket.wait(VERY_LONG).unwrap();
                    live.refresh(VERY_LONG).unwrap();
                }
                assert!(watch.next(VERY_LONG).unwrap().is_some());
                assert!(live.get_raw("coreServers", VERY_LONG).is_ok());
                live.close(VERY_LONG);
            }
        });
        end.store(true, Relaxed);
        life
    });
    let thread = thread.recv().unwrap();
    while !done.load(Relaxed) {
        // SAFETY: the thread is joined later.
        unsafe { nix::libc::pthread_kill(thread, nix::libc::SIGUSR1) };
        std::thread::sleep(Duration::from_micros(500));
    }
    busy.join().unwrap().unwrap();
    assert_eq!(posts(&sandbox).len(), 9);
}

/// A logger of the application's that hangs at what is told of one server.
struct Hanging(Mutex<Option<String>>, Condvar);

static HANGING: Hanging = Hanging(Mutex::new(None), Condvar::new());

impl log::Log for Hanging {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        let hangs = |server: &mut Option<String>| server.as_ref().is_some_and(|server| text.contains(&**server));
        drop(self.1.wait_while(self.0.lock().unwrap(), hangs).unwrap());
    }

    fn flush(&self) {}
}

#[test]
fn a_sync_that_hangs_shows_by_its_age_alone() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.first_byte_timeout(Duration::from_millis(300)).unwrap();
    let live = open_within(VERY_LONG, config);
    log::set_logger(&HANGING).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    *HANGING.0.lock().unwrap() = Some(sandbox.url());
    let requests = || metric(&live, "requests");
    sandbox.fault_from_str("drop; times=20").unwrap();
    // It can tell nothing any more, and asks for nothing.
    let (mut before, mut since) = (requests(), Instant::now());
    until_shown("it hangs", &live, |_| {
        if requests() != before {
            (before, since) = (requests(), Instant::now());
        }
        since.elapsed() > Duration::from_millis(500)
    });
    let age = live.snapshot().age();
    until_shown("stale", &live, |now| now.age() > age && live.health().state == State::Stale);
    assert_eq!(extensions(&live.snapshot()).len(), sandbox.extension_numbers().len());
    assert_eq!(live.snapshot_within(Duration::from_millis(100)).unwrap_err().code(), Code::Stale);
    *HANGING.0.lock().unwrap() = None;
    HANGING.1.notify_all();
    until_shown("healed", &live, |now| live.health().state == State::Live && now.age() < age);
}
