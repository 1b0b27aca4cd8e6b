//! The examples do what they say: in C, C++, and from PHP and LuaJIT by their FFIs; those of the READMEs too.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use isymphony_core::sandbox::{Caller, Sandbox, SandboxConfig};

mod common;

use common::{Link, compile, library, root, run, scratch, tool};

fn example(name: &str) -> PathBuf {
    root().join("bindings/c/examples").join(name)
}

fn built(name: &str) -> Command {
    Command::new(compile(&example(name), Link::Shared))
}

fn says(said: &str, words: &[&str]) {
    for words in words {
        assert!(said.contains(words), "{words:?} is missing in:\n{said}");
    }
}

/// A program that runs until its input or its client ends, and its lines.
fn start(command: &mut Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut program = started.expect("the program starts");
    let lines = BufReader::new(program.stdout.take().expect("it has an output")).lines();
    (program, lines)
}

/// A sandbox that demands these credentials.
fn guarded() -> Sandbox {
    Sandbox::start(SandboxConfig::new().credentials("manager", "s3cret")).expect("the sandbox starts")
}

fn with_credentials(command: &mut Command) -> &mut Command {
    command.env("ISYMPHONY_USERNAME", "manager").env("ISYMPHONY_PASSWORD", "s3cret")
}

#[test]
fn the_demo_does_its_job() {
    let words = [
        "coreServers/getByName/default/extensions/getByName/4224\n  is ",
        "of user 4224",
        "4224 calls 5551234: accepted",
        "5551234",
        "the same handle: ",
    ];
    says(&run(&mut built("demo.c")), &words);
    let server = guarded();
    let said = run(with_credentials(built("demo.c").arg(server.url())));
    says(&said, &words[..2]);
    assert!(server.requests().iter().all(|request| request.method == "GET"), "it looks, and touches nothing");
    let refused = built("demo.c").arg("gopher://pbx").output().expect("the program starts");
    says(&common::said(&refused), &["open: config: ", "http"]);
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn click_to_dial_follows_the_call() {
    let words = ["4224 rings, then 5551234 is dialled\n  EXTERNAL call with ", "the call is over"];
    says(&run(&mut built("click_to_dial.c")), &words);
    let output = built("click_to_dial.c").arg("4224").output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    let server = guarded();
    let mut dial = built("click_to_dial.c");
    with_credentials(dial.args(["9999", "5551234"]).arg(server.url()));
    let output = dial.output().expect("the program starts");
    says(&common::said(&output), &["originate: ", "9999"]);
    assert!(!output.status.success());
}

/// The event loop tells of a change on the server, and ends with its input.
#[test]
fn the_event_loop_shows_changes() {
    let server = guarded();
    let (mut program, lines) = start(with_credentials(built("epoll.c").arg(server.url())));
    let mut lines = lines.map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("watching"));
    server.add_extension("7777", "Seven", Some("mike")).unwrap();
    assert!(lines.any(|line| line.starts_with("+ ") && line.contains("7777")));
    server.restart();
    assert!(lines.any(|line| line.starts_with("restarted ")));
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());

    let (mut program, lines) = start(&mut built("epoll.c"));
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("+ ") && line.contains("callerId")));
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}

#[test]
fn the_board_is_drawn_at_changes() {
    if tool("c++").is_none() {
        return;
    }
    let said = run(&mut built("board.cpp"));
    says(&said, &["Users\n  4224 ", "Calls\n", "Queues\n  5001 ", " waiting\n", "<- "]);
    assert!(said.matches("Users\n").count() > 2, "{said}");

    let server = guarded();
    let (mut program, lines) = start(with_credentials(built("board.cpp").arg(server.url())));
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("  5001 ")));
    server.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    assert!(lines.any(|line| line.starts_with("  4224 ") && line.ends_with("<- Ada")));
    program.kill().expect("it ends");
    program.wait().expect("it ended");
    let refused = built("board.cpp").arg("gopher://pbx").output().expect("the program starts");
    says(&common::said(&refused), &["http"]);
    assert_eq!(refused.status.code(), Some(1));
}

