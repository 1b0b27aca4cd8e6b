//! What the checks mean, and what to do about it.

use super::report::{Finding, KindCheck, NameVerdict, Passed, Report, SET, SetCheck, Severity, Verdict};
use crate::catalog::{Mark, ROOT};
use crate::config::Config;

/// The findings of a report, the worst first.
pub(super) fn of(report: &Report, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    connection(report, config, &mut findings);
    for check in &report.sets {
        set(check, &mut findings);
    }
    for check in &report.kinds {
        properties(check, &mut findings);
        name(check, &mut findings);
    }
    actions(report, &mut findings);
    if let Some(why) = &report.cut_short {
        let advice = "examine it again when it is up, or with a longer time limit";
        findings.push(finding(Severity::Error, "server", format!("not everything was asked: {why}"), advice));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn finding(severity: Severity, about: &str, message: impl Into<String>, advice: &str) -> Finding {
    Finding { severity, about: about.to_owned(), message: message.into(), advice: advice.to_owned() }
}

fn connection(report: &Report, config: &Config, findings: &mut Vec<Finding>) {
    for step in report.connection.iter().filter(|step| step.passed == Passed::No) {
        let advice = step.advice.as_deref().unwrap_or_default();
        findings.push(finding(Severity::Error, step.name, step.detail.clone(), advice));
    }
    if !report.is_connected() {
        return;
    }
    let loopback = match config.server().host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => config.server().host == "localhost",
    };
    if config.server().tls && !config.get_verify() {
        let advice = "set ca_file to the server's certificate, and leave verify on";
        findings.push(finding(Severity::Warning, "tls", "the server need not prove who it is", advice));
    } else if !config.server().tls && !loopback && config.get_credentials().is_some() {
        let advice = "use https:// and the TLS port (55050 by default)";
        findings.push(finding(Severity::Warning, "tls", "the password is sent in the clear", advice));
    }
    if report.event_api.passed == Passed::No {
        let advice = report.event_api.advice.as_deref().unwrap_or_default();
        findings.push(finding(Severity::Warning, "event_api", report.event_api.detail.clone(), advice));
    } else if report.event_api.passed == Passed::NotReached {
        findings.push(finding(Severity::Info, "event_api", report.event_api.detail.clone(), ""));
    }
}

/// What is documented and is not so is worse than what we inferred.
fn by_mark(mark: char) -> Severity {
    if mark == Mark::Documented.letter() { Severity::Error } else { Severity::Warning }
}

fn set(check: &SetCheck, findings: &mut Vec<Finding>) {
    let reason = check.reason.as_deref().unwrap_or_default();
    let said_absent = check.kind.is_some() && check.mark == SET;
    let (severity, message, advice) = match check.verdict {
        Verdict::Absent | Verdict::Hidden if said_absent => return,
        Verdict::Present if said_absent => (
            Severity::Warning,
            "the server has it, though an overlay says that it is absent".to_owned(),
            "take it out of the overlay",
        ),
        Verdict::Absent if check.kind.is_none() => (
            Severity::Warning,
            "the server does not have it (404), though an overlay says so".to_owned(),
            "take it out of the overlay",
        ),
        Verdict::Absent => (
            by_mark(check.mark).min(Severity::Warning),
            "the server does not have it (404)".to_owned(),
            "say so in an overlay (absent = true), and it is no longer asked for",
        ),
        Verdict::Hidden => (
            Severity::Warning,
            format!("it answers 404, and a licence or a setting may be why: {reason}"),
            "check the licence and the settings of the server",
        ),
        Verdict::Forbidden => (
            Severity::Error,
            format!("the server refuses it: {reason}"),
            "check the rights of the user, and the access control list",
        ),
        Verdict::Broken => (
            // Without core servers nothing else can be asked for.
            if check.name == ROOT { Severity::Error } else { by_mark(check.mark) },
            format!("{} of {} answers cannot be used: {reason}", check.broken, check.asked),
            "look into the server's log",
        ),
        Verdict::Present if check.name == ROOT => match &check.reason {
            Some(why) => {
                (Severity::Error, why.clone(), "check core_servers in the settings, and the server's own settings")
            }
            None => return,
        },
        Verdict::Present if check.broken > 0 => (
            Severity::Warning,
            format!("{} of {} answers cannot be used: {reason}", check.broken, check.asked),
            "look into the server's log",
        ),
        Verdict::Present if check.absent > 0 => {
            let licence = check.kind.map_or("", |kind| kind.row().licence);
            let why = if licence.is_empty() { String::new() } else { format!(": {licence}") };
            (Severity::Info, format!("{} of {} do not have it{why}", check.absent, check.asked), "")
        }
        Verdict::Present | Verdict::Unknown => return,
    };
    findings.push(finding(severity, &check.name, message, advice));
}

fn properties(check: &KindCheck, findings: &mut Vec<Finding>) {
    let kind = check.kind.name();
    let (n, by_id) = (check.sampled, check.found_by_id);
    if by_id < check.asked_by_id {
        let message = format!("{by_id} of {} could be asked for by id", check.asked_by_id);
        findings.push(finding(
            Severity::Warning,
            kind,
            message,
            "handles work by the lists; look into the server's log",
        ));
    }
    for property in &check.properties {
        let about = format!("{kind}.{}", property.name);
        if property.other_type > 0 {
            let types: Vec<_> = property.other_types.keys().copied().collect();
            let (types, other) = (types.join(", "), property.other_type);
            let message = format!("{other} of {n} have a value that is no {} but: {types}", property.r#type);
            findings.push(finding(Severity::Warning, &about, message, "read it as raw JSON"));
        }
        if property.missing == n && n > 0 {
            let message = format!("none of {n} have it");
            findings.push(finding(by_mark(property.mark).min(Severity::Warning), &about, message, "do not rely on it"));
        } else if property.missing > 0 {
            let message = format!("{} of {n} do not have it", property.missing);
            findings.push(finding(Severity::Info, &about, message, "expect it to be missing"));
        }
    }
    if !check.unknown.is_empty() && !check.kind.row().properties.is_empty() {
        let names: Vec<_> = check.unknown.iter().take(8).map(|property| property.name.as_str()).collect();
        let more = if check.unknown.len() > 8 { ", ..." } else { "" };
        let message = format!("properties the catalogue does not know: {}{more}", names.join(", "));
        findings.push(finding(Severity::Info, kind, message, "read them as raw JSON"));
    }
}

fn name(check: &KindCheck, findings: &mut Vec<Finding>) {
    let Some(name) = &check.symbolic_name else { return };
    let about = format!("{}.{}", check.kind.name(), name.property);
    let (severity, how) = match name.verdict {
        NameVerdict::Works | NameVerdict::NotAsked if name.instead.is_empty() => return,
        NameVerdict::Partly => (Severity::Warning, format!("getByName works for {} of {}", name.worked, name.asked)),
        _ if name.instead.is_empty() => (Severity::Warning, "getByName does not work with it".to_owned()),
        _ => (Severity::Warning, "getByName does not work with it, so it is not the name the server knows".to_owned()),
    };
    match name.instead.first() {
        Some(instead) => {
            let advice = format!("say so in an overlay (symbolic_name = \"{instead}\")");
            findings.push(finding(severity, &about, format!("{how}; it works with {instead}"), &advice));
        }
        None => findings.push(finding(severity, &about, how, "the client asks by id, so only raw paths are affected")),
    }
}

fn actions(report: &Report, findings: &mut Vec<Finding>) {
    for check in &report.actions {
        let (severity, message, advice) = match check.verdict {
            Verdict::Absent => (
                Severity::Warning,
                format!("the server has no action at {:?} ({})", check.path, check.reason),
                "find its path in the vendor's documentation of your version, and set it in an overlay",
            ),
            Verdict::Forbidden => {
                let message = format!("the server refuses it ({})", check.reason);
                (Severity::Warning, message, "check the rights of the user")
            }
            _ => continue,
        };
        findings.push(finding(severity, &check.name, message, advice));
    }
}
