//! Watching: what changed since the watcher last looked.
//!
//! A watch keeps the snapshot it has seen and compares it with the current one when it is asked: so it works with polling
//! alone, memory stays bounded however slow its reader is, and a slow reader gets the latest of each resource.

use std::collections::VecDeque;
use std::fmt;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use uuid::Uuid;

use crate::catalog::{Kind, KindSet};
use crate::clock::Limit;
use crate::error::{Code, Error, Result};
use crate::event::{Event, Listener};
use crate::handle::Handle;
use crate::live::Live;
use crate::snapshot::{Change, ChangeKind, Snapshot};

/// What a watch is told of. The default is everything.
#[derive(Debug, Clone)]
pub struct Filter {
    kinds: KindSet,
    core_server: Option<String>,
    resource: Option<Target>,
    events: bool,
}

#[derive(Debug, Clone)]
enum Target {
    Id(Uuid),
    Handle(Handle),
}

impl Default for Filter {
    fn default() -> Self {
        Filter { kinds: KindSet::ALL, core_server: None, resource: None, events: true }
    }
}

impl Filter {
    /// Only these kinds. A new epoch is always told.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Only what is below the core server with this slug.
    pub fn core_server(mut self, slug: impl Into<String>) -> Self {
        self.core_server = Some(slug.into());
        self
    }

    /// Only the resource with this id. The server gives new ids when it restarts; see [`Filter::handle`].
    pub fn resource(mut self, id: Uuid) -> Self {
        self.resource = Some(Target::Id(id));
        self
    }

    /// Only what this handle finds, in every snapshot anew: also after a restart of the server.
    pub fn handle(mut self, handle: &Handle) -> Self {
        self.resource = Some(Target::Handle(handle.clone()));
        self
    }

    /// Whether events are handed on as they come. Default: `true`. The kinds do not filter them.
    pub fn events(mut self, on: bool) -> Self {
        self.events = on;
        self
    }

    /// The one resource to tell of.
    fn find(&self, snapshot: &Snapshot) -> Option<Uuid> {
        match self.resource.as_ref()? {
            Target::Id(id) => Some(*id),
            Target::Handle(handle) => handle.find_in(snapshot).ok().map(|resource| resource.id()),
        }
    }

    fn accepts_event(&self, event: &Event, snapshot: &Snapshot) -> bool {
        let is_there = |slug: &str| {
            let servers = snapshot.core_servers();
            // What does not say its core server is of the only one.
            let of =
                event.core_server_id.or_else(|| servers.iter().next().filter(|_| servers.len() == 1).map(|s| s.id()));
            snapshot.core_server(slug).is_ok_and(|server| Some(server.id()) == of)
        };
        let names = |id: Uuid| event.json.to_ascii_lowercase().contains(&id.to_string());
        self.core_server.as_deref().is_none_or(is_there)
            && (self.resource.is_none() || self.find(snapshot).is_some_and(names))
    }

    /// A server may give one id to instances of several kinds.
    fn is_of_kind(&self, kind: Kind) -> bool {
        !matches!(&self.resource, Some(Target::Handle(handle)) if handle.kind() != kind)
    }

    /// `found`: the one resource to tell of, before the change and after it.
    fn accepts(&self, change: &Change, found: [Option<Uuid>; 2]) -> bool {
        let Some(resource) = change.resource() else { return true };
        let in_core_server = |slug: &str| resource.core_server().is_some_and(|server| server.name() == Some(slug));
        if !self.core_server.as_deref().is_none_or(in_core_server) {
            return false;
        }
        change.kind == ChangeKind::EpochChanged
            || self.kinds.contains(resource.kind())
                && (self.resource.is_none() || found.contains(&Some(resource.id())))
                && self.is_of_kind(resource.kind())
    }
}

/// A subscription to changes. One reader at a time takes from it; dropping it ends it.
pub struct Watch {
    live: Live,
    filter: Filter,
    seen: Snapshot,
    /// The one resource to tell of, in what was seen.
    found: Option<Uuid>,
    pending: VecDeque<Change>,
    merged: u64,
    /// Empty until it could be subscribed to.
    news: OnceLock<Arc<News>>,
    /// The last change that was taken was an event.
    told_event: bool,
}

impl Watch {
    pub(crate) fn new(live: Live, filter: Filter, seen: Snapshot) -> Watch {
        let (news, found) = (OnceLock::new(), filter.find(&seen));
        let watch = Watch { live, filter, seen, found, pending: VecDeque::new(), merged: 0, news, told_event: false };
        // What stands in the way is told when something is asked of the watch.
        let _ = watch.news();
        watch
    }

