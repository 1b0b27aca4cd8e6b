//! The Rust and TOML blocks of the documentation are run, and its lists are whole. `tests/docs/README.md` has the rules.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::{Code, Config, Error};

#[path = "docs/blocks.rs"]
mod blocks;

use blocks::{Block, in_place, pages};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the blocks are compiled with.
const GIVEN: &str = r#"#![allow(warnings)]

/// An error with the line that it came from.
pub struct Failed(Box<dyn std::error::Error>, &'static std::panic::Location<'static>);

impl<E: Into<Box<dyn std::error::Error>>> From<E> for Failed {
    #[track_caller]
    fn from(error: E) -> Failed {
        Failed(error.into(), std::panic::Location::caller())
    }
}

/// Runs the blocks of a page in its folder, with a client.
fn page(folder: &str, url: &str, run: fn(isymphony::Live) -> Result<(), Failed>) {
    std::env::set_current_dir(folder).unwrap();
    let live = isymphony::Live::open(isymphony::Config::new(url).unwrap()).unwrap();
    live.wait(Some(std::time::Duration::from_secs(10))).unwrap();
    if let Err(Failed(error, place)) = run(live) {
        panic!("{place}: {error}");
    }
}

/// Runs a `main` in the folder of its page.
fn program<T: std::fmt::Debug, E: std::fmt::Debug>(folder: &str, result: fn() -> Result<T, E>) {
    std::env::set_current_dir(folder).unwrap();
    result().unwrap();
}
"#;

/// A block that is a program or tests by itself.
fn is_whole(block: &Block) -> bool {
    block.code.contains("fn main()") || block.code.contains("#[test]")
}

/// One program of all Rust blocks: a module for each page, and one for each block that is whole, in a file whose path ends with
/// the page's and whose lines are the page's.
#[test]
fn rust_blocks_work() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs-rust");
    let _ = fs::remove_dir_all(&scratch);
    let (mut source, mut sandboxes) = (GIVEN.to_owned(), Vec::new());
    for page in pages(root()) {
        let blocks: Vec<&Block> = page.of("rust").collect();
        if blocks.is_empty() {
            continue;
        }
        let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "secret")).unwrap();
        let address = format!("127.0.0.1:{}", sandbox.port());
        sandboxes.push(sandbox);
        let folder = scratch.join(page.ident());
        fs::create_dir_all(folder.join("run")).unwrap();
        if let Some(overlay) = page.of("toml").last() {
            fs::write(folder.join("run/pbx.toml"), &overlay.code).unwrap();
        }
        let run = folder.join("run").display().to_string();
        let mut module = |name: &str, text: String| {
            let path = folder.join(name).join(&page.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text.replace("pbx:58080", &address)).unwrap();
            let ident = format!("{}_{name}", page.ident());
            writeln!(source, "#[path = {path:?}]\nmod {ident};").unwrap();
            ident
        };
        let (whole, parts): (Vec<&Block>, Vec<&Block>) = blocks.into_iter().partition(|block| is_whole(block));
        let mut tests = String::new();
        if !parts.is_empty() {
            let open = "pub fn run(live: isymphony::Live) -> Result<(), super::Failed> {";
            let ident = module("parts", in_place(&parts, open, "Ok(()) }"));
            let url = format!("http://manager:secret@{address}");
            writeln!(tests, "#[test] fn test_{ident}() {{ page({run:?}, {url:?}, {ident}::run) }}").unwrap();
        }
        for block in whole {
            let text = in_place(&[block], "", "").replace("fn main()", "pub fn main()");
            let ident = module(&format!("line{}", block.line), text);
            if block.code.contains("fn main()") {
                writeln!(tests, "#[test] fn test_{ident}() {{ program({run:?}, {ident}::main) }}").unwrap();
            }
        }
        source += &tests;
    }
    let (main, program) = (scratch.join("main.rs"), scratch.join("program"));
    fs::write(&main, source).unwrap();

    let (library, dependencies) = library();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--test", "--crate-name=docs"]).arg(&main).arg("-o").arg(&program);
    rustc.arg("--extern").arg(format!("isymphony={}", library.display()));
    rustc.arg("-L").arg(format!("dependency={}", dependencies.display()));
    passes(&mut rustc, &scratch);
    // One after the other: each test goes to a folder of its own.
    passes(Command::new(&program).arg("--test-threads=1"), &scratch);
}

/// Runs a command; what it says names the pages as the project does, not the copies of their blocks.
fn passes(command: &mut Command, scratch: &Path) {
    let output = command.output().expect("the program starts");
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for page in pages(root()) {
        let copies = format!("{}/", scratch.join(page.ident()).display());
        while let Some((before, copy)) = said.split_once(&copies) {
            said = format!("{before}{}", copy.split_once('/').map_or(copy, |(_, path)| path));
        }
    }
    assert!(output.status.success(), "{said}");
}

/// The library for other crates, and the folder of what it depends on. Built with the C library, as `make test` does before.
fn library() -> (PathBuf, PathBuf) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "-p", "isymphony-c", "--lib", "--message-format=json"]).current_dir(root());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
    let is_library = |word: &&str| word.contains("/libisymphony-") && word.ends_with(".rlib");
    let library = PathBuf::from(messages.split('"').find(is_library).expect("cargo built the library"));
    let folder = library.parent().expect("it is in a folder").to_owned();
    (library, folder)
}

#[test]
fn toml_blocks_are_overlays() {
    let mut count = 0;
    for page in pages(root()) {
        for block in page.of("toml") {
            // An error names the line: as the page has it.
            let text = "\n".repeat(block.line - 1) + &block.code;
            let mut config = Config::new("http://pbx:58080").unwrap();
            if let Err(error) = config.overlay(&text) {
                panic!("{}: {error}", page.path);
            }
            count += 1;
        }
    }
    assert!(count > 0);
}

/// docs/errors.md has every code, as it is, and says what to do for each.
#[test]
fn every_error_is_explained() {
    let page = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    for code in Code::ALL {
        let (name, number) = (code.name(), code as u32);
        let retryable = if Error::new(code, "").retryable() { "yes" } else { "no" };
        let row = format!("| {number} | [`{name}`](#{name}) | `ISYM_{}` |", name.to_uppercase());
        let found = page.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("no row {row}"));
        assert!(found.ends_with(&format!("| {retryable} |")), "{found}: retryable is {retryable}");
        let heading = format!("\n### `{name}` {{ #{name} }}\n");
        let section = page.split_once(&heading).unwrap_or_else(|| panic!("no heading {heading}")).1;
        let section = section.split("\n#").next().unwrap_or_default();
        assert!(section.contains("**Do:**"), "{name}: say what to do");
    }
}

/// Every language that a block is marked with is one that is run, or none of a language.
#[test]
fn no_block_is_forgotten() {
    let run = ["python", "sh", "php", "lua", "rust", "toml", "c", "cpp"];
    for page in pages(root()) {
        for block in &page.blocks {
            let language = block.language.as_str();
            let is_known = run.contains(&language) || ["text", "console"].contains(&language);
            assert!(is_known, "{}:{}: nothing runs {language:?}", page.path, block.line - 1);
        }
    }
}
