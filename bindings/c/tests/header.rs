//! `include/isymphony.h` is what cbindgen makes of the sources, compiles wherever it is promised to, says what the library
//! exports, and whose it is; `isymphony.hpp` covers all of it, and `isymphony.cdef` says the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
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
    "log_lines",
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
        "\n/// The version of this header; isym_version tells that of the library.\n\
         #define ISYM_VERSION \"{number}\"\n{}{}{}",
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

/// Checks that a source compiles in every one of these standards, with every compiler there is.
fn compiles(source: &Path, compilers: [&str; 2], standards: &[&str], flags: &[&str]) {
    for compiler in compilers {
        let Some(_) = common::tool(compiler) else { continue };
        for standard in standards {
            let mut command = Command::new(compiler);
            command.arg(format!("-std={standard}")).args(common::WARNINGS).args(flags).arg("-fsyntax-only");
            common::run(command.arg("-I").arg(root().join("include")).arg(source));
        }
    }
}

/// A source that includes a header, and nothing before it, twice.
fn twice(header: &str, extension: &str) -> PathBuf {
    let source = common::scratch("header").join(format!("{header}.{extension}"));
    let main = "int main(void) { return isym_version().len == 0; }\n";
    fs::write(&source, format!("#include <{header}>\n#include <{header}>\n{main}")).expect("the source is written");
    source
}

const C_COMPILERS: [&str; 2] = ["gcc", "clang"];
const CPP_COMPILERS: [&str; 2] = ["g++", "clang++"];

#[test]
fn the_c_header_compiles_alone_and_twice_in_every_dialect() {
    compiles(&twice("isymphony.h", "c"), C_COMPILERS, &["c99", "c11", "c17", "c2x"], &[]);
    compiles(&twice("isymphony.h", "cpp"), CPP_COMPILERS, &["c++11", "c++14", "c++17", "c++20"], &[]);
}

#[test]
fn the_cpp_header_compiles_alone_and_twice_in_every_dialect() {
    let standards = ["c++17", "c++20", "c++2b"];
    compiles(&twice("isymphony.hpp", "cpp"), CPP_COMPILERS, &standards, common::CPP_WARNINGS);
    // And so does everything in it, with and without exceptions.
    let all = root().join("tests/cpp/api.cpp");
    compiles(&all, CPP_COMPILERS, &standards, common::CPP_WARNINGS);
    compiles(&root().join("tests/cpp/lifetime.cpp"), CPP_COMPILERS, &standards[1..2], common::CPP_WARNINGS);
    compiles(&all, CPP_COMPILERS, &standards[..1], &[common::CPP_WARNINGS, &["-fno-exceptions"]].concat());
}

/// What the C++ header does not use of the C interface, and why. In a name `*` stands for a kind.
const NOT_IN_CPP: &[(&str, &str)] = &[
    ("isym_*_id", "Resource::id gives it, by isym_resource_id"),
    ("isym_*_configuration_id", "Resource::configuration_id gives it, by isym_resource_configuration_id"),
    ("isym_*_resource", "a view is a Resource"),
];

const KINDS: &[&str] = &[
    "agent",
    "call_segment",
    "conference_room",
    "core_server",
    "extension",
    "login",
    "queue",
    "statistics",
    "user",
    "user_status",
];

/// The names of a text that start so, whole words.
fn words<'t>(text: &'t str, start: &str) -> BTreeSet<&'t str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(names).filter(|word| word.starts_with(start)).collect()
}

#[test]
fn the_cpp_header_is_over_the_whole_c_interface() {
    let header = |name| fs::read_to_string(root().join("include").join(name)).expect("the header is read");
    let (c, cpp, exports) = (header("isymphony.h"), header("isymphony.hpp"), header("../bindings/c/exports.txt"));
    let used = words(&cpp, "isym_");
    let excepted: BTreeSet<String> =
        NOT_IN_CPP.iter().flat_map(|(name, _)| KINDS.iter().map(|kind| name.replace('*', kind))).collect();
    let missing: Vec<&str> = exports.lines().filter(|name| !used.contains(name) && !excepted.contains(*name)).collect();
    assert!(missing.is_empty(), "isymphony.hpp lacks {missing:?}");
    let (constants, used) = (words(&c, "ISYM_"), words(&cpp, "ISYM_"));
    let with_own_names = ["ISYM_ANY_AGE", "ISYM_DEFAULT_TIMEOUT", "ISYM_ISYMPHONY_H"];
    let missing: Vec<_> = constants
        .difference(&used)
        .filter(|name| !with_own_names.contains(name) && !name.starts_with("ISYM_VERSION"))
        .collect();
    assert!(missing.is_empty(), "isymphony.hpp lacks {missing:?}");
}