    /// The next change; waits for one at most `timeout` (`None`: as long as it takes). `Ok(None)`: none came in time.
    ///
    /// # Errors
    /// [`Code::Closed`] once the client is closed and everything was taken. In a forked child also as [`Live::wait`].
    pub fn next(&mut self, timeout: Option<Duration>) -> Result<Option<Change>> {
        let (limit, news) = (Limit::new(timeout), self.news()?.clone());
        loop {
            if let Some(change) = self.take(&news) {
                return Ok(Some(change));
            }
            if self.live.is_closed() {
                return Err(Error::new(Code::Closed, "the client is closed"));
            }
            // Also where something is published all the time that this watch is not to tell.
            if limit.is_over() || !news.signal.wait(limit) {
                return Ok(None);
            }
        }
    }

    /// What tells this process that it is worth looking.
    fn news(&self) -> Result<&Arc<News>> {
        let mut place = &self.news;
        loop {
            match place.get() {
                Some(news) if news.process == std::process::id() => return Ok(news),
                Some(news) => place = &news.child,
                None => {
                    let news = News::subscribe(&self.live, &self.filter)?;
                    let _ = place.set(news);
                }
            }
        }
    }

    /// Takes a change without waiting.
    fn take(&mut self, news: &News) -> Option<Change> {
        // Events and the differences of snapshots take turns: a flood of the ones hides none of the others.
        let change = match self.told_event {
            true => self.take_difference().or_else(|| self.take_event(news)),
            false => self.take_event(news).or_else(|| self.take_difference()),
        };
        self.told_event = change.as_ref().is_some_and(|change| change.kind == ChangeKind::Event);
        if !self.is_worth_a_look(news) {
            news.signal.clear();
            // What came meanwhile may have set it before it was cleared.
            if self.is_worth_a_look(news) {
                news.signal.set();
            }
        }
        change
    }

    fn take_difference(&mut self) -> Option<Change> {
        if self.pending.is_empty() {
            let now = self.live.snapshot();
            if now.generation() != self.seen.generation() {
                let found = [self.found, self.filter.find(&now)];
                let filter = &self.filter;
                self.pending =
                    now.diff(&self.seen).into_iter().filter(|change| filter.accepts(change, found)).collect();
                if self.seen.has_data() && !self.pending.is_empty() {
                    self.merged += now.generation().saturating_sub(self.seen.generation() + 1);
                }
                (self.seen, self.found) = (now, found[1]);
            }
        }
        self.pending.pop_front()
    }

    fn take_event(&mut self, news: &News) -> Option<Change> {
        let events = news.events.as_ref()?;
        self.merged += events.take_dropped();
        let now = self.live.snapshot();
        let event = std::iter::from_fn(|| events.take()).find(|event| self.filter.accepts_event(event, &now))?;
        Some(Change { kind: ChangeKind::Event, old: None, new: None, event: Some(event) })
    }

    /// Whether there may be something to take, or to tell. The signal is set as long as there is.
    fn is_worth_a_look(&self, news: &News) -> bool {
        !self.pending.is_empty()
            || news.events.as_ref().is_some_and(|events| !events.is_empty())
            || self.live.snapshot().generation() != self.seen.generation()
            || self.live.is_closed()
    }

    /// How many snapshots were merged into later ones that told something, and how many events were dropped, because the reader
    /// was slow: of the resources it gets the latest, of the events the latest 1 000, or the latest 4 MiB where they are large.
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// The snapshot that the changes taken so far lead to, once all of them are taken.
    pub fn snapshot(&self) -> &Snapshot {
        &self.seen
    }

    /// A descriptor that is readable while there may be something to take with a timeout of zero. Only poll it; it belongs to
    /// the watch and is closed with it, while a duplicate stays readable then; a forked child has one of its own.
    ///
    /// # Errors
    /// [`Code::Internal`] when the process may open no more descriptors; it may work later. In a forked child also as
    /// [`Live::wait`].
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        self.news()?.signal.fd()
    }
}

