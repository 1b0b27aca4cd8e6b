//! A client: the live state of one server, and actions on it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::action::{self, Arg, Call, Ticket};
use crate::catalog::{Kind, SubId};
use crate::clock::{Limit, Moment};
use crate::config::{Config, Secret};
use crate::error::{Code, Error, Result};
use crate::handle::{
    AgentHandle, CallSegmentHandle, ConferenceRoomHandle, CoreServerHandle, ExtensionHandle, Handle, Locator,
    QueueHandle, UserHandle,
};
use crate::health::Health;
use crate::path::{Path, Selector};
use crate::snapshot::cell::Cell;
use crate::snapshot::{Resource, Snapshot};
use crate::sync::{Message, Shared, closed};
use crate::watch::{Filter, Watch};

/// A client of one iSymphony server: keeps a [`Snapshot`] of its live state true in the background, and acts by name.
///
/// `Clone` gives another handle to the same client. The client closes when the last one is dropped, or by
/// [`Live::close`]. All methods may be called from any thread; only those that say so wait.
#[derive(Clone)]
pub struct Live(Arc<Client>);

struct Client {
    cell: Arc<Cell>,
    /// Replaced in a forked child, which has the memory of the sync, but not its threads.
    shared: ArcSwap<Shared>,
    /// The process of which a thread is replacing it: a number, because a lock may be held by a thread of the parent's.
    replacing: AtomicU32,
    /// The credentials that were set last.
    credentials: ArcSwapOption<(String, Secret)>,
    config: Config,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.load().close(Shared::close_limit());
    }
}

/// The turn of the thread that replaces the sync; over when it goes.
struct Replacing<'c>(&'c AtomicU32);

impl Replacing<'_> {
    /// `None` while another thread of this process has it.
    fn begin(turn: &AtomicU32) -> Option<Replacing<'_>> {
        let (own, last) = (std::process::id(), turn.load(Acquire));
        let is_free = last != own && turn.compare_exchange(last, own, AcqRel, Relaxed).is_ok();
        is_free.then_some(Replacing(turn))
    }
}

impl Drop for Replacing<'_> {
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

impl Live {
    /// Opens a client and starts to sync; does not wait for the server. A server that is down is tried until it answers.
    ///
    /// # Errors
    /// [`Code::Config`] when the settings contradict each other or name files that cannot be used; [`Code::Internal`] when
    /// the process may start no more threads.
    pub fn open(config: Config) -> Result<Live> {
        let cell = Shared::cell(&config);
        let shared = Shared::start(config.clone(), cell.clone())?;
        let (shared, credentials) = (ArcSwap::new(shared), ArcSwapOption::empty());
        Ok(Live(Arc::new(Client { cell, shared, replacing: AtomicU32::new(0), credentials, config })))
    }

