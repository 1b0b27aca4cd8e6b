//! What a server has: the doctor.

use std::mem::MaybeUninit;
use std::time::Duration;

use isymphony_core::doctor::{self, Options, Report, Severity};

use crate::config::isym_config;
use crate::error::{isym_error, isym_status};
use crate::guard::{self, found, need};
use crate::str::{Text, isym_str};

/// How thoroughly a server is examined: a value. All zero (`= {0}`) means the defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct isym_doctor_options {
    /// How many instances of each kind are looked at. 0: 3.
    pub sample: usize,
    /// How many instances are asked for what is below them, where the first ones have nothing there (most users are not
    /// logged in). 0: 25.
    pub search: usize,
    /// When the examination ends, done or not. 0 or negative: 60 s. A request that is under way then is waited for.
    pub time_limit_ms: i64,
    /// Whether the paths of actions are asked with OPTIONS only, and not with GET where OPTIONS leaves the question open:
    /// for a server that may carry something out for a GET.
    pub options_only: bool,
}

impl From<isym_doctor_options> for Options {
    fn from(given: isym_doctor_options) -> Options {
        let mut options = Options::default().get_actions(!given.options_only);
        if given.sample > 0 {
            options = options.sample(given.sample);
        }
        if given.search > 0 {
            options = options.search(given.search);
        }
        match u64::try_from(given.time_limit_ms) {
            Ok(ms) if ms > 0 => options.time_limit(Duration::from_millis(ms)),
            _ => options,
        }
    }
}

/// How bad a finding is. The numbers never change their meaning; later versions may add further ones.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_severity {
    /// No severity.
    #[default]
    ISYM_SEVERITY_NONE = 0,
    /// Worth knowing; nothing need be done.
    ISYM_SEVERITY_INFO = 1,
    /// Something of the catalogue is not as it says; the rest works.
    ISYM_SEVERITY_WARNING = 2,
    /// Nothing works, or what is documented does not.
    ISYM_SEVERITY_ERROR = 3,
}

impl From<Severity> for isym_severity {
    fn from(severity: Severity) -> isym_severity {
        match severity {
            Severity::Info => isym_severity::ISYM_SEVERITY_INFO,
            Severity::Warning => isym_severity::ISYM_SEVERITY_WARNING,
            Severity::Error => isym_severity::ISYM_SEVERITY_ERROR,
        }
    }
}

/// What a server has. Immutable; the caller frees it with isym_doctor_report_free. No password and no property's value
/// is ever in it. May be used on any number of threads at once.
pub struct isym_doctor_report {
    ok: bool,
    is_connected: bool,
    server: Text,
    text: Text,
    json: Text,
    overlay: Option<Text>,
    findings: Vec<Found>,
}

/// A finding with its texts as C reads them.
struct Found {
    severity: Severity,
    about: Text,
    message: Text,
    advice: Text,
}

impl From<&doctor::Finding> for Found {
    fn from(finding: &doctor::Finding) -> Found {
        let doctor::Finding { severity, about, message, advice } = finding.clone();
        Found { severity, about: Text::new(about), message: Text::new(message), advice: Text::new(advice) }
    }
}

impl isym_doctor_report {
    fn new(report: Report) -> isym_doctor_report {
        isym_doctor_report {
            text: Text::new(report.to_string()),
            json: Text::new(report.to_json()),
            overlay: report.overlay().map(Text::new),
            findings: report.findings.iter().map(Found::from).collect(),
            ok: report.ok(),
            is_connected: report.is_connected(),
            server: Text::new(report.server),
        }
    }
}

/// What something that the doctor found means, and what to do: a value, borrowed from the isym_doctor_report that gave it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_doctor_finding {
    /// How bad it is.
    pub severity: isym_severity,
    /// The part of the server it is about, as in "User.status".
    pub about: isym_str,
    /// What was found.
    pub message: isym_str,
    /// What to do; empty when nothing.
    pub advice: isym_str,
}

/// Finds out what the server that the settings name really has of what this library expects, without carrying out or
/// changing anything: over connections of its own, with GET and OPTIONS only.
///
/// Waits until it is done, at most the time limit of the options. Whatever goes wrong on the way to the server is in the
/// report, and no error. `report` is the caller's, who frees it with isym_doctor_report_free.
///
/// Errors: those of isym_config_new where the URL is bad; ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_examine(
    config: Option<&isym_config>,
    options: isym_doctor_options,
    report: Option<&mut MaybeUninit<Box<isym_doctor_report>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (config, out) = (need(config, "config")?.config.clone()?, need(report, "report")?);
        out.write(Box::new(isym_doctor_report::new(doctor::examine(&config, &options.into()))));
        Ok(())
    })
}

/// Whether nothing is wrong that needs to be mended: no finding is an ISYM_SEVERITY_ERROR. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_ok(report: Option<&isym_doctor_report>) -> bool {
    guard::plain(|| report.is_some_and(|report| report.ok))
}

/// Whether the Live API can be used at all. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_is_connected(report: Option<&isym_doctor_report>) -> bool {
    guard::plain(|| report.is_some_and(|report| report.is_connected))
}

/// Which server it was: its scheme, host and port, as in "http://pbx:58080", without credentials. Empty for NULL.
///
/// Borrowed from the report.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_server(report: Option<&isym_doctor_report>) -> isym_str {
    guard::plain(|| report.map(|report| report.server.borrow()).unwrap_or_default())
}

/// The report as a table for people, at most 100 columns wide; empty for NULL.
///
/// Borrowed from the report.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_text(report: Option<&isym_doctor_report>) -> isym_str {
    guard::plain(|| report.map(|report| report.text.borrow()).unwrap_or_default())
}

/// The whole report as the text of a JSON object; empty for NULL.
///
/// Borrowed from the report.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_json(report: Option<&isym_doctor_report>) -> isym_str {
    guard::plain(|| report.map(|report| report.json.borrow()).unwrap_or_default())
}

/// The text of an overlay that adapts a client to the server, for isym_config_overlay or a file. What could not be
/// determined stands in it as a comment. Empty where there is nothing to adapt, and for NULL.
///
/// Borrowed from the report.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_overlay(report: Option<&isym_doctor_report>) -> isym_str {
    guard::plain(|| report.and_then(|report| report.overlay.as_ref()).map(Text::borrow).unwrap_or_default())
}

/// How many findings there are.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_finding_count(report: Option<&isym_doctor_report>) -> usize {
    guard::plain(|| report.map_or(0, |report| report.findings.len()))
}

/// The finding at a position, counted from 0, the worst first.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `report`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_finding_at(
    report: Option<&isym_doctor_report>,
    position: usize,
    finding: Option<&mut MaybeUninit<isym_doctor_finding>>,
) -> isym_status {
    guard::quiet(|| {
        let at = report.and_then(|report| report.findings.get(position));
        let view = |at: &Found| isym_doctor_finding {
            severity: at.severity.into(),
            about: at.about.borrow(),
            message: at.message.borrow(),
            advice: at.advice.borrow(),
        };
        found(at.map(view), finding)
    })
}

/// Frees a report. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_doctor_report_free(report: Option<Box<isym_doctor_report>>) {
    guard::plain(|| drop(report));
}
