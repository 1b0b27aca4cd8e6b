//! What keeping the snapshot true costs the server, and how soon a change shows: requests a minute and seconds to visible, on
//! the sandbox, against polling every path each second.
//!
//! `ISYM_BENCH_SECONDS` (default 5) is the length of each measurement.

use std::time::{Duration, Instant};

use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use isymphony::snapshot::CallSegment;
use isymphony::{Config, Live};

/// A call that is not placed by then is given up.
const LONGEST: Duration = Duration::from_secs(20);

struct Measured {
    requests_a_minute: f64,
    listed: Duration,
    placed: Duration,
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// How long until a new call is in the snapshot, and until it is known on which extension it is.
fn visible(sandbox: &Sandbox, live: &Live, numbers: &[String]) -> (Duration, Duration) {
    let (mut listed, mut placed) = (Vec::new(), Vec::new());
    for number in numbers {
        let call = sandbox.add_call(number, &Caller::new("Ada", "5551234")).unwrap();
        let start = Instant::now();
        let mut seen = None;
        loop {
            let snapshot = live.snapshot();
            let segment = snapshot.by_id(call).and_then(|call| CallSegment::try_from(call).ok());
            if segment.is_some() {
                seen.get_or_insert(start.elapsed());
            }
            if segment.is_some_and(|segment| segment.extension().is_some()) || start.elapsed() > LONGEST {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        listed.push(seen.unwrap_or(Duration::MAX));
        placed.push(start.elapsed());
        sandbox.hang_up(call).unwrap();
    }
    (median(listed), median(placed))
}

fn measure(users: u32, calls_a_minute: f64, events: bool, seconds: u64) -> Measured {
    let world = SandboxConfig::new().users(users).calls_per_second(calls_a_minute / 60.0);
    let sandbox = Sandbox::start(world.call_duration(Duration::from_secs(20))).unwrap();
    let mut config = Config::new(&sandbox.url()).unwrap();
    config.events(events);
    let live = Live::open(config).unwrap();
    live.wait(Some(Duration::from_secs(300))).unwrap();
    std::thread::sleep(Duration::from_secs(seconds));
    let (start, before) = (Instant::now(), sandbox.request_count());
    std::thread::sleep(Duration::from_secs(seconds));
    let requests = sandbox.request_count() - before;
    let requests_a_minute = requests as f64 * 60.0 / start.elapsed().as_secs_f64();
    let numbers = sandbox.extension_numbers();
    let numbers: Vec<String> = numbers.iter().step_by((numbers.len() / 3).max(1)).cloned().collect();
    let (listed, placed) = visible(&sandbox, &live, &numbers);
    Measured { requests_a_minute, listed, placed }
}

fn main() {
    let seconds = std::env::var("ISYM_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    println!("requests a minute and time until a new call shows, against polling every path each second");
    for users in [100, 1_000, 10_000] {
        // A user has a login list, a status and extensions; an extension has call segments and agents.
        let naive = f64::from(users) * 5.0 * 60.0;
        for calls_a_minute in [0.0, 100.0] {
            for events in [false, true] {
                let Measured { requests_a_minute, listed, placed } = measure(users, calls_a_minute, events, seconds);
                let goal = if users == 1_000 && calls_a_minute == 0.0 { " (goal P10 <= 0.02)" } else { "" };
                println!(
                    "{users:>6} extensions, {calls_a_minute:>3} calls/min, events {}: {requests_a_minute:>6.0} requests/min, ratio \
                     {:.4}{goal}; a call shows after {listed:.0?}, on its extension after {placed:.0?}",
                    if events { "on " } else { "off" },
                    requests_a_minute / naive,
                );
            }
        }
    }
}
