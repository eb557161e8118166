//! The designer of the error against an auditor who reads records: how many exploits of which size do the most harm?
//!
//! An exploit mass Q is spread over m outcomes of proxy u, each of prior mass q = Q/m. The auditor reads every rollout that enters the
//! k highest rewards so far, and what is confirmed is removed for good. While the policy samples as the reference does, a visit whose
//! reward a benign one exceeds with probability s is read as rollout n with r(n) = P(Bin(n − 1, s) < k), so that of
//! the rollouts n₀ + 1 … N
//!
//! Σ r(n) = E\[min(T, N)\] − E\[min(T, n₀)\], T the wait for the kth benign reward above it,
//! E\[min(T, N)\] = E\[min(Bin(N, s), k)\]/s by Wald's identity.
//!
//! Rewards are N(0, 1) where benign and u where the exploit was taken, each with the noise added; with noise Σ r(n) is averaged over that of the
//! visit. An exploit then ends
//!
//! - *unread* with probability e^(−q·Σr(n)), the limit of ∏(1 − q·r(n)) for small q,
//! - of those *never sampled* with probability e^(−q·(N − n₀ − Σr(n))), whatever is read,
//!
//! and what the optimum at KL ε puts on the exploits that are left is [`capture`]'s mass, averaged over how many they are. A learner that
//! knows only what it sampled can use those that were sampled and not read; the rest waits for a policy that jumps to what it never
//! tried. A policy that learns samples an exploit more often than the reference, and is read more often: what is said of the end is an
//! upper bound, and says nothing of harm on the way.

use super::TheoryError;
use super::capture::capture;
use super::error::{open_share, positive, require};
use super::frontier::t_star_exact;
use super::noisy_bulk::NoisyBulk;
use super::records::Records;
use crate::distributions::DistributionSpec;
use crate::foundation::binomial;
use crate::foundation::quadrature::integrate;

