//! The sandbox as a client sees it, over real sockets: what there is, and what is answered.
#![cfg(feature = "sandbox")]

#[path = "common/client.rs"]
mod client;

use isymphony::Code;
use isymphony::sandbox::{Caller, RawResponse, Sandbox, SandboxConfig};
use serde_json::{Value, json};

use client::{D, PREFIX, start};

fn vendor(file: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/contract/vendor/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_default_world_holds_the_vendors_objects() {
    let (_sandbox, client) = start(SandboxConfig::new());
    for line in vendor("paths.txt").lines().filter(|line| line.starts_with("http")) {
        let url = line.split('\t').next().unwrap();
        let path = url.split_once("/rest/live/").unwrap().1;
        let extension = client.get(path).json();
        assert_eq!(extension["id"], "ef2faba9-8557-49c1-9ffc-5a71f41c7a23", "{path}");
        assert_eq!(extension["extensionNumber"], "4224");
        assert_eq!(extension["displayName"], "Michael Y");
    }
    let queue: Value = serde_json::from_str(&vendor("queue.json")).unwrap();
    assert_eq!(client.get(&format!("{D}/queues/getByName/5001")).json(), queue);
    assert_eq!(client.list(&format!("{D}/queues"))[0], queue);

    let event: Value = serde_json::from_str(&vendor("event-userLogin.json")).unwrap();
    let mike = client.get(&format!("{D}/users/getByName/mike")).json();
    assert_eq!(mike["id"], event["userId"]);
    let login = client.list(&format!("{D}/users/getByName/mike/logins")).remove(0);
    assert_eq!(login["id"], event["userLoginId"]);
    assert_eq!((&login["ip"], &login["port"]), (&event["ip"], &event["port"]));
    assert_eq!(login["timeConnected"], event["time"]);

    let user = client.get(&format!("{D}/users/getByName/4224")).json();
    assert_eq!(user["displayedName"], "Michael Y (desk)");
    let extensions = client.list(&format!("{D}/users/{}/extensions", user["id"].as_str().unwrap()));
    assert_eq!(extensions[0]["extensionNumber"], "4224");
    assert_eq!(client.list(&format!("{D}/extensions")).len(), 20);
    assert_eq!(client.list(&format!("{D}/users")).len(), 20);
    assert_eq!(client.list(&format!("{D}/conferences")).len(), 2);
    assert_eq!(client.get(&format!("{D}/extensions/getByName/%2A72")).status, 200);
    assert_eq!(client.get(&format!("{D}/users/getByName/front%20desk")).status, 200);
}

#[test]
fn every_sub_resource_of_the_catalogue_answers() {
    use isymphony::catalog::{Kind, Shape, SubId};
    let (sandbox, client) = start(SandboxConfig::new());
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    sandbox.queue_call("5001", &Caller::new("Bob", "5555678")).unwrap();
    sandbox.answer(call).unwrap();
    let mut seen = vec![(Kind::CoreServer, client.list("coreServers")[0].clone(), D.to_owned())];
    let mut next = 0;
    while next < seen.len() {
        let (kind, object, path) = seen[next].clone();
        next += 1;
        assert_eq!(client.get(&path).json(), object, "{path}");
        for sub in SubId::of(kind) {
            let sub_path = format!("{path}/{}", sub.row().segment);
            let objects = match sub.row().shape {
                Shape::List => client.list(&sub_path),
                Shape::Singleton => vec![client.get(&sub_path).json()],
            };
            if sub_path.matches('/').count() > 8 {
                continue;
            }
            for object in objects.into_iter().take(2) {
                let path = match sub.row().shape {
                    Shape::List => format!("{sub_path}/{}", object["id"].as_str().unwrap()),
                    Shape::Singleton => sub_path.clone(),
                };
                seen.push((sub.row().kind, object, path));
            }
        }
    }
    for kind in Kind::ALL {
        assert!(seen.iter().any(|(k, ..)| *k == kind), "{kind}");
    }
}

#[test]
fn errors_have_the_status_the_vendor_says_and_a_reason() {
    let (_sandbox, client) = start(SandboxConfig::new());
    let id = "11111111-2222-4333-8444-555555555555";
    for (path, reason) in [
        ("coreServers/getByName/nowhere", "no CoreServer has the slug nowhere"),
        (&format!("coreServers/{id}/users"), "no CoreServer has the id 11111111"),
        (&format!("{D}/extensions/getByName/999"), "no Extension has the extensionNumber 999"),
        (&format!("{D}/extensions/{id}"), "no Extension has the id"),
        (&format!("{D}/phones"), "below it are users"),
        ("nothing", "a path starts with"),
    ] {
        let response = client.get(path);
        assert_eq!(response.status, 404, "{path}");
        assert!(response.text.contains(reason), "{}", response.text);
    }
    let response = client.get(&format!("{D}/extensions/getByName/4224/originate"));
    assert_eq!(response.status, 405);
    assert_eq!(response.headers["allow"], "POST, OPTIONS");
    let response = client.post(&format!("{D}/users"), "{}");
    assert_eq!(response.status, 405);
    assert_eq!(response.headers["allow"], "GET, HEAD, OPTIONS");
    let options = client.agent.options(format!("{}/{PREFIX}/{D}/queues", client.url)).call().unwrap();
    assert_eq!(options.headers()["allow"], "GET, HEAD, OPTIONS");
    let head = client.agent.head(format!("{}/{PREFIX}/{D}/queues", client.url)).call().unwrap();
    assert_eq!(head.status(), 200);

    let set = format!("{D}/users/getByName/4224/status/set");
    for (body, reason) in [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        (r#"{"type":"away"}"#, "the property name is missing"),
        (r#"{"name":"x","type":"asleep"}"#, "the property type must be one of available"),
        (r#"{"name":"x","type":"away","returnTime":"soon"}"#, "returnTime must be a whole number"),
    ] {
        let response = client.post(&set, body);
        assert_eq!(response.status, 412, "{body}");
        assert!(response.text.contains(reason), "{}", response.text);
    }
    let originate = format!("{D}/extensions/getByName/4224/originate");
    assert_eq!(client.post(&originate, r#"{"destination":" "}"#).status, 412);
    let login = format!("{D}/queues/getByName/5001/login");
    assert_eq!(client.post(&login, r#"{"extensionId":"4224"}"#).status, 412);
    assert_eq!(client.post(&login, &json!({ "extensionId": id.to_string() }).to_string()).status, 412);
}

#[test]
fn who_may_not_come_in_is_told_so() {
    let (sandbox, mut client) = start(SandboxConfig::new().credentials("manager", "open sesame"));
    assert_eq!(sandbox.username().as_deref(), Some("manager"));
    let response = client.get("coreServers");
    assert_eq!(response.status, 401);
    assert!(response.headers["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    client.credentials = Some("Basic bWFuYWdlcjpvcGVuIHNlc2FtZQ==");
    assert_eq!(client.get("coreServers").status, 200);
    let requests = sandbox.requests();
    assert_eq!(requests.iter().map(|r| (r.status, r.authorized)).collect::<Vec<_>>(), [(401, false), (200, true)]);
    sandbox.set_denied(true);
    assert_eq!(client.get("coreServers").status, 403);
    sandbox.set_demand_tls(true);
    let response = client.get("coreServers");
    assert_eq!(response.status, 302);
    assert_eq!(response.headers["location"], format!("https://127.0.0.1:55050/{PREFIX}/coreServers").as_str());
    sandbox.set_demand_tls(false);
    sandbox.set_denied(false);
    sandbox.set_credentials(Some(("manager", "changed"))).unwrap();
    assert_eq!(client.get("coreServers").status, 401);
    assert_eq!(sandbox.set_credentials(Some(("a:b", "c"))).unwrap_err().code(), Code::Config);
    sandbox.set_credentials(None).unwrap();
    assert_eq!(client.get("coreServers").status, 200);
    let shown = format!("{sandbox:?} {:?}", SandboxConfig::new().credentials("manager", "open sesame"));
    assert!(!shown.contains("sesame"), "{shown}");
}

#[test]
fn licences_hide_what_they_hide() {
    let (sandbox, client) = start(SandboxConfig::new().users(10).lite_users(3));
    assert_eq!(client.list(&format!("{D}/users")).len(), 10);
    assert_eq!(client.list(&format!("{D}/extensions")).len(), 7);
    let hidden = sandbox.extension_numbers()[9].clone();
    assert_eq!(client.get(&format!("{D}/extensions/getByName/{hidden}")).status, 404);
    let users = client.list(&format!("{D}/users"));
    let lite = users[9]["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("{D}/users/{lite}/status")).status, 404);
    assert_eq!(client.list(&format!("{D}/users/{lite}/extensions")).len(), 0);
    let call = sandbox.add_call(&hidden, &Caller::new("Ada", "1")).unwrap();
    assert_eq!(client.list(&format!("{D}/callSegments")).len(), 0);
    assert_eq!(client.get(&format!("{D}/callSegments/{call}")).status, 404);

    sandbox.set_full_user(users[9]["userName"].as_str().unwrap(), true).unwrap();
    assert_eq!(client.list(&format!("{D}/extensions")).len(), 8);
    assert_eq!(client.list(&format!("{D}/callSegments")).len(), 1);
    sandbox.set_licensing(false);
    assert_eq!(client.list(&format!("{D}/extensions")).len(), 10);

    sandbox.set_queue_enabled("5002", false).unwrap();
    assert_eq!(client.list(&format!("{D}/queues")).len(), 2);
    assert_eq!(client.get(&format!("{D}/queues/getByName/5002/agents")).status, 404);
    sandbox.set_conferences_enabled(false);
    assert_eq!(client.list(&format!("{D}/conferences")).len(), 0);
}

#[test]
fn a_status_is_set_and_unset_properties_have_their_defaults() {
    let (_sandbox, client) = start(SandboxConfig::new());
    let status = format!("{D}/users/getByName/4224/status");
    let before = client.get(&status).json();
    let response =
        client.post(&format!("{status}/set"), r#"{"name":"Lunch","type":"away","note":"Über","returnTime":5}"#);
    assert_eq!((response.status, response.text.as_str()), (204, ""));
    let after = client.get(&status).json();
    assert_eq!((&after["name"], &after["type"], &after["note"]), (&json!("Lunch"), &json!("away"), &json!("Über")));
    assert_eq!((&after["returnTime"], &after["id"]), (&json!(5), &before["id"]));
    client.post(&format!("{status}/set"), r#"{"name":"Back","type":"available"}"#);
    let after = client.get(&status).json();
    assert_eq!((&after["note"], &after["returnTime"]), (&json!(""), &json!(-1)));
}

#[test]
fn scripts_move_the_world() {
    let (sandbox, client) = start(SandboxConfig::new().core_servers(["default", "west"]));
    sandbox.add_user("zoë b", "Zoë B").unwrap();
    let id = sandbox.add_extension("77/1", "Zoë", Some("zoë b")).unwrap();
    assert_eq!(client.get(&format!("{D}/extensions/getByName/77%2F1")).json()["id"], id.to_string());
    assert_eq!(client.list(&format!("{D}/users/getByName/zo%C3%AB%20b/extensions")).len(), 1);
    sandbox.rename_extension("77/1", "7701").unwrap();
    sandbox.set_display_name("7701", "Z\"\n").unwrap();
    assert_eq!(client.get(&format!("{D}/extensions/getByName/77%2F1")).status, 404);
    assert_eq!(client.get(&format!("{D}/extensions/{id}")).json()["displayName"], "Z\"\n");
    assert_eq!(client.list(&format!("{D}/extensions")).len(), 21);
    sandbox.log_in_user("zoë b", "10.0.0.1", 5000).unwrap();
    assert_eq!(client.list(&format!("{D}/users/getByName/zo%C3%AB%20b/logins")).len(), 1);
    sandbox.log_out_user("zoë b").unwrap();
    sandbox.set_status("zoë b", "Out", "away", "", -1).unwrap();
    sandbox.log_in_agent("5003", "7701").unwrap();
    sandbox.set_agent_state("5003", "7701", "UNAVAILABLE").unwrap();
    assert_eq!(sandbox.set_agent_state("5003", "7701", "ASLEEP").unwrap_err().code(), Code::InvalidArgument);
    sandbox.remove_user("zoë b").unwrap();
    assert_eq!(client.get(&format!("{D}/users/getByName/zo%C3%AB%20b")).status, 404);
    assert_eq!(client.list(&format!("{D}/extensions")).len(), 20);
    sandbox.remove_extension("7701").unwrap();
    assert_eq!(sandbox.extension_id("7701").unwrap_err().code(), Code::NotFound);
    assert_eq!(client.list(&format!("{D}/queues/getByName/5003/agents")).len(), 4);

    let west = sandbox.core_server("west").unwrap();
    west.add_queue("q a", "Q").unwrap();
    assert_eq!(client.get("coreServers/getByName/west/queues/getByName/q%20a").status, 200);
    assert_eq!(client.get(&format!("{D}/queues/getByName/q%20a")).status, 404);
    assert_eq!(sandbox.core_server("east").unwrap_err().code(), Code::NotFound);
    assert_eq!(client.list("coreServers").len(), 2);
}

#[test]
fn requests_are_remembered() {
    let (sandbox, client) = start(SandboxConfig::new().max_requests_kept(3));
    client.get("coreServers/getByName/a%2Fb");
    let record = sandbox.requests().remove(0);
    assert_eq!((record.method.as_str(), record.status), ("GET", 404));
    assert_eq!(record.path, "coreServers/getByName/a%2Fb");
    assert_eq!(record.decoded_path(), "coreServers/getByName/a/b");
    client.post(&format!("{D}/extensions/getByName/4224/originate"), r#"{"destination":"1"}"#);
    assert_eq!(sandbox.requests()[1].body, r#"{"destination":"1"}"#);
    (0..4).for_each(|_| drop(client.get("coreServers")));
    assert_eq!((sandbox.requests().len(), sandbox.request_count()), (3, 6));
    sandbox.clear_requests();
    assert_eq!((sandbox.requests().len(), sandbox.request_count()), (0, 0));
}

#[test]
fn given_answers_replace_the_models() {
    let (sandbox, client) = start(SandboxConfig::new());
    sandbox.override_body(&format!("{D}/users"), "[{\"id\": 7}]");
    assert_eq!(client.get(&format!("{D}/users")).text, "[{\"id\": 7}]");
    assert_eq!(client.get(&format!("{D}/users/getByName/4224")).status, 200);
    sandbox.respond_with("POST *", RawResponse::status(409, "no").header("X-A", "b\r\nX-C: d"));
    let response = client.post(&format!("{D}/extensions/getByName/4224/enableDnd"), "");
    assert_eq!((response.status, response.text.as_str()), (409, "no"));
    assert!(response.headers.get("x-c").is_none());
    assert!(!sandbox.dnd("4224").unwrap());
    sandbox.clear_overrides();
    assert_eq!(client.list(&format!("{D}/users")).len(), 20);
}

#[test]
fn bad_settings_are_refused() {
    for config in [
        SandboxConfig::new().lite_users(21),
        SandboxConfig::new().core_servers(["a", "a"]),
        SandboxConfig::new().core_servers(Vec::<String>::new()),
        SandboxConfig::new().calls_per_second(f64::NAN),
        SandboxConfig::new().credentials("a:b", ""),
        SandboxConfig::new().queues(3000),
        SandboxConfig::new().calls_at_start(1_000_001),
        SandboxConfig::new().max_connections(0),
    ] {
        assert_eq!(Sandbox::start(config).unwrap_err().code(), Code::Config);
    }
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    assert_eq!(Sandbox::start(SandboxConfig::new().port(sandbox.port())).unwrap_err().code(), Code::Config);
    assert_eq!(sandbox.originate("4224", "").unwrap_err().code(), Code::InvalidArgument);
    let call = sandbox.add_call("4224", &Caller::new("Ann", "5550001")).unwrap();
    assert_eq!(sandbox.transfer(call, "").unwrap_err().code(), Code::InvalidArgument);
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&sandbox);
    Sandbox::start(SandboxConfig::new().users(0).queues(1)).unwrap();
}
