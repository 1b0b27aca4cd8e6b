//! The library as C and C++ programs link it, and how to build and run them.

#![allow(dead_code, unreachable_pub)] // Each test uses its part.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The root of the project.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the project has a root")
}

/// A folder for what the tests make.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// The libraries, built.
pub struct Library {
    /// libisymphony.so, under its SONAME too.
    pub folder: PathBuf,
    pub shared: PathBuf,
    pub archive: PathBuf,
}

/// Builds the libraries. (Cargo builds no cdylib for tests by itself.)
pub fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "-p", "isymphony-c", "--lib", "--message-format=json"]).current_dir(root());
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        // What cargo tells a test of its package would have it build some dependencies anew, and once more afterwards.
        let told =
            |name: &str| name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
            cargo.env_remove(name);
        }
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
        let built = |name: &str| {
            let file = messages.split('"').rfind(|word| word.ends_with(&format!("/{name}")));
            PathBuf::from(file.unwrap_or_else(|| panic!("cargo built no {name}")))
        };
        let (shared, archive) = (built("libisymphony.so"), built("libisymphony.a"));
        let folder = scratch("lib");
        for name in ["libisymphony.so", "libisymphony.so.0"] {
            let link = folder.join(name);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&shared, link).expect("a link can be made");
        }
        Library { folder, shared, archive }
    })
}

/// How a program is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Shared,
    Static,
    Sanitized,
    /// As `Shared`, for benches.
    Optimized,
    /// As `Shared`, C++ without exceptions.
    NoExceptions,
}

/// What both languages are compiled with: every warning is an error.
pub const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-pedantic", "-Werror"];

/// What C++ is compiled with beyond that.
pub const CPP_WARNINGS: &[&str] = &["-Wshadow", "-Wconversion", "-Wold-style-cast", "-Wnon-virtual-dtor"];

/// Compiles a program, in C++17 where its name ends in `.cpp` and in C11 otherwise.
pub fn compile(source: &Path, link: Link) -> PathBuf {
    static BUILT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let library = library();
    let name = source.file_name().expect("a source has a name").to_string_lossy();
    let program = scratch("programs").join(format!("{name}-{link:?}"));
    // One at a time, and each once: another test may be running it.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.insert(program.clone()) {
        return program;
    }
    let mut cc;
    if source.extension().is_some_and(|extension| extension == "cpp") {
        cc = Command::new("c++");
        cc.arg("-std=c++17").args(CPP_WARNINGS);
    } else {
        cc = Command::new("cc");
        cc.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L"]);
    }
    cc.args(WARNINGS).args(["-g", "-pthread"]);
    cc.arg("-I").arg(root().join("include")).arg(source).arg("-o").arg(&program);
    if link == Link::Sanitized {
        cc.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    }
    if link == Link::Optimized {
        cc.arg("-O2");
    }
    if link == Link::NoExceptions {
        cc.arg("-fno-exceptions");
    }
    match link {
        Link::Static => cc.arg(&library.archive).args(["-lm", "-ldl"]),
        _ => {
            let rpath = format!("-Wl,-rpath,{}", library.folder.display());
            cc.arg("-L").arg(&library.folder).args(["-lisymphony", &rpath])
        }
    };
    let output = cc.output().expect("the compiler runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// Runs a program of `tests`, whose last line counts what passed.
pub fn passes(command: &mut Command) {
    let output = command.current_dir(root()).output().expect("the program starts");
    let said = said(&output);
    let last = String::from_utf8_lossy(&output.stdout).trim_end().lines().last().unwrap_or_default().to_owned();
    let passed = last.strip_suffix(" passed, 0 failed").and_then(|count| count.parse::<u32>().ok());
    assert!(output.status.success() && passed.is_some_and(|count| count > 0), "{command:?}: {}\n{said}", output.status);
}

/// Valgrind, as an error for what it finds; `None` where it is not installed.
pub fn valgrind() -> Option<Command> {
    let mut valgrind = tool("valgrind")?;
    valgrind.args([
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite",
        "-q",
        "--fair-sched=try",
    ]);
    Some(valgrind)
}

/// A test for each of these programs of `tests`, named as it is.
#[macro_export]
macro_rules! each {
    ($passes:path, $ending:literal: $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $passes(concat!(stringify!($name), $ending));
            }
        )*
    };
}

/// A folder with the first contract case of some files, for what takes too long for all of them.
pub fn first_cases() -> PathBuf {
    let (from, to) = (root().join("tests/contract/cases"), scratch("first-cases"));
    for file in ["actions.txt", "relations.txt", "restart.txt"] {
        let text = fs::read_to_string(from.join(file)).expect("there are cases");
        let first = text.match_indices("\ncase\t").nth(1).map_or(&*text, |(end, _)| &text[..end + 1]);
        fs::write(to.join(file), first).expect("the folder can be written");
    }
    to
}

/// A program that a test needs beyond a compiler. Where it is not installed the test says so and skips; with
/// `ISYM_NO_SKIPS` in the environment, as in CI, it fails.
pub fn tool(name: &str) -> Option<Command> {
    if Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
        return Some(Command::new(name));
    }
    assert!(env::var_os("ISYM_NO_SKIPS").is_none(), "{name} is not installed");
    eprintln!("skipped: {name} is not installed");
    None
}

/// Runs a program in the root of the project; what it said on both streams, if it went well.
pub fn run(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().expect("the program starts");
    let said = said(&output);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    said
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
