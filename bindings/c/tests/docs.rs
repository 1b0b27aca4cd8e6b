//! The C and C++ blocks of the documentation are compiled and run. `tests/docs/README.md` has the rules.

use std::fs;
use std::path::Path;
use std::process::Command;

use isymphony_core::sandbox::{Sandbox, SandboxConfig};

#[path = "../../../tests/docs/blocks.rs"]
mod blocks;
mod common;

use blocks::{Block, Page, in_place, pages};
use common::{library, root, said, scratch, tool};

/// A language of the blocks.
struct Language {
    name: &'static str,
    compiler: &'static str,
    flags: &'static [&'static str],
    /// What stands before the parts of a page; `URL` is the sandbox's.
    open: &'static str,
    close: &'static str,
}

const C: Language = Language {
    name: "c",
    compiler: "cc",
    flags: &["-std=c11", "-D_POSIX_C_SOURCE=200809L"],
    open: "#include <isymphony.h>\n#include <inttypes.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\
           static int parts(const isym_live *live) { (void)live; {\n",
    close: "} return 0; }\n\
            int main(void) {\n\
            isym_config *config = isym_config_new(\"URL\"); isym_live *live = NULL;\n\
            if (isym_live_open(config, &live, NULL) || isym_live_wait(live, 10000, NULL)) abort();\n\
            int result = parts(live); isym_live_free(live); isym_config_free(config); return result; }\n",
};

const CPP: Language = Language {
    name: "cpp",
    compiler: "c++",
    flags: &["-std=c++17"],
    open: "#include <isymphony.hpp>\n#include <chrono>\n#include <iostream>\nusing namespace std::chrono_literals;\n\
           static void parts(const isym::Live &live) { (void)live; {\n",
    close: "} }\n\
            int main() { isym::Live live{isym::Config(\"URL\")}; live.wait(10s); parts(live); }\n",
};

#[test]
fn c_blocks_work() {
    run_all(&C);
}

#[test]
fn cpp_blocks_work() {
    if tool(CPP.compiler).is_some() {
        run_all(&CPP);
    }
}

fn run_all(language: &Language) {
    let mut count = 0;
    for page in pages(&root()) {
        let blocks: Vec<&Block> = page.of(language.name).collect();
        if blocks.is_empty() {
            continue;
        }
        let (whole, parts): (Vec<&Block>, Vec<&Block>) =
            blocks.into_iter().partition(|block| block.code.contains("int main("));
        let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "secret")).unwrap();
        count += whole.len() + parts.len();
        for block in whole {
            run(language, &page, &[block], "", "", &sandbox);
        }
        if !parts.is_empty() {
            run(language, &page, &parts, language.open, language.close, &sandbox);
        }
    }
    assert!(count > 0);
}

/// Compiles and runs blocks as one program. `#line` names the page.
fn run(language: &Language, page: &Page, blocks: &[&Block], open: &str, close: &str, sandbox: &Sandbox) {
    let line = blocks[0].line;
    let program = scratch("docs").join(format!("{}_{line}_{}", page.ident(), language.name));
    let source = program.with_extension(language.name);
    let address = format!("127.0.0.1:{}", sandbox.port());
    let text = format!("{open}#line 1 \"{}\"\n{}", page.path, in_place(blocks, "", close));
    let text = text.replace("\"URL\"", "\"http://manager:secret@pbx:58080\"").replace("pbx:58080", &address);
    fs::write(&source, text).expect("the source is written");

    let library = library();
    let mut compiler = Command::new(language.compiler);
    compiler.args(language.flags).args(["-g", "-Wall", "-Wextra", "-Werror", "-pedantic", "-pthread"]);
    compiler.arg("-I").arg(root().join("include")).arg(&source).arg("-o").arg(&program);
    compiler.arg("-L").arg(&library.folder).arg("-lisymphony");
    compiler.arg(format!("-Wl,-rpath,{}", library.folder.display()));
    passes(&mut compiler, page, line);
    let folder = scratch("docs").join(page.ident());
    fs::create_dir_all(&folder).expect("a folder is made");
    if let Some(overlay) = page.of("toml").last() {
        fs::write(folder.join("pbx.toml"), &overlay.code).expect("the overlay is written");
    }
    passes(Command::new(&program).current_dir(&folder), page, line);
}

fn passes(command: &mut Command, page: &Page, line: usize) {
    let output = command.output().expect("the program starts");
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().display();
    assert!(output.status.success(), "{}:{line}: {program}: {}\n{}", page.path, output.status, said(&output));
}
