//! Watches under load: who gets a turn, and what the descriptor tells.
#![cfg(feature = "sandbox")]

mod common;

use std::time::Duration;

use isymphony::Live;
use isymphony::catalog::Kind;
use isymphony::health::EventsState;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::snapshot::{Change, ChangeKind, Extension};
use isymphony::watch::{Filter, Watch};

use common::{LONG, is_readable, metric, open, polling, sandbox, until};

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A client that asks by itself so rarely that what shows, was asked for.
fn world() -> (Sandbox, Live) {
    let sandbox = sandbox();
    let live = open(polling(&sandbox, Duration::from_secs(300), Duration::from_secs(600)));
    until("the socket", || live.health().events == EventsState::Connected);
    (sandbox, live)
}

/// Sends events and waits until the client has them.
fn send(sandbox: &Sandbox, live: &Live, events: u64, padding: usize) {
    let before = metric(live, "events");
    for n in 0..events {
        sandbox.send_event(&format!(r#"{{"type": "x", "time": {n}, "padding": "{}"}}"#, "x".repeat(padding)));
    }
    until("the events", || metric(live, "events") >= before + events);
}

/// What a reader takes who looks only when the descriptor tells it to.
fn taken(watch: &mut Watch) -> Vec<ChangeKind> {
    let mut taken = Vec::new();
    while is_readable(watch, Duration::ZERO) {
        taken.extend(watch.next(NOW).unwrap().map(|change| change.kind));
    }
    taken
}

#[test]
fn a_flood_of_events_hides_no_change() {
    let (sandbox, live) = world();
    let mut watch = live.watch(Filter::default().kinds([Kind::Extension]));
    send(&sandbox, &live, 200, 0);
    sandbox.set_display_name("4224", "Flooded").unwrap();
    live.refresh(LONG).unwrap();
    let first: Vec<_> = (0..4).map(|_| watch.next(NOW).unwrap().unwrap().kind).collect();
    assert!(first.contains(&ChangeKind::Changed), "{first:?}");
    assert!(taken(&mut watch).len() >= 196);
}

#[test]
fn many_changes_hide_no_event() {
    let (sandbox, live) = world();
    let mut watch = live.watch_from_nothing(Filter::default());
    watch.next(NOW).unwrap().unwrap();
    send(&sandbox, &live, 1, 0);
    let first: Vec<_> = (0..4).map(|_| watch.next(NOW).unwrap().unwrap().kind).collect();
    assert!(first.contains(&ChangeKind::Event) && first.contains(&ChangeKind::Added), "{first:?}");
}

#[test]
fn the_descriptor_is_readable_as_long_as_something_waits() {
    let (sandbox, live) = world();
    let mut watch = live.watch_from_nothing(Filter::default().kinds([Kind::User]));
    watch.next(NOW).unwrap().unwrap();
    // The events come while changes wait: the signal is set already.
    send(&sandbox, &live, 3, 0);
    let changes = taken(&mut watch);
    assert_eq!(changes.iter().filter(|kind| **kind == ChangeKind::Event).count(), 3, "{changes:?}");
    assert!(watch.next(NOW).unwrap().is_none());
    send(&sandbox, &live, 2, 0);
    assert_eq!(taken(&mut watch), [ChangeKind::Event; 2]);
}

#[test]
fn large_events_are_dropped_before_they_fill_the_memory() {
    let (sandbox, live) = world();
    let mut watch = live.watch(Filter::default());
    send(&sandbox, &live, 20, 500_000);
    let events = taken(&mut watch).len();
    assert_eq!((events, watch.merged()), (8, 12));
}

/// What a watch of an extension has to tell: the kinds of the changes, and the names that they lead to.
fn heard(watch: &mut Watch) -> Vec<(ChangeKind, String)> {
    let changes = std::iter::from_fn(|| watch.next(NOW).unwrap());
    let named = |change: Change| {
        let extension = change.resource().and_then(|resource| Extension::try_from(resource).ok());
        (change.kind, extension.map_or_else(String::new, |extension| extension.display_name().unwrap().to_owned()))
    };
    changes.map(named).collect()
}

#[test]
fn a_watch_by_a_handle_goes_on_after_a_restart_and_a_new_name() {
    let (sandbox, live) = world();
    let handles = ["4224", "4225"].map(|number| live.extension(number, None).unwrap());
    let [mut watch, mut other] =
        handles.each_ref().map(|handle| live.watch(Filter::default().events(false).handle(handle)));
    let mut initial = live.watch_from_nothing(Filter::default().events(false).handle(&handles[0]));
    assert_eq!(heard(&mut initial).iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [ChangeKind::Added]);
    let rename = |name: &str| {
        sandbox.set_display_name("4224", name).unwrap();
        live.refresh(LONG).unwrap();
    };
    let changed = |name: &str| [(ChangeKind::Changed, name.to_owned())];
    rename("One");
    assert_eq!(heard(&mut watch), changed("One"));
    let id = handles[0].resolve().unwrap();
    let epoch = live.snapshot().epoch();
    sandbox.restart();
    until("the next epoch", || live.refresh(LONG).is_ok_and(|snapshot| snapshot.epoch() > epoch));
    assert_ne!(handles[0].resolve().unwrap(), id);
    assert_eq!(heard(&mut watch), [(ChangeKind::EpochChanged, String::new())]);
    rename("Two");
    assert_eq!(heard(&mut watch), changed("Two"));
    sandbox.rename_extension("4224", "9999").unwrap();
    live.refresh(LONG).unwrap();
    assert_eq!(heard(&mut watch), changed("Two"));
    sandbox.set_display_name("9999", "Three").unwrap();
    live.refresh(LONG).unwrap();
    assert_eq!(heard(&mut watch), changed("Three"));
    assert_eq!(heard(&mut initial), [(ChangeKind::EpochChanged, String::new())]);
    assert_eq!(heard(&mut other), [(ChangeKind::EpochChanged, String::new())]);
}

#[test]
fn a_watch_of_one_core_server_or_one_resource_hears_of_nothing_else() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(3).core_servers(["one", "two"])).unwrap();
    let live = open(polling(&sandbox, Duration::from_secs(300), Duration::from_secs(600)));
    let second = sandbox.core_server("two").unwrap();
    let id = live.extension("4224", Some("two")).unwrap().resolve().unwrap();
    let watch = |filter: Filter| live.watch(filter.events(false));
    let mut watches = [
        watch(Filter::default()),
        watch(Filter::default().core_server("one")),
        watch(Filter::default().core_server("two")),
        watch(Filter::default().resource(id)),
        watch(Filter::default().kinds([Kind::User])),
    ];
    let mut told = || {
        live.refresh(LONG).unwrap();
        watches.each_mut().map(|watch| heard(watch).into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(" "))
    };
    second.set_display_name("4224", "Zwei").unwrap();
    assert_eq!(told(), ["Zwei", "", "Zwei", "Zwei", ""]);
    sandbox.set_display_name("4224", "Eins").unwrap();
    assert_eq!(told(), ["Eins", "Eins", "", "", ""]);
    second.set_display_name(&second.extension_numbers()[2], "Other").unwrap();
    assert_eq!(told(), ["Other", "", "Other", "", ""]);
}