/// The declarations alone, for an FFI that reads C but runs no preprocessor: `include/isymphony.cdef`.
#[test]
fn the_declarations_for_ffis_are_those_of_the_header() {
    let header = generate();
    let (_, declarations) = header.split_once("#include <stdint.h>\n").expect("the header has includes");
    let mut fresh = String::from("/* The declarations of isymphony.h, generated, for FFIs that read C. */\n");
    let mut cpp = false;
    for line in declarations.lines() {
        cpp = cpp || line.starts_with("#ifdef __cplusplus");
        let constant = line.strip_prefix("#define ").and_then(|define| define.split_once(' '));
        match constant {
            // Whole numbers become enumerators.
            Some((name, value)) if value.parse::<i64>().is_ok() => {
                fresh += &format!("enum {{ {name} = {value} }};\n");
            }
            _ if cpp || line.starts_with('#') || line.trim_start().starts_with("//") || line.starts_with("/*") => {}
            _ if line.is_empty() => {}
            _ => fresh += &format!("{line}\n"),
        }
        cpp = cpp && !line.starts_with("#endif");
    }
    let path = root().join("include/isymphony.cdef");
    if std::env::var_os("ISYM_BLESS").is_some() {
        fs::write(&path, &fresh).expect("the declarations are written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "include/isymphony.cdef is not what the header says: run `ISYM_BLESS=1 cargo test -p isymphony-c --test header`"
    );
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
    let exported: BTreeSet<&str> = exports.lines().collect();
    let only_one_has: Vec<_> = declared.symmetric_difference(&exported).collect();
    assert!(only_one_has.is_empty(), "{only_one_has:?}");
}

/// The words of a text of C.
fn names(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// What a header does not say and should: whose every text, view and object is that a function gives, with which errors a
/// function fails, and how threads may use an object.
fn unsaid(header: &str) -> Vec<String> {
    let declarations = header.split("\n\n").map(|paragraph| {
        let (said, code): (Vec<&str>, Vec<&str>) =
            paragraph.lines().map(str::trim).partition(|line| line.starts_with("///"));
        let said: Vec<&str> = said.iter().map(|line| line.trim_start_matches('/').trim()).collect();
        (said.join(" "), code.join(" "))
    });
    let (mut lent, mut unsaid) = (BTreeSet::new(), Vec::new());
    for (said, code) in declarations {
        if let Some(declared) = code.strip_prefix("typedef struct ") {
            let name = names(declared).next().unwrap_or_default().to_owned();
            if !declared.contains('{') && !said.contains("thread") {
                unsaid.push(format!("{name}: how may threads use it?"));
            } else if declared.contains('*') || names(declared).any(|name| lent.contains(name)) {
                lent.insert(name);
            }
        }
        let Some((head, parameters)) = code.split_once('(').filter(|_| code.starts_with(char::is_alphabetic)) else {
            continue;
        };
        let name = names(head).last().unwrap_or_default();
        if code.starts_with("typedef") || !name.starts_with("isym_") {
            continue;
        }
        let (errors, others): (Vec<&str>, Vec<&str>) =
            parameters.split(',').map(str::trim).partition(|parameter| parameter.contains("isym_error **"));
        if !errors.is_empty() && !said.contains("Errors:") {
            unsaid.push(format!("{name}: which errors?"));
        }
        let is_lent = |code: &str| names(code).any(|name| lent.contains(name));
        let given = |parameter: &&str| {
            let out = parameter.contains('*') && !parameter.starts_with("const");
            out && (parameter.contains("**") || is_lent(parameter))
        };
        let freed = |words: &str| names(words).next().is_some_and(|name| name.ends_with("_free"));
        let said_whose = said.contains("orrowed from")
            || said.contains("lives as long as the library")
            || said.match_indices("isym_").any(|(at, _)| said[..at].ends_with("with ") && freed(&said[at..]));
        if (head.contains('*') || is_lent(head) || others.iter().any(given)) && !said_whose {
            unsaid.push(format!("{name}: whose is what it gives?"));
        }
    }
    unsaid
}

#[test]
fn the_header_says_whose_everything_is_and_what_fails_and_what_threads_may() {
    assert_eq!(unsaid(&generate()), Vec::<String>::new());
}

#[test]
fn what_the_header_does_not_say_is_found() {
    let header = |thing: &str, text: &str, new: &str, at: &str| {
        format!(
            "/// A thing. {thing}\ntypedef struct isym_thing isym_thing;\n\n\
             /// A text.\ntypedef struct isym_str {{\n    /// The first byte.\n    const char *ptr;\n}} isym_str;\n\n\
             /// A place.\ntypedef struct isym_at {{\n    /// A text.\n    struct isym_str text;\n}} isym_at;\n\n\
             /// Its text.\n///\n/// {text}\nstruct isym_str isym_thing_text(const struct isym_thing *thing);\n\n\
             /// Makes one. {new}\nenum isym_status isym_thing_new(const char *const *texts,\n    \
             struct isym_thing **thing,\n    struct isym_error **error);\n\n\
             /// Where it is. {at}\nenum isym_status isym_thing_at(const struct isym_thing *thing,\n    \
             struct isym_at *at);\n\n\
             /// Frees it.\nvoid isym_thing_free(struct isym_thing *thing);\n"
        )
    };
    let (thread, borrowed) = ("One thread at a time uses it.", "Borrowed\n/// from the thing.");
    let (new, made) = ("The caller frees it with isym_thing_free.\n///\n/// Errors: none.", "Errors: none.");
    assert_eq!(unsaid(&header(thread, borrowed, new, borrowed)), Vec::<String>::new());
    let found = [
        (header("", borrowed, new, borrowed), "isym_thing: how may threads use it?"),
        (header(thread, "", new, borrowed), "isym_thing_text: whose is what it gives?"),
        (header(thread, borrowed, made, borrowed), "isym_thing_new: whose is what it gives?"),
        (header(thread, borrowed, "Freed with isym_thing_free.", borrowed), "isym_thing_new: which errors?"),
        (header(thread, borrowed, new, "See isym_thing_free."), "isym_thing_at: whose is what it gives?"),
    ];
    for (header, finding) in found {
        assert_eq!(unsaid(&header), [finding]);
    }
}
