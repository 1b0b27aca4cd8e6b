//! What `make install` puts down is enough for projects that know nothing but CMake or pkg-config; also when the tree was
//! moved since.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

mod common;

use common::{library, root, run, scratch, tool};

/// The tree as it was installed, and then moved.
fn installed() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let (first, prefix) = (scratch("install").join("first"), scratch("install").join("moved"));
        let _ = fs::remove_dir_all(&prefix);
        let built = library().shared.parent().expect("the library is in a folder");
        let mut install = Command::new("sh");
        install.arg("bindings/c/install.sh").env("PREFIX", &first).env("BUILT", built).env_remove("DESTDIR");
        run(&mut install);
        fs::rename(first, &prefix).expect("the tree can be moved");
        prefix
    })
}

/// Runs the consumers, which lie in a folder: who is 4224? `shared` says where the library is.
fn who(folder: &Path, shared: &str) {
    for (name, shared) in [("who_c", shared), ("who_cpp", shared), ("who_c_static", ""), ("who_cpp_static", "")] {
        let said = run(Command::new(folder.join(name)).env("LD_LIBRARY_PATH", shared));
        assert!(said.starts_with("4224 is ") && said.trim().len() > "4224 is ".len(), "{name}: {said}");
        let libraries = run(Command::new("readelf").arg("-d").arg(folder.join(name)));
        assert_eq!(libraries.contains("[libisymphony.so.0]"), !name.ends_with("static"), "{name}: {libraries}");
    }
}

#[test]
fn cmake_finds_it() {
    let (Some(mut configure), Some(_)) = (tool("cmake"), tool("c++")) else { return };
    let build = scratch("consumer-cmake");
    fs::remove_dir_all(&build).expect("the build is new");
    configure.arg("-S").arg(root().join("tests/consumers/cmake")).arg("-B").arg(&build);
    run(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", installed().display())));
    run(Command::new("cmake").arg("--build").arg(&build));
    who(&build, "");
}

/// A version that is not compatible is not taken.
#[test]
fn cmake_tells_versions_apart() {
    let Some(_) = tool("cmake") else { return };
    let versions = installed().join("lib/cmake/isymphony/isymphony-config-version.cmake");
    let script = scratch("install").join("version.cmake");
    for (wanted, compatible) in
        [("0.1", true), ("0.1.0", true), ("0", false), ("0.2", false), ("0.1.99", false), ("1", false)]
    {
        let text = format!(
            "set(PACKAGE_FIND_VERSION \"{wanted}\")\ninclude(\"{}\")\nmessage(\"is ${{PACKAGE_VERSION_COMPATIBLE}}\")\n",
            versions.display()
        );
        fs::write(&script, text).expect("the script is written");
        let said = run(Command::new("cmake").arg("-P").arg(&script));
        assert_eq!(said.trim(), format!("is {}", if compatible { "TRUE" } else { "FALSE" }), "{wanted}");
    }
}

#[test]
fn pkg_config_finds_it() {
    let (Some(_), Some(_)) = (tool("pkg-config"), tool("c++")) else { return };
    let (build, lib) = (scratch("consumer-pkg-config"), installed().join("lib"));
    let mut make = Command::new("make");
    make.arg("-C").arg(root().join("tests/consumers/pkg-config")).arg(format!("OUT={}", build.display()));
    run(make.env("PKG_CONFIG_PATH", lib.join("pkgconfig")).env_remove("MAKEFLAGS"));
    who(&build, &lib.display().to_string());
}
