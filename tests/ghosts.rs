//! What the server no longer has is gone everywhere, and all ways to an instance say the same, whatever order its lists are
//! read in.

mod common;

use std::time::{Duration, Instant};

use isymphony::Config;
use isymphony::catalog::{Kind, SubId};
use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use isymphony::snapshot::{Agent, ChangeKind, Extension, Snapshot};
use isymphony::watch::Filter;
use uuid::Uuid;

use common::{LONG, every_kind, ms, open, sandbox, until_shown};

/// A client that asks only when something makes it ask, once everything was read.
fn config(sandbox: &Sandbox) -> Config {
    let mut config = Config::new(&sandbox.url()).unwrap();
    config.events(false);
    config
}

fn agents_of_queues() -> SubId {
    SubId::find(Kind::Queue, "agents").unwrap()
}

/// The agents of all queues: their ids, and their extensions' numbers and ids.
fn agents(snapshot: &Snapshot) -> Vec<(Uuid, String, Uuid)> {
    let queues = snapshot.core_server("default").unwrap().queues();
    let agents = queues.iter().flat_map(|queue| queue.sub(agents_of_queues()).iter());
    let agents = agents.map(|agent| {
        let extension = Agent::try_from(agent).unwrap().extension().unwrap();
        (agent.id(), extension.name().unwrap().to_owned(), extension.id())
    });
    agents.collect()
}

#[test]
fn an_extension_that_is_deleted_is_gone_with_its_agents() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(10).queues(1)).unwrap();
    let live = open(config(&sandbox));
    let (agent, number, extension) = agents(&live.snapshot()).remove(0);
    let user =
        live.snapshot().by_id(extension).unwrap().parents(SubId::find(Kind::User, "extensions").unwrap())[0].id();
    let mut watch = live.watch(Filter::default());
    sandbox.remove_extension(&number).unwrap();
    live.refresh(LONG).unwrap();
    let extensions = SubId::find(Kind::User, "extensions").unwrap();
    until_shown("gone everywhere", &live, |now| {
        // Whatever is asked meanwhile has an answer.
        for id in [agent, extension] {
            now.by_id(id).inspect(|ghost| assert!(!ghost.path().to_string().is_empty() && !ghost.id_path().is_list()));
        }
        let copies = now.by_id(user).unwrap().sub(extensions);
        assert!(now.by_id(extension).is_none() && copies.by_id(extension).is_none());
        now.by_id(agent).is_none()
    });
    let mut told = Vec::new();
    while let Some(change) = watch.next(Some(Duration::ZERO)).unwrap() {
        told.extend(change.resource().map(|resource| (resource.id(), change.kind)));
    }
    for id in [agent, extension] {
        assert!(told.contains(&(id, ChangeKind::Removed)), "{told:?}");
    }
}

#[test]
fn an_agent_says_the_same_wherever_it_is_found() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(10).queues(1)).unwrap();
    let live = open(config(&sandbox));
    let (agent, number, extension) = agents(&live.snapshot()).remove(0);
    let queue = live.snapshot().by_id(agent).unwrap().parents(agents_of_queues())[0].name().unwrap().to_owned();
    let paused = |now: &Snapshot| {
        let in_queue = agents_of_queues();
        let on_extension = SubId::find(Kind::Extension, "agents").unwrap();
        let queues = now.core_server("default").unwrap().queues();
        let queue = queues.find(&queue).unwrap().sub(in_queue).by_id(agent).unwrap();
        let all =
            [queue, now.by_id(extension).unwrap().sub(on_extension).by_id(agent).unwrap(), now.by_id(agent).unwrap()];
        let says = all.map(|agent| Agent::try_from(agent).unwrap().paused());
        assert!(says.iter().all(|paused| *paused == says[0]), "{says:?}");
        says[0]
    };
    let before = paused(&live.snapshot()).unwrap();
    sandbox.pause_agent(&queue, &number, !before).unwrap();
    until_shown("paused", &live, |now| paused(now) == Some(!before));
}