/// Relative error of what is averaged over the noise.
const TOLERANCE: f64 = 1e-6;
/// Sizes that are tried before the best is refined, and rounds of that.
const SIZES: usize = 48;
const ROUNDS: usize = 24;
/// Standard deviations of the number of exploits left beyond which nothing is added.
const REACH: f64 = 9.0;

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
    /// An argument outside its range, by name; noise whose quantiles are not finite.
    pub fn new(ground: Ground) -> Result<Self, TheoryError> {
        open_share("mass", ground.mass)?;
        positive("kl", ground.kl)?;
        let records = Records::new(ground.rollouts, ground.reference, ground.read_reference)?;
        let places = records.whole_places(ground.benign_looks)?;
        let bulk = NoisyBulk::new(ground.noise.as_ref())?;
        Ok(Self { benign: records.looks(places).expected, ground, bulk, places })
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
    /// Noise whose tail the quadrature cannot follow; a ranking with room for every rollout.
    pub fn border(&self) -> Result<f64, TheoryError> {
        let share = self.places as f64 / self.ground.rollouts as f64;
        let range = "a number that leaves most rollouts out of the ranking";
        require("benign-looks", self.ground.benign_looks, share < 0.5, range)?;
        // A mass of next to nothing: the threshold of the benign rewards alone.
        Ok(self.bulk.threshold(1e-12, 0.0, share)?.0)
    }

    /// What becomes of `number` exploits of proxy `size`.
    ///
    /// # Errors
    /// No exploit, or a size that is not finite; noise whose tail the quadrature cannot follow.
    pub fn design(&self, number: u64, size: f64) -> Result<Design, TheoryError> {
        require("exploits", number as f64, (1..1 << 53).contains(&number), "a whole number of 1 or more")?;
        require("size", size, size.abs() < 1e100, "a finite number")?;
        let Ground { mass, kl, rollouts, reference, .. } = self.ground;
        let one = mass / number as f64;
        let reads = self.reads(size)?;
        let unread = (-one * reads).exp();
        // Unread and not never sampled.
        let sampled_unread = unread * -(-one * ((rollouts - reference) as f64 - reads).max(0.0)).exp_m1();
        let hacks_read = number as f64 * -(-one * reads).exp_m1();
        Ok(Design {
            number,
            size,
            unread,
            sampled_unread,
            hacks_read,
            looks: self.benign + hacks_read,
            mass_unaudited: capture(mass, size, kl)?.mass_after,
            mass_sampled: self.expected(number, size, sampled_unread)?,
            mass_unread: self.expected(number, size, unread)?,
        })
    }

    /// The size at which `number` exploits hold the most mass that a learner can have sampled.
    ///
    /// # Errors
    /// As for [`Adversary::design`].
    pub fn best(&self, number: u64) -> Result<Design, TheoryError> {
        // A smaller exploit is worth less than the bulk's own tail, and one that is read at every visit is worth nothing.
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
            for next in [best.0 - step, best.0 + step] {
                let found = gain(next.clamp(0.0, (SIZES - 1) as f64))?;
                if found > best.1 {
                    best = (next.clamp(0.0, (SIZES - 1) as f64), found);
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

    /// Σ r(n): of as many visits as there are rollouts after the reference, how many would be read.
    fn reads(&self, size: f64) -> Result<f64, TheoryError> {
        let Some(law) = &self.ground.noise else { return Ok(self.reads_at(self.bulk.sf(size)?)) };
        // Over the share of the noise above: where the visit's reward crosses the ranking's border, the chance falls from 1 to 0.
        let middle = self.bulk.noise_sf(self.border()? - size);
        let mut edges = vec![0.0, 1e-9, 1.0 - 1e-9, 1.0];
        edges
            .extend([0.25, 1.0, 4.0].map(|factor| factor * middle).iter().filter(|p| **p > 0.0 && **p < 1.0));
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let mut fault = None;
        let all = (self.ground.rollouts - self.ground.reference) as f64;
        let integrand = |p: f64| {
            // No more than all, and all of it far out.
            let reward = size + self.bulk.noise_upper_quantile(p);
            let tail = if reward < 1e100 { self.bulk.quick_sf(reward) } else { Ok(0.0) };
            [tail.map_or_else(
                |e| {
                    fault = Some(e);
                    0.0
                },
                |tail| self.reads_at(tail) / all,
            )]
        };
        let sum = integrate(&edges, TOLERANCE, integrand);
        match (sum, fault) {
            (_, Some(fault)) => Err(fault),
            (Ok(sum), None) => Ok(sum.value[0].clamp(0.0, 1.0) * all),
            (Err(problem), None) => Err(TheoryError::Law {
                argument: "noise",
                law: law.to_string(),
                reason: format!("cannot be averaged over: {problem}"),
            }),
        }
    }

    /// The same where a benign reward exceeds that of every visit with probability `tail`.
    fn reads_at(&self, tail: f64) -> f64 {
        let Ground { rollouts, reference, .. } = self.ground;
        let all = (rollouts - reference) as f64;
        // Nothing exceeds it.
        if tail * (rollouts as f64) < 1e-9 {
            return all;
        }
        let k = self.places;
        // E[min(Bin(n, s), k)] = ns·P(Bin(n − 1, s) < k − 1) + k·P(Bin(n, s) ≥ k).
        let within = |n: u64| {
            let below = if n == 0 || k < 2 { 0.0 } else { binomial::cdf(n - 1, tail, k - 2) };
            n as f64 * tail * below + k as f64 * binomial::sf(n, tail, k - 1)
        };
        ((within(rollouts) - within(reference)) / tail).clamp(0.0, all)
    }

    /// E\[mass of the optimum on B exploits\], B ~ Bin(m, `left`).
    fn expected(&self, number: u64, size: f64, left: f64) -> Result<f64, TheoryError> {
        let Ground { mass, kl, .. } = self.ground;
        let m = number as f64;
        let (mean, sd) = (m * left, (m * left * (1.0 - left)).sqrt());
        let low = ((mean - REACH * sd - REACH).max(1.0)) as u64;
        let high = ((mean + REACH * sd + REACH).min(m)) as u64;
        // Many exploits in blocks: within one the mass is as good as linear in their number.
        let block = ((high.saturating_sub(low)) / 256).max(1);
        let (mut total, mut from) = (0.0, low);
        while from <= high {
            let to = (from + block - 1).min(high);
            let below = if from == 0 { 0.0 } else { binomial::cdf(number, left, from - 1) };
            let weight = if from > mean as u64 {
                binomial::sf(number, left, from - 1) - binomial::sf(number, left, to)
            } else {
                binomial::cdf(number, left, to) - below
            };
            if weight > 0.0 {
                let share = 0.5 * (from + to) as f64 / m;
                total += weight * capture(mass * share, size, kl)?.mass_after;
            }
            from = to + 1;
        }
        Ok(total)
    }
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

    #[test]
    fn the_visits_that_are_read_are_summed_one_by_one() {
        let adversary = Adversary::new(ground(None)).unwrap();
        for tail in [1e-13, 1e-5, 1e-3, 3e-3, 0.02, 0.5] {
            let k = adversary.places;
            let direct: f64 = (501..=2_000).map(|n| binomial::cdf(n - 1, tail, k - 1)).sum();
            let got = adversary.reads_at(tail);
            assert!((got - direct).abs() < 1e-6 * (1.0 + direct), "{tail}: {got} {direct}");
        }
    }

    /// Rollouts of the reference, read as an auditor of records does: what is left of the exploits, and how many are read.
    /// 600 runs; four standard errors.
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
                let margin = 4.0 * sd / 600f64.sqrt() + 0.01 * want + 1e-3;
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
        assert!((many.mass_unread / many.mass_unaudited - 1.0).abs() < 1e-4, "{many:?}");
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
        let all = Adversary::new(Ground { benign_looks: 1_499.0, ..ground(None) }).unwrap();
        assert!(all.border().unwrap_err().to_string().starts_with("benign-looks is 1499"));
    }
}
