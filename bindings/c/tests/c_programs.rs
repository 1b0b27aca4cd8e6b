//! The C programs: everything in `tests/c`, built as a user builds them and run; the misuse and API programs also linked
//! statically, with sanitizers and under valgrind.

use std::path::PathBuf;
use std::process::Command;

mod common;

use common::{Link, compile, first_cases, library, passes, root, run, said, scratch, valgrind};

fn test_program(name: &str) -> PathBuf {
    root().join("tests/c").join(name)
}

#[test]
fn watch() {
    passes(&mut Command::new(compile(&test_program("watch.c"), Link::Shared)));
    passes(&mut Command::new(compile(&test_program("watch.c"), Link::Sanitized)));
}

#[test]
fn log() {
    for link in [Link::Shared, Link::Static, Link::Sanitized] {
        passes(&mut Command::new(compile(&test_program("log.c"), link)));
    }
}

#[test]
fn sandbox() {
    passes(&mut Command::new(compile(&test_program("sandbox.c"), Link::Shared)));
    passes(&mut Command::new(compile(&test_program("sandbox.c"), Link::Sanitized)));
}

#[test]
fn doctor() {
    passes(&mut Command::new(compile(&test_program("doctor.c"), Link::Shared)));
    passes(&mut Command::new(compile(&test_program("doctor.c"), Link::Static)));
}

#[test]
fn fork() {
    for link in [Link::Shared, Link::Static, Link::Sanitized] {
        passes(&mut Command::new(compile(&test_program("fork.c"), link)));
    }
}

/// It stands in front of the allocation functions of glibc, by names that only glibc has.
#[test]
#[cfg(target_env = "gnu")]
fn memory() {
    for link in [Link::Shared, Link::Static] {
        passes(&mut Command::new(compile(&test_program("memory.c"), link)));
    }
}

#[test]
fn detach() {
    for link in [Link::Shared, Link::Static] {
        passes(&mut Command::new(compile(&test_program("detach.c"), link)));
    }
}

#[test]
fn contract() {
    passes(&mut Command::new(compile(&test_program("contract.c"), Link::Shared)));
}

#[test]
fn api() {
    passes(&mut Command::new(compile(&test_program("api.c"), Link::Shared)));
    passes(&mut Command::new(compile(&test_program("api.c"), Link::Static)));
}

#[test]
fn misuse() {
    passes(&mut Command::new(compile(&test_program("misuse.c"), Link::Shared)));
    passes(&mut Command::new(compile(&test_program("misuse.c"), Link::Static)));
}

/// Each of these programs under the sanitizers.
mod sanitizers_find_nothing {
    use super::*;

    fn within(name: &str) {
        passes(Command::new(compile(&test_program(name), Link::Sanitized)).env("ASAN_OPTIONS", "detect_leaks=1"));
    }

    each!(within, ".c": api contract doctor misuse);
}

#[test]
fn random_calls_do_no_harm() {
    passes(Command::new(compile(&test_program("random.c"), Link::Sanitized)).arg("1000000"));
}

/// The sanitizers are really on: they find a leak of an object of ours, a use after it was freed, and an overflow.
#[test]
fn sanitizers_are_on() {
    let programs = [
        ("leak", "for (int i = 0; i < 100; i++) isym_args_new();", "LeakSanitizer"),
        ("use", "isym_args *a = isym_args_new(); isym_args_free(a); isym_args_free(a);", "AddressSanitizer"),
        ("overflow", "int i = 0x7fffffff; i += (int)isym_version().len; return i == 0;", "signed integer overflow"),
    ];
    for (name, body, finding) in programs {
        let source = scratch("sources").join(format!("{name}.c"));
        let text = format!("#include <isymphony.h>\nint main(void) {{ {body} return 0; }}\n");
        std::fs::write(&source, text).expect("the source is written");
        let output = Command::new(compile(&source, Link::Sanitized)).output().expect("the program starts");
        assert!(!output.status.success() && said(&output).contains(finding), "{}", said(&output));
    }
}

/// Each of these programs under valgrind.
mod valgrind_finds_nothing {
    use super::*;

    fn within(name: &str) {
        let Some(mut valgrind) = valgrind() else { return };
        if name == "fork.c" {
            // What the parent's threads hold is lost in a forked child, which has not got them.
            valgrind.arg("--leak-check=no");
        }
        passes(valgrind.arg(compile(&test_program(name), Link::Shared)).arg("20000"));
    }

    each!(within, ".c": api doctor fork misuse random watch);

    fn contract_of(folder: PathBuf) {
        let Some(mut valgrind) = valgrind() else { return };
        passes(valgrind.arg(compile(&test_program("contract.c"), Link::Shared)).arg(folder));
    }

    #[test]
    #[ignore = "takes a minute"]
    fn contract() {
        contract_of(first_cases());
    }

    #[test]
    #[ignore = "takes ten minutes"]
    fn whole_contract() {
        contract_of(root().join("tests/contract/cases"));
    }
}

#[test]
fn exactly_the_reviewed_symbols_are_exported() {
    let list = run(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(&library().shared));
    let mut exported: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    exported.sort_unstable();
    let reviewed = root().join("bindings/c/exports.txt");
    if std::env::var_os("ISYM_BLESS").is_some() {
        std::fs::write(&reviewed, exported.join("\n") + "\n").expect("the list is written");
    }
    let text = std::fs::read_to_string(&reviewed).unwrap_or_default();
    let reviewed: Vec<&str> = text.lines().collect();
    assert!(exported.iter().all(|name| name.starts_with("isym_")), "{exported:?}");
    assert_eq!(exported, reviewed, "look at the difference, then run with ISYM_BLESS=1");
}

#[test]
fn the_library_has_its_soname() {
    let said = run(Command::new("readelf").arg("-d").arg(&library().shared));
    assert!(said.contains("[libisymphony.so.0]"), "{said}");
}
