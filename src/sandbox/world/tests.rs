//! That the model stays in one piece whatever is done to it.

use std::time::Duration;

use super::World;
use super::calls::{Destination, Party};
use super::entities::Phase;
use super::table::Key;
use crate::sandbox::config::SandboxConfig;
use crate::sandbox::rng::Rng;

/// Every relation holds from both sides.
fn check(world: &World) {
    for core in &world.cores {
        for (key, segment) in core.segments.iter() {
            let places: [(Option<Key>, Vec<Key>); 3] = [
                (segment.extension, core.extensions.iter().flat_map(|(_, e)| e.segments.clone()).collect()),
                (segment.queue, core.queues.iter().flat_map(|(_, q)| q.segments.clone()).collect()),
                (segment.room, core.rooms.iter().flat_map(|(_, r)| r.segments.clone()).collect()),
            ];
            for (place, listed) in places {
                let times = listed.iter().filter(|k| **k == key).count();
                assert_eq!(times, usize::from(place.is_some()), "{segment:?}");
                assert!(listed.iter().all(|k| core.segments.get(*k).is_some()));
            }
            if let Some(peer) = segment.peer {
                assert_eq!(core.segments.get(peer).and_then(|p| p.peer), Some(key), "{segment:?}");
            }
            assert!(segment.phase != Phase::Waiting || segment.queue.is_some(), "{segment:?}");
            assert!(segment.phase == Phase::Waiting || segment.queue.is_none(), "{segment:?}");
            assert!(segment.phase != Phase::Dialing || segment.peer.is_some(), "{segment:?}");
        }
        for (key, extension) in core.extensions.iter() {
            assert!(extension.segments.iter().all(|s| core.segments.get(*s).is_some_and(|s| s.extension == Some(key))));
            assert!(extension.agents.iter().all(|a| core.agents.get(*a).is_some_and(|a| a.extension == key)));
            for agent in extension.agents.iter().filter_map(|a| core.agents.get(*a)) {
                assert_eq!(agent.state == "NOT_INUSE", extension.segments.is_empty(), "{agent:?}");
            }
        }
        for (key, queue) in core.queues.iter() {
            assert!(queue.agents.iter().all(|a| core.agents.get(*a).is_some_and(|a| a.queue == key)));
        }
        assert_eq!(core.statistics.len(), core.agents.len());
    }
}

#[test]
fn relations_hold_after_any_operations() {
    for seed in 0..30 {
        let config = SandboxConfig::new()
            .users(6)
            .queues(2)
            .seed(seed)
            .calls_at_start(3)
            .ring_time(Duration::ZERO)
            .call_duration(Duration::from_micros(200));
        let mut world = World::new(&config);
        let mut rng = Rng::new(seed, 99);
        let destinations = ["4224", "10001", "*72", "10004", "5001", "5002", "8001", "8002", "5550100"];
        for step in 0..400 {
            let destination = destinations[rng.below(destinations.len() as u64) as usize];
            let extension = world.cores[0].extensions.any(&mut rng).unwrap();
            let segment = world.cores[0].segments.any(&mut rng);
            let agent = world.cores[0].agents.any(&mut rng);
            match (rng.below(12), segment, agent) {
                (0, ..) => drop(world.originate(0, extension, destination)),
                (1 | 2, Some(segment), _) => world.hang_up(0, segment),
                (3 | 4, Some(segment), _) => world.transfer(0, segment, destination),
                (5, Some(segment), _) if world.cores[0].segments.get(segment).unwrap().phase == Phase::Ringing => {
                    world.answer(0, segment);
                }
                (6, ..) => world.background_call(),
                (7, ..) => world.cores[0].extensions.relate(extension, |e| e.dnd = !e.dnd),
                (8, _, Some(agent)) => drop(world.cores[0].agents.edit(agent, |a| a.paused = !a.paused)),
                (9, ..) => {
                    let party = Party { external: true, incoming: true, ..Party::default() };
                    let segment = world.new_segment(0, party, Phase::Ringing, false);
                    match world.destination(0, destination) {
                        Destination::Queue(queue) => world.enter_queue(0, segment, queue),
                        _ => world.put_on_extension(0, segment, Some(extension)),
                    }
                }
                (10, Some(segment), _) => world.set_hold(0, segment, step % 2 == 0),
                (11, ..) if step % 50 == 0 => world.restart(),
                _ => world.advance(),
            }
            check(&world);
        }
    }
}

#[test]
fn one_seed_and_one_order_of_operations_give_one_world() {
    let run = || {
        let mut world = World::new(&SandboxConfig::new().seed(5).calls_at_start(5));
        (0..50).for_each(|_| world.background_call());
        world.cores[0].segments.iter().map(|(_, s)| (s.id, s.caller_id.number.clone())).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
    assert!(run().len() > 50);
}