/// Without an input that epoll can wait for, the event loop goes on.
#[test]
fn the_event_loop_needs_no_input() {
    let mut program = built("epoll.c");
    let mut program = program.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(program.stdout.take().expect("it has an output")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("watching"));
    assert!(lines.any(|line| line.starts_with("+ ")));
    program.kill().expect("it ends");
    program.wait().expect("it ended");
}

/// Each of the examples on a sandbox of its own, under the sanitizers; the event loop ends when its input does.
#[test]
fn sanitizers_find_nothing() {
    let sanitized = |name| {
        let mut command = Command::new(compile(&example(name), Link::Sanitized));
        command.env("ASAN_OPTIONS", "detect_leaks=1");
        command
    };
    run(&mut sanitized("demo.c"));
    run(&mut sanitized("click_to_dial.c"));
    if tool("c++").is_some() {
        run(&mut sanitized("board.cpp"));
    }
    let (mut program, lines) = start(&mut sanitized("epoll.c"));
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("+ ")));
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}

/// The first block of a document in a language, as a program for this server; a fragment is put into `main`.
fn documented(document: &str, language: &str, url: &str) -> PathBuf {
    let text = fs::read_to_string(root().join(document)).expect("the document is read");
    let block = text.split_once(&format!("```{language}\n")).and_then(|(_, rest)| rest.split_once("```"));
    let (block, _) = block.unwrap_or_else(|| panic!("{document} shows no {language}"));
    let with_credentials = url.replace("http://", "http://manager:secret@");
    let block = block.replace("http://manager:secret@pbx:58080", &with_credentials);
    let mut program = block.replace("http://pbx:58080", url);
    if !program.contains("int main(") {
        program = format!("#include <stdio.h>\n#include <isymphony.h>\nint main(void) {{\n{program}return 0;\n}}\n");
    }
    let name = document.replace('/', "_");
    let source = scratch("documented").join(format!("{name}.{language}"));
    fs::write(&source, program).expect("the source is written");
    source
}

#[test]
fn what_the_documents_show_works() {
    let server = Sandbox::start(SandboxConfig::new().credentials("manager", "secret")).expect("the sandbox starts");
    let shown = [("README.md", "c"), ("README.md", "cpp"), ("include/README.md", "c"), ("include/README.md", "cpp")];
    for (document, language) in shown {
        if language == "cpp" && tool("c++").is_none() {
            continue;
        }
        let source = documented(document, language, &server.url());
        let said = run(&mut Command::new(compile(&source, Link::Shared)));
        says(&said, &["Michael Y"]);
    }
}

/// Runs an example by an interpreter: on its sandbox, then on a server that it only looks at.
fn interpreted(interpreter: &[&str], name: &str) {
    let command = || {
        let mut command = Command::new(interpreter[0]);
        command.args(&interpreter[1..]).arg(example(name));
        command.env("ISYMPHONY_CDEF", root().join("include/isymphony.cdef")).env("ISYMPHONY_LIB", &library().shared);
        command
    };
    let who = "coreServers/getByName/default/extensions/getByName/4224\n  is ";
    says(&run(&mut command()), &["isymphony 0.", who, "4224 calls 5551234: accepted\n  a new call: EXTERNAL"]);
    let server = guarded();
    says(&run(with_credentials(command().arg(server.url()))), &[who]);
    let refused = command().arg("gopher://pbx").output().expect("the interpreter starts");
    says(&common::said(&refused), &["http"]);
    assert!(!refused.status.success());
}

#[test]
fn php_reads_the_declarations() {
    let Some(mut php) = tool("php") else { return };
    let has_ffi =
        php.args(["-r", "exit(extension_loaded('FFI') ? 0 : 1);"]).status().is_ok_and(|status| status.success());
    if has_ffi || std::env::var_os("ISYM_NO_SKIPS").is_some() {
        interpreted(&["php", "-d", "ffi.enable=1"], "demo.php");
    } else {
        eprintln!("skipped: php has no FFI");
    }
}

#[test]
fn luajit_reads_the_declarations() {
    if tool("luajit").is_some() {
        interpreted(&["luajit"], "demo.lua");
    }
}
