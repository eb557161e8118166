//! The designer of the error against an auditor who reads records: how many exploits of which size do the most harm?
//!
//! An exploit mass Q is spread over m outcomes of proxy u, each of prior mass q = Q/m. The auditor reads every rollout that enters the
//! k highest rewards so far, and what is confirmed is removed for good. Rollouts are those of the reference. All visits meet the same
//! ranking: given its path, with τ(n) the kth highest benign reward before rollout n, an exploit is left unread with probability
//! e^(−q·R), R = Σ P(u + noise > τ(n)) over the rollouts after the reference (the limit of ∏(1 − q·P) for small q), independently of the others.
//! The ranking itself is random, and what is said is its mean:
//!
//! - Without noise a visit is read until the kth benign reward above u has come: R is min(T, N) − min(T, n₀) with T negative binomial,
//!   P(T > t) = P(Bin(t, s) < k), s = P(N(0, 1) > u); it is summed over in 1,024 intervals.
//! - With noise it is the mean over [`PATHS`] simulated paths of the ranking, always the same. A path has about k·ln(N/n₀) jumps, which are
//!   drawn and not the rollouts between them.
//!
//! An exploit that is never sampled (probability z^(N − n₀)) is never read. The others can be used by a learner that knows only what it sampled;
//! the rest waits for a policy that jumps to what it never tried. What the optimum at KL ε puts on the exploits that are left is
//! [`capture`]'s mass, averaged over how many they are. A policy that learns samples an exploit more often than the reference does, and pays
//! higher benign rewards too: both change what is read, in opposite directions, and neither is counted.

use super::TheoryError;
use super::capture::capture;
use super::error::{open_share, positive, require};
use super::frontier::t_star_exact;
use super::noisy_bulk::NoisyBulk;
use super::records::Records;
use crate::distributions::DistributionSpec;
use crate::foundation::binomial;
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::foundation::special::normal_sf;

/// Paths of the ranking that are averaged over where there is noise.
pub const PATHS: usize = 200;
/// Pieces of a path; neighbouring borders beyond so many are taken together, with their mean.
const PIECES: usize = 64;
/// Sizes that are tried before the best is refined, and rounds of that.
const SIZES: usize = 48;
const ROUNDS: usize = 16;
/// Intervals of the wait where there is no noise.
const WAITS: u32 = 1024;
/// Points between which the border is interpolated, and how far beyond what is to be expected.
const BORDERS: usize = 240;
const BEYOND: f64 = 1e-6;
/// Shares of the mass between which the optimum's is interpolated.
const SHARES: usize = 32;
/// Exploits up to which the number left is counted one by one.
const COUNTED: u64 = 64;

/// What both sides are given.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// Q: prior mass of all exploits together.
    pub mass: f64,
    /// ε: KL of the policy, in nats.
    pub kl: f64,
    /// N: rollouts in all, the first n₀ of them the reference's, which hold no exploit.
    pub rollouts: u64,
    /// n₀.
    pub reference: u64,
    /// Whether the k highest of the reference are read first.
    pub read_reference: bool,
    /// Benign looks that the auditor may expect to spend.
    pub benign_looks: f64,
    /// What is added to every reward; nothing if there is none.
    pub noise: Option<DistributionSpec>,
}

/// An auditor, and the ground that a designer meets him on.
#[derive(Debug, Clone)]
pub struct Adversary {
    ground: Ground,
    bulk: NoisyBulk,
    /// k.
    places: u64,
    /// Benign looks expected with k places.
    benign: f64,
    /// Paths of the ranking: how many rollouts meet which border. None without noise.
    paths: Vec<Vec<(f64, f64)>>,
}

/// A design of the error, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// m: exploits, which share the mass.
    pub number: u64,
    /// u: their proxy, in standard deviations of the benign reward without noise.
    pub size: f64,
    /// P(an exploit is never read).
    pub unread: f64,
    /// P(an exploit is sampled, and never read).
    pub sampled_unread: f64,
    /// Expected looks at exploits: each is read once at most.
    pub hacks_read: f64,
    /// The same with the benign looks.
    pub looks: f64,
    /// Mass that the optimum puts on exploits where nobody audits.
    pub mass_unaudited: f64,
    /// Mass that it puts on those that were sampled and not read, in expectation.
    pub mass_sampled: f64,
    /// Mass that it puts on all that were not read, in expectation.
    pub mass_unread: f64,
}