impl Drop for Watch {
    /// Leaves what was duplicated of the descriptor readable, also where a forked child keeps the other end open.
    fn drop(&mut self) {
        let mut news = self.news.get();
        while let Some(of_parent) = news.filter(|news| news.process != std::process::id()) {
            news = of_parent.child.get();
        }
        if let Some(news) = news {
            news.signal.set();
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({:?}, {} pending, {} merged)", self.live, self.pending.len(), self.merged)
    }
}

/// What tells a watch that it is worth looking. It belongs to one process: after a fork the descriptor is shared with the
/// parent, and a lock may be held by a thread that is not there.
struct News {
    signal: Arc<Signal>,
    events: Option<Arc<Listener>>,
    process: u32,
    /// That of the forked child which this process is.
    child: OnceLock<Arc<News>>,
}

impl News {
    fn subscribe(live: &Live, filter: &Filter) -> Result<Arc<News>> {
        let (signal, process, child) = (Arc::new(Signal::default()), std::process::id(), OnceLock::new());
        let shared = match live.shared() {
            Ok(shared) => shared,
            Err(error) if error.code() == Code::Closed => {
                signal.set(); // There is nothing to wait for.
                return Ok(Arc::new(News { signal, events: None, process, child }));
            }
            Err(error) => return Err(error),
        };
        let wake = Arc::downgrade(&signal);
        let ring = move || {
            if let Some(signal) = wake.upgrade() {
                signal.set();
            }
        };
        let events = filter.events.then(|| shared.events.subscribers.subscribe(ring));
        shared.signals.add(&signal, filter.kinds);
        signal.set(); // Something may have been published before the signal was known.
        Ok(Arc::new(News { signal, events, process, child }))
    }
}

impl Drop for News {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // What belongs to the parent's threads is never freed here.
            std::mem::forget((self.signal.clone(), self.events.clone()));
        }
    }
}

/// Tells one watcher that it is worth looking.
#[derive(Default)]
pub(crate) struct Signal {
    set: Mutex<bool>,
    changed: Condvar,
    /// Readable while `set`; made when first asked for.
    pipe: OnceLock<(UnixStream, UnixStream)>,
}

impl Signal {
    fn set(&self) {
        let mut set = self.lock();
        if !*set {
            *set = true;
            self.write();
        }
        self.changed.notify_all();
    }

    fn clear(&self) {
        let mut set = self.lock();
        if *set && let Some((_, reader)) = self.pipe.get() {
            let mut reader: &UnixStream = reader;
            let _ = reader.read(&mut [0; 8]);
        }
        *set = false;
    }

    /// False when the time was up.
    fn wait(&self, limit: Limit) -> bool {
        let mut set = self.lock();
        while !*set {
            let Some(news) = limit.wait(&self.changed, set) else { return false };
            set = news;
        }
        true
    }

    fn fd(&self) -> Result<BorrowedFd<'_>> {
        let set = self.lock();
        if self.pipe.get().is_none() {
            let pair = UnixStream::pair().and_then(|(writer, reader)| {
                writer.set_nonblocking(true)?;
                reader.set_nonblocking(true)?;
                Ok((writer, reader))
            });
            let pair = pair.map_err(|error| {
                let message = format!("a descriptor could not be opened ({error}); is the process's limit too low?");
                Error::new(Code::Internal, message).with_retryable(true)
            })?;
            let _ = self.pipe.set(pair);
            if *set {
                self.write();
            }
        }
        drop(set);
        let (_, reader) = self.pipe.get().ok_or_else(|| Error::new(Code::Internal, "the descriptor is not there"))?;
        Ok(reader.as_fd())
    }

    fn write(&self) {
        if let Some((writer, _)) = self.pipe.get() {
            let mut writer: &UnixStream = writer;
            let _ = writer.write(&[1]);
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All watchers of a client.
#[derive(Default)]
pub(crate) struct Signals(Mutex<Vec<(Weak<Signal>, KindSet)>>);

impl Signals {
    fn all(&self) -> MutexGuard<'_, Vec<(Weak<Signal>, KindSet)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, signal: &Arc<Signal>, kinds: KindSet) {
        let mut signals = self.all();
        signals.retain(|(signal, _)| signal.strong_count() > 0);
        signals.push((Arc::downgrade(signal), kinds));
    }

    /// Whether anybody watches this kind.
    pub(crate) fn watch(&self, kind: Kind) -> bool {
        self.all().iter().any(|(signal, kinds)| kinds.contains(kind) && signal.strong_count() > 0)
    }

    /// Something was published, or the client closed.
    pub(crate) fn set_all(&self) {
        for (signal, _) in self.all().iter() {
            if let Some(signal) = signal.upgrade() {
                signal.set();
            }
        }
    }
}
