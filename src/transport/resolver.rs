//! From a host to addresses, without a thread per request.
//!
//! An address stands for itself. A name is looked up on a short-lived thread, at most one per name at a time, since
//! the system's lookup cannot be interrupted; the answer is kept. An old answer is used at once and renewed meanwhile,
//! and also where a new lookup fails, so that an outage of the name service is not one of ours.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config as HttpConfig;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::fault::Fault;

/// How long an answer is used without asking again.
const FRESH: Duration = Duration::from_secs(30);
/// How long an answer is used while asking again does not help.
const USABLE: Duration = Duration::from_secs(600);
/// ureq takes this many addresses.
const MOST: usize = 16;

type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// The names that were looked up.
#[derive(Clone)]
pub(crate) struct Names(Arc<Inner>);

struct Inner {
    entries: Mutex<HashMap<String, Entry>>,
    changed: Condvar,
    closed: Arc<AtomicBool>,
    lookup: Box<Lookup>,
}

#[derive(Default)]
struct Entry {
    addresses: Vec<IpAddr>,
    /// When the addresses came.
    at: Option<Instant>,
    /// Connecting to the addresses failed: ask again before using them.
    distrusted: bool,
    /// A thread is asking.
    asking: bool,
    /// How many times the question has been answered, well or badly.
    answers: u64,
    /// Why the last lookup failed.
    failure: Option<String>,
}

impl Entry {
    fn age(&self) -> Duration {
        self.at.map_or(Duration::MAX, |at| at.elapsed())
    }
}

