//! The library as C programs link it, and how to build and run them.

#![allow(dead_code, unreachable_pub)] // Each test uses its part.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
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
}

/// Compiles a C program with every warning as an error.
pub fn compile(source: &Path, link: Link) -> PathBuf {
    static BUILT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let library = library();
    let name = source.file_stem().expect("a source has a name").to_string_lossy();
    let program = scratch("programs").join(format!("{name}-{link:?}"));
    // One at a time, and each once: another test may be running it.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.insert(program.clone()) {
        return program;
    }
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic", "-pthread"]);
    cc.arg("-I").arg(root().join("include")).arg(source).arg("-o").arg(&program);
    if link == Link::Sanitized {
        cc.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    }
    if link == Link::Optimized {
        cc.arg("-O2");
    }
    match link {
        Link::Static => cc.arg(&library.archive).args(["-lm", "-ldl"]),
        _ => {
            let rpath = format!("-Wl,-rpath,{}", library.folder.display());
            cc.arg("-L").arg(&library.folder).args(["-lisymphony", &rpath])
        }
    };
    let output = cc.output().expect("cc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
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