#[test]
fn an_event_is_of_a_resource_however_it_writes_the_id_and_of_the_only_core_server() {
    let (sandbox, live) = world();
    let numbers = sandbox.extension_numbers();
    let ids = [0, 2].map(|n| sandbox.extension_id(&numbers[n]).unwrap().to_string());
    let handle = live.extension(&numbers[0], None).unwrap();
    let mut watch = live.watch(Filter::default().core_server("default").handle(&handle));
    for id in [ids[1].clone(), ids[0].to_uppercase(), ids[0].clone()] {
        sandbox.send_event(&format!(r#"{{"type": "x", "what": "{id}"}}"#));
    }
    let events = || watch.next(LONG).unwrap().and_then(|change| change.event).map(|event| event.json.to_string());
    let told: Vec<_> = std::iter::from_fn(events).take(2).collect();
    assert!(told[0].contains(&ids[0].to_uppercase()) && told[1].contains(&ids[0]), "{told:?}");
}

#[test]
fn what_a_watch_begins_with_was_not_merged() {
    let (sandbox, live) = world();
    let rename = |name: &str| {
        sandbox.set_display_name("4224", name).unwrap();
        live.refresh(LONG).unwrap();
    };
    (0..5).for_each(|n| rename(&format!("Name {n}")));
    let mut watch = live.watch_from_nothing(Filter::default().events(false).kinds([Kind::Extension]));
    let mut others = live.watch(Filter::default().events(false).kinds([Kind::Queue]));
    assert!(heard(&mut watch).len() > 1);
    assert_eq!(watch.merged(), 0);
    (5..10).for_each(|n| rename(&format!("Name {n}")));
    assert_eq!(heard(&mut watch), [(ChangeKind::Changed, "Name 9".to_owned())]);
    assert!(watch.merged() >= 4);
    assert_eq!((heard(&mut others).len(), others.merged()), (0, 0));
}
