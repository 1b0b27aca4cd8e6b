//! What a server may do to many at once, again and again, or at the worst moment.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::health::State;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::snapshot::Snapshot;
use isymphony::{Code, Config, Live};

use common::{
    Incarnations, VERY_LONG, count, every_kind, look, memory, metric, michael, ms, open_within, polling, sandbox,
};

fn config(sandbox: &Sandbox) -> Config {
    let mut config = polling(sandbox, ms(5), ms(20));
    config.backoff(ms(2), ms(100)).unwrap().max_requests_per_second(5000.0).unwrap();
    config
}

#[track_caller]
fn until(what: &str, done: impl FnMut() -> bool) {
    look(ms(1), VERY_LONG, what, done, String::new);
}

#[test]
fn two_restarts_within_one_round_are_never_mixed() {
    for first in (1..90).step_by(11) {
        for second in [1, 2, 5, 20, 60] {
            let sandbox = Sandbox::start(SandboxConfig::new().users(3).queues(1)).unwrap();
            let mut incarnations = Incarnations::default();
            incarnations.know(&sandbox);
            sandbox.restart_at_request(first);
            let live = Live::open(config(&sandbox)).unwrap();
            let mut look = || incarnations.look(&live.snapshot());
            until("the first restart", || {
                look();
                sandbox.incarnation() == 2
            });
            sandbox.restart_at_request(second);
            until("the last incarnation", || {
                look();
                let snapshot = live.snapshot();
                sandbox.incarnation() == 3
                    && snapshot.core_server("default").is_ok_and(|server| server.id() == sandbox.core_server_id())
            });
        }
    }
}

/// The wait before the first new try is spread over twenty times the shortest wait: ten seconds by default.
#[test]
fn many_clients_do_not_come_back_together() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(3)).unwrap();
    sandbox.fault_from_str("status=503").unwrap();
    let shortest = Duration::from_millis(100);
    let clients: Vec<Live> = (0..80)
        .map(|_| {
            let mut config = Config::new(&sandbox.url()).unwrap();
            config.backoff(shortest, Duration::from_secs(60)).unwrap().events(false);
            Live::open(config).unwrap()
        })
        .collect();
    // Each asks for the list of core servers, waits, and asks again.
    until("all have asked twice", || sandbox.request_count() >= 160);
    let came: Vec<Duration> = sandbox.requests().iter().skip(80).take(80).map(|request| request.at).collect();
    let span = *came.last().unwrap() - came[0];
    assert!(span > 8 * shortest, "{came:?}");
    let in_a_slice = |from: &Duration| came.iter().filter(|at| (*from..*from + shortest).contains(*at)).count();
    let most = came.iter().map(in_a_slice).max().unwrap();
    assert!(most < 40, "{most} of 80 within a twentieth of the time: {came:?}");
    sandbox.clear_faults();
    for client in clients {
        client.wait(VERY_LONG).unwrap();
    }
}

#[test]
fn the_wait_that_a_server_asks_for_is_kept_for_what_it_asks_it_for() {
    let sandbox = sandbox();
    let live = open_within(VERY_LONG, config(&sandbox));
    for status in [429, 503] {
        sandbox.clear_requests();
        let users = format!("coreServers/{}/users", sandbox.core_server_id());
        sandbox.fault_from_str(&format!("status={status}; retry_after=1; on={users}; times=1")).unwrap();
        let asked = || {
            let all = sandbox.requests();
            all.iter().filter(|request| request.path == users).map(|r| (r.status, r.at)).collect::<Vec<_>>()
        };
        let refused = || asked().iter().position(|(answered, _)| *answered == status);
        until("refused", || refused().is_some());
        let new = format!("Michael {status}");
        sandbox.set_display_name("4224", &new).unwrap();
        until("the extensions go on", || michael(&live.snapshot()) == new);
        assert!(live.health().failing.iter().any(|(kind, _)| *kind == Kind::User));
        until("asked again", || asked().len() > refused().unwrap() + 1);
        let (asked, refused) = (asked(), refused().unwrap());
        let waited = asked[refused + 1].1 - asked[refused].1;
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
        until("healed", || live.health().failing.is_empty());
    }
}

/// How many bytes the answer to a GET has, head and body.
fn answer_length(sandbox: &Sandbox, path: &str) -> usize {
    let mut stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
    let request = format!("GET /communication_manager/rest/live/{path} HTTP/1.1\r\nHost: sandbox\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}]") {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&some[..read]);
    }
    answer.len()
}

