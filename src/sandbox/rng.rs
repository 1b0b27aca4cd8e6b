//! A small seeded generator of numbers and UUIDs: the same seed gives the same world on every machine.

use uuid::{Builder, Uuid};

/// SplitMix64. Good enough for names and ids, useless for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A generator for one purpose: streams of one seed are independent of each other.
    pub(crate) fn new(seed: u64, stream: u64) -> Rng {
        let mut rng = Rng(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        rng.next();
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence_and_streams_differ() {
        let ids = |seed, stream| {
            let mut rng = Rng::new(seed, stream);
            [rng.uuid(), rng.uuid()]
        };
        assert_eq!(ids(7, 1), ids(7, 1));
        assert_ne!(ids(7, 1), ids(7, 2));
        assert_ne!(ids(7, 1), ids(8, 1));
        assert_eq!(ids(0, 0)[0].get_version_num(), 4);
        assert!((0..1000).map(|_| Rng::new(3, 3).below(10)).all(|n| n < 10));
        assert_eq!(Rng::new(0, 0).below(0), 0);
    }
}
