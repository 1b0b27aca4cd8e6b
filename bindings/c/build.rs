//! Gives the shared library its SONAME, so that programs find the ABI they were linked with.

/// Raised whenever a program that was linked before would no longer work.
const ABI: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos" | "ios") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libisymphony.{ABI}.dylib");
        }
        Ok("windows") => {}
        _ => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libisymphony.so.{ABI}"),
    }
}
