//! The doctor against the sandbox, over real sockets: what it finds, what it says, and that it changes nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use isymphony::Config;
use isymphony::catalog::{Kind, RESOURCES, SUBS};
use isymphony::doctor::{self, NameVerdict, Options, Passed, Report, Severity, Verdict};
use isymphony::sandbox::{Caller, Fault, RawResponse, Sandbox, SandboxConfig, Times};

fn config(url: &str) -> Config {
    let mut config = Config::new(url).unwrap();
    config.max_requests_per_second(5000.0).unwrap();
    config
}

fn examine(sandbox: &Sandbox) -> Report {
    doctor::examine(&config(&sandbox.url()), &Options::default())
}

/// A world in which every kind has an instance.
fn world() -> Sandbox {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    sandbox.log_in_user("mike", "10.0.0.7", 4711).unwrap();
    sandbox.add_call("4224", &Caller::new("Ada Lovelace", "5551234")).unwrap();
    sandbox
}

fn step(report: &Report, name: &str) -> (Passed, String) {
    let step = report.connection.iter().find(|step| step.name == name).unwrap();
    (step.passed, step.detail.clone())
}

fn only_reads(sandbox: &Sandbox) {
    let requests = sandbox.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert!(matches!(request.method.as_str(), "GET" | "OPTIONS"), "{request:?}");
        assert!(request.body.is_empty(), "{request:?}");
    }
}

fn finding<'r>(report: &'r Report, about: &str) -> &'r doctor::Finding {
    let found = report.findings.iter().find(|finding| finding.about == about);
    found.unwrap_or_else(|| panic!("nothing about {about}: {:#?}", report.findings))
}

#[test]
fn a_healthy_server_has_what_the_catalogue_says() {
    let sandbox = world();
    let report = examine(&sandbox);
    assert!(report.ok() && report.is_connected(), "{report}");
    assert_eq!(report.count(Severity::Warning), 0, "{report}");
    assert_eq!(report.sets.len(), SUBS.len() + 1);
    for set in &report.sets {
        assert_eq!(set.verdict, Verdict::Present, "{set:?}");
    }
    for kind in Kind::ALL {
        let check = report.kind(kind).unwrap();
        assert!(check.sampled >= 1 && check.sampled <= 3, "{check:?}");
        assert_eq!(check.asked_by_id, check.found_by_id);
        for property in &check.properties {
            assert_eq!(property.present + property.null, check.sampled, "{kind}: {property:?}");
        }
        if let Some(name) = &check.symbolic_name {
            assert_eq!(name.verdict, NameVerdict::Works, "{kind}: {name:?}");
        }
    }
    let actions: usize = RESOURCES.iter().map(|row| row.actions.len()).sum();
    assert_eq!(report.actions.len(), actions);
    for action in &report.actions {
        assert_eq!(action.verdict, Verdict::Present, "{action:?}");
    }
    assert_eq!(report.overlay(), None);
    assert_eq!(report.event_api.passed, Passed::Yes, "{:?}", report.event_api);
    assert!(report.event_api.detail.contains("opens"));
    assert_eq!(report.verdicts.into_iter().collect::<Vec<_>>(), [("present", SUBS.len() + 1 + actions)]);
    only_reads(&sandbox);
}

#[test]
fn only_the_core_servers_that_are_wanted_are_examined() {
    let sandbox = Sandbox::start(SandboxConfig::new().core_servers(["a", "b", "c"])).unwrap();
    let mut config = config(&sandbox.url());
    config.core_servers(["b"]).unwrap();
    let report = doctor::examine(&config, &Options::default());
    assert_eq!(report.kind(Kind::CoreServer).unwrap().sampled, 1);
    let b = sandbox.core_server("b").unwrap().core_server_id();
    let users = report.set("CoreServer.users").unwrap();
    assert_eq!((users.asked, users.example.clone()), (1, Some(format!("coreServers/{b}/users"))));
    assert!(report.ok(), "{report}");

    config.core_servers(["b", "nowhere"]).unwrap();
    let report = doctor::examine(&config, &Options::default());
    assert!(
        !report.ok() && finding(&report, "coreServers").message.contains("no core server named nowhere"),
        "{report}"
    );
    config.core_servers(["c"]).unwrap();
    let report = doctor::examine(&config, &Options::default().sample(1).search(1));
    assert_eq!(report.kind(Kind::CoreServer).unwrap().sampled, 1);
}

