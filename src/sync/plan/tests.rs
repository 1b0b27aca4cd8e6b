use super::*;
use crate::catalog::Kind;
use uuid::Uuid;

fn address(parent: Kind, segment: &str, n: u128) -> Address {
    let core_server = Uuid::from_u128(1);
    let parent_id = if parent == Kind::CoreServer { core_server } else { Uuid::from_u128(n) };
    Address::below(core_server, parent_id, SubId::find(parent, segment).unwrap())
}

const SHARES: [Share; 2] = [Share::Urgent, Share::Rest];

impl Plan {
    /// The next of whatever share, in the order of the shares.
    fn next_of_all(&mut self, now: Moment) -> Option<Address> {
        SHARES.into_iter().find_map(|share| self.next(share, now))
    }

    fn due_of_all(&mut self) -> Option<Moment> {
        SHARES.into_iter().filter_map(|share| self.next_due(share)).min()
    }
}

#[test]
fn lists_come_before_what_is_below_instances_and_urged_ones_before_their_time() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let status = address(Kind::User, "status", 7);
    let calls = address(Kind::CoreServer, "callSegments", 0);
    plan.add(status, &config, now, 0.0);
    plan.add(calls, &config, now, 0.0);
    assert_eq!(plan.next_of_all(now), Some(calls));
    assert_eq!(plan.next_of_all(now), Some(status));
    assert_eq!(plan.next_of_all(now), None);
    plan.answered(&status, now, false);
    assert_eq!(plan.next_of_all(now), None);
    plan.urge(&status, now);
    assert_eq!(plan.next_of_all(now), Some(status));
}

#[test]
fn urging_again_takes_no_memory_and_what_was_missed_is_caught_up_in_turn() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let calls = address(Kind::CoreServer, "callSegments", 0);
    let agents = address(Kind::Queue, "agents", 3);
    let all = [calls, agents, address(Kind::User, "logins", 7), address(Kind::Extension, "callSegments", 5)];
    for address in all {
        plan.add(address, &config, now, 0.0);
        assert!(plan.take(&address, now));
        plan.answered(&address, now, false);
    }
    let queued = |plan: &Plan| plan.heaps.iter().map(BinaryHeap::len).sum::<usize>();
    let before = queued(&plan);
    for _ in 0..1_000 {
        plan.urge(&calls, now);
    }
    assert_eq!(queued(&plan), before + 1);
    for _ in 0..1_000 {
        plan.await_now(&calls, now);
    }
    assert_eq!(queued(&plan), before + 2);
    let gap = Duration::from_millis(40);
    plan.catch_up(now, gap);
    let mut order = Vec::new();
    for n in 0..4 {
        let then = now + gap * n;
        while let Some(address) = plan.next_of_all(then) {
            order.push((n, address));
        }
    }
    assert_eq!(order, [(0, all[0]), (0, all[1]), (1, all[2]), (2, all[3])]);
}

#[test]
fn what_is_wanted_comes_first_and_the_rest_is_not_forgotten() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let all: Vec<Address> = (0..12).map(|n| address(Kind::User, "status", n)).collect();
    for (n, address) in all.iter().enumerate() {
        plan.add(*address, &config, now, 0.0);
        assert!(plan.take(address, now));
        plan.want(address, n >= 6);
        plan.again(address, now, Duration::ZERO);
    }
    let order: Vec<bool> =
        (0..12).map(|_| plan.next_of_all(now).is_some_and(|next| next.parent.as_u128() >= 6)).collect();
    assert_eq!(order, [true, true, true, false, true, true, true, false, false, false, false, false]);
    assert_eq!(plan.next_of_all(now), None);
}

#[test]
fn an_instance_is_asked_for_once_and_again_if_it_was_urged_meanwhile() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let users = address(Kind::CoreServer, "users", 0);
    let one = users.item(Uuid::from_u128(7));
    plan.add(users, &config, now, 1.0);
    plan.add(one, &config, now, 0.0);
    plan.urge(&one, now);
    assert_eq!((plan.next_of_all(now), plan.next_of_all(now)), (Some(one), None));
    plan.urge(&one, now);
    plan.answered_item(&one);
    assert_eq!((plan.items(), plan.len(), plan.next_of_all(now), plan.next_of_all(now)), (1, 1, Some(one), None));
    plan.answered_item(&one);
    assert_eq!((plan.items(), plan.len(), plan.next_of_all(now)), (0, 1, None));
}

