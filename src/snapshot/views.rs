//! Typed views: one for each kind, with an accessor for each property and relation.

use std::ops::Deref;

use super::layout::property;
use super::resource::Resource;
use super::{List, Table};
use crate::catalog::{Kind, SubId};
use crate::error::{Code, Error, Result};

/// A typed view of a resource.
pub trait View<'s>: Sized {
    /// The kind it shows.
    const KIND: Kind;

    /// The view, if the resource is of that kind.
    fn view(resource: Resource<'s>) -> Option<Self>;
}

macro_rules! view {
    ($(#[$doc:meta])* $name:ident { $($property:ident: $ty:ident -> $value:ty),* $(,)? }) => {
        $(#[$doc])*
        ///
        /// Borrowed from a snapshot, `Copy`. An accessor gives `None` when the property is missing, `null`, or of
        /// another type than the catalogue says; [`Resource::property`] tells which.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name<'s>(Resource<'s>);

        impl<'s> $name<'s> {
            $(
                #[doc = concat!("The property `", stringify!($property), "` of the catalogue.")]
                #[inline]
                pub fn $property(&self) -> Option<$value> {
                    const POSITION: usize = property(Kind::$name, stringify!($property));
                    self.0.$ty(POSITION)
                }
            )*
        }

        impl<'s> View<'s> for $name<'s> {
            const KIND: Kind = Kind::$name;

            fn view(resource: Resource<'s>) -> Option<Self> {
                (resource.kind() == Kind::$name).then_some($name(resource))
            }
        }

        impl<'s> TryFrom<Resource<'s>> for $name<'s> {
            type Error = Error;

            fn try_from(resource: Resource<'s>) -> Result<Self> {
                Self::view(resource).ok_or_else(|| {
                    let kind = resource.kind();
                    Error::new(Code::InvalidArgument, format!("this is {kind:#}, not {:#}", Kind::$name))
                })
            }
        }

        impl<'s> Deref for $name<'s> {
            type Target = Resource<'s>;

            fn deref(&self) -> &Resource<'s> {
                &self.0
            }
        }
    };
}

view! {
    /// A core server.
    CoreServer { slug: text -> &'s str, name: text -> &'s str }
}
view! {
    /// A user.
    User {
        configuration_id: text -> &'s str,
        user_name: text -> &'s str,
        displayed_name: text -> &'s str,
        permission_id: text -> &'s str,
    }
}
view! {
    /// A client with which a user is logged in now.
    Login { ip: text -> &'s str, port: int -> i64, time_connected: int -> i64 }
}
view! {
    /// The status of a user.
    Status {
        configuration_id: text -> &'s str,
        name: text -> &'s str,
        r#type: text -> &'s str,
        note: text -> &'s str,
        return_time: int -> i64,
        user_created: bool -> bool,
    }
}
view! {
    /// An extension.
    Extension {
        extension_number: text -> &'s str,
        display_name: text -> &'s str,
        configuration_id: text -> &'s str,
        permission_id: text -> &'s str,
    }
}
view! {
    /// One leg of a call.
    CallSegment {
        r#type: text -> &'s str,
        caller_id_id: text -> &'s str,
        caller_id_name: text -> &'s str,
        caller_id_number: text -> &'s str,
        did: text -> &'s str,
        on_hold: bool -> bool,
        recording: bool -> bool,
        incoming: bool -> bool,
    }
}
view! {
    /// A call queue.
    Queue {
        display_name: text -> &'s str,
        identifier: text -> &'s str,
        configuration_id: text -> &'s str,
        permission_id: text -> &'s str,
    }
}
view! {
    /// An extension that is logged in to a queue.
    Agent { paused: bool -> bool, state: text -> &'s str, name: text -> &'s str, dynamic: bool -> bool }
}
view! {
    /// The statistics of an agent. Nothing is known of its properties: read [`Resource::raw`].
    Statistics {}
}
view! {
    /// A conference room.
    ConferenceRoom {
        configuration_id: text -> &'s str,
        display_name: text -> &'s str,
        identifier: text -> &'s str,
        dial_string: text -> &'s str,
        user_generated: bool -> bool,
        permission_id: text -> &'s str,
    }
}

/// The sub resource of a kind; the catalogue is asked by the names the relations below use, all of which a test asks for.
fn sub(parent: Kind, snake: &str) -> SubId {
    SubId::find(parent, snake).expect("the catalogue has every relation of the views")
}

impl<'s> CoreServer<'s> {
    /// The users.
    pub fn users(&self) -> List<'s> {
        self.sub(sub(Kind::CoreServer, "users"))
    }

    /// The extensions.
    pub fn extensions(&self) -> List<'s> {
        self.sub(sub(Kind::CoreServer, "extensions"))
    }

    /// The call segments.
    pub fn call_segments(&self) -> List<'s> {
        self.sub(sub(Kind::CoreServer, "call_segments"))
    }

    /// The queues.
    pub fn queues(&self) -> List<'s> {
        self.sub(sub(Kind::CoreServer, "queues"))
    }

    /// The conference rooms.
    pub fn conferences(&self) -> List<'s> {
        self.sub(sub(Kind::CoreServer, "conferences"))
    }
}