#[test]
fn it_prints_a_table_and_json_without_a_value() {
    let sandbox = world();
    let mut config = config(&sandbox.url());
    config.credentials("manager", "hunter2").unwrap();
    let report = doctor::examine(&config, &Options::default());
    let (table, json) = (report.to_string(), report.to_json());
    for line in table.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    for says in
        ["CONNECTION", "User.status", "extensionNumber", "Extension.originate", "OPTIONS lists POST", "FINDINGS"]
    {
        assert!(table.contains(says), "{says}: {table}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["sets"][0]["name"], "coreServers");
    assert_eq!(parsed["kinds"][1]["kind"], "User");
    assert_eq!(parsed["actions"][0]["verdict"], "present");
    for text in [&table, &json] {
        for secret in ["hunter2", "Ada Lovelace", "5551234", "Michael", "mike", "10.0.0.7", "4224"] {
            // An id may hold such digits by chance.
            let digits = secret.chars().all(|c| c.is_ascii_digit());
            let found = text.split(|c: char| !(c.is_alphanumeric() || digits && c == '-')).any(|word| word == secret);
            assert!(!found, "{secret}: {text}");
        }
    }
}

#[test]
fn what_stands_in_the_way_is_named() {
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "right")).unwrap();
    let ask = |user: Option<(&str, &str)>| {
        let mut config = config(&sandbox.url());
        if let Some((user, password)) = user {
            config.credentials(user, password).unwrap();
        }
        doctor::examine(&config, &Options::default())
    };
    for (user, says) in [(Some(("manager", "hunter2")), "check both"), (None, "none are set")] {
        let report = ask(user);
        let (passed, detail) = step(&report, "credentials");
        assert_eq!(passed, Passed::No);
        assert!(detail.contains(says), "{detail}");
        assert_eq!(step(&report, "access").0, Passed::NotReached);
        assert!(!report.ok() && !report.is_connected() && report.sets.is_empty() && report.requests == 1);
        assert!(!report.to_string().contains("hunter2") && !report.to_json().contains("hunter2"));
        assert_eq!(report.overlay(), None);
    }
    assert!(ask(Some(("manager", "right"))).ok());

    sandbox.set_denied(true);
    let report = ask(Some(("manager", "right")));
    assert_eq!(step(&report, "access").0, Passed::No);
    assert!(finding(&report, "access").advice.contains("access control list"));
    sandbox.set_denied(false);

    sandbox.set_demand_tls(true);
    let report = ask(Some(("manager", "right")));
    assert_eq!((step(&report, "connection").0, step(&report, "tls").0), (Passed::Yes, Passed::No));
    assert!(finding(&report, "tls").message.contains("55050"), "{report}");
    sandbox.set_demand_tls(false);

    sandbox.stop_listening();
    let report = ask(None);
    assert_eq!((step(&report, "name").0, step(&report, "connection").0), (Passed::Yes, Passed::No), "{report}");
    only_reads(&sandbox);
}

#[test]
fn an_unusable_address_is_named() {
    let report = doctor::examine(&config("http://no-such-host.invalid"), &Options::default());
    assert_eq!(step(&report, "name").0, Passed::No, "{report}");
    let sandbox = world();
    let report = doctor::examine(&config(&sandbox.url().replace("http:", "https:")), &Options::default());
    assert_eq!((step(&report, "connection").0, step(&report, "tls").0), (Passed::Yes, Passed::No), "{report}");
    let mut config = config("https://pbx");
    config.ca_file("no-such-file.pem");
    let report = doctor::examine(&config, &Options::default());
    assert_eq!((step(&report, "settings").0, report.requests), (Passed::No, 0), "{report}");
}

