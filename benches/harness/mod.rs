//! A small harness: ours and a peer, measured in alternating rounds of one run, so that noise hits both.
//!
//! Noise only ever adds time, so of all rounds the lower quartile counts, for ours and for the peer.
#![allow(dead_code, unreachable_pub, missing_docs)] // Every bench uses its part.

pub mod world;

use std::time::{Duration, Instant};

/// What came of a comparison: nanoseconds for one operation, and their ratio.
pub struct Compared {
    pub ours: f64,
    pub peer: f64,
    pub ratio: f64,
}

/// Runs `ours` and `peer` alternately, `rounds` times after one round to warm up; nanoseconds for one of `operations`.
pub fn compare<A, B>(
    rounds: usize,
    operations: usize,
    mut ours: impl FnMut() -> A,
    mut peer: impl FnMut() -> B,
) -> Compared {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        // Who goes first alternates too.
        let (x, y) = if round % 2 == 0 {
            let x = time(&mut ours);
            (x, time(&mut peer))
        } else {
            let y = time(&mut peer);
            (time(&mut ours), y)
        };
        if round > 0 {
            a.push(x.as_nanos() as f64 / operations as f64);
            b.push(y.as_nanos() as f64 / operations as f64);
        }
    }
    let (ours, peer) = (lower_quartile(a), lower_quartile(b));
    Compared { ours, peer, ratio: ours / peer }
}

fn time<T>(work: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    drop(std::hint::black_box(result)); // Freeing what was made is not measured.
    took
}

pub fn lower_quartile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 4]
}

impl Compared {
    /// Prints the comparison; with a goal also whether it holds.
    pub fn print(&self, id: &str, what: &str, peer: &str, goal: Option<f64>) {
        let goal = verdict(self.ratio, goal);
        println!(
            "{id}  {what}: ours {}, {peer} {}, ratio {:.2}{goal}",
            nanoseconds(self.ours),
            nanoseconds(self.peer),
            self.ratio
        );
    }
}

/// ` (goal <= 0.9) ok`, or nothing where there is no goal.
pub fn verdict(ratio: f64, goal: Option<f64>) -> String {
    goal.map_or(String::new(), |goal| format!(" (goal <= {goal}) {}", if ratio <= goal { "ok" } else { "MISSED" }))
}

fn nanoseconds(value: f64) -> String {
    match value {
        _ if value < 1e4 => format!("{value:.1} ns"),
        _ if value < 1e7 => format!("{:.1} us", value / 1e3),
        _ => format!("{:.1} ms", value / 1e6),
    }
}

/// Random numbers that are the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    #[inline]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    #[inline]
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }
}