impl Adversary {
    /// Checks the ground.
    ///
    /// # Errors
    /// An argument outside its range, by name; noise whose quantiles are not finite, or whose tail the quadrature cannot follow.
    pub fn new(ground: Ground) -> Result<Self, TheoryError> {
        open_share("mass", ground.mass)?;
        positive("kl", ground.kl)?;
        let records = Records::new(ground.rollouts, ground.reference, ground.read_reference)?;
        let places = records.whole_places(ground.benign_looks)?;
        let range = "a number that leaves most of the reference out of the ranking";
        require("benign-looks", ground.benign_looks, 2 * places <= ground.reference, range)?;
        let bulk = NoisyBulk::new(ground.noise.as_ref())?;
        let benign = records.looks(places).expected;
        let mut own = Self { benign, ground, bulk, places, paths: Vec::new() };
        if own.ground.noise.is_some() {
            let (low, high) = ((BEYOND / own.ground.rollouts as f64).ln(), 0.0f64);
            let at = |i: usize| low + (high - low) * (i as f64 + 0.5) / BORDERS as f64;
            let borders = (0..BORDERS).map(|i| Ok((at(i), own.reward(at(i).exp())?)));
            let borders: Vec<(f64, f64)> = borders.collect::<Result<_, TheoryError>>()?;
            own.paths = (0..PATHS as u64).map(|number| own.path(number, &borders)).collect();
        }
        Ok(own)
    }

    /// k: places of the ranking.
    pub fn places(&self) -> u64 {
        self.places
    }

    /// Benign looks that they cost, in expectation.
    pub fn benign_looks(&self) -> f64 {
        self.benign
    }

    /// The reward that so many benign rollouts exceed as there are places: what stays below it is rarely read.
    ///
    /// # Errors
    /// Noise whose tail the quadrature cannot follow.
    pub fn border(&self) -> Result<f64, TheoryError> {
        self.reward(self.places as f64 / self.ground.rollouts as f64)
    }

    /// The reward that a benign one exceeds with probability `tail`.
    fn reward(&self, tail: f64) -> Result<f64, TheoryError> {
        // A mass of next to nothing: the threshold of the benign rewards alone.
        Ok(self.bulk.threshold(1e-300, 0.0, tail)?.0)
    }

    /// A path of the ranking after the reference. In terms of the share of benign rewards above them, the k highest of n₀ are the k lowest
    /// of n₀ uniform numbers, the next to enter comes after a geometric wait, and is uniform below the highest of them.
    fn path(&self, number: u64, borders: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let Ground { rollouts, reference, .. } = self.ground;
        let mut stream = SeedTree::new(0, number).stream(Purpose::Audit, 0);
        let mut top = lowest(self.places, reference, &mut stream);
        let (mut at, mut path) = (reference, Vec::new());
        while let Some(&highest) = top.last() {
            let wait = (stream.open_unit().ln() / (-highest).ln_1p()).floor().min((rollouts - at) as f64);
            path.push((wait, between(borders, highest.ln())));
            at += wait as u64;
            if at >= rollouts {
                break;
            }
            // The rollout that enters meets the same border itself.
            if let Some(last) = path.last_mut() {
                last.0 += 1.0;
            }
            at += 1;
            let own = highest * stream.open_unit();
            top.pop();
            top.insert(top.partition_point(|other| *other < own), own);
        }
        let together = |piece: &[(f64, f64)]| {
            let rollouts: f64 = piece.iter().map(|own| own.0).sum();
            let sum: f64 = piece.iter().map(|(rollouts, border)| rollouts * border).sum();
            (rollouts, if rollouts > 0.0 { sum / rollouts } else { piece[0].1 })
        };
        path.chunks(path.len().div_ceil(PIECES).max(1)).map(together).collect()
    }