#[test]
fn what_a_licence_hides_is_told_from_what_is_not_there() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(5).lite_users(5)).unwrap();
    let report = examine(&sandbox);
    let status = report.set("User.status").unwrap();
    assert_eq!((status.verdict, status.asked, status.absent), (Verdict::Hidden, 5, 5));
    assert!(status.reason.as_ref().unwrap().contains("licensed"));
    assert_eq!(report.action("Status.set").unwrap().reason, "no Status to ask");
    assert!(report.overlay().unwrap().contains("# [subs.\"User.status\"]"));
    Config::new("http://pbx").unwrap().overlay(&report.overlay().unwrap()).unwrap();

    let sandbox = Sandbox::start(SandboxConfig::new().users(5).lite_users(2)).unwrap();
    let report = examine(&sandbox);
    assert_eq!(report.set("User.status").unwrap().verdict, Verdict::Present);

    let sandbox = world();
    sandbox.respond_with("*/logins", RawResponse::status(404, "what?"));
    sandbox.respond_with("*/queues", RawResponse::status(403, "no"));
    sandbox.respond_with("*/conferences", RawResponse::status(500, "oh"));
    sandbox.override_body("coreServers/*/users/*/extensions", "{\"secret\": 1");
    let report = examine(&sandbox);
    let verdict = |name| report.set(name).unwrap().verdict;
    assert_eq!(verdict("User.logins"), Verdict::Absent);
    assert_eq!(verdict("CoreServer.queues"), Verdict::Forbidden);
    assert_eq!(verdict("CoreServer.conferences"), Verdict::Broken);
    assert_eq!(verdict("User.extensions"), Verdict::Broken);
    assert_eq!(verdict("Queue.agents"), Verdict::Unknown);
    assert!(report.set("Queue.agents").unwrap().reason.as_ref().unwrap().contains("no Queue"));
    assert!(!report.ok() && !report.to_json().contains("secret"));
    let overlay = report.overlay().unwrap();
    assert!(overlay.contains("[subs.\"User.logins\"]\nabsent = true"), "{overlay}");
}

#[test]
fn properties_are_counted_by_what_they_are() {
    let sandbox = world();
    let body = r#"[
        {"id": "11111111-1111-4111-8111-111111111111", "userName": "x", "displayedName": null, "configurationId": 7},
        {"id": "22222222-2222-4222-8222-222222222222", "userName": "y", "displayedName": "Y", "configurationId": "c",
         "shoeSize": 41.5, "e\u001b[31mvil": "hunter2"}
    ]"#;
    sandbox.override_body("*/users", body);
    let report = examine(&sandbox);
    let users = report.kind(Kind::User).unwrap();
    assert_eq!((users.sampled, users.asked_by_id, users.found_by_id), (2, 2, 0));
    let count = |name: &str| {
        let p = users.properties.iter().find(|property| property.name == name).unwrap();
        (p.present, p.null, p.missing, p.other_type)
    };
    assert_eq!(count("userName"), (2, 0, 0, 0));
    assert_eq!(count("displayedName"), (1, 1, 0, 0));
    assert_eq!(count("configurationId"), (1, 0, 0, 1));
    assert_eq!(count("permissionId"), (0, 0, 2, 0));
    let unknown: Vec<_> =
        users.unknown.iter().map(|u| (u.name.as_str(), u.types.keys().next().copied().unwrap())).collect();
    assert_eq!(unknown, [("e\\u{1b}[31mvil", "string"), ("shoeSize", "number")]);
    assert!(finding(&report, "User.configurationId").message.contains("integer"));
    assert_eq!(finding(&report, "User.permissionId").severity, Severity::Warning);
    assert!(finding(&report, "User").message.contains("by id"));
    let text = report.to_string();
    assert!(!text.contains('\u{1b}') && !text.contains("hunter2") && !report.to_json().contains("hunter2"));
}

