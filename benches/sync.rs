//! P10: what keeping the snapshot true costs the server, and how soon a change shows: requests a minute and the time until a
//! new call is visible, on the sandbox, against polling every path each second.
//!
//! `ISYM_BENCH_SECONDS` (default 5) is the length of each measurement.

mod harness;

use std::time::{Duration, Instant};

use harness::verdict;
use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use isymphony::snapshot::CallSegment;
use isymphony::{Config, Live};
use uuid::Uuid;

/// A call that is not placed by then is given up.
const LONGEST: Duration = Duration::from_secs(20);
/// How many calls are looked for, on extensions far from each other.
const CALLS: usize = 3;

struct Measured {
    requests_a_minute: f64,
    listed: Option<Duration>,
    placed: Option<Duration>,
}

/// The median; `None` where the call was given up.
fn median(mut times: Vec<Option<Duration>>) -> Option<Duration> {
    times.sort_by_key(|time| time.unwrap_or(Duration::MAX));
    times[times.len() / 2]
}

/// How long until a new call is in the snapshot, and until it is known on which extension it is. The calls come at once:
/// what finds one of them looks at the extensions of the others on its way.
fn visible(sandbox: &Sandbox, live: &Live) -> (Option<Duration>, Option<Duration>) {
    let numbers = sandbox.extension_numbers();
    let numbers = numbers.iter().step_by((numbers.len() / CALLS).max(1)).take(CALLS);
    // No number of the call names the extension it is on.
    let calls: Vec<Uuid> =
        numbers.map(|number| sandbox.add_call(number, &Caller::new("Ada", "5551234")).unwrap()).collect();
    let start = Instant::now();
    let (mut listed, mut placed) = (vec![None; calls.len()], vec![None; calls.len()]);
    while placed.contains(&None) && start.elapsed() < LONGEST {
        let snapshot = live.snapshot();
        for (n, call) in calls.iter().enumerate() {
            let Some(segment) = snapshot.by_id(*call).and_then(|call| CallSegment::try_from(call).ok()) else {
                continue;
            };
            listed[n].get_or_insert(start.elapsed());
            if segment.extension().is_some() {
                placed[n].get_or_insert(start.elapsed());
            }
        }
        std::thread::sleep(Duration::from_millis(1));
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
    std::thread::sleep(Duration::from_secs(seconds.div_ceil(2)));
    let (start, before) = (Instant::now(), sandbox.request_count());
    std::thread::sleep(Duration::from_secs(seconds));
    let requests = sandbox.request_count() - before;
    let requests_a_minute = requests as f64 * 60.0 / start.elapsed().as_secs_f64();
    let (listed, placed) = visible(&sandbox, &live);
    Measured { requests_a_minute, listed, placed }
}

fn text(time: Option<Duration>) -> String {
    time.map_or(format!("> {} s", LONGEST.as_secs()), |time| match time {
        _ if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    })
}

fn main() {
    let seconds = std::env::var("ISYM_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    println!("P10 what the sync costs, and how soon a call shows, against polling every path each second:");
    println!("    extensions  calls/min  events  requests/min   ratio  in the list  on its extension");
    for users in [100, 1_000, 10_000] {
        // A user has a login list, a status and extensions; an extension has call segments and agents.
        let naive = f64::from(users) * 5.0 * 60.0;
        for calls_a_minute in [0.0, 100.0] {
            for events in [false, true] {
                let Measured { requests_a_minute, listed, placed } = measure(users, calls_a_minute, events, seconds);
                let (ratio, is_goal) = (requests_a_minute / naive, users == 1_000 && calls_a_minute == 0.0);
                println!(
                    "    {users:>10}  {calls_a_minute:>9}  {:>6}  {requests_a_minute:>12.0}  {ratio:>6.4}  {:>11}  {:>16}{}",
                    if events { "on" } else { "off" },
                    text(listed),
                    text(placed),
                    verdict(ratio, is_goal.then_some(0.02)),
                );
            }
        }
    }
}
