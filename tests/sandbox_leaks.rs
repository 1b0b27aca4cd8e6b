//! That a sandbox leaves nothing behind. Alone in its process, for it counts the process's threads and descriptors.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use isymphony::sandbox::{Fault, Sandbox, SandboxConfig, StallAt, Times};

use common::{count, look, ms};

fn open(sandbox: &Sandbox, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
    let request = format!("GET /communication_manager/rest/live/{path} HTTP/1.1\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn threads_and_descriptors_are_given_back() {
    let held = || (count("task"), count("fd"));
    let before = held();
    for round in 0..100 {
        let sandbox = Sandbox::start(SandboxConfig::new().calls_per_second(100.0).seed(round)).unwrap();
        sandbox.fault(Fault::Stall(StallAt::WithinHead), "*/users", Times::Forever);
        let mut stream = open(&sandbox, "coreServers");
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let _hanging = open(&sandbox, "coreServers/getByName/default/users");
        sandbox.stop_listening();
        sandbox.start_listening().unwrap();
        drop(open(&sandbox, "coreServers"));
    }
    let given_back = || held() == before;
    look(ms(10), Some(Duration::from_secs(5)), "all given back", given_back, || {
        format!("{before:?} became {:?}", held())
    });
}
