//! Calls that nobody asked for: at the start, and by and by.

use super::World;
use super::calls::Party;
use super::entities::Phase;
use super::table::Key;

impl World {
    /// Calls between pairs of extensions, and from outside, that last until somebody hangs up.
    pub(crate) fn calls_at_start(&mut self, core: usize, calls: u32) {
        let extensions: Vec<Key> = self.cores[core].extensions.iter().map(|(key, _)| key).collect();
        if extensions.is_empty() {
            return;
        }
        let mut next = extensions.iter().cycle().copied();
        for n in 0..calls {
            let (Some(a), Some(b)) = (next.next(), next.next()) else { return };
            if n % 2 == 0 && a != b {
                let party = self.party_of(core, a);
                let caller = self.new_segment(core, party, Phase::Dialing, false);
                self.put_on_extension(core, caller, Some(a));
                self.ring(core, caller, b);
                let called = self.cores[core].segments.get(caller).and_then(|s| s.peer);
                called.into_iter().for_each(|called| self.answer(core, called));
            } else {
                let party = self.outsider();
                let segment = self.new_segment(core, party, Phase::Ringing, false);
                self.put_on_extension(core, segment, Some(a));
                self.answer(core, segment);
            }
        }
    }

    fn outsider(&mut self) -> Party {
        let number = format!("555{:07}", self.dice.below(10_000_000));
        let did = Some(if self.dice.below(8) == 0 { "s".to_owned() } else { "8005550100".to_owned() });
        Party { name: format!("Caller {}", &number[6..]), number, did, external: true, incoming: true }
    }

    /// One more call of the background: between extensions, out, in, or to a queue.
    pub(crate) fn background_call(&mut self) {
        let core = self.dice.below(self.cores.len() as u64) as usize;
        let row = &self.cores[core];
        let Some(extension) = row.extensions.any(&mut self.dice) else { return };
        let other = row.extensions.any(&mut self.dice).filter(|other| *other != extension);
        let queue = row.queues.any(&mut self.dice);
        match (self.dice.below(4), other, queue) {
            (0, Some(other), _) => {
                let Some(number) = row.extensions.get(other).map(|e| e.number.clone()) else { return };
                self.originate(core, extension, &number);
            }
            (1, _, Some(queue)) => {
                let party = self.outsider();
                let segment = self.new_segment(core, party, Phase::Waiting, true);
                self.enter_queue(core, segment, queue);
                // Nobody waits for ever.
                if self.cores[core].segments.get(segment).is_some_and(|s| s.due == 0) {
                    self.schedule(core, segment, self.call_duration);
                }
            }
            (2, ..) => {
                let number = self.outsider().number;
                self.originate(core, extension, &number);
            }
            _ => {
                let party = self.outsider();
                let segment = self.new_segment(core, party, Phase::Ringing, true);
                self.put_on_extension(core, segment, Some(extension));
                self.emit_pair(core, "dial", None, segment);
                self.schedule(core, segment, self.ring_time);
            }
        }
    }
}
