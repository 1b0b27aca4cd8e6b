//! The report as a table for people: at most 100 columns wide.

use std::fmt;

use super::report::{KindCheck, NameVerdict, Passed, Report, Severity, Verdict};

/// No line is longer.
const WIDTH: usize = 100;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map_or("nobody".to_owned(), |user| format!("user `{user}`"));
        line(f, &format!("iSymphony server {}, asked as {user}", self.server))?;
        if let Some(software) = &self.software {
            line(f, &format!("It says of itself: {software}"))?;
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let seconds = self.milliseconds as f64 / 1000.0;
        let requests = self.requests;
        line(
            f,
            &format!("{errors} errors, {warnings} warnings; {requests} requests (GET, OPTIONS) in {seconds:.1} s"),
        )?;
        if !self.verdicts.is_empty() {
            let verdicts: Vec<_> = self.verdicts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            line(
                f,
                &format!(
                    "Of {} lists, singletons and actions: {}",
                    self.verdicts.values().sum::<usize>(),
                    verdicts.join(", ")
                ),
            )?;
        }
        line(f, "Marks: D documented, C seen in the vendor's client, I inferred, S set by the settings")?;
        self.write_connection(f)?;
        if self.is_connected() {
            self.write_sets(f)?;
            self.write_kinds(f)?;
            self.write_actions(f)?;
        }
        self.write_findings(f)
    }
}

impl Report {
    fn write_connection(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "\nCONNECTION")?;
        let events = self.is_connected().then_some(&self.event_api);
        for step in self.connection.iter().chain(events) {
            let passed = match step.passed {
                Passed::Yes => "ok",
                Passed::No => "FAILED",
                Passed::NotReached => "-",
            };
            line(f, &format!("  {passed:<9} {:<12} {}", step.name, step.detail))?;
        }
        Ok(())
    }

    fn write_sets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "\nLISTS AND SINGLETONS                              asked  have  instances")?;
        for check in &self.sets {
            let reason = match (check.verdict, &check.reason) {
                (Verdict::Present, _) if check.broken == 0 => "",
                (_, reason) => reason.as_deref().unwrap_or_default(),
            };
            let (verdict, mark, name) = (verdict(check.verdict), check.mark, &check.name);
            let (asked, present, instances) = (check.asked, check.present, check.instances);
            line(f, &format!("  {verdict:<9} {mark}  {name:<34} {asked:>6} {present:>5} {instances:>10}  {reason}"))?;
        }
        Ok(())
    }

    fn write_kinds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "\nPROPERTIES                                        have  null missing  other type")?;
        for check in &self.kinds {
            let kind = check.kind.name();
            if check.sampled == 0 {
                line(f, &format!("  {kind}: no instance to look at"))?;
                continue;
            }
            let name = name(check);
            line(f, &format!("  {kind}: {} instances{name}", check.sampled))?;
            for p in &check.properties {
                let other = match p.other_types.is_empty() {
                    true => format!("{:>11}", p.other_type),
                    false => {
                        let types: Vec<_> = p.other_types.keys().copied().collect();
                        format!("{:>11}  {}", p.other_type, types.join(", "))
                    }
                };
                let (mark, name, ty) = (p.mark, p.name, p.r#type.split(' ').next().unwrap_or_default());
                line(
                    f,
                    &format!("    {mark}  {name:<26} {ty:<14} {:>6} {:>5} {:>7} {other}", p.present, p.null, p.missing),
                )?;
            }
            for unknown in &check.unknown {
                let types: Vec<_> = unknown.types.iter().map(|(ty, count)| format!("{count} {ty}")).collect();
                line(f, &format!("    ?  {:<26} {}", unknown.name, types.join(", ")))?;
            }
        }
        Ok(())
    }

    fn write_actions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "\nACTIONS (nothing was carried out)")?;
        for check in &self.actions {
            let (verdict, mark) = (verdict(check.verdict), check.mark);
            line(f, &format!("  {verdict:<9} {mark}  {:<26} {:<16} {}", check.name, check.path, check.reason))?;
        }
        Ok(())
    }

    fn write_findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "\nFINDINGS")?;
        if self.findings.is_empty() {
            return line(f, "  none: the server has what the catalogue says");
        }
        for finding in &self.findings {
            let severity = match finding.severity {
                Severity::Error => "ERROR",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            wrapped(f, &format!("  {severity:<8} "), &format!("{}: {}", finding.about, finding.message))?;
            if !finding.advice.is_empty() {
                wrapped(f, "           -> ", &finding.advice)?;
            }
        }
        Ok(())
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Present => "present",
        Verdict::Absent => "ABSENT",
        Verdict::Forbidden => "FORBIDDEN",
        Verdict::Hidden => "HIDDEN",
        Verdict::Broken => "BROKEN",
        Verdict::Unknown => "unknown",
    }
}

fn name(check: &KindCheck) -> String {
    let Some(name) = &check.symbolic_name else { return String::new() };
    let how = match name.verdict {
        NameVerdict::Works => "works",
        NameVerdict::Partly => "works for some",
        NameVerdict::Fails => "DOES NOT WORK",
        NameVerdict::NotAsked => "could not be asked",
    };
    let instead = name.instead.first().map_or(String::new(), |instead| format!("; {instead} does"));
    format!("; getByName with {} ({}) {how}{instead}", name.property, name.mark)
}

/// A line, cut at the width.
fn line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let text = text.trim_end();
    if text.chars().count() <= WIDTH {
        return writeln!(f, "{text}");
    }
    let cut: String = text.chars().take(WIDTH - 3).collect();
    writeln!(f, "{cut}...")
}

/// A text in lines of the width, behind `first` and then behind as many blanks.
fn wrapped(f: &mut fmt::Formatter<'_>, first: &str, text: &str) -> fmt::Result {
    let indent = " ".repeat(first.chars().count());
    let mut current = first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && current.chars().count() + 1 + word.chars().count() > WIDTH {
            line(f, &current)?;
            current.clone_from(&indent);
            is_empty = true;
        }
        if !is_empty {
            current.push(' ');
        }
        current.push_str(word);
        is_empty = false;
    }
    line(f, &current)
}