    /// The sync. In a forked child it is started anew when first asked for: the child goes on from its copy of the
    /// snapshot, over connections of its own. That of the parent is never given: its locks may be held by threads that are
    /// not there.
    ///
    /// # Errors
    /// In a forked child alone: [`Code::Closed`] where it closed the client before; why the sync could not be started.
    pub(crate) fn shared(&self) -> Result<Arc<Shared>> {
        loop {
            let shared = self.0.shared.load_full();
            if !shared.is_foreign() {
                return Ok(shared);
            }
            if shared.is_closed() {
                return Err(closed());
            }
            // One thread replaces it, so that no two syncs ever publish.
            match Replacing::begin(&self.0.replacing) {
                Some(_replacing) if self.0.shared.load().is_foreign() => return self.replace(),
                Some(_) => {}
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn replace(&self) -> Result<Arc<Shared>> {
        let mut config = self.0.config.clone();
        if let Some(credentials) = self.0.credentials.load_full() {
            // They were checked when they were set.
            let _ = config.credentials(credentials.0.clone(), credentials.1.clone());
        }
        let own = Shared::start(config, self.0.cell.clone())?;
        // What belongs to the parent's threads is never freed here.
        std::mem::forget(self.0.shared.swap(own.clone()));
        Ok(own)
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Waits for the first whole snapshot; `None` waits as long as it takes.
    ///
    /// # Errors
    /// [`Code::SyncTimeout`], which says what stands in the way; [`Code::Closed`]; [`Code::Internal`] when a defect ended the
    /// sync. In a forked child, here and in all that asks the server, also as [`Live::open`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Snapshot> {
        self.shared()?.wait_for_data(Limit::new(timeout))
    }

    /// Pins the current snapshot, whatever its age; empty before the first sync. Never waits, takes no lock.
    #[inline]
    pub fn snapshot(&self) -> Snapshot {
        self.0.cell.pin()
    }

    /// Pins the current snapshot if it is not older than `max_age`, see [`Snapshot::age`]. Never waits.
    ///
    /// # Errors
    /// [`Code::Stale`] with the age and what went wrong last.
    pub fn snapshot_within(&self, max_age: Duration) -> Result<Snapshot> {
        let snapshot = self.snapshot();
        if snapshot.age() <= max_age {
            return Ok(snapshot);
        }
        Err(self.stale(snapshot.has_data().then(|| snapshot.age()), max_age))
    }

    pub(crate) fn stale(&self, age: Option<Duration>, max_age: Duration) -> Error {
        let why =
            self.health().last_error.map(|problem| format!("; the last error: {}", problem.error)).unwrap_or_default();
        Error::new(
            Code::Stale,
            match age {
                None => format!("nothing was synced yet{why}"),
                Some(age) => format!("what is known is {age:.1?} old, and at most {max_age:.1?} is allowed{why}"),
            },
        )
    }

    /// How the client is doing. Takes a short lock; meant for a status display, not for every read.
    pub fn health(&self) -> Health {
        match self.shared() {
            Ok(shared) => shared.health(),
            Err(error) => Health::without_sync(&self.snapshot(), error),
        }
    }

    /// Asks for all core servers' own lists now, and waits until they are read, before the first sync for that too: at most
    /// `timeout` in all, `None` as long as it takes. Those who ask at the same time share the requests.
    ///
    /// # Errors
    /// [`Code::TimedOut`], before the first sync [`Code::SyncTimeout`]; [`Code::Closed`]; [`Code::Internal`] when a defect ended the sync.
    pub fn refresh(&self, timeout: Option<Duration>) -> Result<Snapshot> {
        let (limit, since, shared) = (Limit::new(timeout), Moment::now(), self.shared()?);
        shared.wait_for_data(limit)?;
        shared.tell(Message::Refresh);
        shared.wait_for_lists(since, limit)
    }

    /// Replaces the credentials, from the next request on, and tries again at once.
    ///
    /// # Errors
    /// [`Code::Config`] when the user name cannot be sent. In a forked child also as [`Live::wait`]; they are kept all the
    /// same.
    pub fn set_credentials(&self, user_name: &str, password: impl Into<Secret>) -> Result<()> {
        let mut check = self.config().clone();
        let password = password.into();
        check.credentials(user_name, password.clone())?;
        let credentials = (user_name.to_owned(), password);
        self.0.credentials.store(Some(Arc::new(credentials.clone())));
        let shared = self.shared()?;
        shared.transport.set_credentials(Some(credentials));
        shared.tell(Message::Retry);
        Ok(())
    }

    /// A handle for what a path addresses, see [`Handle`].
    ///
    /// # Errors
    /// [`Code::InvalidPath`] when it is not the path of one object.
    pub fn handle(&self, path: &str) -> Result<Handle> {
        let path: Path = path.parse()?;
        if path.is_list() || path.action().is_some() {
            let message = format!("{path} is not the path of one object");
            return Err(Error::new(Code::InvalidPath, message));
        }
        Ok(Handle::new(self.clone(), Locator::Path(path)))
    }

    /// A handle for an instance of any kind that a snapshot gave: by symbolic names as far as it has any.
    pub fn handle_of(&self, resource: &Resource<'_>) -> Handle {
        Handle::new(self.clone(), Locator::Path(resource.path()))
    }

    /// A handle for the core server with this slug.
    pub fn core_server(&self, slug: &str) -> CoreServerHandle {
        CoreServerHandle(Handle::new(self.clone(), Locator::Path(Path::core_server(slug))))
    }

    /// A handle for the user with this user name; without a core server, in whichever has one of that name.
    ///
    /// # Errors
    /// Here and below: [`Code::InvalidPath`] when the name is empty.
    pub fn user(&self, user_name: &str, core_server: Option<&str>) -> Result<UserHandle> {
        self.named(Kind::User, user_name, core_server).map(UserHandle)
    }

    /// A handle for the extension with this number; without a core server, in whichever has one of that number.
    pub fn extension(&self, number: &str, core_server: Option<&str>) -> Result<ExtensionHandle> {
        self.named(Kind::Extension, number, core_server).map(ExtensionHandle)
    }

    /// A handle for the queue with this identifier; without a core server, in whichever has one.
    pub fn queue(&self, identifier: &str, core_server: Option<&str>) -> Result<QueueHandle> {
        self.named(Kind::Queue, identifier, core_server).map(QueueHandle)
    }

    /// A handle for the conference room with this identifier; without a core server, in whichever has one.
    pub fn conference(&self, identifier: &str, core_server: Option<&str>) -> Result<ConferenceRoomHandle> {
        self.named(Kind::ConferenceRoom, identifier, core_server).map(ConferenceRoomHandle)
    }

    /// A handle for an agent that a snapshot gave.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when it is not an agent.
    pub fn agent_of(&self, resource: &Resource<'_>) -> Result<AgentHandle> {
        AgentHandle::try_from(self.handle_of(resource))
    }

    /// A handle for a call segment that a snapshot gave.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when it is not a call segment.
    pub fn call_segment_of(&self, resource: &Resource<'_>) -> Result<CallSegmentHandle> {
        CallSegmentHandle::try_from(self.handle_of(resource))
    }

    fn named(&self, kind: Kind, name: &str, core_server: Option<&str>) -> Result<Handle> {
        let list = SubId::of(Kind::CoreServer).find(|sub| sub.row().kind == kind);
        let list = list.expect("every kind with a symbolic name has a list");
        let in_server = |slug: &str| Path::core_server(slug).sub(list.row().segment)?.item(Selector::from(name));
        let locator = match core_server {
            Some(slug) => Locator::Path(in_server(slug)?),
            None => {
                in_server("any")?; // The name is checked all the same.
                Locator::Named { list, name: name.to_owned() }
            }
        };
        Ok(Handle::new(self.clone(), locator))
    }

    /// An action on an instance that a snapshot gave, by its id: once it is gone, and after a restart of the server, it is
    /// refused with [`Code::NotFound`]. See [`Handle::act`].
    ///
    /// # Errors
    /// As [`Handle::act`].
    pub fn act(
        &self,
        resource: &Resource<'_>,
        action: &str,
        args: &[(&str, Arg)],
        timeout: Option<Duration>,
    ) -> Result<Ticket> {
        self.act_with(resource, action, args, &timeout.into())
    }

    /// As [`Live::act`], with options.
    ///
    /// # Errors
    /// As [`Handle::act`].
    pub fn act_with(
        &self,
        resource: &Resource<'_>,
        action: &str,
        args: &[(&str, Arg)],
        options: &action::Options,
    ) -> Result<Ticket> {
        let (target, kind) = (resource.to_owned(), resource.kind());
        let (locate, options) = (|_: &Snapshot| Ok(target.clone()), options.clone());
        Call { live: self, kind, action, args, options, locate: &locate, path: &|| None }.run()
    }

    /// A POST on any path below `communication_manager/rest/live/`, with a JSON body or none: for what the catalogue does
    /// not know. At most once. Waits for the server's answer, at most `timeout` (default: the action timeout).
    ///
    /// # Errors
    /// [`Code::InvalidPath`], [`Code::InvalidArgument`] before anything is sent; then as [`Handle::act`].
    pub fn post(&self, path: &str, body: Option<&str>, timeout: Option<Duration>) -> Result<Ticket> {
        action::post_raw(self, path, body, timeout)
    }

    /// Watches what changes from now on, see [`Watch`].
    pub fn watch(&self, filter: Filter) -> Watch {
        Watch::new(self.clone(), filter, self.snapshot())
    }

    /// Watches, and first gives all that is there as [`Added`](crate::snapshot::ChangeKind::Added), with no gap to the
    /// changes that follow.
    pub fn watch_from_nothing(&self, filter: Filter) -> Watch {
        Watch::new(self.clone(), filter, Shared::cell(self.config()).pin())
    }

    /// What the client counted since it was opened, by name.
    pub fn metrics(&self) -> Vec<(&'static str, u64)> {
        let snapshot = self.snapshot();
        let (objects, bytes) = snapshot.size();
        let report = snapshot.report();
        // Where the child of a fork has no sync, what the parent had counted; no lock is taken.
        let shared = self.shared().unwrap_or_else(|_| self.0.shared.load_full());
        let counters = &shared.counters;
        let mut metrics = vec![
            ("requests", counters.requests.load(Relaxed)),
            ("failed_requests", counters.failed_requests.load(Relaxed)),
            ("unchanged_answers", counters.unchanged_answers.load(Relaxed)),
            ("changed_answers", counters.changed_answers.load(Relaxed)),
            ("held_back_answers", counters.held_back_answers.load(Relaxed)),
            ("actions", counters.actions.load(Relaxed)),
            ("collections", counters.collections.load(Relaxed)),
            ("gathered_collections", counters.gathered_collections.load(Relaxed)),
            ("collections_to_gather", counters.collections_to_gather.load(Relaxed)),
            ("objects", objects as u64),
            ("snapshot_bytes", bytes as u64),
            ("retired_snapshots", counters.retired_snapshots.load(Relaxed)),
            ("rejected_items", u64::from(report.rejected)),
            ("duplicate_ids", u64::from(report.duplicate_ids)),
            ("ambiguous_names", u64::from(report.ambiguous_names)),
            ("other_types", u64::from(report.other_types)),
            ("items_with_unknown_properties", u64::from(report.unknown_properties)),
        ];
        metrics.extend(shared.events.metrics());
        metrics
    }

    /// Closes the client, within `timeout` (default 90 ms) whatever hangs: requests in flight are ended. Snapshots that were
    /// pinned stay readable. May be called from any thread, any number of times.
    pub fn close(&self, timeout: Option<Duration>) {
        self.0.shared.load().close(timeout.unwrap_or(Shared::close_limit()));
    }

    /// Which client this is a handle to.
    pub(crate) fn client(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }

    /// Whether the client was closed.
    pub fn is_closed(&self) -> bool {
        self.0.shared.load().is_closed()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({}, {:?})", self.config().get_origin(), self.snapshot())
    }
}
