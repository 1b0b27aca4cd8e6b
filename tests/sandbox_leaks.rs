//! That a sandbox leaves nothing behind. Alone in its process, for it counts the process's threads and descriptors.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use isymphony::sandbox::{Fault, Sandbox, SandboxConfig, StallAt, Times};

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

fn open(sandbox: &Sandbox, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
    let request = format!("GET /communication_manager/rest/live/{path} HTTP/1.1\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn threads_and_descriptors_are_given_back() {
    let before = (count("task"), count("fd"));
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
    let end = Instant::now() + Duration::from_secs(5);
    while (count("task"), count("fd")) != before {
        assert!(Instant::now() < end, "{before:?} became {:?}", (count("task"), count("fd")));
        std::thread::sleep(Duration::from_millis(10));
    }
}
