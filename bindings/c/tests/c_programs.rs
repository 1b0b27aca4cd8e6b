//! The C programs: the example and everything in `tests/c`, built as a user builds them and run; the misuse and API
//! programs also linked statically, with sanitizers and under valgrind.

use std::path::PathBuf;
use std::process::Command;

mod common;

use common::{Link, compile, library, root, run, said, scratch};

fn test_program(name: &str) -> PathBuf {
    root().join("tests/c").join(name)
}

/// Runs a program of `tests/c`, whose last line counts.
fn passes(command: &mut Command) {
    let output = command.current_dir(root()).output().expect("the program starts");
    let said = said(&output);
    let last = String::from_utf8_lossy(&output.stdout).trim_end().lines().last().unwrap_or_default().to_owned();
    let passed = last.strip_suffix(" passed, 0 failed").and_then(|count| count.parse::<u32>().ok());
    assert!(output.status.success() && passed.is_some_and(|count| count > 0), "{command:?}: {}\n{said}", output.status);
}

#[test]
fn the_demo_does_its_job() {
    let said = run(&mut Command::new(compile(&root().join("bindings/c/examples/demo.c"), Link::Shared)));
    for words in [
        "coreServers/getByName/default/extensions/getByName/4224\n  is ",
        "of user 4224",
        "4224 calls 5551234: accepted",
        "5551234",
        "the same handle: ",
    ] {
        assert!(said.contains(words), "{words:?} is missing in:\n{said}");
    }
}

/// The event loop tells of a change on the server, and ends with its input.
#[test]
fn the_event_loop_shows_changes() {
    use std::io::{BufRead, BufReader};
    let sandbox = isymphony_core::sandbox::Sandbox::start(isymphony_core::sandbox::SandboxConfig::new()).unwrap();
    let mut program = Command::new(compile(&root().join("bindings/c/examples/epoll.c"), Link::Shared))
        .arg(sandbox.url())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("watching"));
    sandbox.add_extension("7777", "Seven", Some("mike")).unwrap();
    assert!(lines.any(|line| line.starts_with("+ ") && line.contains("7777")));
    sandbox.restart();
    assert!(lines.any(|line| line.starts_with("restarted ")));
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}

#[test]
fn watch() {
    passes(&mut Command::new(compile(&test_program("watch.c"), Link::Shared)));
    passes(&mut Command::new(compile(&test_program("watch.c"), Link::Sanitized)));
}

#[test]
fn fork() {
    for link in [Link::Shared, Link::Static, Link::Sanitized] {
        passes(&mut Command::new(compile(&test_program("fork.c"), link)));
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

#[test]
fn sanitizers_find_nothing() {
    for name in ["misuse.c", "api.c"] {
        passes(Command::new(compile(&test_program(name), Link::Sanitized)).env("ASAN_OPTIONS", "detect_leaks=1"));
    }
}

#[test]
fn random_calls_do_no_harm() {
    passes(Command::new(compile(&test_program("random.c"), Link::Sanitized)).arg("1000000"));
}

/// The sanitizers are really on: they find a leak of an object of ours, and a use after it was freed.
#[test]
fn sanitizers_are_on() {
    let programs = [
        ("leak", "for (int i = 0; i < 100; i++) isym_args_new();", "LeakSanitizer"),
        ("use", "isym_args *a = isym_args_new(); isym_args_free(a); isym_args_free(a);", "AddressSanitizer"),
    ];
    for (name, body, finding) in programs {
        let source = scratch("sources").join(format!("{name}.c"));
        let text = format!("#include <isymphony.h>\nint main(void) {{ {body} return 0; }}\n");
        std::fs::write(&source, text).expect("the source is written");
        let output = Command::new(compile(&source, Link::Sanitized)).output().expect("the program starts");
        assert!(!output.status.success() && said(&output).contains(finding), "{}", said(&output));
    }
}

#[test]
fn valgrind_finds_nothing() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is not installed");
        return;
    }
    for name in ["misuse.c", "api.c", "fork.c", "random.c"] {
        let program = compile(&test_program(name), Link::Shared);
        // What the parent's threads hold is lost in a forked child, which has not got them.
        let leaks = if name == "fork.c" { "no" } else { "full" };
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--error-exitcode=9", "--errors-for-leak-kinds=definite", "-q"]);
        valgrind.arg(format!("--leak-check={leaks}"));
        passes(valgrind.arg(program).arg("20000"));
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
