//! The C++ programs: everything in `tests/cpp`, built as a user builds them and run; also linked statically, without
//! exceptions, with sanitizers and under valgrind.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

mod common;

use common::{Link, compile, first_cases, passes, root, said, scratch, tool, valgrind};

/// The programs of these names, built; none where there is no C++ compiler.
fn programs(names: &[&str], link: Link) -> Vec<PathBuf> {
    if tool("c++").is_none() {
        return Vec::new();
    }
    names.iter().map(|name| compile(&root().join("tests/cpp").join(name), link)).collect()
}

/// Each of the programs as it is.
mod passes_alone {
    use super::*;

    fn alone(name: &str) {
        for program in programs(&[name], Link::Shared) {
            passes(&mut Command::new(program));
        }
    }

    each!(alone, ".cpp": api contract errors lifetime threads watch);
}

#[test]
fn linked_statically() {
    for program in programs(&["api.cpp"], Link::Static) {
        passes(&mut Command::new(program));
    }
}

/// The non-throwing form needs no exceptions, and an error that nobody took ends the program with its text.
#[test]
fn without_exceptions() {
    for program in programs(&["errors.cpp"], Link::NoExceptions) {
        passes(&mut Command::new(&program));
        let output = Command::new(&program).arg("untaken").output().expect("the program starts");
        let said = said(&output);
        assert!(!output.status.success() && said.contains("isymphony: no Extension is named \"9999\""), "{said}");
    }
}

/// Each of the programs under the sanitizers.
mod sanitizers_find_nothing {
    use super::*;

    fn within(name: &str) {
        for program in programs(&[name], Link::Sanitized) {
            passes(Command::new(program).env("ASAN_OPTIONS", "detect_leaks=1"));
        }
    }

    each!(within, ".cpp": api contract errors lifetime threads watch);
}

/// The sanitizers are really on: they find settings that are never freed, and some that are freed twice.
#[test]
fn sanitizers_are_on() {
    let made = "isym_config *raw = isym_config_clone(config.c());";
    let bodies = [
        ("leak", "for (int i = 0; i < 100; i++) isym_config_clone(config.c());".to_owned(), "LeakSanitizer"),
        ("twice", format!("{made} isym_config_free(raw); isym_config_free(raw);"), "AddressSanitizer"),
    ];
    for (name, body, finding) in bodies {
        let source = scratch("sources").join(format!("{name}.cpp"));
        let text = format!("#include <isymphony.hpp>\nint main() {{ isym::Config config(\"http://pbx\"); {body} }}\n");
        fs::write(&source, text).expect("the source is written");
        let name = source.to_str().expect("the path is UTF-8");
        for program in programs(&[name], Link::Sanitized) {
            let output = Command::new(program).output().expect("the program starts");
            assert!(!output.status.success() && said(&output).contains(finding), "{}", said(&output));
        }
    }
}

/// Each of these programs under valgrind.
mod valgrind_finds_nothing {
    use super::*;

    fn within(name: &str) {
        // No more calls a second than it can follow; the others take no argument.
        with(name, (name == "threads.cpp").then_some("1".into()));
    }

    fn with(name: &str, argument: Option<PathBuf>) {
        for program in programs(&[name], Link::Shared) {
            let Some(mut valgrind) = valgrind() else { return };
            passes(valgrind.arg(program).args(argument.iter()));
        }
    }

    each!(within, ".cpp": api errors lifetime threads watch);

    #[test]
    #[ignore = "takes a minute"]
    fn contract() {
        with("contract.cpp", Some(first_cases()));
    }

    #[test]
    #[ignore = "takes ten minutes"]
    fn whole_contract() {
        with("contract.cpp", None);
    }
}