#[test]
fn what_is_hastened_while_it_is_in_flight_is_due_by_then() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let users = address(Kind::CoreServer, "users", 0);
    let second = Duration::from_secs(1);
    plan.add(users, &config, now, 0.0);
    assert!(plan.take(&users, now));
    plan.hasten_by(&users, now + second * 3);
    plan.hasten_by(&users, now + second);
    plan.answered(&users, now, false);
    assert_eq!((plan.next_of_all(now), plan.next_of_all(now + second)), (None, Some(users)));
    plan.answered(&users, now, false);
    plan.hasten_by(&users, now + second * 2);
    assert_eq!((plan.next_of_all(now + second), plan.next_of_all(now + second * 2)), (None, Some(users)));
}

#[test]
fn what_is_urged_without_end_leaves_the_others_their_turns() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let of = |parent, segment, count| (0..count).map(move |n| address(parent, segment, n)).collect::<Vec<_>>();
    let urged = of(Kind::Extension, "callSegments", 100);
    let (rest, wanted) = (of(Kind::User, "logins", 8), of(Kind::User, "status", 8));
    let (calls, users) = (address(Kind::CoreServer, "callSegments", 0), address(Kind::CoreServer, "users", 0));
    for address in [urged.clone(), rest, wanted.clone(), vec![calls, users]].into_iter().flatten() {
        plan.add(address, &config, now, 0.0);
        plan.take(&address, now);
        plan.want(&address, wanted.contains(&address));
        plan.again(&address, now, Duration::from_millis(1));
    }
    let mut asked: HashMap<(Kind, Kind), u32> = HashMap::new();
    for millis in 1..=33 {
        let now = now + Duration::from_millis(millis);
        urged.iter().chain([&calls]).for_each(|address| plan.urge(address, now));
        // Each share has as much of the rate.
        let share = if millis % 2 == 0 { Share::Urgent } else { Share::Rest };
        let next = plan.next(share, now).unwrap();
        *asked.entry((next.sub.unwrap().row().parent, next.kind())).or_default() += 1;
        plan.answered(&next, now, false);
    }
    let asked = |parent, kind| asked.get(&(parent, kind)).copied().unwrap_or_default();
    // Both lists in their time; then each in turn.
    assert_eq!(asked(Kind::CoreServer, Kind::User), 1);
    assert_eq!(asked(Kind::CoreServer, Kind::CallSegment), 9);
    assert_eq!(asked(Kind::Extension, Kind::CallSegment), 7);
    assert_eq!((asked(Kind::User, Kind::Login), asked(Kind::User, Kind::Status)), (8, 8));
    // What somebody waits for comes before all of it.
    let now = now + Duration::from_millis(34);
    plan.await_now(&urged[99], now);
    assert_eq!(plan.next_of_all(now), Some(urged[99]));
}

/// Whatever else is due, and however much of it.
#[test]
fn lists_that_are_always_due_have_every_second_turn_and_no_more() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let all = [Share::Urgent, Share::Rest].map(|share| {
        let mut plan = Plan::default();
        let (calls, status) = (address(Kind::CoreServer, "callSegments", 0), address(Kind::User, "status", 7));
        plan.add(calls, &config, now, 0.0);
        plan.add(status, &config, now, 0.0);
        let asked = (0..100).map(|_| {
            if share == Share::Urgent {
                plan.urge(&status, now);
            }
            let next = plan.next(share, now).unwrap();
            plan.again(&next, now, Duration::ZERO);
            next
        });
        asked.filter(|next| *next == calls).count()
    });
    assert_eq!(all, [50, 50]);
}

#[test]
fn after_an_outage_what_was_due_before_comes_first() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let all: Vec<Address> = (0..6).map(|n| address(Kind::User, "status", n)).collect();
    for address in &all {
        plan.add(*address, &config, now, 0.0);
    }
    // The server comes and goes, and answers two requests each time.
    let mut asked = Vec::new();
    for n in 0..3 {
        let now = now + Duration::from_millis(n);
        plan.everything_is_due(now);
        for _ in 0..2 {
            let address = plan.next_of_all(now).unwrap();
            plan.answered(&address, now, false);
            asked.push(address);
        }
    }
    assert_eq!(asked, all);
}

