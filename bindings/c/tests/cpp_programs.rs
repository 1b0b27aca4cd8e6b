//! The C++ programs: everything in `tests/cpp`, built as a user builds them and run; also linked statically, without
//! exceptions, with sanitizers and under valgrind.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

mod common;

use common::{Link, compile, passes, root, said, scratch, valgrind};

const PROGRAMS: &[&str] = &["api.cpp", "errors.cpp", "watch.cpp", "lifetime.cpp", "threads.cpp"];

fn program(name: &str, link: Link) -> PathBuf {
    compile(&root().join("tests/cpp").join(name), link)
}

#[test]
fn shared() {
    for name in PROGRAMS {
        passes(&mut Command::new(program(name, Link::Shared)));
    }
}

#[test]
fn linked_statically() {
    for name in ["api.cpp", "lifetime.cpp"] {
        passes(&mut Command::new(program(name, Link::Static)));
    }
}

/// The non-throwing form needs no exceptions, and an error that nobody took ends the program with its text.
#[test]
fn without_exceptions() {
    let errors = program("errors.cpp", Link::NoExceptions);
    passes(&mut Command::new(&errors));
    let output = Command::new(&errors).arg("untaken").output().expect("the program starts");
    assert!(
        !output.status.success() && said(&output).contains("isymphony: no Extension is named \"9999\""),
        "{}",
        said(&output)
    );
}

#[test]
fn sanitizers_find_nothing() {
    for name in PROGRAMS {
        passes(Command::new(program(name, Link::Sanitized)).env("ASAN_OPTIONS", "detect_leaks=1"));
    }
}

/// The sanitizers are really on: they find a snapshot that is never freed, and one that is freed by two owners.
#[test]
fn sanitizers_are_on() {
    let programs = [
        ("leak", "for (int i = 0; i < 100; i++) isym_config_clone(config.c());", "LeakSanitizer"),
        (
            "twice",
            "isym_config *raw = isym_config_clone(config.c()); isym_config_free(raw); isym_config_free(raw);",
            "AddressSanitizer",
        ),
    ];
    for (name, body, finding) in programs {
        let source = scratch("sources").join(format!("{name}.cpp"));
        let text = format!("#include <isymphony.hpp>\nint main() {{ isym::Config config(\"http://pbx\"); {body} }}\n");
        fs::write(&source, text).expect("the source is written");
        let output = Command::new(compile(&source, Link::Sanitized)).output().expect("the program starts");
        assert!(!output.status.success() && said(&output).contains(finding), "{}", said(&output));
    }
}

#[test]
fn valgrind_finds_nothing() {
    for name in ["api.cpp", "lifetime.cpp", "watch.cpp"] {
        let Some(mut valgrind) = valgrind() else { return };
        passes(valgrind.arg(program(name, Link::Shared)));
    }
}