impl Names {
    /// With the system's lookup. `closed` ends every wait, after [`Names::wake`].
    pub(crate) fn new(closed: Arc<AtomicBool>) -> Names {
        Names::with(closed, |host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    fn with(
        closed: Arc<AtomicBool>,
        lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Names {
        let lookup = Box::new(lookup);
        Names(Arc::new(Inner { entries: Mutex::default(), changed: Condvar::new(), closed, lookup }))
    }

    /// The addresses of a host: an IP address (also in brackets) or a name.
    pub(super) fn resolve(&self, host: &str, limit: Duration) -> Result<Vec<IpAddr>, Fault> {
        if let Some(address) = literal(host) {
            return Ok(vec![address]);
        }
        let mut entries = self.entries();
        let entry = entries.entry(host.to_owned()).or_default();
        if entry.age() < FRESH && !entry.distrusted {
            return Ok(entry.addresses.clone());
        }
        if !entry.asking {
            match self.ask(host) {
                Ok(()) => entry.asking = true,
                Err(_) if entry.age() < USABLE => return Ok(entry.addresses.clone()),
                Err(e) => return Err(Fault::Name(format!("no thread for the lookup could be started ({e})"))),
            }
        }
        if entry.age() < USABLE && !entry.distrusted {
            return Ok(entry.addresses.clone());
        }
        let before = entry.answers;
        let until = Instant::now() + limit;
        loop {
            let entry = entries.entry(host.to_owned()).or_default();
            let late = until.saturating_duration_since(Instant::now());
            if self.0.closed.load(Ordering::Acquire) {
                return Err(Fault::Closed);
            }
            if entry.answers != before || late.is_zero() {
                return match &entry.failure {
                    _ if entry.age() < USABLE => Ok(entry.addresses.clone()),
                    Some(failure) if entry.answers != before => Err(Fault::Name(failure.clone())),
                    _ => Err(Fault::Name(format!("the lookup gave no answer within {limit:?}"))),
                };
            }
            entries = self.0.changed.wait_timeout(entries, late).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Connecting to the host's addresses failed: the next request asks for them again first.
    pub(super) fn distrust(&self, host: &str) {
        if let Some(entry) = self.entries().get_mut(host) {
            entry.distrusted = true;
        }
    }

    /// Wakes whoever waits for an answer.
    pub(super) fn wake(&self) {
        let _entries = self.entries();
        self.0.changed.notify_all();
    }

    /// Whether no name was ever looked up.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    fn ask(&self, host: &str) -> io::Result<()> {
        let (names, host) = (self.clone(), host.to_owned());
        crate::threads::alone("isymphony-name", None, move || names.answer(&host))
    }

    fn answer(&self, host: &str) {
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (self.0.lookup)(host)))
            .unwrap_or_else(|_| Err(io::Error::other("the lookup panicked")));
        let mut entries = self.entries();
        let entry = entries.entry(host.to_owned()).or_default();
        entry.asking = false;
        entry.answers += 1;
        match answer {
            Ok(mut addresses) if !addresses.is_empty() => {
                addresses.dedup();
                addresses.truncate(MOST);
                entry.addresses = addresses;
                entry.at = Some(Instant::now());
                entry.distrusted = false;
                entry.failure = None;
            }
            Ok(_) => entry.failure = Some("it has no address".to_owned()),
            Err(e) => entry.failure = Some(e.to_string()),
        }
        self.0.changed.notify_all();
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address that `host` is, if it is one.
fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &HttpConfig, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let (Some(host), port) = (uri.host(), uri.port_u16().unwrap_or(default_port)) else {
            return Err(ureq::Error::HostNotFound);
        };
        // `NotHappening` reads as a duration that overflows when added to a point in time.
        let limit = (*timeout.after).min(Duration::from_secs(86_400));
        let mut found = self.empty();
        for address in Names::resolve(self, host, limit)? {
            found.push(SocketAddr::new(address, port));
        }
        Ok(found)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::thread::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    fn names(lookup: impl Fn(usize) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> (Names, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let names = Names::with(Arc::default(), move |_| lookup(counted.fetch_add(1, Ordering::SeqCst)));
        (names, calls)
    }

    fn address(last: usize) -> IpAddr {
        IpAddr::from([10, 0, 0, last as u8])
    }

    fn grow_old(names: &Names, age: Duration) {
        let mut entries = names.entries();
        entries.get_mut("pbx").unwrap().at = Instant::now().checked_sub(age);
    }

    #[test]
    fn an_address_needs_no_lookup() {
        let (names, calls) = names(|_| Err(io::Error::other("asked")));
        assert_eq!(names.resolve("10.0.0.7", SECOND).unwrap(), [address(7)]);
        assert_eq!(names.resolve("[::1]", SECOND).unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        assert!(names.entries().is_empty());
    }

    #[test]
    fn an_answer_is_kept_then_renewed_behind_the_back() {
        let (names, calls) = names(|call| Ok(vec![address(call)]));
        for _ in 0..10 {
            assert_eq!(names.resolve("pbx", SECOND).unwrap(), [address(0)]);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        grow_old(&names, FRESH);
        assert_eq!(names.resolve("pbx", SECOND).unwrap(), [address(0)]);
        let until = Instant::now() + SECOND * 5;
        while names.resolve("pbx", SECOND).unwrap() != [address(1)] {
            assert!(Instant::now() < until);
            sleep(Duration::from_millis(1));
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn after_a_failed_connect_the_name_is_asked_again_first() {
        let (names, _) = names(|call| Ok(vec![address(call)]));
        assert_eq!(names.resolve("pbx", SECOND).unwrap(), [address(0)]);
        names.distrust("pbx");
        names.distrust("unknown");
        assert_eq!(names.resolve("pbx", SECOND).unwrap(), [address(1)]);
    }

    #[test]
    fn a_failed_or_hanging_lookup_falls_back_on_the_last_good_answer() {
        let (names, calls) = names(|call| match call {
            0 => Ok(vec![address(0)]),
            1 => Err(io::Error::other("the name service is down")),
            _ => {
                sleep(Duration::from_millis(300));
                Ok(vec![address(call)])
            }
        });
        names.resolve("pbx", SECOND).unwrap();
        names.distrust("pbx");
        assert_eq!(names.resolve("pbx", SECOND).unwrap(), [address(0)]);
        for _ in 0..2 {
            assert_eq!(names.resolve("pbx", Duration::from_millis(20)).unwrap(), [address(0)]);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3, "one lookup at a time");
        assert_eq!(names.resolve("pbx", SECOND).unwrap(), [address(2)]);
    }

    #[test]
    fn a_lookup_is_bounded_and_says_why_it_failed() {
        let (failing, _) = names(|_| Err(io::Error::other("no such name")));
        assert!(failing.resolve("pbx", SECOND).unwrap_err().to_string().contains("no such name"));
        let (hanging, _) = names(|_| {
            sleep(Duration::from_millis(500));
            Ok(vec![])
        });
        let start = Instant::now();
        let error = hanging.resolve("pbx", Duration::from_millis(50)).unwrap_err();
        assert!(start.elapsed() < Duration::from_millis(400) && error.to_string().contains("within 50ms"), "{error}");
    }

    #[test]
    fn closing_ends_the_wait() {
        let closed = Arc::new(AtomicBool::new(false));
        let names = Names::with(closed.clone(), |_| {
            sleep(Duration::from_millis(500));
            Ok(vec![])
        });
        let waiter = {
            let names = names.clone();
            std::thread::spawn(move || names.resolve("pbx", SECOND * 10).unwrap_err().to_string())
        };
        sleep(Duration::from_millis(50));
        let start = Instant::now();
        closed.store(true, Ordering::Release);
        names.wake();
        assert!(waiter.join().unwrap().contains("closed"));
        assert!(start.elapsed() < Duration::from_millis(200));
    }
}
