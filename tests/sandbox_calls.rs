//! The sandbox as a client sees it, over real sockets: calls, and the agents and queues that they go to.
#![cfg(feature = "sandbox")]

#[path = "common/client.rs"]
mod client;
mod common;

use std::time::Duration;

use isymphony::Code;
use isymphony::sandbox::{Caller, SandboxConfig};
use serde_json::json;

use client::{D, start};
use common::until;

fn quick() -> SandboxConfig {
    SandboxConfig::new().ring_time(Duration::from_millis(20))
}

#[test]
fn an_originated_call_rings_links_and_ends() {
    let (sandbox, client) =
        start(SandboxConfig::new().ring_time(Duration::from_millis(150)).call_duration(Duration::from_millis(400)));
    let mikes = sandbox.extension_numbers()[1].clone();
    let calls = |number: &str| client.list(&format!("{D}/extensions/getByName/{number}/callSegments"));
    let state = |number: &str| {
        let agents = client.list(&format!("{D}/extensions/getByName/{number}/agents"));
        agents[0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state("4224"), "NOT_INUSE");
    let body = json!({ "destination": mikes }).to_string();
    let response = client.post(&format!("{D}/extensions/getByName/4224/originate"), &body);
    assert_eq!(response.status, 204, "{}", response.text);
    let own = calls("4224");
    assert_eq!((own.len(), &own[0]["incoming"], &own[0]["type"]), (1, &json!(false), &json!("INTERNAL")));
    assert_eq!((state("4224"), state(&mikes)), ("RINGING".to_owned(), "NOT_INUSE".to_owned()));
    until("mike rings", || calls(&mikes).len() == 1);
    assert_eq!((state("4224"), state(&mikes)), ("INUSE".to_owned(), "RINGING".to_owned()));
    assert_eq!(calls(&mikes)[0]["callerId"]["number"], "4224");
    until("mike answers", || state(&mikes) == "INUSE");
    assert_eq!(client.list(&format!("{D}/callSegments")).len(), 2);
    until("the call ends", || client.list(&format!("{D}/callSegments")).is_empty());
    assert_eq!((state("4224"), state(&mikes)), ("NOT_INUSE".to_owned(), "NOT_INUSE".to_owned()));
}

#[test]
fn do_not_disturb_lets_no_call_through() {
    let (sandbox, client) = start(quick());
    let mikes = sandbox.extension_numbers()[1].clone();
    assert_eq!(client.post(&format!("{D}/extensions/getByName/{mikes}/enableDnd"), "").status, 204);
    assert!(sandbox.dnd(&mikes).unwrap());
    sandbox.originate("4224", &mikes).unwrap();
    assert_eq!(sandbox.add_internal_call("4224", &mikes).unwrap_err().code(), Code::Rejected);
    until("busy", || sandbox.call_segment_count() == 0);
    assert_eq!(client.post(&format!("{D}/extensions/getByName/{mikes}/disableDnd"), "").status, 204);
    assert!(!sandbox.dnd(&mikes).unwrap());
    sandbox.originate("4224", &mikes).unwrap();
    until("both talk", || sandbox.call_segment_count() == 2);
}

#[test]
fn agents_log_in_and_out_and_pause() {
    let (sandbox, client) = start(SandboxConfig::new());
    let free = sandbox.extension_numbers()[15].clone();
    let id = sandbox.extension_id(&free).unwrap();
    let body = json!({ "extensionId": id.to_string() }).to_string();
    let queue = format!("{D}/queues/getByName/5001");
    let agents = || client.list(&format!("{queue}/agents"));
    assert_eq!(agents().len(), 4);
    assert_eq!(agents().iter().filter(|a| a["dynamic"] == true).count(), 1);
    assert_eq!(client.post(&format!("{queue}/login"), &body).status, 204);
    let again = client.post(&format!("{queue}/login"), &body);
    assert_eq!((again.status, again.text.as_str()), (412, "the extension is already logged in to the queue"));
    let agent = agents().remove(4);
    assert_eq!((&agent["dynamic"], &agent["paused"]), (&json!(true), &json!(false)));
    let path = format!("{queue}/agents/{}", agent["id"].as_str().unwrap());
    assert_eq!(client.get(&format!("{path}/extension")).json()["extensionNumber"], free.as_str());
    assert_eq!(client.post(&format!("{path}/pause"), "").status, 204);
    assert_eq!(client.get(&path).json()["paused"], true);
    assert_eq!(client.post(&format!("{path}/unpause"), "").status, 204);
    assert_eq!(client.post(&format!("{path}/setPenalty"), r#"{"penalty":7}"#).status, 204);
    assert_eq!(client.post(&format!("{path}/setPenalty"), r#"{"penalty":-1}"#).status, 412);
    assert_eq!(client.get(&format!("{path}/statistics")).json()["penalty"], 7);
    assert_eq!(client.post(&format!("{path}/logout"), "").status, 204);
    assert_eq!(client.get(&path).status, 404);
    assert_eq!(client.post(&format!("{queue}/logout"), &body).status, 412);
    assert_eq!(agents().len(), 4);
}

#[test]
fn a_queue_rings_its_free_agents() {
    let (sandbox, client) = start(quick());
    let agents = sandbox.extension_numbers()[..4].to_vec();
    sandbox.pause_agent("5001", &agents[0], true).unwrap();
    sandbox.set_dnd(&agents[1], true).unwrap();
    let call = sandbox.queue_call("5001", &Caller::new("Ada", "5551234").did("s")).unwrap();
    let waiting = || client.list(&format!("{D}/queues/getByName/5001/callSegments"));
    assert_eq!((waiting().len(), &waiting()[0]["did"]), (1, &json!("s")));
    assert!(sandbox.call_segments(&agents[0]).unwrap().is_empty());
    assert!(sandbox.call_segments(&agents[1]).unwrap().is_empty());
    let ringing = sandbox.call_segments(&agents[2]).unwrap();
    assert_eq!(ringing.len(), 1);
    // Who rejects leaves the caller waiting; sooner or later somebody rings again.
    sandbox.hang_up(ringing[0]).unwrap();
    assert_eq!(waiting().len(), 1);
    until("rings again", || agents.iter().any(|a| !sandbox.call_segments(a).unwrap().is_empty()));
    sandbox.answer(call).unwrap();
    assert!(waiting().is_empty());
    let id = sandbox.agent_id("5001", &agents[2]).unwrap();
    let statistics = client.get(&format!("{D}/queues/getByName/5001/agents/{id}/statistics")).json();
    assert_eq!(statistics["callsTaken"], 1);
    sandbox.hang_up(call).unwrap();
    assert_eq!(sandbox.call_segment_count(), 0);
}

#[test]
fn calls_are_transferred() {
    let (sandbox, client) = start(quick());
    let numbers = sandbox.extension_numbers();
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    sandbox.answer(call).unwrap();
    sandbox.hold(call, true).unwrap();
    sandbox.record(call, true).unwrap();
    let path = format!("{D}/callSegments/{call}");
    assert_eq!(client.get(&path).json()["onHold"], true);
    assert_eq!(client.get(&path).json()["recording"], true);
    let transfer =
        |to: &str| client.post(&format!("{path}/transfer"), &json!({ "destination": to }).to_string()).status;
    assert_eq!(transfer(&numbers[1]), 204);
    assert_eq!(sandbox.call_segments(&numbers[1]).unwrap(), [call]);
    assert!(sandbox.call_segments("4224").unwrap().is_empty());
    assert_eq!(transfer("8001"), 204);
    assert_eq!(client.list(&format!("{D}/conferences/getByName/8001/callSegments"))[0]["id"], call.to_string());
    assert_eq!(transfer("5002"), 204);
    assert_eq!(client.list(&format!("{D}/queues/getByName/5002/callSegments"))[0]["id"], call.to_string());
    assert!(client.list(&format!("{D}/conferences/getByName/8001/callSegments")).is_empty());
    sandbox.hang_up_all();

    // Who waits in a queue goes alone; the agent who rang for him rings no longer.
    let call = sandbox.queue_call("5001", &Caller::new("Ada", "5551234")).unwrap();
    assert_eq!(sandbox.call_segment_count(), 2);
    sandbox.transfer(call, "8001").unwrap();
    assert_eq!(sandbox.call_segment_count(), 1);
    assert_eq!(client.list(&format!("{D}/conferences/getByName/8001/callSegments"))[0]["id"], call.to_string());
    sandbox.hang_up_all();

    // Of a pair, the other side goes into the room.
    let (caller, called) = sandbox.add_internal_call("4224", &numbers[1]).unwrap();
    sandbox.answer(called).unwrap();
    sandbox.transfer(called, "8002").unwrap();
    let there = client.list(&format!("{D}/conferences/getByName/8002/callSegments"));
    assert_eq!((there.len(), &there[0]["id"]), (1, &json!(caller.to_string())));
    assert_eq!(sandbox.call_segment_count(), 1);
}

#[test]
fn the_background_makes_calls() {
    let config = quick().calls_per_second(200.0).call_duration(Duration::from_millis(200)).calls_at_start(4).seed(3);
    let (sandbox, client) = start(config);
    assert!(sandbox.call_segment_count() >= 6);
    let mut seen = std::collections::HashSet::new();
    until("calls come and go", || {
        seen.extend(client.list(&format!("{D}/callSegments")).iter().map(|s| s["id"].to_string()));
        seen.len() > 100
    });
    assert!(sandbox.call_segment_count() < 200);
}