#[test]
fn another_symbolic_name_is_found() {
    let sandbox = Sandbox::start(SandboxConfig::new().conferences(1)).unwrap();
    let room = r#"{"id": "11111111-1111-4111-8111-111111111111", "identifier": "8001", "dialString": "*8001 a/b",
        "displayName": "Room"}"#;
    sandbox.override_body("*/conferences", &format!("[{room}]"));
    sandbox.override_body("*/conferences/getByName/%2A8001%20a%2Fb", room);
    let report = examine(&sandbox);
    let name = report.kind(Kind::ConferenceRoom).unwrap().symbolic_name.as_ref().unwrap();
    assert_eq!((name.property, name.mark, name.verdict), ("identifier", 'I', NameVerdict::Fails));
    assert_eq!(name.instead, ["dialString"]);
    assert!(finding(&report, "ConferenceRoom.identifier").advice.contains("symbolic_name = \"dialString\""));
    let overlay = report.overlay().unwrap();
    assert!(overlay.contains("[kinds.ConferenceRoom]\nsymbolic_name = \"dialString\""), "{overlay}");
    assert!(!overlay.contains("8001"));

    // With the overlay it is as it should be, and the overlay stays as it is.
    let mut config = config(&sandbox.url());
    config.overlay(&overlay).unwrap();
    let report = doctor::examine(&config, &Options::default());
    let name = report.kind(Kind::ConferenceRoom).unwrap().symbolic_name.as_ref().unwrap();
    assert_eq!((name.property, name.mark, name.verdict), ("dialString", 'S', NameVerdict::Works));
    assert!(report.overlay().unwrap().contains("symbolic_name = \"dialString\""));
}

#[test]
fn actions_are_told_apart_without_carrying_one_out() {
    let sandbox = world();
    let not_found = || RawResponse::status(404, "nothing");
    let not_allowed = || RawResponse::status(405, "POST only").header("Allow", "POST");
    sandbox.respond_with("*/originate", not_found());
    // Without OPTIONS the GET decides.
    sandbox.respond_with("OPTIONS */enableDnd", RawResponse::status(501, "what?"));
    sandbox.respond_with("GET */disableDnd", not_allowed());
    sandbox.respond_with("OPTIONS */disableDnd", RawResponse::status(200, "").header("Allow", "GET"));
    sandbox.respond_with("*/pause", RawResponse::status(500, "oh"));
    sandbox.respond_with("*/unpause", RawResponse::status(403, "no"));
    let report = examine(&sandbox);
    let check = |name: &str| (report.action(name).unwrap().verdict, report.action(name).unwrap().reason.as_str());
    assert_eq!(check("Extension.originate"), (Verdict::Absent, "GET answers 404"));
    assert_eq!(check("Extension.enable_dnd"), (Verdict::Present, "GET answers 405"));
    assert_eq!(check("Extension.disable_dnd"), (Verdict::Present, "GET answers 405"));
    assert_eq!(check("Agent.pause").0, Verdict::Unknown);
    assert_eq!(check("Agent.unpause").0, Verdict::Forbidden);
    assert_eq!(check("Status.set"), (Verdict::Present, "OPTIONS lists POST"));
    let overlay = report.overlay().unwrap();
    assert!(overlay.contains("# [actions.\"Extension.originate\"]\n# path = \"\""), "{overlay}");
    Config::new("http://pbx").unwrap().overlay(&overlay).unwrap();

    // A path that the settings moved is asked where it was moved to, and stays in the overlay.
    sandbox.respond_with("*/call/start", not_allowed());
    let mut config = config(&sandbox.url());
    config.overlay("[actions.\"Extension.originate\"]\npath = \"call/start\"\nsuccess = [202]").unwrap();
    let report = doctor::examine(&config, &Options::default());
    let moved = report.action("Extension.originate").unwrap();
    assert_eq!((moved.verdict, moved.mark, moved.path.as_str()), (Verdict::Present, 'S', "call/start"));
    assert!(report.overlay().unwrap().contains("path = \"call/start\"\nsuccess = [202]"), "{:?}", report.overlay());
    only_reads(&sandbox);
}