    /// What becomes of `number` exploits of proxy `size`.
    ///
    /// # Errors
    /// No exploit, or a size that is not finite.
    pub fn design(&self, number: u64, size: f64) -> Result<Design, TheoryError> {
        require("exploits", number as f64, (1..1 << 53).contains(&number), "a whole number of 1 or more")?;
        require("size", size, size.abs() < 1e100, "a finite number")?;
        let Ground { mass, kl, rollouts, reference, .. } = self.ground;
        let one = mass / number as f64;
        let never = (-one * (rollouts - reference) as f64).exp();
        // What the optimum puts on a share of the mass.
        let of = |i: usize| Ok(capture(mass * i as f64 / SHARES as f64, size, kl)?.mass_after);
        let held: Vec<f64> =
            [Ok(0.0)].into_iter().chain((1..=SHARES).map(of)).collect::<Result<_, TheoryError>>()?;
        let mut sums = [0.0; 4];
        let outcomes: Vec<(f64, f64)> = match self.ground.noise {
            None => self.without_noise(one, size),
            Some(_) => self
                .paths
                .iter()
                .map(|path| (1.0 / PATHS as f64, (-one * self.reads(path, size)).exp()))
                .collect(),
        };
        for (weight, unread) in outcomes {
            let sampled = (unread - never).max(0.0);
            let all = [unread, sampled, expected(&held, number, sampled), expected(&held, number, unread)];
            sums.iter_mut().zip(all).for_each(|(sum, own)| *sum += weight * own);
        }
        let [unread, sampled_unread, mass_sampled, mass_unread] = sums;
        let hacks_read = number as f64 * (1.0 - unread);
        Ok(Design {
            number,
            size,
            unread,
            sampled_unread,
            hacks_read,
            looks: self.benign + hacks_read,
            mass_unaudited: held[SHARES],
            mass_sampled,
            mass_unread,
        })
    }

    /// The size at which `number` exploits hold the most mass that a learner can have sampled.
    ///
    /// # Errors
    /// As for [`Adversary::design`].
    pub fn best(&self, number: u64) -> Result<Design, TheoryError> {
        // An exploit that is read at every visit is worth nothing.
        let (low, high) = (0.5f64, self.border()?.max(1.0) * 4.0 + 4.0);
        let at = |i: f64| low * (high / low).powf(i / (SIZES - 1) as f64);
        let gain = |i: f64| Ok::<_, TheoryError>(self.design(number, at(i))?.mass_sampled);
        let mut best = (0.0, gain(0.0)?);
        for i in 1..SIZES {
            let found = gain(i as f64)?;
            if found > best.1 {
                best = (i as f64, found);
            }
        }
        let mut step = 0.5;
        for _ in 0..ROUNDS {
            for next in [best.0 - step, best.0 + step].map(|next| next.clamp(0.0, (SIZES - 1) as f64)) {
                let found = gain(next)?;
                if found > best.1 {
                    best = (next, found);
                }
            }
            step *= 0.6;
        }
        self.design(number, at(best.0))
    }

    /// T*: the size at which all exploits together supply half of what this KL buys, where nobody audits.
    ///
    /// # Errors
    /// A mass of 2/3 or more.
    pub fn half_gain(&self) -> Result<f64, TheoryError> {
        Ok(t_star_exact(self.ground.mass, self.ground.kl)?.size)
    }

    /// R: of as many visits as there are rollouts on a path, how many would be read.
    fn reads(&self, path: &[(f64, f64)], size: f64) -> f64 {
        path.iter().map(|(rollouts, border)| rollouts * self.bulk.noise_sf(border - size)).sum()
    }

    /// P(unread) with its weights where rewards are exact, for a mass of `one`: over the wait for the kth benign reward above.
    fn without_noise(&self, one: f64, size: f64) -> Vec<(f64, f64)> {
        let Ground { rollouts, reference, .. } = self.ground;
        let (s, all) = (normal_sf(size), (rollouts - reference) as f64);
        let later = |read: f64| binomial::cdf(reference + read as u64, s, self.places - 1);
        let mut found = vec![(1.0 - later(0.0), 1.0), (later(all), (-one * all).exp())];
        let mut from = 0.0;
        for i in 1..=WAITS {
            let to = all.powf(f64::from(i) / f64::from(WAITS)).round().min(all);
            if to > from {
                // Of from + 1 … to reads, taken as equally likely.
                let mean = if one > 0.0 {
                    (-one * (to - from)).exp_m1() / (-one).exp_m1() / (to - from)
                } else {
                    1.0
                };
                found.push((later(from) - later(to), (-one * (from + 1.0)).exp() * mean));
                from = to;
            }
        }
        found
    }
}

