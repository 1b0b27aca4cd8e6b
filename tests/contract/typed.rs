//! Properties and relations by name, through the typed views: each name of the catalogue has its accessor.

use isymphony::catalog::Kind;
use isymphony::snapshot::{
    Agent, CallSegment, ConferenceRoom, CoreServer, Extension, Login, Queue, Resource, Statistics, Status, User, Value,
    View,
};

/// A property by its JSON name; `None` where the view has no accessor for it.
pub(crate) fn property<'s>(resource: Resource<'s>, name: &str) -> Option<Option<Value<'s>>> {
    macro_rules! views {
        ($($view:ident { $($property:literal => $accessor:ident $wrap:ident),* $(,)? })*) => {
            match resource.kind() {
                $(Kind::$view => {
                    let view = $view::view(resource)?;
                    match name {
                        $($property => Some(view.$accessor().map(Value::$wrap)),)*
                        _ => { let _ = view; None }
                    }
                })*
            }
        };
    }
    views! {
        CoreServer { "slug" => slug Text, "name" => name Text }
        User {
            "configurationId" => configuration_id Text, "userName" => user_name Text,
            "displayedName" => displayed_name Text, "permissionId" => permission_id Text,
        }
        Login { "ip" => ip Text, "port" => port Int, "timeConnected" => time_connected Int }
        Status {
            "configurationId" => configuration_id Text, "name" => name Text, "type" => r#type Text, "note" => note Text,
            "returnTime" => return_time Int, "userCreated" => user_created Bool,
        }
        Extension {
            "extensionNumber" => extension_number Text, "displayName" => display_name Text,
            "configurationId" => configuration_id Text, "permissionId" => permission_id Text,
        }
        CallSegment {
            "type" => r#type Text, "callerId.id" => caller_id_id Text, "callerId.name" => caller_id_name Text,
            "callerId.number" => caller_id_number Text, "did" => did Text, "onHold" => on_hold Bool,
            "recording" => recording Bool, "incoming" => incoming Bool,
        }
        Queue {
            "displayName" => display_name Text, "identifier" => identifier Text,
            "configurationId" => configuration_id Text, "permissionId" => permission_id Text,
        }
        Agent { "paused" => paused Bool, "state" => state Text, "name" => name Text, "dynamic" => dynamic Bool }
        Statistics {}
        ConferenceRoom {
            "configurationId" => configuration_id Text, "displayName" => display_name Text, "identifier" => identifier Text,
            "dialString" => dial_string Text, "userGenerated" => user_generated Bool, "permissionId" => permission_id Text,
        }
    }
}

/// What a relation gives; `None` where the kind has no such relation.
pub(crate) fn related<'s>(resource: Resource<'s>, relation: &str) -> Option<Vec<Resource<'s>>> {
    macro_rules! relations {
        ($($view:ident {
            lists { $($list:ident),* } ones { $($one:ident),* } many { $($many:ident),* }
        })*) => {
            match resource.kind() {
                $(Kind::$view => {
                    let view = $view::view(resource)?;
                    match relation {
                        $(stringify!($list) => Some(view.$list().iter().collect()),)*
                        $(stringify!($one) => Some(view.$one().iter().map(|found| **found).collect()),)*
                        $(stringify!($many) => Some(view.$many().iter().map(|found| **found).collect()),)*
                        _ => { let _ = view; None }
                    }
                })*
            }
        };
    }
    relations! {
        CoreServer { lists { users, extensions, call_segments, queues, conferences } ones {} many {} }
        User { lists { logins, extensions } ones { status } many {} }
        Login { lists {} ones { user } many {} }
        Status { lists {} ones { user } many {} }
        Extension { lists { call_segments } ones {} many { users, agents } }
        CallSegment { lists {} ones { extension, queue, conference } many {} }
        Queue { lists { agents, call_segments } ones {} many {} }
        Agent { lists {} ones { queue, extension, statistics } many {} }
        Statistics { lists {} ones { agent } many {} }
        ConferenceRoom { lists { call_segments } ones {} many {} }
    }
}
