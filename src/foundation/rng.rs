//! Random streams keyed by (seed, replicate, purpose, index).
//!
//! A draw depends on nothing else: not on the configuration, the worker, the shard or the order of
//! visits. Arms of one replicate therefore share their randomness (a paired comparison), and a frozen
//! error is an unlimited table of fixed numbers that needs no memory: the number that belongs to a
//! trajectory is the start of the stream whose index is the trajectory's hash.

use super::heads::{Head, heads, unit};
use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _, TryRng};
use std::convert::Infallible;

/// What a stream's draws are used for. Append-only: a number, once given, is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// True utility of an outcome; index = outcome.
    Utility = 1,
    /// Frozen error of the reward model; index = hash of the trajectory.
    Error = 2,
    /// Fresh error, redrawn at every visit; index = rollout number.
    FreshError = 3,
    /// Which outcomes planted exploits occupy; index = prompt, and 2³² + class for the prompts of a class.
    Exploit = 4,
    /// The policy's choice; index = rollout number.
    Action = 5,
    /// Which prompt a rollout answers; index = rollout number.
    Prompt = 6,
    /// Baseline of a prompt; index = prompt.
    Baseline = 7,
    /// Initial weights of a policy; index = parameter number.
    Initialization = 8,
    /// Calibration rollouts from the reference; index = rollout number.
    Calibration = 9,
    /// Randomness inside a detector; index = position in the configuration.
    Detector = 10,
    /// Resampling for intervals; index = resample.
    Bootstrap = 11,
    /// Ties, random picks and the readers of an audit; index = row that is read, and numbers beyond all rows for the rest.
    Audit = 12,
    /// The fresh error of calibration rollouts; index = rollout number.
    CalibrationError = 13,
    /// Rollouts of the reference that a reward model or a shaping of rewards is scaled by; index = rollout number.
    Scaling = 14,
    /// How an action turns out, where that is left to chance; index = rollout number.
    Transition = 15,
    /// Rollouts of the final policy, where its expectations cannot be summed; index = rollout number.
    Evaluation = 16,
    /// What a process is made of, beside utilities: motifs, triggers, walls; index as the environment says.
    Layout = 17,
    /// A member's own part of an ensemble's error; index = hash of (member, trajectory).
    Member = 18,
    /// When a run that is conditioned on it first samples a hack; index 0.
    Sighting = 19,
    /// Rollouts of a deployed policy, of the trained one that its monitors start from, and what these draw; index = rollout number.
    Deployment = 20,
    /// A critic that shares nothing with its policy; index 0 roots a tree of its own.
    Critic = 21,
    /// Rollouts by which the KL of a network is held; index = rollout number.
    Projection = 22,
}

/// The root of all streams of one replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedTree {
    seed: u64,
    replicate: u64,
}

impl SeedTree {
    /// Streams of `replicate` under `seed`.
    pub fn new(seed: u64, replicate: u64) -> Self {
        Self { seed, replicate }
    }

    /// All streams of one purpose; cheap to index into, so take it once outside a loop.
    pub fn family(&self, purpose: Purpose) -> Family {
        let mut hasher = blake3::Hasher::new_derive_key("tailcatch stream key v1");
        for word in [self.seed, self.replicate, purpose as u64] {
            hasher.update(&word.to_le_bytes());
        }
        Family { key: *hasher.finalize().as_bytes() }
    }

    /// The root of streams that share nothing with these, for what is made a second time.
    pub fn apart(&self, purpose: Purpose) -> Self {
        Self { seed: self.stream(purpose, 0).word(), replicate: self.replicate }
    }

    /// One stream: purpose goes into the ChaCha8 key, index takes the stream number.
    pub fn stream(&self, purpose: Purpose, index: u64) -> Stream {
        self.family(purpose).at(index)
    }
}

/// The streams of one (seed, replicate, purpose).
#[derive(Debug, Clone)]
pub struct Family {
    key: [u8; 32],
}

impl Family {
    /// The stream with this index, from its start.
    pub fn at(&self, index: u64) -> Stream {
        let mut generator = ChaCha8Rng::from_seed(self.key);
        generator.set_stream(index);
        Stream(generator)
    }

    /// The first numbers of these streams, several times faster than each from [`Family::at`].
    pub fn heads(&self, indices: &[u64]) -> Vec<Head> {
        heads(self.key, indices, |head| head)
    }

