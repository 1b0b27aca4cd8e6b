//! The handles of each kind, with its actions.

use std::ops::Deref;

use super::Handle;
use crate::action::{self, Arg, Ticket};
use crate::catalog::Kind;
use crate::error::{Code, Error, Result};

macro_rules! handle {
    ($name:ident, $kind:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(pub(crate) Handle);

        impl $name {
            /// As [`Handle::strict`].
            pub fn strict(&self) -> Self {
                $name(self.0.strict())
            }
        }

        impl Deref for $name {
            type Target = Handle;

            fn deref(&self) -> &Handle {
                &self.0
            }
        }

        impl From<&$name> for Arg {
            fn from(handle: &$name) -> Self {
                Arg::from(&handle.0)
            }
        }

        impl TryFrom<Handle> for $name {
            type Error = Error;

            fn try_from(handle: Handle) -> Result<Self> {
                match handle.kind() {
                    Kind::$kind => Ok($name(handle)),
                    kind => Err(Error::new(
                        Code::InvalidArgument,
                        format!("this is a handle of {kind:#}, not of {:#}", Kind::$kind),
                    )),
                }
            }
        }
    };
}

handle!(CoreServerHandle, CoreServer, "A handle of a core server.");
handle!(UserHandle, User, "A handle of a user.");
handle!(ExtensionHandle, Extension, "A handle of an extension.");
handle!(QueueHandle, Queue, "A handle of a queue.");
handle!(AgentHandle, Agent, "A handle of an agent: by its id, until the server restarts.");
handle!(CallSegmentHandle, CallSegment, "A handle of a call segment: by its id, until the server restarts.");
handle!(ConferenceRoomHandle, ConferenceRoom, "A handle of a conference room.");

/// The actions. Errors and waiting: see [`Handle::act`].
impl ExtensionHandle {
    /// Rings the extension itself, then dials the destination: a number as text, or a handle or resource of an extension,
    /// a queue or a conference room, whose number is then dialled.
    pub fn originate(&self, destination: impl Into<Arg>) -> Result<Ticket> {
        self.act("originate", &[("destination", destination.into())], None)
    }

    /// Turns do-not-disturb on or off.
    pub fn set_dnd(&self, on: bool) -> Result<Ticket> {
        self.act(if on { "enable_dnd" } else { "disable_dnd" }, &[], None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl UserHandle {
    /// Sets the user's status. `kind` is one of [`STATUS_TYPES`](crate::catalog::STATUS_TYPES); `return_time` is Unix time
    /// in milliseconds.
    pub fn set_status(&self, name: &str, kind: &str, note: &str, return_time: Option<i64>) -> Result<Ticket> {
        let args = [
            ("name", name.into()),
            ("type", kind.into()),
            ("note", note.into()),
            ("return_time", return_time.unwrap_or(-1).into()),
        ];
        let status = self.below("status").map_err(|error| action::refused(Kind::Status, "set", &args, error))?;
        status.act("set", &args, None)
    }

    /// Sets the status of this name as other users of the core server show it: its type and note are theirs.
    ///
    /// # Errors
    /// Nothing is sent with [`Code::NotFound`] where no user shows a status of that name, [`Code::Ambiguous`] where two
    /// users show different ones; otherwise as [`Handle::act`].
    pub fn set_status_like(&self, name: &str) -> Result<Ticket> {
        let like = self.get().and_then(|user| action::status_like(&user.get(), name));
        let (ty, note) = like.map_err(|error| action::refused(Kind::Status, "set", &[], error))?;
        self.set_status(name, &ty, &note, None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl QueueHandle {
    /// Logs an extension in to the queue as an agent: by its number in the queue's core server, its id or its path.
    pub fn login(&self, extension: impl Into<Arg>) -> Result<Ticket> {
        self.act("login", &[("extension", extension.into())], None)
    }

    /// Logs an extension out of the queue.
    pub fn logout(&self, extension: impl Into<Arg>) -> Result<Ticket> {
        self.act("logout", &[("extension", extension.into())], None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl AgentHandle {
    /// Logs the agent out of its queue.
    pub fn logout(&self) -> Result<Ticket> {
        self.act("logout", &[], None)
    }

    /// Pauses the agent.
    pub fn pause(&self) -> Result<Ticket> {
        self.act("pause", &[], None)
    }

    /// Ends the agent's pause.
    pub fn unpause(&self) -> Result<Ticket> {
        self.act("unpause", &[], None)
    }

    /// Sets the agent's penalty: agents with a lower one are called first.
    pub fn set_penalty(&self, penalty: i64) -> Result<Ticket> {
        self.act("set_penalty", &[("penalty", penalty.into())], None)
    }
}

/// The actions. Errors and waiting: see [`Handle::act`].
impl CallSegmentHandle {
    /// Transfers the call to an extension, an outside number, a parking lot, a conference room or a queue: a number as
    /// text, or a handle or resource of an extension, a queue or a conference room, whose number is then dialled.
    pub fn transfer(&self, destination: impl Into<Arg>) -> Result<Ticket> {
        self.act("transfer", &[("destination", destination.into())], None)
    }
}
