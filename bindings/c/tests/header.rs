//! `include/isymphony.h` is what cbindgen makes of the sources, compiles wherever it is promised to, and says what the
//! library exports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

mod common;

use common::root;

/// The sources in the order their functions stand in the header.
const SOURCES: &[&str] = &[
    "version",
    "error",
    "str",
    "uuid",
    "time",
    "kind",
    "config",
    "config_limits",
    "doctor",
    "live",
    "health",
    "metrics",
    "log",
    "snapshot",
    "changes",
    "watch",
    "list",
    "resource",
    "property",
    "core_server",
    "user",
    "login",
    "user_status",
    "extension",
    "call_segment",
    "queue",
    "agent",
    "statistics",
    "conference_room",
    "handle",
    "args",
    "ticket",
    "actions",
    "sandbox_config",
    "sandbox",
    "sandbox_requests",
    "sandbox_calls",
    "sandbox_people",
    "sandbox_queues",
];

fn generate() -> String {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml")).expect("cbindgen.toml is read");
    config.header = Some(fs::read_to_string(crate_dir.join("header.txt")).expect("header.txt is read"));
    config.after_includes = Some(version_macros());
    let builder = SOURCES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, source| {
        builder.with_src(crate_dir.join(format!("src/{source}.rs")))
    });
    let mut text = Vec::new();
    builder.generate().expect("cbindgen understands the sources").write(&mut text);
    String::from_utf8(text).expect("the header is UTF-8")
}

/// The version of the header, from Cargo.toml.
fn version_macros() -> String {
    let part = |name, value| format!("#define ISYM_VERSION_{name} {value}\n");
    let number = env!("CARGO_PKG_VERSION");
    format!(
        "\n/** The version of this header; isym_version tells that of the library. */\n#define ISYM_VERSION \"{number}\"\n{}{}{}",
        part("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        part("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        part("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    )
}

#[test]
fn the_header_is_what_the_sources_say() {
    let sources: BTreeSet<String> = SOURCES.iter().map(|source| format!("{source}.rs")).collect();
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("src is read");
    let files = files.map(|file| file.expect("src is read").file_name().into_string().expect("names are UTF-8"));
    let unknown: Vec<_> =
        files.filter(|file| !sources.contains(file) && !matches!(file.as_str(), "lib.rs" | "guard.rs")).collect();
    assert!(unknown.is_empty(), "SOURCES lacks {unknown:?}");

    let (path, fresh) = (root().join("include/isymphony.h"), generate());
    if std::env::var_os("ISYM_BLESS").is_some() {
        // At once: the other tests are reading it.
        fs::write(path.with_extension("new"), &fresh).expect("the header is written");
        fs::rename(path.with_extension("new"), &path).expect("the header is written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "include/isymphony.h is not what the sources say: run `ISYM_BLESS=1 cargo test -p isymphony-c --test header`"
    );
}

#[test]
fn the_header_compiles_alone_and_twice_in_every_dialect() {
    let folder = common::scratch("header");
    let text = "#include <isymphony.h>\n#include <isymphony.h>\nint main(void) { return isym_version().len == 0; }\n";
    let (c, cpp) = (folder.join("twice.c"), folder.join("twice.cpp"));
    fs::write(&c, text).and_then(|()| fs::write(&cpp, text)).expect("the sources are written");
    let dialects = [
        ("cc", &c, ["c99", "c11", "c17", "c2x"].as_slice()),
        ("c++", &cpp, ["c++11", "c++14", "c++17", "c++20"].as_slice()),
    ];
    for (compiler, source, standards) in dialects {
        for standard in standards {
            let mut command = Command::new(compiler);
            command.arg(format!("-std={standard}")).args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]);
            common::run(command.arg("-I").arg(root().join("include")).arg(source));
        }
    }
}

#[test]
fn every_function_of_the_header_is_exported() {
    let header = fs::read_to_string(root().join("include/isymphony.h")).expect("the header is read");
    let declared: BTreeSet<&str> = header
        .lines()
        .filter(|line| !line.starts_with("//") && !line.contains("(*"))
        .filter_map(|line| line.split('(').next()?.split([' ', '*']).next_back())
        .filter(|word| word.starts_with("isym_") && header.contains(&format!("{word}(")))
        .collect();
    let exports = fs::read_to_string(root().join("bindings/c/exports.txt")).expect("exports.txt is read");
    assert_eq!(declared, exports.lines().collect());
}
