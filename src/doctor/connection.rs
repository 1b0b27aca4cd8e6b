//! The way to the server: settings, name, connection, TLS, credentials, access; and the Event API.

use super::Options;
use super::ask::Asker;
use super::report::{Passed, Report, Step};
use crate::catalog::ROOT;
use crate::config::Config;
use crate::error::Error;
use crate::path::EVENTS;
use crate::transport::{Transport, stage};

/// The steps on the way, in their order.
const STEPS: [&str; 7] = ["settings", "name", "connection", "tls", "credentials", "access", "live_api"];

/// Reads the files that the settings name.
pub(super) fn open(config: &Config, options: &Options, report: &mut Report) -> Option<Asker> {
    report.connection =
        STEPS.map(|name| Step { name, passed: Passed::NotReached, detail: String::new(), advice: None }).into();
    match Transport::new(config) {
        Ok(transport) => {
            pass(report, "settings", "they fit together, and the files they name can be read");
            Some(Asker::new(transport, config, options))
        }
        Err(error) => {
            fail(report, "settings", error.message(), "correct the setting");
            None
        }
    }
}

fn set(report: &mut Report, name: &str, passed: Passed, detail: &str, advice: Option<&str>) {
    if let Some(step) = report.connection.iter_mut().find(|step| step.name == name) {
        step.passed = passed;
        step.detail = detail.to_owned();
        step.advice = advice.map(str::to_owned);
    }
}

fn pass(report: &mut Report, name: &str, detail: &str) {
    set(report, name, Passed::Yes, detail, None);
}

fn fail(report: &mut Report, name: &str, detail: &str, advice: &str) {
    set(report, name, Passed::No, detail, Some(advice));
}

/// Goes as far as the list of core servers.
pub(super) fn way(asker: &mut Asker, config: &Config, report: &mut Report) {
    let answer = match asker.probe("GET", ROOT) {
        Ok(answer) => answer,
        Err(error) => return unreachable(config, &error, report),
    };
    report.software = answer.server.clone();
    reached(config, report);
    let error = asker.transport().refusal("GET", ROOT, &answer);
    match answer.status {
        300..=399 => {
            return fail(report, "tls", error.message(), "use the URL that the server demands");
        }
        401 => {
            let advice = "set the user name and the password of a user that may use the API";
            return fail(report, "credentials", error.message(), advice);
        }
        403 => {
            let advice = "add this machine's address to the server's access control list, and check the user's rights";
            return fail(report, "access", error.message(), advice);
        }
        _ => {}
    }
    let who = config.get_credentials().map(|(user, _)| format!("user `{user}`"));
    pass(report, "credentials", &who.unwrap_or_else(|| "none are set, and none are demanded".to_owned()));
    pass(report, "access", "this machine's address is admitted");
    match answer.status {
        200 => pass(report, "live_api", "the list of core servers is there"),
        404 => {
            let advice = "check the host and the port; the Live API needs iSymphony 3.2 or later";
            fail(report, "live_api", "the server has no Live API at this address (404)", advice);
        }
        status => {
            let detail = format!("the list of core servers is answered with status {status}");
            fail(report, "live_api", &detail, "look into the server's log");
        }
    }
}

fn unreachable(config: &Config, error: &Error, report: &mut Report) {
    let (step, advice) = match stage(error) {
        "name" => ("name", "check the host's name and this machine's name servers"),
        "connection" => ("connection", "check that the server runs, its port, and the firewalls between"),
        "tls" => ("tls", "set ca_file to the server's certificate, or use http:// where the port is not one for TLS"),
        _ => ("live_api", "check that this is the port of an iSymphony server (58080, or 55050 with TLS)"),
    };
    match step {
        "connection" => pass(report, "name", "it could be resolved"),
        "tls" => {
            pass(report, "name", "it could be resolved");
            pass(report, "connection", &config.get_origin());
        }
        "live_api" => reached(config, report),
        _ => {}
    }
    fail(report, step, error.message(), advice);
}

fn reached(config: &Config, report: &mut Report) {
    pass(report, "name", "it could be resolved");
    let by = config.get_proxy().map_or(String::new(), |proxy| format!(" through the proxy {proxy}"));
    pass(report, "connection", &format!("{}{by}", config.get_origin()));
    let trust = match (config.server().tls, config.get_verify(), config.get_ca_file()) {
        (false, ..) => "off: what is sent, the password too, can be read on the way",
        (true, false, _) => "on, but the server need not prove who it is (verify is off)",
        (true, true, Some(_)) => "on; the certificates of ca_file are trusted",
        (true, true, None) => "on; the system's certificates are trusted",
    };
    pass(report, "tls", trust);
}

/// Whether there is a WebSocket for events: a plain GET asks, then it is opened, and closed at once.
pub(super) fn events(asker: &mut Asker) -> Step {
    let step = |passed, detail: String, advice: Option<&str>| Step {
        name: "event_api",
        passed,
        detail,
        advice: advice.map(str::to_owned),
    };
    let polling = "turn events off in the settings; changes are then found by polling";
    let status = match asker.probe_at_root(EVENTS) {
        Ok(answer) => answer.status,
        Err(error) => return step(Passed::NotReached, error.message().to_owned(), None),
    };
    if status == 404 {
        return step(Passed::No, format!("nothing is at /{EVENTS} (404)"), Some(polling));
    }
    match asker.open_events() {
        Ok(()) => step(Passed::Yes, format!("the socket opens (a plain GET answers {status})"), None),
        Err(error) if matches!(status, 101 | 400 | 405 | 426) => {
            let advice =
                "see whether something between takes the Upgrade header away; or turn events off in the settings";
            step(Passed::No, format!("it is there, but its socket does not open: {}", error.message()), Some(advice))
        }
        Err(error) => {
            let detail = format!("a plain GET answers {status}, and the socket does not open: {}", error.message());
            step(Passed::No, detail, Some(polling))
        }
    }
}
