//! What the objects of one snapshot share: the pinned snapshot, and the client it came from.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use isymphony::snapshot::{Resource, ResourceOwned};
use isymphony::{Code, Error, Live, Result, Snapshot};

/// A client. Objects of snapshots hold it weakly, so that keeping one of them keeps no sync running.
pub(crate) struct Client {
    pub(crate) live: Live,
}

/// What the objects of one snapshot share.
pub(crate) struct Context {
    pub(crate) snapshot: Snapshot,
    client: Weak<Client>,
    /// For a resource that is a value without a snapshot: it was unpickled.
    pub(crate) detached: Option<Detached>,
}

/// What a resource without a snapshot cannot find out any more.
pub(crate) struct Detached {
    pub(crate) path: String,
    pub(crate) confirmed_at: SystemTime,
}

impl Context {
    pub(crate) fn new(snapshot: Snapshot, client: &Arc<Client>) -> Arc<Context> {
        Arc::new(Context { snapshot, client: Arc::downgrade(client), detached: None })
    }

    pub(crate) fn detached(resource: &ResourceOwned, detached: Detached) -> Arc<Context> {
        let snapshot = resource.get().snapshot().clone();
        Arc::new(Context { snapshot, client: Weak::new(), detached: Some(detached) })
    }

    /// The context for a resource of the core, and with it the resource.
    pub(crate) fn of<'s>(resource: &'s ResourceOwned, client: &Arc<Client>) -> (Arc<Context>, Resource<'s>) {
        let resource = resource.get();
        (Context::new(resource.snapshot().clone(), client), resource)
    }

    /// The client, to act.
    ///
    /// # Errors
    /// [`Code::Unsupported`] for a value without a client; [`Code::Closed`] when the client is gone.
    pub(crate) fn client(&self) -> Result<Arc<Client>> {
        if self.detached.is_some() {
            let message = "this is a value without a client (it was unpickled); act through a handle of a client";
            return Err(Error::new(Code::Unsupported, message));
        }
        self.client.upgrade().ok_or_else(|| Error::new(Code::Closed, "the client this came from is closed"))
    }
}