#[test]
fn a_server_that_answers_everything_alike_proves_nothing() {
    let sandbox = world();
    sandbox.respond_with("OPTIONS *", RawResponse::status(200, "").header("Allow", "GET, POST, OPTIONS"));
    for segment in ["originate", "isymphony-doctor-asks-for-nothing"] {
        sandbox.respond_with(&format!("GET */{segment}"), RawResponse::status(405, "no"));
    }
    let report = examine(&sandbox);
    let originate = report.action("Extension.originate").unwrap();
    assert_eq!(originate.verdict, Verdict::Unknown, "{originate:?}");
    assert!(originate.reason.contains("every path"));

    // Without GET the question stays open.
    sandbox.clear_requests();
    let report = doctor::examine(&config(&sandbox.url()), &Options::default().get_actions(false));
    assert_eq!(report.action("Extension.originate").unwrap().verdict, Verdict::Unknown);
    assert!(!sandbox.requests().iter().any(|request| request.method == "GET" && request.path.ends_with("/enableDnd")));
}

#[test]
fn the_software_is_told_as_the_server_tells_it() {
    let sandbox = world();
    let id = sandbox.core_server_id();
    let body = format!("[{{\"id\":\"{id}\",\"slug\":\"default\",\"name\":\"x\"}}]");
    sandbox.respond_with("coreServers", RawResponse::json(body).header("Server", "Jetty(9.2.4)"));
    let report = examine(&sandbox);
    assert_eq!(report.software.as_deref(), Some("Jetty(9.2.4)"));
    assert!(report.to_string().contains("Jetty(9.2.4)") && report.ok(), "{report}");
}

#[test]
fn a_server_whose_core_servers_cannot_be_read_is_not_well() {
    let sandbox = world();
    sandbox.fault(Fault::Html, "coreServers", Times::Forever);
    let report = examine(&sandbox);
    assert!(!report.ok(), "{report}");
    assert_eq!(finding(&report, "coreServers").severity, Severity::Error);
    sandbox.clear_faults();
    sandbox.override_body("coreServers", "[]");
    let report = examine(&sandbox);
    assert!(!report.ok(), "{report}");
    assert!(finding(&report, "coreServers").message.contains("no core server"), "{report}");
}

#[test]
fn no_event_api_is_found_out() {
    let sandbox = world();
    sandbox.fault(Fault::status(404), "*ws/event", Times::Forever);
    let report = examine(&sandbox);
    assert_eq!(report.event_api.passed, Passed::No);
    assert_eq!(finding(&report, "event_api").severity, Severity::Warning);
    assert!(report.ok());
}

#[test]
fn a_server_that_falls_silent_is_given_up_soon() {
    let sandbox = world();
    sandbox.fault_from_str("stall=before_head; on=*/extensions*").unwrap();
    let mut config = config(&sandbox.url());
    config.first_byte_timeout(Duration::from_millis(100)).unwrap();
    let started = Instant::now();
    let report = doctor::examine(&config, &Options::default());
    assert!(started.elapsed() < Duration::from_secs(5), "{report}");
    assert!(!report.ok() && report.cut_short.as_ref().unwrap().contains("no longer answers"), "{report}");

    let report = doctor::examine(&config, &Options::default().time_limit(Duration::ZERO));
    assert_eq!(report.requests, 0);
    assert!(report.cut_short.unwrap().contains("time limit"));
}

#[test]
fn what_an_overlay_says_is_absent_is_no_news() {
    let sandbox = world();
    sandbox.respond_with("*/logins", RawResponse::status(404, "what?"));
    sandbox.respond_with("*/originate", RawResponse::status(404, "what?"));
    let overlay = examine(&sandbox).overlay().unwrap();
    let at = overlay.find("# [actions.\"Extension.originate\"]\n# path").unwrap();
    let overlay = format!("[actions.\"Extension.originate\"]\nabsent = true\n\n{}", &overlay[..at]);
    let mut adapted = config(&sandbox.url());
    adapted.overlay(&overlay).unwrap();
    let report = doctor::examine(&adapted, &Options::default());
    assert_eq!(report.set("User.logins").unwrap().mark, 'S');
    assert_eq!(report.count(Severity::Warning), 0, "{report}");
    let originate = report.action("Extension.originate").unwrap();
    assert_eq!((originate.mark, originate.verdict), ('S', Verdict::Unknown));
    let overlay = report.overlay().unwrap();
    assert!(!overlay.contains("# [") && overlay.contains("absent = true\n\n[subs.\"User.logins\"]"), "{overlay}");
    sandbox.clear_overrides();
    let report = doctor::examine(&adapted, &Options::default());
    assert!(finding(&report, "User.logins").advice.contains("out of the overlay"), "{report}");
    assert!(!report.overlay().unwrap().contains("User.logins"));
}