#[test]
fn a_list_that_is_hidden_while_others_still_name_what_was_in_it_does_no_harm() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(10).queues(1)).unwrap();
    let mut config = config(&sandbox);
    config.kinds([Kind::Extension, Kind::Agent]);
    every_kind(&mut config, ms(10), ms(50));
    let live = open(config);
    let before = live.snapshot();
    let server = sandbox.core_server_id();
    sandbox.fault_from_str(&format!("status=404; on=coreServers/{server}/extensions")).unwrap();
    until_shown("hidden", &live, |now| !now.core_server("default").unwrap().extensions().is_known());
    let asked = sandbox.request_count();
    until_shown("asked on", &live, |now| {
        for extension in before.core_server("default").unwrap().extensions().iter() {
            now.by_id(extension.id()).inspect(|copy| assert!(!copy.id_path().is_list()));
        }
        sandbox.request_count() > asked + 20
    });
    sandbox.clear_faults();
    until_shown("back", &live, |now| now.core_server("default").unwrap().extensions().len() > 5);
}

#[test]
fn a_call_that_ends_is_gone_from_its_extension_when_that_is_told() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(10)).unwrap();
    let live = open(config(&sandbox));
    let call = sandbox.add_call("4224", &Caller::new("Ann", "4224")).unwrap();
    live.refresh(LONG).unwrap();
    let calls = |now: &Snapshot| {
        let extension = now.core_server("default").unwrap().extensions().find("4224").unwrap();
        Extension::try_from(extension).unwrap().call_segments().len()
    };
    until_shown("on its extension", &live, |now| calls(now) == 1);
    let mut watch = live.watch(Filter::default().kinds([Kind::CallSegment]));
    sandbox.hang_up(call).unwrap();
    let change = watch.next(LONG).unwrap().unwrap();
    assert_eq!((change.kind, change.resource().unwrap().id()), (ChangeKind::Removed, call));
    assert_eq!(calls(&live.snapshot()), 0);
}

#[test]
fn what_its_own_list_no_longer_has_does_not_come_back_with_an_answer_that_was_asked_for_earlier() {
    let sandbox = Sandbox::start(SandboxConfig::new().ring_time(Duration::from_secs(3600))).unwrap();
    let mut config = config(&sandbox);
    every_kind(&mut config, Duration::from_secs(30), Duration::from_secs(60));
    let live = open(config);
    let call = sandbox.add_call("4224", &Caller::new("Ann", "4224")).unwrap();
    let extension = sandbox.extension_id("4224").unwrap();
    let calls = format!("coreServers/{}/extensions/{extension}/callSegments", sandbox.core_server_id());
    sandbox.override_body(&calls, &format!(r#"[{{"id":"{call}"}}]"#));
    sandbox.fault_from_str(&format!("delay=500ms; on={calls}; times=1")).unwrap();
    sandbox.clear_requests();
    live.refresh(LONG).unwrap();
    // The call is there, and its extension's list is asked for.
    until_shown("asked for", &live, |_| sandbox.requests().iter().any(|request| request.path == calls));
    sandbox.hang_up(call).unwrap();
    live.refresh(LONG).unwrap();
    assert!(live.snapshot().by_id(call).is_none());
    let (start, answered) = (Instant::now(), live.snapshot().generation());
    while start.elapsed() < Duration::from_secs(1) {
        let snapshot = live.snapshot();
        let extension = Extension::try_from(snapshot.by_id(extension).unwrap()).unwrap();
        assert!(extension.call_segments().is_empty(), "a call that is over is back");
    }
    assert!(live.snapshot().generation() > answered, "the answer has come");
}

#[test]
fn what_its_own_list_never_had_is_looked_at_again_soon() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let (extension, short) = (sandbox.extension_id("4224").unwrap(), Uuid::from_u128(7));
    // The list of an extension is read while a call is on it that is over when all calls are read.
    let calls = format!("coreServers/{}/extensions/{extension}/callSegments", sandbox.core_server_id());
    sandbox.override_body(&calls, &format!(r#"[{{"id":"{short}"}}]"#));
    sandbox.add_call("4224", &Caller::new("Ann", "4224")).unwrap();
    let has = |now: &Snapshot| {
        let extension = Extension::try_from(now.by_id(extension).unwrap()).unwrap();
        extension.call_segments().by_id(short).is_some()
    };
    until_shown("the short call", &live, has);
    sandbox.clear_overrides();
    until_shown("gone", &live, |now| !has(now));
}