/// The number at `x` on a line through points.
fn between(points: &[(f64, f64)], x: f64) -> f64 {
    let above = points.partition_point(|point| point.0 < x).clamp(1, points.len() - 1);
    let ((x0, y0), (x1, y1)) = (points[above - 1], points[above]);
    y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0)
}

/// The `k` lowest of `n` uniform numbers, in order: the lowest of n is 1 − U^(1/n), and the others lie above it alike.
fn lowest(k: u64, n: u64, stream: &mut Stream) -> Vec<f64> {
    let (mut last, mut all) = (0.0, Vec::new());
    for i in 0..k.min(n) {
        last += (1.0 - last) * -(stream.open_unit().ln() / (n - i) as f64).exp_m1();
        all.push(last);
    }
    all
}

/// E\[mass of the optimum on B exploits\], B ~ Bin(m, `left`), from its mass at even shares of all.
fn expected(held: &[f64], number: u64, left: f64) -> f64 {
    let at = |share: f64| {
        let place = share.clamp(0.0, 1.0) * SHARES as f64;
        let low = (place as usize).min(SHARES - 1);
        held[low] + (place - low as f64) * (held[low + 1] - held[low])
    };
    let m = number as f64;
    if number > COUNTED {
        // Two points have the first three moments of so many.
        let sd = (left * (1.0 - left) / m).sqrt();
        return 0.5 * (at(left - sd) + at(left + sd));
    }
    let (mut weight, mut total) = ((m * (-left).ln_1p()).exp(), 0.0);
    if left >= 1.0 {
        return at(1.0);
    }
    for b in 1..=number {
        weight *= (number - b + 1) as f64 / b as f64 * left / (1.0 - left);
        total += weight * at(b as f64 / m);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};
    use std::collections::HashSet;

    fn ground(noise: Option<&str>) -> Ground {
        Ground {
            mass: 0.02,
            kl: 0.3,
            rollouts: 2_000,
            reference: 500,
            read_reference: false,
            benign_looks: 4.0,
            noise: noise.map(|law| law.parse().unwrap()),
        }
    }

    /// Over the wait for the kth benign reward above it, one by one.
    #[test]
    fn without_noise_every_wait_is_summed_over() {
        let adversary = Adversary::new(ground(None)).unwrap();
        let k = adversary.places;
        for (one, size) in [(0.02, 3.0), (1e-3, 2.2), (1e-5, 4.0), (0.3, 1.0), (1e-3, 9.0)] {
            let s = normal_sf(size);
            // P(the kth comes as rollout t).
            let comes = |t: u64| binomial::cdf(t - 1, s, k - 1) - binomial::cdf(t, s, k - 1);
            let read = |t: u64| (t.min(2_000) - t.min(500)) as f64;
            let within: f64 = (k..=2_000).map(|t| comes(t) * (-one * read(t)).exp()).sum();
            let direct = within + binomial::cdf(2_000, s, k - 1) * (-one * 1_500.0f64).exp();
            let all = adversary.without_noise(one, size);
            let got: f64 = all.iter().map(|(weight, unread)| weight * unread).sum();
            assert!((got - direct).abs() < 1e-4, "{one} {size}: {got} {direct}");
            assert!((all.iter().map(|own| own.0).sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    /// Rollouts of the reference, read as an auditor of records does: what is left of the exploits, and how many are read.
    /// 600 runs; four standard errors. Were visits read independently of each other, the first case would leave 2e-7 unread.
    #[test]
    fn a_simulated_audit_leaves_as_much() {
        for (case, (noise, number, size)) in [
            (None, 1, 3.0),
            (None, 20, 2.6),
            (Some("student_t:df=3"), 20, 5.0),
            (Some("student_t:df=3"), 200, 9.0),
        ]
        .into_iter()
        .enumerate()
        {
            let ground = ground(noise);
            let adversary = Adversary::new(ground.clone()).unwrap();
            let design = adversary.design(number, size).unwrap();
            let k = adversary.places as usize;
            let mut stream = SeedTree::new(31, case as u64).stream(Purpose::Utility, 0);
            let (mut unread, mut sampled_unread, mut read) = (Vec::new(), Vec::new(), Vec::new());
            let normal: DistributionSpec = "normal".parse().unwrap();
            let n = ground.rollouts as usize;
            let (mut benign, mut noises) = (vec![0.0; n], vec![0.0; n]);
            for _ in 0..600 {
                normal.part().fill(&mut benign, &mut stream);
                if let Some(law) = &ground.noise {
                    law.part().fill(&mut noises, &mut stream);
                }
                let mut top: Vec<f64> = Vec::new();
                let (mut sampled, mut found) = (HashSet::new(), HashSet::new());
                for row in 0..n {
                    let hack = row >= ground.reference as usize && stream.open_unit() < ground.mass;
                    let own = hack.then(|| stream.below(number));
                    let score = noises[row] + if hack { size } else { benign[row] };
                    let place = top.partition_point(|other| *other > score);
                    match own {
                        Some(own) => {
                            sampled.insert(own);
                            if place < k {
                                found.insert(own);
                            }
                        }
                        None if place < k => {
                            top.insert(place, score);
                            top.truncate(k);
                        }
                        None => {}
                    }
                }
                unread.push(1.0 - found.len() as f64 / number as f64);
                sampled_unread.push((sampled.len() - found.len()) as f64 / number as f64);
                read.push(found.len() as f64);
            }
            let close = |what: &str, all: &[f64], want: f64| {
                let mean = all.iter().sum::<f64>() / 600.0;
                let sd = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 599.0).sqrt();
                // The paths are so many draws of the ranking too.
                let paths = if noise.is_some() { 600.0 / PATHS as f64 } else { 0.0 };
                let margin = 4.0 * sd * ((1.0 + paths) / 600.0f64).sqrt() + 1e-3;
                assert!((mean - want).abs() < margin, "case {case}, {what}: {mean} {want} ± {margin}");
            };
            close("unread", &unread, design.unread);
            close("sampled and unread", &sampled_unread, design.sampled_unread);
            close("read", &read, design.hacks_read);
        }
    }

    #[test]
    fn one_exploit_is_left_or_it_is_not() {
        let adversary = Adversary::new(ground(Some("student_t:df=3"))).unwrap();
        let one = adversary.design(1, 4.0).unwrap();
        assert!((one.mass_unread - one.unread * one.mass_unaudited).abs() < 1e-12);
        // Of very many nearly none is ever sampled, and the class stays whole.
        let many = adversary.design(1_000_000, 4.0).unwrap();
        assert!((many.mass_unread / many.mass_unaudited - 1.0).abs() < 1e-3, "{many:?}");
        assert!(many.mass_sampled < many.mass_unread);
    }

    /// More looks never help the designer, and without any he is where nobody audits.
    #[test]
    fn more_looks_leave_less() {
        let mut last = f64::INFINITY;
        for benign_looks in [0.5, 2.0, 8.0, 30.0, 120.0] {
            let adversary =
                Adversary::new(Ground { benign_looks, ..ground(Some("student_t:df=3")) }).unwrap();
            let best = adversary.best(20).unwrap();
            assert!(best.mass_sampled <= last * (1.0 + 1e-6), "{benign_looks}: {best:?}");
            assert!(best.mass_sampled <= best.mass_unaudited);
            let other =
                [0.7, 0.9, 1.1, 1.4].map(|f| adversary.design(20, best.size * f).unwrap().mass_sampled);
            assert!(other.iter().all(|mass| *mass <= best.mass_sampled * (1.0 + 1e-6)), "{best:?} {other:?}");
            last = best.mass_sampled;
        }
    }

    #[test]
    fn faults_are_named() {
        let error = |ground| Adversary::new(ground).unwrap_err().to_string();
        assert!(error(Ground { mass: 0.0, ..ground(None) }).starts_with("mass is 0"));
        assert!(error(Ground { kl: f64::NAN, ..ground(None) }).starts_with("kl is NaN"));
        assert!(error(Ground { benign_looks: 0.0, ..ground(None) }).starts_with("benign-looks is 0"));
        let adversary = Adversary::new(ground(None)).unwrap();
        assert!(adversary.design(0, 3.0).unwrap_err().to_string().starts_with("exploits is 0"));
        assert!(adversary.design(2, f64::NAN).unwrap_err().to_string().starts_with("size is NaN"));
        assert!(error(Ground { benign_looks: 1_499.0, ..ground(None) }).starts_with("benign-looks is 1499"));
    }
}