#[test]
fn intervals_shrink_with_changes_and_grow_without() {
    let (config, mut now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let calls = address(Kind::CoreServer, "callSegments", 0);
    plan.add(calls, &config, now, 0.0);
    let mut wait = |plan: &mut Plan, changed| {
        assert_eq!(plan.next_of_all(now), Some(calls));
        plan.answered(&calls, now, changed);
        let due = plan.due_of_all().unwrap();
        let wait = due.since(now);
        now = due;
        wait
    };
    assert_eq!(wait(&mut plan, false), Duration::from_millis(1500));
    for _ in 0..10 {
        wait(&mut plan, false);
    }
    assert_eq!(wait(&mut plan, false), Duration::from_secs(5));
    assert_eq!(wait(&mut plan, true), Duration::from_millis(2500));
    assert_eq!(wait(&mut plan, true), Duration::from_millis(1250));
    assert_eq!(wait(&mut plan, true), Duration::from_secs(1));
}

#[test]
fn many_that_fail_alike_wait_as_if_one_had_failed_as_often() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let all: Vec<Address> = (0..100).map(|n| address(Kind::User, "status", n)).collect();
    let doubled = |failures: u32| Duration::from_secs(1 << failures.min(6));
    for address in &all {
        plan.add(*address, &config, now, 0.0);
    }
    let mut asked = 0;
    for seconds in 0..600 {
        let now = now + Duration::from_secs(seconds);
        while let Some(address) = plan.next_of_all(now) {
            asked += 1;
            plan.failed(&address, now, Duration::ZERO, doubled);
        }
    }
    assert!((900..=1_100).contains(&asked), "{asked}");
    // One is answered: the others have their own failures to wait for, and no more.
    let now = now + Duration::from_secs(600);
    let other = address(Kind::User, "status", 1_000);
    plan.add(other, &config, now, 0.0);
    plan.failed(&other, now, Duration::ZERO, doubled);
    assert_eq!(plan.entries[&other].due, now + Duration::from_secs(64));
    plan.answered(&all[0], now, false);
    assert_eq!(plan.entries[&other].due, now + Duration::from_secs(2));
}

#[test]
fn what_failed_waits_whatever_urges_it_unless_somebody_waits_for_it() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let calls = address(Kind::CoreServer, "callSegments", 0);
    plan.add(calls, &config, now, 0.0);
    assert_eq!(plan.next_of_all(now), Some(calls));
    plan.urge(&calls, now);
    plan.failed(&calls, now, Duration::ZERO, |_| Duration::from_secs(1));
    plan.urge(&calls, now);
    assert_eq!(plan.next_of_all(now), None);
    plan.await_now(&calls, now);
    assert_eq!(plan.next_of_all(now), Some(calls));
    plan.failed(&calls, now, Duration::ZERO, |_| Duration::from_secs(1));
    assert_eq!(plan.next_of_all(now), None);
    assert_eq!(plan.next_of_all(now + Duration::from_secs(1)), Some(calls));
}

#[test]
fn what_the_server_asks_to_wait_is_waited_whoever_waits_for_it() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let calls = address(Kind::CoreServer, "callSegments", 0);
    plan.add(calls, &config, now, 0.0);
    assert_eq!(plan.next_of_all(now), Some(calls));
    plan.await_now(&calls, now);
    let minute = Duration::from_secs(60);
    plan.failed(&calls, now, minute, |_| minute + Duration::from_secs(1));
    for waiter in 0..3 {
        let now = now + Duration::from_secs(waiter);
        plan.await_now(&calls, now);
        plan.retry(now);
        plan.everything_is_due(now);
        assert_eq!(plan.next_of_all(now), None);
    }
    assert_eq!(plan.next_of_all(now + minute), Some(calls));
    plan.answered(&calls, now + minute, true);
    plan.await_now(&calls, now + minute);
    assert_eq!(plan.next_of_all(now + minute), Some(calls));
}

#[test]
fn an_interval_counts_from_when_it_was_asked_for_and_a_slow_server_rests() {
    let (mut config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let seconds = Duration::from_secs;
    config.cadence(Kind::CallSegment, seconds(10), seconds(10)).unwrap();
    let calls = address(Kind::CoreServer, "callSegments", 0);
    for (took, next) in [(0, 10), (3, 10), (6, 10), (8, 12), (20, 30), (36_000, 36_010)] {
        let mut plan = Plan::default();
        plan.add(calls, &config, now, 0.0);
        assert_eq!(plan.next_of_all(now), Some(calls));
        plan.answered(&calls, now + seconds(took), false);
        assert_eq!(plan.entries[&calls].due, now + seconds(next), "{took}");
    }
    // What came back while it was in flight, and was never asked for as what it is now.
    let (mut plan, now) = (Plan::default(), now + seconds(1_000_000));
    plan.add(calls, &config, now, 0.0);
    plan.answered(&calls, now, false);
    assert!(plan.entries[&calls].due <= now + seconds(10));
}

#[test]
fn what_failed_waits_whatever_hastens_it_and_whatever_may_have_been_missed() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let second = Duration::from_secs(1);
    for address in [address(Kind::CoreServer, "users", 0), address(Kind::User, "status", 7)] {
        let mut plan = Plan::default();
        plan.add(address, &config, now, 0.0);
        assert_eq!(plan.next_of_all(now), Some(address));
        plan.hasten_by(&address, now);
        plan.failed(&address, now, Duration::ZERO, |_| second);
        plan.hasten_by(&address, now);
        plan.catch_up(now, Duration::ZERO);
        assert_eq!((plan.next_of_all(now), plan.next_of_all(now + second)), (None, Some(address)));
    }
}

