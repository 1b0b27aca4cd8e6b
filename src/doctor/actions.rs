//! The actions' paths: does the server have them? Asked with OPTIONS and GET, never with POST.
//!
//! OPTIONS is asked first; a GET only where it leaves the question open. What a server answers for a path that surely is
//! not there is asked first, since there are servers that answer everything alike.

use super::Options;
use super::ask::Asker;
use super::report::{ActionCheck, Verdict, letter};
use super::resources::{Instance, Sample, gives};
use crate::catalog::{Action, Kind};
use crate::config::Config;
use crate::transport::Answer;

/// A path that no server has.
const NOWHERE: &str = "isymphony-doctor-asks-for-nothing";

/// What tells a path that is there from one that is not.
struct Control {
    /// OPTIONS lists POST also for a path that is not there.
    options_lies: bool,
    /// GET answers 405 also for a path that is not there.
    get_lies: bool,
    /// GET may be asked at all.
    get: bool,
}

pub(super) fn examine(asker: &mut Asker, config: &Config, options: &Options, sample: &Sample) -> Vec<ActionCheck> {
    let mut checks = Vec::new();
    for kind in Kind::ALL {
        let instance = sample.of(kind).first();
        let control = match instance {
            Some(instance) if !kind.row().actions.is_empty() => Some(control(asker, instance, options.get_actions)),
            _ => None,
        };
        for action in kind.row().actions {
            let path = config.get_action_path(kind, action.name).unwrap_or(action.segment);
            let is_absent = config.is_absent_action(kind, action.name);
            let mut check = ActionCheck {
                name: format!("{}.{}", kind.name(), action.name),
                path: path.to_owned(),
                mark: letter(action.mark, path != action.segment || is_absent),
                verdict: Verdict::Unknown,
                reason: format!("no {kind} to ask"),
                example: None,
            };
            if is_absent {
                check.reason = "not asked: an overlay says absent".to_owned();
            } else if let (Some(instance), Some(control)) = (instance, &control) {
                (check.verdict, check.reason) = ask(asker, instance, action, path, control);
                check.example = Some(format!("{}/{path}", instance.path));
            }
            checks.push(check);
        }
    }
    checks
}

fn control(asker: &mut Asker, instance: &Instance, get: bool) -> Control {
    let path = format!("{}/{NOWHERE}", instance.path);
    let options = asker.probe("OPTIONS", &path);
    Control {
        options_lies: options.is_ok_and(|answer| lists_post(&answer)),
        get_lies: get && asker.probe("GET", &path).is_ok_and(|answer| answer.status == 405),
        get,
    }
}

fn lists_post(answer: &Answer) -> bool {
    let allow = answer.allow.as_deref().unwrap_or_default();
    answer.accepted() && allow.split(',').any(|method| method.trim().eq_ignore_ascii_case("POST"))
}

fn ask(asker: &mut Asker, instance: &Instance, action: &Action, path: &str, control: &Control) -> (Verdict, String) {
    let unknown = |why: String| (Verdict::Unknown, why);
    let path = format!("{}/{path}", instance.path);
    match asker.probe("OPTIONS", &path) {
        Ok(answer) if lists_post(&answer) && !control.options_lies => {
            return (Verdict::Present, "OPTIONS lists POST".to_owned());
        }
        Ok(_) if !control.get => return unknown("OPTIONS tells nothing, and GET was not to be asked".to_owned()),
        Ok(_) => {}
        Err(error) => return unknown(error.message().to_owned()),
    }
    let answer = match asker.probe("GET", &path) {
        Ok(answer) => answer,
        Err(error) => return unknown(error.message().to_owned()),
    };
    match answer.status {
        405 if control.get_lies => unknown("the server answers every path with 405".to_owned()),
        405 => (Verdict::Present, "GET answers 405".to_owned()),
        404 => match gives(asker, &instance.path, instance.id) {
            Some(true) => (Verdict::Absent, "GET answers 404".to_owned()),
            _ if instance.id.is_nil() => (Verdict::Absent, "GET answers 404".to_owned()),
            _ => unknown("the instance that was asked went away".to_owned()),
        },
        status @ (401 | 403) => (Verdict::Forbidden, format!("GET answers {status}")),
        status => unknown(format!("GET answers {status}, which tells nothing of {}", action.name)),
    }
}