#[test]
fn an_answer_that_is_cut_at_any_byte_changes_nothing() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.kinds([Kind::ConferenceRoom]).events(false);
    let live = open_within(VERY_LONG, config);
    let rooms = |snapshot: &Snapshot| {
        let rooms = snapshot.core_server("default").unwrap().conferences();
        rooms.iter().map(|room| room.raw()).collect::<Vec<_>>()
    };
    let before = (live.snapshot().generation(), rooms(&live.snapshot()));
    let list = format!("coreServers/{}/conferences", sandbox.core_server_id());
    // A kept connection that ends without a byte is tried again at once: that is no failure.
    for cut in 1..answer_length(&sandbox, &list) {
        let failed = metric(&live, "failed_requests");
        sandbox.fault_from_str(&format!("cut={cut}; on={list}; times=1")).unwrap();
        until("refused", || metric(&live, "failed_requests") > failed);
        assert_eq!((live.snapshot().generation(), rooms(&live.snapshot())), before, "cut at {cut}");
        until("healed", || live.health().state == State::Live && live.health().failing.is_empty());
    }
}

/// How many threads and descriptors this process has, and how much memory.
fn held() -> (usize, usize, u64) {
    (count("task"), count("fd"), memory("VmRSS"))
}

#[test]
fn a_thousand_faults_of_every_kind_leave_nothing_behind() {
    const FAULTS: &[&str] = &[
        "cut=0",
        "cut=60",
        "cut=400",
        "reset=0",
        "reset=300",
        "drop",
        "length=longer",
        "length=shorter",
        "length=negative",
        "length=twice",
        "chunks=bad_size",
        "chunks=cut",
        "chunks=no_end",
        "garbage=500",
        "body=html",
        "body=object",
        "body=null",
        "body=empty",
        "status=500",
        "status=503; retry_after=0",
        "status=403",
        "status=404",
        "redirect=https://elsewhere:1/",
        "nested=10000",
        "gzip_bomb=2M",
        "headers=2000",
        "header_bytes=200000",
        // These are no failures: what they say is taken in.
        "wrong_types",
        "duplicate_ids",
        "dangling_parents",
    ];
    if let Ok(url) = std::env::var("ISYM_ALONE") {
        return suffer(&url);
    }
    // The client lives in a process of its own, where nothing but it takes memory.
    let sandbox = Sandbox::start(SandboxConfig::new().users(30)).unwrap();
    let mut process = std::process::Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "a_thousand_faults_of_every_kind_leave_nothing_behind", "--nocapture"]);
    let mut process = process.env("ISYM_ALONE", sandbox.url()).spawn().unwrap();
    let mut strikes = 0;
    let ended = loop {
        if let Some(ended) = process.try_wait().unwrap() {
            break ended;
        }
        let fault = FAULTS[strikes % FAULTS.len()];
        sandbox.fault_from_str(&format!("{fault}; on=*/extensions; times=1")).unwrap();
        let asked = sandbox.request_count();
        strikes += 1;
        let slow = Instant::now() + Duration::from_millis(200);
        while sandbox.request_count() < asked + 5 && Instant::now() < slow {
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    assert!(ended.success(), "after {strikes} faults: {ended}");
    assert!(strikes > 1000, "{strikes}");
}

/// The life of the client: it holds after the faults what it held before.
fn suffer(url: &str) {
    let mut config = Config::new(url).unwrap();
    config.backoff(Duration::from_millis(1), Duration::from_millis(5)).unwrap();
    every_kind(&mut config, ms(1), ms(5));
    config.max_requests_per_second(10000.0).unwrap().body_limit(1 << 20).unwrap();
    config.kinds([Kind::Extension]);
    let live = open_within(VERY_LONG, config);
    let failures = |count: u64| {
        let end = metric(&live, "failed_requests") + count;
        let limit = Some(Duration::from_secs(120));
        look(ms(1), limit, "many failures", || metric(&live, "failed_requests") >= end, String::new);
    };
    failures(300); // What the process allocates once and keeps, is there, or most of it: each thread meets its own bombs.
    let mut all = vec![held()];
    loop {
        failures(1000);
        all.push(held());
        let [.., before, after] = all.as_slice() else { unreachable!("two were pushed") };
        assert!(after.0 == before.0 && after.1 <= before.1 + 8, "{all:?}");
        if after.2 < before.2 + (1 << 20) {
            break;
        }
        assert!(all.len() < 4, "memory grows with every thousand: {all:?}");
    }
    let all_extensions = || live.snapshot().core_server("default").unwrap().extensions().len() == 30;
    until("nothing is too much or missing", all_extensions);
    assert!(live.snapshot().epoch() == 1);
}

#[test]
fn a_server_that_has_no_address_is_told_by_its_name() {
    let mut config = Config::new("http://no-such-server.invalid:58080").unwrap();
    config.backoff(Duration::from_millis(2), Duration::from_millis(50)).unwrap();
    let live = Live::open(config).unwrap();
    let error = live.wait(Some(Duration::from_millis(500))).unwrap_err();
    assert!(error.code() == Code::SyncTimeout && error.message().contains("no-such-server.invalid"), "{error}");
    let problem = live.health().last_error.unwrap();
    assert_eq!(problem.error.code(), Code::ConnectionFailed);
    assert!(problem.error.message().contains("could not be resolved"), "{}", problem.error);
}
