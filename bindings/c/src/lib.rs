//! The C interface of isymphony: `libisymphony`, described to C by `include/isymphony.h`, which is generated from these
//! sources. The conventions are in `include/README.md`.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `guard` | what every entry does: no panic leaves, arguments are checked, results become a status |
//! | `error` | `isym_status`, `isym_error`; the one way from the core's error to both |
//! | `str`, `uuid`, `time` | texts, ids and times across the boundary |
//! | `config`, `live`, `health`, `metrics`, `log` | the client |
//! | `doctor` | what a server has |
//! | `watch` | what changes, as it changes |
//! | `snapshot`, `changes` | what it knows, and what changed |
//! | `resource`, `property`, `list`, `kind` | an instance of any kind, lists of them, the kinds |
//! | `core_server`, `user`, ... | the typed views, one file a kind |
//! | `handle`, `args`, `ticket`, `actions` | acting |
//! | `sandbox*` | the embedded server |
#![allow(non_camel_case_types)] // The types are named as C sees them.

pub mod actions;
pub mod agent;
pub mod args;
pub mod call_segment;
pub mod changes;
pub mod conference_room;
pub mod config;
pub mod config_limits;
pub mod core_server;
pub mod doctor;
pub mod error;
pub mod extension;
mod guard;
pub mod handle;
pub mod health;
pub mod kind;
pub mod list;
pub mod live;
pub mod log;
mod log_lines;
pub mod login;
pub mod metrics;
pub mod property;
pub mod queue;
pub mod resource;
pub mod sandbox;
pub mod sandbox_calls;
pub mod sandbox_config;
pub mod sandbox_people;
pub mod sandbox_queues;
pub mod sandbox_requests;
pub mod snapshot;
pub mod statistics;
pub mod str;
pub mod ticket;
pub mod time;
pub mod user;
pub mod user_status;
pub mod uuid;
pub mod version;
pub mod watch;
