//! Long lists: an event about one instance makes that instance be asked for, and not its list. Cadences are so slow here that
//! what shows, shows by an event.
#![cfg(feature = "sandbox")]

mod common;

use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::health::{EventsState, State};
use isymphony::sandbox::{Fault, Sandbox, SandboxConfig, Times};
use isymphony::snapshot::{ChangeKind, Snapshot, User};
use isymphony::watch::Filter;
use isymphony::{Code, Live};
use serde_json::json;
use uuid::Uuid;

use common::{LONG, look, metric, ms, open, polling};

const NO_NEWS: Duration = Duration::from_millis(300);

struct World {
    sandbox: Sandbox,
    live: Live,
}

impl World {
    /// 300 users, and a client that has read them and listens to events.
    fn new() -> World {
        let sandbox = Sandbox::start(SandboxConfig::new().users(300)).unwrap();
        let mut config = polling(&sandbox, Duration::from_secs(30), Duration::from_secs(60));
        config.backoff(ms(5), ms(100)).unwrap().kinds([Kind::User]);
        let live = open(config);
        let world = World { sandbox, live };
        world.eventually("events", || world.live.health().events == EventsState::Connected);
        // What a connected socket makes due is over too.
        std::thread::sleep(Duration::from_millis(200));
        world.sandbox.clear_requests();
        world
    }

    /// The user at a position of the list.
    fn user(&self, position: usize) -> (String, Uuid) {
        let snapshot = self.live.snapshot();
        let user = users(&snapshot).at(position).unwrap();
        (user.name().unwrap().to_owned(), user.id())
    }

    #[track_caller]
    fn eventually(&self, what: &str, done: impl Fn() -> bool) {
        look(ms(2), LONG, what, done, || format!("{:#?} {:?}", self.live.health(), self.requests()));
    }

    #[track_caller]
    fn until(&self, what: &str, done: impl Fn(&Snapshot) -> bool) {
        self.eventually(what, || done(&self.live.snapshot()));
    }

    fn tell_of(&self, user: Uuid) {
        let event = json!({"type": "changed", "coreServerId": self.sandbox.core_server_id(), "userId": user});
        self.sandbox.send_event(&event.to_string());
    }

    fn list_path(&self) -> String {
        format!("coreServers/{}/users", self.sandbox.core_server_id())
    }

    fn path(&self, user: Uuid) -> String {
        format!("{}/{user}", self.list_path())
    }

    fn requests(&self) -> Vec<String> {
        self.sandbox.requests().into_iter().map(|request| request.path).collect()
    }

    fn asked(&self, path: &str) -> usize {
        self.requests().iter().filter(|asked| *asked == path).count()
    }

    /// The body of the list as it is now.
    fn list(&self) -> String {
        let users = users(&self.live.snapshot()).iter().map(|user| user.raw()).collect::<Vec<_>>();
        format!("[{}]", users.join(","))
    }

    /// Lets the list be asked for with an answer that comes later: this body.
    fn ask_slowly(&self, body: &str) -> std::thread::JoinHandle<()> {
        self.sandbox.override_body(&self.list_path(), body);
        self.sandbox.fault(Fault::Delay(Duration::from_millis(500)), &self.list_path(), Times::Count(1));
        let live = self.live.clone();
        let before = self.asked(&self.list_path());
        let refresh = std::thread::spawn(move || _ = live.refresh(LONG).unwrap());
        self.eventually("the list is asked for", || self.asked(&self.list_path()) > before);
        refresh
    }
}

fn users(snapshot: &Snapshot) -> isymphony::snapshot::List<'_> {
    snapshot.core_server("default").unwrap().users()
}

fn displayed(snapshot: &Snapshot, name: &str) -> Option<String> {
    Some(User::try_from(users(snapshot).find(name)?).unwrap().displayed_name()?.to_owned())
}