#[test]
fn what_is_outdated_takes_no_memory_to_speak_of() {
    let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
    let mut plan = Plan::default();
    let agents = address(Kind::Extension, "agents", 3);
    plan.add(agents, &config, now, 0.0);
    for nanos in 0..100_000 {
        let now = now + Duration::from_nanos(nanos);
        plan.urge(&agents, now);
        assert_eq!(plan.next_of_all(now), Some(agents));
        plan.answered(&agents, now, false);
    }
    let queued = plan.heaps.iter().map(BinaryHeap::len).sum::<usize>();
    assert!(queued < 1_000, "{queued}");
}

proptest::proptest! {
    /// Whatever happens, what is planned is asked for some time, and no request is sent for what is being asked for.
    #[test]
    fn nothing_is_ever_forgotten(steps in proptest::collection::vec((0..16u8, 0..6usize, 0..2_000u64), 0..200)) {
        let (config, mut now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let lists = [address(Kind::CoreServer, "users", 0), address(Kind::CoreServer, "callSegments", 0)];
        let below = [address(Kind::User, "status", 7), address(Kind::User, "status", 8), address(Kind::Queue, "agents", 3)];
        let item = lists[0].item(Uuid::from_u128(7));
        let all = [lists[0], lists[1], below[0], below[1], below[2], item];
        for address in lists.iter().chain(&below) {
            plan.add(*address, &config, now, 0.5);
        }
        let mut in_flight: Vec<Address> = Vec::new();
        for (step, which, millis) in steps {
            now = now + Duration::from_millis(millis);
            let address = all[which];
            match step {
                0..4 => {
                    let next = match step {
                        0 => plan.next_list(now),
                        1 => plan.take(&address, now).then_some(address),
                        _ => plan.next_of_all(now),
                    };
                    if let Some(next) = next {
                        proptest::prop_assert!(!in_flight.contains(&next));
                        in_flight.push(next);
                    }
                }
                4..8 if !in_flight.is_empty() => {
                    let address = in_flight.swap_remove(which % in_flight.len());
                    match (address.item, step) {
                        (Some(_), 4) => plan.remove(&address),
                        (Some(_), _) => plan.answered_item(&address),
                        (None, 4) => plan.failed(&address, now, Duration::ZERO, |n| Duration::from_millis(100 << n.min(6))),
                        (None, 5) => plan.again(&address, now, Duration::from_millis(100)),
                        (None, _) => plan.answered(&address, now, step == 6),
                    }
                }
                8 => {
                    if address.item.is_some() {
                        plan.add(address, &config, now, 0.0);
                    }
                    plan.urge(&address, now);
                }
                9 => {
                    if address.item.is_some() {
                        plan.add(address, &config, now, 0.0);
                    }
                    plan.await_now(&address, now);
                }
                10 => plan.hasten_by(&lists[which % 2], now),
                11 => plan.catch_up(now, Duration::from_millis(40)),
                12 => plan.everything_is_due(now),
                13 => plan.retry(now),
                14 => plan.want(&address, millis % 2 == 0),
                _ => plan.hasten(&below[which % 3], now),
            }
        }
        // What is said to be due is there: no turn is taken for nothing.
        let is_due = plan.due_of_all().is_some_and(|due| due <= now);
        let next = plan.next_of_all(now);
        proptest::prop_assert_eq!(next.is_some(), is_due);
        in_flight.extend(next);
        for address in in_flight {
            match address.item {
                Some(_) => plan.answered_item(&address),
                None => plan.answered(&address, now, false),
            }
        }
        let late = now + Duration::from_secs(86_400);
        let mut left: std::collections::HashSet<Address> = plan.entries.keys().copied().collect();
        proptest::prop_assert_eq!(plan.items(), left.iter().filter(|address| address.item.is_some()).count());
        proptest::prop_assert_eq!(plan.due_of_all().is_none(), left.is_empty());
        while let Some(address) = plan.next_of_all(late) {
            proptest::prop_assert!(left.remove(&address), "{:?} twice", address);
        }
        proptest::prop_assert!(left.is_empty(), "{:?}", left);
    }
}
