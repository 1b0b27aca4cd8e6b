//! A look-up by name on a pinned snapshot from C against the same from Rust: `cargo bench -p isymphony-c`.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use isymphony_core::catalog::Kind;
use isymphony_core::sandbox::{Sandbox, SandboxConfig};
use isymphony_core::{Config, Live};

#[path = "../tests/common/mod.rs"]
mod common;

/// The best of all rounds, in nanoseconds for each look-up.
fn from_rust(users: u32, rounds: usize) -> isymphony_core::Result<f64> {
    let sandbox = Sandbox::start(SandboxConfig::new().users(users))?;
    let mut config = Config::new(&sandbox.url())?;
    config.kinds([Kind::Extension]);
    let live = Live::open(config)?;
    let snapshot = live.wait(Some(Duration::from_secs(60)))?;
    let extensions = snapshot.core_server("default")?.extensions();
    let count = extensions.len();
    let names: Vec<&str> =
        (0..count).filter_map(|i| extensions.at((i * 7919) % count)).filter_map(|r| r.name()).collect();
    let round = || {
        let start = Instant::now();
        for name in &names {
            let server = black_box(&snapshot).core_servers().find(black_box("default"));
            let extensions = server.map(isymphony_core::snapshot::CoreServer::try_from);
            let extension = extensions.and_then(Result::ok).and_then(|server| server.extensions().find(name));
            assert!(black_box(extension).is_some());
        }
        start.elapsed().as_secs_f64() * 1e9 / names.len() as f64
    };
    Ok((0..rounds).map(|_| round()).fold(f64::MAX, f64::min))
}

fn main() -> isymphony_core::Result<()> {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/lookup.c");
    let program = common::compile(&source, common::Link::Optimized);
    println!("a look-up of core server and extension by name, pinned:");
    for (users, rounds) in [(1_000, 2_000), (100_000, 30)] {
        let rust = from_rust(users, rounds)?;
        let said = common::run(Command::new(&program).args([users.to_string(), rounds.to_string()]));
        let c: f64 = said.trim().parse().expect("the program prints a number");
        println!("{users:>8} extensions: from C {c:.1} ns, from Rust {rust:.1} ns, ratio {:.2}", c / rust);
    }
    Ok(())
}