#[test]
fn a_changed_user_is_asked_for_alone_and_shows() {
    let world = World::new();
    let (sandbox, id) = (&world.sandbox, world.sandbox.user_id("4224").unwrap());
    let before = world.live.snapshot();
    let mut watch = world.live.watch(Filter::default().events(false));
    sandbox.rename_user("4224", "ada").unwrap();
    sandbox.set_displayed_name("ada", "Ada").unwrap();
    world.tell_of(id);
    world.until("the new name", |snapshot| users(snapshot).find("ada").is_some());
    assert_eq!(world.requests(), [world.path(id)]);
    let after = world.live.snapshot();
    assert_eq!(displayed(&after, "ada").as_deref(), Some("Ada"));
    assert_eq!(users(&after).by_name("4224").unwrap_err().code(), Code::NotFound);
    assert_eq!(users(&after).len(), users(&before).len());
    let [old, new] = [&before, &after].map(|snapshot| snapshot.by_id(id).unwrap());
    assert_eq!((old.name(), new.name()), (Some("4224"), Some("ada")));
    assert_eq!(new.path().to_string(), "coreServers/getByName/default/users/getByName/ada");
    // It is younger than its list, and than the others in it.
    let other = users(&after).at(0).filter(|user| user.id() != id).or(users(&after).at(1)).unwrap();
    assert!(new.age() < other.age() && Some(other.age()) <= users(&after).age());
    let change = watch.next(LONG).unwrap().unwrap();
    assert_eq!((change.kind, change.resource().unwrap().id()), (ChangeKind::Changed, id));
    assert!(watch.next(Some(Duration::ZERO)).unwrap().is_none());
}

#[test]
fn a_new_user_is_asked_for_alone_and_one_that_is_gone_goes_when_the_list_says_so() {
    let world = World::new();
    let count = users(&world.live.snapshot()).len();
    let id = world.sandbox.add_user("zoe", "Zoe").unwrap();
    world.tell_of(id);
    world.until("the new user", |snapshot| displayed(snapshot, "zoe").as_deref() == Some("Zoe"));
    assert_eq!(world.requests(), [world.path(id)]);
    assert_eq!(users(&world.live.snapshot()).len(), count + 1);
    assert_eq!(users(&world.live.snapshot()).at(count).map(|user| user.id()), Some(id));

    let gone = world.sandbox.user_id("4224").unwrap();
    world.sandbox.fault(Fault::status(500), &world.list_path(), Times::Forever);
    world.sandbox.remove_user("4224").unwrap();
    world.tell_of(gone);
    world.eventually("the list", || world.asked(&world.list_path()) > 1);
    assert_eq!(world.asked(&world.path(gone)), 1);
    assert!(world.live.snapshot().by_id(gone).is_some(), "only the list tells that it is gone");
    world.sandbox.clear_faults();
    world.until("it is gone", |snapshot| snapshot.by_id(gone).is_none());
    assert!(world.live.snapshot().by_id(id).is_some());
    assert_eq!(users(&world.live.snapshot()).len(), count);
}

#[test]
fn a_list_that_was_asked_for_earlier_undoes_nothing() {
    let world = World::new();
    let whole = world.list();
    let without = format!("[{}", &whole[whole.find("},{").unwrap() + 2..]);
    let changed = [100, 200].map(|position| world.user(position));
    // The body is the one that is known, or another one.
    for (body, (user, id)) in [whole, without].iter().zip(&changed) {
        let refresh = world.ask_slowly(body);
        world.sandbox.set_displayed_name(user, "Ada").unwrap();
        world.tell_of(*id);
        let shows = |snapshot: &Snapshot| displayed(snapshot, user).as_deref() == Some("Ada");
        world.until("the change", shows);
        assert!(!refresh.is_finished());
        refresh.join().unwrap();
        assert!(shows(&world.live.snapshot()), "{user}");
    }
    assert_eq!(users(&world.live.snapshot()).len(), 299);
    world.sandbox.clear_overrides();
    world.live.refresh(LONG).unwrap();
    assert_eq!(users(&world.live.snapshot()).len(), 300);
    for (user, _) in &changed {
        assert_eq!(displayed(&world.live.snapshot(), user).as_deref(), Some("Ada"));
    }
}

#[test]
fn a_list_that_is_asked_for_later_is_right_even_if_its_body_did_not_change() {
    let world = World::new();
    let (id, before) = (world.sandbox.user_id("4224").unwrap(), world.list());
    world.sandbox.override_body(&world.list_path(), &before);
    world.live.refresh(LONG).unwrap();
    let name = displayed(&world.live.snapshot(), "4224");
    world.sandbox.set_displayed_name("4224", "Nobody").unwrap();
    world.tell_of(id);
    world.until("what it says alone", |snapshot| displayed(snapshot, "4224").as_deref() == Some("Nobody"));
    let count = metric(&world.live, "unchanged_answers");
    world.live.refresh(LONG).unwrap();
    assert!(metric(&world.live, "unchanged_answers") >= count + 2, "the bytes of the lists are the same");
    assert_eq!(displayed(&world.live.snapshot(), "4224"), name);
}

