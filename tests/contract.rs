//! Runs the cases of `tests/contract/cases`, see the README there, through the Rust interface.
#![cfg(feature = "sandbox")]

#[path = "contract/case.rs"]
mod case;
#[path = "contract/typed.rs"]
mod typed;

use std::fs;
use std::path::Path;

use case::Case;

#[test]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/cases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let only = std::env::var("CONTRACT_CASE").unwrap_or_default();
    let (mut passed, mut failures) = (0, Vec::new());
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        for lines in cases(&text) {
            let (number, name) = (lines[0].0, lines[0].1.get(1).cloned().unwrap_or_default());
            if !name.contains(&only) {
                continue;
            }
            match run(&lines) {
                Ok(()) => passed += 1,
                Err((line, why)) => failures.push(format!("{file}:{line}: {name} (line {number}): {why}")),
            }
        }
    }
    assert!(failures.is_empty(), "{passed} cases passed, {} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(passed > 0, "there is no case");
}

type Line = (usize, Vec<String>);

/// The lines of each case, split into fields, with their numbers.
fn cases(text: &str) -> Vec<Vec<Line>> {
    let mut cases: Vec<Vec<Line>> = Vec::new();
    for (i, line) in text.split('\n').enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<String> = line.split('\t').map(unescape).collect();
        if fields[0] == "case" {
            cases.push(Vec::new());
        }
        cases.last_mut().expect("a file starts with a case").push((i + 1, fields));
    }
    cases
}

fn unescape(field: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = field.bytes();
    while let Some(byte) = bytes.next() {
        let escape = (byte == b'\\').then(|| bytes.next().expect("something follows a backslash"));
        out.push(match escape {
            None => byte,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'x') => {
                let digits =
                    [bytes.next(), bytes.next()].map(|digit| char::from(digit.expect("two digits follow \\x")));
                u8::from_str_radix(&String::from_iter(digits), 16).expect("the digits are hexadecimal")
            }
            Some(other) => other,
        });
    }
    String::from_utf8(out).expect("a field is UTF-8")
}

fn run(lines: &[Line]) -> Result<(), (usize, String)> {
    let mut case = Case::default();
    for (number, fields) in &lines[1..] {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        case.line(&fields).map_err(|why| (*number, why))?;
    }
    Ok(())
}
