//! Writes the reference page `docs/live-api.md` from the catalogue and compares it with the committed one.
//!
//! `ISYM_BLESS=1 cargo test --test reference` replaces the committed one.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use isymphony::catalog::{
    AGENT_STATES, Action, ArgType, BY_NAME, CALL_SEGMENT_TYPES, Kind, Mark, ROOT, Resource, STATUS_TYPES, SUBS, Shape,
    Sub, SubId,
};
use isymphony::path::PREFIX;

#[test]
fn the_reference_page_says_what_the_catalogue_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/live-api.md");
    let fresh = page();
    if env::var("ISYM_BLESS").is_ok_and(|bless| bless == "1") {
        fs::write(&file, fresh).unwrap();
        return;
    }
    let committed = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    let differs = fresh.lines().zip(committed.lines()).position(|(fresh, committed)| fresh != committed);
    assert!(
        fresh == committed,
        "docs/live-api.md is not what the catalogue says, from line {} on; run ISYM_BLESS=1 cargo test --test reference",
        differs.unwrap_or(committed.lines().count()) + 1
    );
}

fn page() -> String {
    let mut out = format!(
        "# The Live API, as this library knows it

This page is written from the catalogue (`src/catalog.rs`) by `tests/reference.rs`, which also checks it. The vendor's
pages carry a notice that they are unfinished, so every fact has a mark:

| mark | meaning |
| --- | --- |
| {} | documented by the vendor |
| {} | seen in the vendor's own client code |
| {} | inferred; a server may differ |

That an action exists is documented for all of them; the mark of an action is that of its path and body.

Paths stand below `{PREFIX}`. An instance is `{{list}}/{{id}}` or, where its kind has a symbolic name,
`{{list}}/{BY_NAME}/{{name}}`, percent-encoded; the two forms mix along one path. A GET reads, a POST on an action acts. Every
instance has an `id`, a UUID that is new after every restart of the server; a `configurationId`, where there is one, should
survive it (I).

| kind | paths | symbolic name | since |
| --- | --- | --- | --- |
",
        Mark::Documented.letter(),
        Mark::ClientCode.letter(),
        Mark::Inferred.letter()
    );
    for kind in Kind::ALL {
        let row = kind.row();
        let name = row.name;
        let paths = paths(kind).join(", ");
        let _ = writeln!(out, "| [{name}](#{}) | {paths} | {} | {} |", name.to_lowercase(), symbolic(row), row.since);
    }
    for kind in Kind::ALL {
        section(&mut out, kind.row());
    }
    out.push_str("\n## Values\n\n");
    let _ = writeln!(
        out,
        "- The `type` of a Status is one of {} (D). It only chooses the icon.",
        code(STATUS_TYPES.iter())
    );
    let _ = writeln!(out, "- The `type` of a CallSegment is one of {}.", marked(CALL_SEGMENT_TYPES));
    let _ = writeln!(out, "- The `state` of an Agent is one of {}.", marked(AGENT_STATES));
    out
}

/// Where instances of a kind are, with marks.
fn paths(kind: Kind) -> Vec<String> {
    let root = (kind == Kind::CoreServer).then(|| format!("`{ROOT}` (I)"));
    let subs = SUBS.iter().filter(|sub| sub.kind == kind);
    root.into_iter().chain(subs.map(|sub| format!("`{}` ({})", path(sub), sub.mark.letter()))).collect()
}

fn path(sub: &Sub) -> String {
    format!("{{{}}}/{}", sub.parent.name(), sub.segment)
}

fn symbolic(row: &Resource) -> String {
    let symbolic = row.symbolic_property().zip(row.symbolic.as_ref());
    symbolic
        .map_or("none".to_owned(), |(property, symbolic)| format!("`{}` ({})", property.name, symbolic.mark.letter()))
}

fn section(out: &mut String, row: &Resource) {
    let _ = writeln!(out, "\n## {}\n\n{}", row.name, row.doc);
    if !row.licence.is_empty() {
        let _ = writeln!(out, "\nLicence and settings: {}", lower(row.licence));
    }
    let _ = writeln!(out, "\nSince iSymphony {}.", row.since);
    if !row.properties.is_empty() {
        out.push_str("\n| property | attribute | type | mark | what it says |\n| --- | --- | --- | --- | --- |\n");
    }
    for property in row.properties {
        let (ty, mark) = (property.ty.name(), property.mark.letter());
        let _ = writeln!(out, "| `{}` | `{}` | {ty} | {mark} | {} |", property.name, property.snake, property.doc);
    }
    let mut subs = SubId::of(row.kind).map(SubId::row).peekable();
    if subs.peek().is_some() {
        out.push_str("\n| below it | attribute | what | mark |\n| --- | --- | --- | --- |\n");
    }
    for sub in subs {
        let what = match sub.shape {
            Shape::List => format!("a list of {}s", sub.kind),
            Shape::Singleton => format!("one {}, or 404", sub.kind),
        };
        let _ = writeln!(out, "| `{}` | `{}` | {what} | {} |", sub.segment, sub.snake, sub.mark.letter());
    }
    if !row.actions.is_empty() {
        out.push_str("\n| action | POST | body | mark | what it does |\n| --- | --- | --- | --- | --- |\n");
    }
    for action in row.actions {
        let segment = format!("{{{}}}/{}", row.name, action.segment);
        let mark = action.mark.letter();
        let _ = writeln!(out, "| `{}` | `{segment}` | {} | {mark} | {} |", action.name, body(action), action.doc);
    }
    let optional: Vec<_> =
        row.actions.iter().flat_map(|action| action.args.iter().filter(|arg| arg.default.is_some())).collect();
    if !optional.is_empty() {
        let optional = optional.iter().map(|arg| format!("`{}` (`{}`)", arg.name, arg.default.unwrap_or_default()));
        let _ = writeln!(
            out,
            "\nArguments that may be left out, and what is sent then: {}.",
            optional.collect::<Vec<_>>().join(", ")
        );
    }
}

/// The body of an action: each key with the type of its value; the argument's name where it is another.
fn body(action: &Action) -> String {
    if action.args.is_empty() {
        return "none".to_owned();
    }
    let args = action.args.iter().map(|arg| {
        let ty = match arg.ty {
            ArgType::NonEmptyText => "text, not empty",
            ArgType::Destination => "what is dialled, not empty",
            ArgType::Text => "text",
            ArgType::StatusType => "a status type",
            ArgType::Millis => "Unix milliseconds, or -1",
            ArgType::ExtensionId => "the id of an extension",
            ArgType::Penalty => "a whole number from 0",
        };
        let name = if arg.name == arg.key { String::new() } else { format!(", the argument `{}`", arg.name) };
        format!("`{}`: {ty}{name}", arg.key)
    });
    args.collect::<Vec<_>>().join("; ")
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

fn code<'a>(values: impl Iterator<Item = &'a &'a str>) -> String {
    values.map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}

fn marked(values: &[(&str, Mark)]) -> String {
    values.iter().map(|(value, mark)| format!("`{value}` ({})", mark.letter())).collect::<Vec<_>>().join(", ")
}