    /// What [`Stream::open_unit`] of these streams gives first.
    pub fn units(&self, indices: &[u64]) -> Vec<f64> {
        heads(self.key, indices, Head::first_unit)
    }
}

/// A reproducible source of random words; implements `rand::Rng`.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// A uniform number in the open interval (0, 1): 53 bits, never 0 or 1.
    #[inline]
    pub fn open_unit(&mut self) -> f64 {
        unit(self.0.next_u64())
    }

    /// 64 random bits.
    fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Passes over so many numbers of [`open_unit`](Self::open_unit), as if they had been drawn, without making them.
    pub fn pass(&mut self, units: u64) {
        // Two words of 32 bits each.
        self.0.set_word_pos(self.0.get_word_pos() + 2 * u128::from(units));
    }

    /// Up to `most` of these in random order, each set of them as likely (the first steps of Fisher and Yates' shuffle).
    pub fn draw<T>(&mut self, mut from: Vec<T>, most: usize) -> Vec<T> {
        for i in 0..most.min(from.len()) {
            let other = i + self.below((from.len() - i) as u64) as usize;
            from.swap(i, other);
        }
        from.truncate(most);
        from
    }

    /// A uniform integer below `bound` (Lemire's method, unbiased). `bound` must be positive.
    pub fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(bound > 0);
        let threshold = bound.wrapping_neg() % bound.max(1);
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if (product as u64) >= threshold {
                return (product >> 64) as u64;
            }
        }
    }
}

impl TryRng for Stream {
    type Error = Infallible;
    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }
    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }
    #[inline]
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(out)
    }
}

/// A 64-bit hash of a trajectory given as a sequence of words (BLAKE3, truncated).
pub fn trajectory_hash(words: &[u64]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(&word.to_le_bytes());
    }
    let mut head = [0u8; 8];
    head.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_passed_over_are_those_that_would_have_been_drawn() {
        let stream = || SeedTree::new(5, 1).stream(Purpose::Audit, 3);
        let mut whole = stream();
        let drawn: Vec<f64> = (0..210).map(|_| whole.open_unit()).collect();
        // Within a block of the generator, over its ends, and from the middle of one.
        for (first, passed) in [(0, 0), (0, 1), (3, 4), (7, 25), (8, 8), (31, 130), (64, 64)] {
            let mut own = stream();
            (0..first).for_each(|_| _ = own.open_unit());
            own.pass(passed);
            let from = first + passed as usize;
            let next: Vec<f64> = (from..from + 40).map(|_| own.open_unit()).collect();
            assert_eq!(next, drawn[from..from + 40], "{first} drawn, {passed} passed");
        }
    }

    #[test]
    fn draws_are_value_stable() {
        let mut stream = SeedTree::new(7, 3).stream(Purpose::Error, 42);
        let drawn: Vec<u64> = (0..3).map(|_| stream.next_u64()).collect();
        assert_eq!(drawn, PINNED, "a changed draw changes every result: value-breaking");
    }
    const PINNED: [u64; 3] = [2002193344330794110, 12784124015132325424, 1329294192207338670];

    #[test]
    fn every_coordinate_changes_the_stream() {
        let first = |seed, replicate, purpose, index| {
            SeedTree::new(seed, replicate).stream(purpose, index).next_u64()
        };
        let base = first(1, 1, Purpose::Utility, 1);
        assert_ne!(base, first(2, 1, Purpose::Utility, 1));
        assert_ne!(base, first(1, 2, Purpose::Utility, 1));
        assert_ne!(base, first(1, 1, Purpose::Error, 1));
        assert_ne!(base, first(1, 1, Purpose::Utility, 2));
    }

    #[test]
    fn visits_are_independent_of_order() {
        let family = SeedTree::new(1, 0).family(Purpose::Error);
        let forward: Vec<u64> = (0..50).map(|i| family.at(i).next_u64()).collect();
        let mut backward: Vec<u64> = (0..50).rev().map(|i| family.at(i).next_u64()).collect();
        backward.reverse();
        assert_eq!(forward, backward);
    }

    #[test]
    fn bounded_integers_are_uniform() {
        let mut stream = SeedTree::new(5, 0).stream(Purpose::Bootstrap, 0);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        // chi-square with 5 degrees of freedom; 25.7 is its 1e-4 quantile.
        let chi: f64 = counts.iter().map(|&c| (f64::from(c) - 1e4).powi(2) / 1e4).sum();
        assert!(chi < 25.7, "chi-square {chi}");
    }
}