#[test]
fn an_answer_that_is_none_for_the_instance_makes_the_list_due() {
    let id = |id: Uuid| format!(r#"{{"id":"{id}","userName":"wrong"}}"#);
    let list_of_one = |user: Uuid| format!("[{}]", id(user));
    let wrong_id = |_| id(Uuid::from_u128(7));
    let without_id = |_| r#"{"userName":"wrong"}"#.to_owned();
    let garbage = |user: Uuid| id(user)[..20].to_owned();
    let bodies: [&(dyn Fn(Uuid) -> String + Sync); 4] = [&list_of_one, &wrong_id, &without_id, &garbage];
    std::thread::scope(|scope| bodies.into_iter().for_each(|body| _ = scope.spawn(move || refuses(body))));
}

fn refuses(body: &dyn Fn(Uuid) -> String) {
    let world = World::new();
    let [(user, id), (other_user, other)] = [100, 200].map(|position| world.user(position));
    world.sandbox.override_body(&world.path(id), &body(id));
    world.sandbox.set_displayed_name(&user, "Ada").unwrap();
    world.tell_of(id);
    let shows = |name: &str| displayed(&world.live.snapshot(), name).as_deref() == Some("Ada");
    world.eventually("the list", || shows(&user));
    assert_eq!((world.asked(&world.path(id)), world.asked(&world.list_path())), (1, 1));
    assert!(users(&world.live.snapshot()).find("wrong").is_none());
    let problem = world.live.health().last_error.unwrap();
    assert_eq!((problem.error.code(), problem.about), (Code::BadAnswer, world.path(id)));
    assert!(world.live.health().failing.is_empty());
    // The list has it: so this server does not give single instances, and its lists are read from then on.
    world.sandbox.set_displayed_name(&other_user, "Ada").unwrap();
    world.tell_of(other);
    world.eventually("the list again", || shows(&other_user));
    assert_eq!((world.asked(&world.path(other)), world.asked(&world.list_path())), (0, 2));
}

#[test]
fn many_at_once_are_read_with_the_list() {
    let world = World::new();
    let changed: Vec<(String, Uuid)> = (100..200).map(|position| world.user(position)).collect();
    for (user, id) in &changed {
        world.sandbox.set_displayed_name(user, "Ada").unwrap();
        world.tell_of(*id);
    }
    world.until("all of them", |snapshot| {
        changed.iter().all(|(user, _)| displayed(snapshot, user).as_deref() == Some("Ada"))
    });
    let (lists, all) = (world.asked(&world.list_path()), world.requests().len());
    assert!((1..=2).contains(&lists) && all <= 20, "{lists} {all}");
    std::thread::sleep(NO_NEWS);
    assert!(world.requests().len() <= 20);
}

#[test]
fn an_instance_of_another_incarnation_is_not_taken() {
    let world = World::new();
    let before = world.live.snapshot();
    let id = world.sandbox.user_id("4224").unwrap();
    let core_server = world.sandbox.core_server_id();
    world.sandbox.restart();
    // An event from before, which came late.
    let event = json!({"type": "changed", "coreServerId": core_server, "userId": id});
    world.sandbox.send_event(&event.to_string());
    world.until("the restart", |snapshot| snapshot.epoch() == before.epoch() + 1);
    assert!(world.live.snapshot().by_id(id).is_none());
    assert_eq!(users(&world.live.snapshot()).len(), users(&before).len());
}

#[test]
fn a_configuration_id_that_another_one_in_the_list_has_too_identifies_nobody() {
    let world = World::new();
    let [(name, id), (other_name, other)] = [100, 200].map(|position| world.user(position));
    let shared = world.live.snapshot().by_id(other).unwrap().configuration_id().unwrap().to_owned();
    let says = |id: Uuid, name: &str| {
        let body = json!({"id": id, "userName": name, "configurationId": shared});
        world.sandbox.override_body(&world.path(id), &body.to_string());
        world.tell_of(id);
        world.until("what it says alone", |snapshot| {
            let user = snapshot.by_id(id).unwrap();
            (user.name(), user.configuration_id()) == (Some(name), Some(&shared))
        });
    };
    says(id, &name);
    let by_name = world.live.user(&name, None).unwrap().strict();
    let path = format!("coreServers/getByName/default/users/getByName/{name}");
    let by_path = world.live.handle(&path).unwrap().strict();
    for strict in [&*by_name, &by_path] {
        let binding = strict.binding().unwrap();
        assert_eq!((binding.id, binding.configuration_id), (id, None));
    }
    // The name goes to the other one.
    std::thread::sleep(Duration::from_secs(5)); // So soon an event makes nobody due again.
    says(id, "somebody");
    says(other, &name);
    for strict in [&*by_name, &by_path] {
        assert_eq!(strict.get().unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(users(&world.live.snapshot()).find(&name).map(|user| user.id()), Some(other));
    assert!(users(&world.live.snapshot()).find(&other_name).is_none());
}

#[test]
fn events_make_nobody_ask_for_a_list_that_fails_before_its_time() {
    let world = World::new();
    let fault = Fault::Status { status: 503, retry_after: Some(300) };
    world.sandbox.fault(fault, &world.list_path(), Times::Forever);
    let live = world.live.clone();
    let refresh = std::thread::spawn(move || live.refresh(Some(Duration::from_millis(500))).unwrap_err().code());
    assert_eq!(refresh.join().unwrap(), Code::TimedOut);
    assert_eq!(world.asked(&world.list_path()), 1);
    // Nobody has them alone, so their list is to be read, as soon as the last time is long enough ago.
    std::thread::sleep(Duration::from_secs(5));
    for unknown in 0..10 {
        world.tell_of(Uuid::from_u128(unknown + 7));
        std::thread::sleep(Duration::from_millis(20));
    }
    world.eventually("they are asked for", || world.requests().len() > 10);
    std::thread::sleep(NO_NEWS);
    assert_eq!(world.asked(&world.list_path()), 1);
}

#[test]
fn an_instance_that_fails_alone_makes_its_list_due_no_more_often_than_an_event_may() {
    let world = World::new();
    let changed: Vec<Uuid> = (100..110).map(|position| world.user(position).1).collect();
    world.sandbox.fault(Fault::status(500), &format!("{}/*", world.list_path()), Times::Forever);
    for id in &changed {
        world.tell_of(*id);
        std::thread::sleep(Duration::from_millis(50));
    }
    world.eventually("each is asked for", || changed.iter().all(|id| world.asked(&world.path(*id)) == 1));
    std::thread::sleep(NO_NEWS);
    assert!(world.asked(&world.list_path()) <= 2, "{}", world.asked(&world.list_path()));
    world.eventually("the list", || world.asked(&world.list_path()) > 0);
}

#[test]
fn a_connection_that_breaks_for_an_instance_alone_says_nothing_of_the_server() {
    let world = World::new();
    world.sandbox.fault(Fault::Drop, &format!("{}/*", world.list_path()), Times::Forever);
    for position in 100..110 {
        let id = world.user(position).1;
        world.tell_of(id);
        world.eventually("it is asked for", || {
            assert_eq!(world.live.health().state, State::Live);
            world.asked(&world.path(id)) > 0
        });
    }
    let until = Instant::now() + NO_NEWS;
    while Instant::now() < until {
        assert_eq!(world.live.health().state, State::Live);
    }
    world.eventually("the list", || world.asked(&world.list_path()) > 0);
    // When the list breaks too, it is the server.
    world.sandbox.stop_listening();
    let live = world.live.clone();
    std::thread::spawn(move || live.refresh(LONG));
    world.eventually("the server", || world.live.health().state == State::Stale);
}

#[test]
fn many_that_go_one_by_one_make_their_list_due_no_more_often_than_an_event_may() {
    let world = World::new();
    let gone: Vec<(String, Uuid)> = (100..110).map(|position| world.user(position)).collect();
    for (user, id) in &gone {
        world.sandbox.remove_user(user).unwrap();
        world.tell_of(*id);
        std::thread::sleep(Duration::from_millis(50));
    }
    world.until("all of them", |snapshot| gone.iter().all(|(_, id)| snapshot.by_id(*id).is_none()));
    // At once for the first, and then for the others.
    let lists = world.asked(&world.list_path());
    assert!((1..=3).contains(&lists), "{lists}");
}