#[test]
fn it_can_be_stopped() {
    let sandbox = world();
    let stop = Arc::new(AtomicBool::new(true));
    let report = doctor::examine(&config(&sandbox.url()), &Options::default().stop(stop.clone()));
    assert!(!report.ok() && report.requests == 0 && sandbox.requests().is_empty());
    assert_eq!(report.cut_short.as_deref(), Some("it was stopped"), "{report}");
    stop.store(false, Ordering::Relaxed);
    assert!(doctor::examine(&config(&sandbox.url()), &Options::default().stop(stop)).ok());
}

#[test]
fn only_a_few_instances_are_asked() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(2000)).unwrap();
    let report = doctor::examine(&config(&sandbox.url()), &Options::default().sample(2).search(5));
    assert_eq!(report.set("CoreServer.users").unwrap().instances, 2000);
    assert_eq!(report.kind(Kind::User).unwrap().sampled, 2);
    // There is no call: one is looked for on more extensions than the sample has.
    assert_eq!(report.set("Extension.callSegments").unwrap().asked, 5);
    assert!(report.requests < 120, "{}", report.requests);
    assert_eq!(report.requests, sandbox.request_count());
}

/// TLS in front of a sandbox, with a self-signed certificate: where it listens, and the certificate's file. Like many a proxy
/// it lets no connection be upgraded.
fn tls_in_front_of(sandbox: &Sandbox) -> (u16, PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let file = std::env::temp_dir().join(format!("isymphony-doctor-{}.pem", std::process::id()));
    std::fs::write(&file, cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, behind) = (listener.local_addr().unwrap().port(), sandbox.port());
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).unwrap(), tcp);
            std::thread::spawn(move || {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    if !matches!(tls.read(&mut byte), Ok(1)) {
                        return;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let hop = |line: &str| {
                    let line = line.to_lowercase();
                    line.is_empty()
                        || ["connection:", "upgrade:", "sec-websocket-"].iter().any(|hop| line.starts_with(hop))
                };
                let kept: Vec<&str> = head.lines().filter(|line| !hop(line)).collect();
                let kept = kept.join("\r\n") + "\r\n";
                let mut server = TcpStream::connect(("127.0.0.1", behind)).unwrap();
                server.write_all(format!("{kept}Connection: close\r\n\r\n").as_bytes()).unwrap();
                let mut answer = Vec::new();
                let _ = server.read_to_end(&mut answer);
                let _ = tls.write_all(&answer);
                tls.conn.send_close_notify();
                let _ = tls.flush();
            });
        }
    });
    (port, file)
}

#[test]
fn tls_and_whom_it_trusts_are_told() {
    let sandbox = world();
    let (port, file) = tls_in_front_of(&sandbox);
    let url = format!("https://127.0.0.1:{port}");
    let trusting = config(&url).ca_file(&file).clone();
    let report = doctor::examine(&trusting, &Options::default());
    assert!(report.is_connected() && report.ok(), "{report}");
    assert!(step(&report, "tls").1.contains("ca_file"));
    assert_eq!(report.event_api.passed, Passed::No);
    assert!(finding(&report, "event_api").advice.contains("Upgrade"), "{report}");

    let report = doctor::examine(config(&url).verify(false), &Options::default().sample(1).search(1));
    assert!(report.ok(), "{report}");
    assert_eq!(finding(&report, "tls").severity, Severity::Warning);

    let other = std::env::temp_dir().join(format!("isymphony-doctor-other-{}.pem", std::process::id()));
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["elsewhere".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(&other, cert.pem()).unwrap();
    let report = doctor::examine(config(&url).ca_file(&other), &Options::default());
    assert_eq!((step(&report, "connection").0, step(&report, "tls").0), (Passed::Yes, Passed::No), "{report}");
    assert!(finding(&report, "tls").advice.contains("ca_file"), "{report}");
    std::fs::remove_file(file).unwrap();
    std::fs::remove_file(other).unwrap();
}