impl<'s> User<'s> {
    /// The status; `None` where a licence or the server has none.
    pub fn status(&self) -> Option<Status<'s>> {
        self.sub(sub(Kind::User, "status")).at(0).and_then(Status::view)
    }

    /// The clients the user is logged in with now.
    pub fn logins(&self) -> List<'s> {
        self.sub(sub(Kind::User, "logins"))
    }

    /// The user's extensions.
    pub fn extensions(&self) -> List<'s> {
        self.sub(sub(Kind::User, "extensions"))
    }
}

impl<'s> Login<'s> {
    /// The user who is logged in.
    pub fn user(&self) -> Option<User<'s>> {
        first(self.parents(sub(Kind::User, "logins")))
    }
}

impl<'s> Status<'s> {
    /// The user whose status it is.
    pub fn user(&self) -> Option<User<'s>> {
        first(self.parents(sub(Kind::User, "status")))
    }
}

impl<'s> Extension<'s> {
    /// The users who have this extension.
    pub fn users(&self) -> Vec<User<'s>> {
        all(self.parents(sub(Kind::User, "extensions")))
    }

    /// The call segments on this extension.
    pub fn call_segments(&self) -> List<'s> {
        self.sub(sub(Kind::Extension, "call_segments"))
    }

    /// The extension's agents, one for each queue it is logged in to: those whose [`Agent::extension`] it is.
    pub fn agents(&self) -> Vec<Agent<'s>> {
        let mut agents: Vec<Agent<'s>> = all(self.parents(sub(Kind::Agent, "extension")));
        let listed = self.sub(sub(Kind::Extension, "agents")).iter_as::<Agent<'s>>();
        agents.extend(listed.filter(|agent| agent.own_extension().is_none()));
        agents
    }
}

impl<'s> CallSegment<'s> {
    /// The extension it is on; `None` where that is not known (yet): it exists only through the extension's own list.
    pub fn extension(&self) -> Option<Extension<'s>> {
        first(self.parents(sub(Kind::Extension, "call_segments")))
    }

    /// The queue it waits in.
    pub fn queue(&self) -> Option<Queue<'s>> {
        first(self.parents(sub(Kind::Queue, "call_segments")))
    }

    /// The conference room it is in.
    pub fn conference(&self) -> Option<ConferenceRoom<'s>> {
        first(self.parents(sub(Kind::ConferenceRoom, "call_segments")))
    }
}

impl<'s> Queue<'s> {
    /// The agents that are logged in.
    pub fn agents(&self) -> List<'s> {
        self.sub(sub(Kind::Queue, "agents"))
    }

    /// The call segments in the queue.
    pub fn call_segments(&self) -> List<'s> {
        self.sub(sub(Kind::Queue, "call_segments"))
    }
}

impl<'s> Agent<'s> {
    /// The queue it is logged in to.
    pub fn queue(&self) -> Option<Queue<'s>> {
        first(self.parents(sub(Kind::Queue, "agents")))
    }

    /// The extension that is logged in: what the agent itself says, or else the extension whose list has it.
    pub fn extension(&self) -> Option<Extension<'s>> {
        self.own_extension().or_else(|| first(self.parents(sub(Kind::Extension, "agents"))))
    }

    fn own_extension(&self) -> Option<Extension<'s>> {
        self.sub(sub(Kind::Agent, "extension")).at(0).and_then(Extension::view)
    }

    /// The statistics.
    pub fn statistics(&self) -> Option<Statistics<'s>> {
        self.sub(sub(Kind::Agent, "statistics")).at(0).and_then(Statistics::view)
    }
}

impl<'s> Statistics<'s> {
    /// The agent whose statistics they are.
    pub fn agent(&self) -> Option<Agent<'s>> {
        let (snapshot, collection, _) = self.parts();
        snapshot.find(Kind::Agent, collection.address.parent).and_then(Agent::view)
    }
}

impl<'s> ConferenceRoom<'s> {
    /// The call segments in the room.
    pub fn call_segments(&self) -> List<'s> {
        self.sub(sub(Kind::ConferenceRoom, "call_segments"))
    }
}

fn first<'s, V: View<'s>>(resources: Vec<Resource<'s>>) -> Option<V> {
    resources.into_iter().find_map(V::view)
}

fn all<'s, V: View<'s>>(resources: Vec<Resource<'s>>) -> Vec<V> {
    resources.into_iter().filter_map(V::view).collect()
}

#[allow(dead_code)] // Compiles only while a Table can be shared between threads.
const fn table_is_shared_between_threads() {
    const fn check<T: Send + Sync>() {}
    check::<Table>();
}
