//! A test on actions alone against trusted rollouts: what comes back although they do not hold it, or more often than they let it.

use super::contract::{Alarm, Ground, Look, Monitor, Observer, Seen, Watching};
use crate::foundation::failure::Status;
use crate::foundation::scalar::OpenProbability;
use crate::foundation::special::ln_choose;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Alarms when the actions of a deployment are not those of m trusted rollouts; nobody needs to know a probability. Half of the level
/// goes to each of two tests over the horizon of n samples.
///
/// *New outcomes.* An outcome that no trusted rollout holds comes for the c-th time. Were the n drawn from among the m, outcomes with t
/// trusted rollouts would have all of them in the draw with probability w(t) = Π (n − i)/(m − i), i < t; so Σ w(t) over the outcomes with
/// t ≥ c is an unbiased estimate of how many come c times and are new, and one that errs upwards, since m − n and not m are left to hold
/// them (Good and Toulmin's argument). c is the smallest of 2 or more at which that, with one outcome more of count c, stays within its share of the level. With
/// trusted rollouts enough c is 2, and a set of m' unknown exploits of mass p is told when one of them repeats: F12's collision form, about
/// √(2m'·ln 1/δ)/p samples, which is 8% low at m' = 100.
///
/// *Known outcomes.* One that a trusted rollouts hold comes for the b-th time, b the smallest at which, of a + b rollouts dealt out blindly,
/// b or more are among the n with probability at most α (Fisher's exact test), where α shares the level out over all outcomes that there can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TwoSample {
    /// P(an alarm within the horizon) where both samples are of one policy.
    pub level: OpenProbability,
}

impl Default for TwoSample {
    fn default() -> Self {
        Self { level: OpenProbability::known(0.05) }
    }
}

impl Monitor for TwoSample {
    fn observer(&self) -> Observer {
        Observer::Actions
    }

    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Watching>, Status> {
        let (m, n) = (ground.trusted.len() as u64, ground.horizon);
        let mut trusted: HashMap<u64, u64> = HashMap::new();
        for sample in ground.trusted {
            *trusted.entry(sample.outcome).or_default() += 1;
        }
        let share = 0.5 * self.level.get();
        if n < 2 {
            // One sample is rare under no reference.
            let have = usize::try_from(n).unwrap_or(usize::MAX);
            return Err(Status::TooFew { what: "samples", have, need: 2 });
        }
        let too_few = Status::TooFew {
            what: "trusted rollouts",
            have: ground.trusted.len(),
            // From twice as many on, some count is rare enough wherever n is 6 or more; below, more and more are needed.
            need: usize::try_from((2 * n).max(m.saturating_add(1))).unwrap_or(usize::MAX),
        };
        let new = new_limit(&trusted, (m, n), share).ok_or(too_few)?;
        let alpha = share / (trusted.len() as f64 + n as f64);
        Ok(Box::new(Comparing {
            trusted,
            new,
            known: HashMap::new(),
            alpha,
            sizes: (m, n),
            counts: HashMap::new(),
        }))
    }
}

/// The count at which a new outcome alarms; `None` where no count is rare enough.
fn new_limit(trusted: &HashMap<u64, u64>, (m, n): (u64, u64), share: f64) -> Option<u64> {
    if n >= m {
        return None;
    }
    let mut held: BTreeMap<u64, f64> = BTreeMap::new();
    for count in trusted.values() {
        *held.entry(*count).or_default() += 1.0;
    }
    let mut drawn = 1.0;
    // w(t) of t = 0, 1, …
    let mut weights = vec![drawn];
    while drawn > 0.0 && weights.len() as u64 <= n && drawn > 1e-12 * share {
        let t = weights.len() as f64 - 1.0;
        drawn *= (n as f64 - t) / (m as f64 - t);
        weights.push(drawn);
    }
    let weight = |count: u64| usize::try_from(count).ok().and_then(|t| weights.get(t)).map_or(0.0, |w| *w);
    let expected = |limit: u64| -> f64 {
        held.range(limit..).map(|(count, outcomes)| outcomes * weight(*count)).sum::<f64>() + weight(limit)
    };
    (2..=n).find(|limit| expected(*limit) <= share)
}

/// The count at which an outcome of `held` trusted rollouts alarms; never where it is above n.
fn known_limit(held: u64, (m, n): (u64, u64), alpha: f64) -> u64 {
    let rare = |count: u64| dealt(held + count, count, (m, n)) <= alpha;
    let (mut low, mut high) = (1, 2);
    while high < n && !rare(high) {
        (low, high) = (high, 2 * high);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if rare(middle) { high = middle } else { low = middle }
    }
    if high > n || !rare(high) { n + 1 } else { high.max(2) }
}

/// P(`count` or more of `total` rollouts are among the n), of m + n dealt out blindly; 1 up to the mean count.
fn dealt(total: u64, count: u64, (m, n): (u64, u64)) -> f64 {
    if count > n {
        return 0.0;
    }
    // Up to the mean it is no rarity, and the first term may be too small for a number.
    if u128::from(count) * u128::from(m + n) <= u128::from(n) * u128::from(total) {
        return 1.0;
    }
    let mut term = (ln_choose(n, count) + ln_choose(m, total - count) - ln_choose(m + n, total)).exp();
    let (m, n, t) = (m as f64, n as f64, total as f64);
    let mut h = count as f64;
    let mut sum = 0.0;
    while h <= t.min(n) && term > 1e-17 * sum {
        sum += term;
        term *= (n - h) * (t - h) / ((h + 1.0) * (m - t + h + 1.0));
        h += 1.0;
    }
    sum
}

struct Comparing {
    trusted: HashMap<u64, u64>,
    new: u64,
    /// Limits of known outcomes, by how many trusted rollouts hold them, as far as they were needed.
    known: HashMap<u64, u64>,
    alpha: f64,
    /// m and n.
    sizes: (u64, u64),
    counts: HashMap<u64, u64>,
}

impl Watching for Comparing {
    fn see(&mut self, seen: Seen<'_>, _: &mut Look<'_>) -> Option<Alarm> {
        let Seen::Action(outcome) = seen else { return None };
        let count = self.counts.entry(outcome).or_default();
        *count += 1;
        let limit = match self.trusted.get(&outcome) {
            None => self.new,
            Some(held) => {
                *self.known.entry(*held).or_insert_with(|| known_limit(*held, self.sizes, self.alpha))
            }
        };
        (*count >= limit).then_some(Alarm::Beyond { value: *count as f64, threshold: limit as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sample;
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};
    use crate::theory::collision::collision;

    fn sample(outcome: u64) -> Sample<'static> {
        Sample { outcome, reward: 0.0, log_ratio: None, hidden: None }
    }

    fn start(trusted: &[Sample<'_>], horizon: u64) -> Result<Box<dyn Watching>, Status> {
        let rng = SeedTree::new(1, 0).stream(Purpose::Deployment, 0);
        TwoSample::default().start(Ground { trusted, law: None, horizon, rng })
    }

    /// Whether it alarms, and at which sample.
    fn first(watching: &mut dyn Watching, samples: impl Iterator<Item = u64>) -> Option<usize> {
        let mut samples = samples.map(Seen::Action);
        samples.position(|seen| watching.see(seen, &mut || false).is_some()).map(|place| place + 1)
    }

    /// Laws of one sample: even, a power law, geometric, and nothing that ever repeats but by chance.
    fn laws() -> [fn(&mut Stream) -> u64; 4] {
        [
            |rng| rng.below(1000),
            |rng| (1.0 / rng.open_unit()).powf(1.3).min(1e15) as u64,
            |rng| (rng.open_unit().ln() / 0.97f64.ln()) as u64,
            |rng| rng.below(1 << 40),
        ]
    }

    #[test]
    fn the_level_holds_whatever_the_law_and_however_many_are_trusted() {
        // 1000 pairs of samples of one policy each: three standard errors above 5% are 7.1%.
        for (number, law) in laws().into_iter().enumerate() {
            for (m, n) in [(3000, 1000), (10_000, 300), (10_000, 5000)] {
                let streams = SeedTree::new(7, number as u64).family(Purpose::Bootstrap);
                let alarms = (0..1000).filter(|&replicate| {
                    let mut rng = streams.at(replicate);
                    let trusted: Vec<Sample<'_>> = (0..m).map(|_| sample(law(&mut rng))).collect();
                    let mut own = start(&trusted, n).unwrap();
                    first(&mut *own, (0..n).map(|_| law(&mut rng))).is_some()
                });
                let rate = alarms.count() as f64 / 1000.0;
                assert!(rate <= 0.071, "law {number}, {m} and {n}: {rate}");
            }
        }
    }

    #[test]
    fn the_power_is_the_collision_form_where_the_honest_outcomes_are_known() {
        const EXPLOITS: u64 = 100;
        let form = collision(0.01, EXPLOITS as f64, 0.95).unwrap().samples;
        assert_eq!(form, 2650.0);
        let n = (form * 1.05).ceil() as u64;
        let streams = SeedTree::new(9, 0).family(Purpose::Bootstrap);
        // 20 trusted samples of 40,000 of 900 outcomes each, and 200 deployments of each: 95% ± 1 point is three standard errors.
        let mut found: Vec<Option<usize>> = Vec::new();
        for set in 0..20 {
            let mut rng = streams.at(set);
            let trusted: Vec<Sample<'_>> = (0..40_000).map(|_| sample(rng.below(900))).collect();
            for _ in 0..200 {
                let mut own = start(&trusted, n).unwrap();
                let draws = (0..n).map(|_| match rng.open_unit() < 0.01 {
                    true => 1000 + rng.below(EXPLOITS),
                    false => rng.below(900),
                });
                found.push(first(&mut *own, draws));
            }
        }
        let within = |n: f64| {
            let caught = found.iter().flatten().filter(|at| **at as f64 <= n);
            caught.count() as f64 / found.len() as f64
        };
        let (less, more) = (within(form / 1.05), within(form * 1.05));
        assert!(less < 0.95 && more > 0.95, "{less}, {more}");
    }

    #[test]
    fn an_outcome_that_is_known_is_told_when_it_comes_far_more_often() {
        // One of 900 outcomes takes a tenth of the mass: about 30 of 300, where .33 are expected.
        let mut rng = SeedTree::new(11, 0).stream(Purpose::Bootstrap, 0);
        let trusted: Vec<Sample<'_>> = (0..40_000).map(|_| sample(rng.below(900))).collect();
        let mut own = start(&trusted, 300).unwrap();
        let at = first(&mut *own, (0..300).map(|i| if i % 10 == 0 { 17 } else { i % 900 }));
        assert!(at.is_some_and(|at| at < 100), "{at:?}");
    }

    #[test]
    fn the_exact_test_is_fishers() {
        // 3 of 4 or more among the 5 of 5 + 5: (C(5,3)·C(5,1) + C(5,4))/C(10,4) = 55/210.
        assert!((dealt(4, 3, (5, 5)) - 55.0 / 210.0).abs() < 1e-12);
        assert_eq!(dealt(4, 1, (5, 5)), 1.0);
        // Two of 902 are nothing rare although their probability is too small for a number.
        assert_eq!(dealt(902, 2, (1000, 900)), 1.0);
        assert!((820..900).contains(&known_limit(900, (1000, 900), 1e-6)));
        for (held, sizes, alpha) in [(0, (100, 50), 1e-3), (7, (1000, 50), 1e-4), (900, (1000, 900), 1e-6)] {
            let limit = known_limit(held, sizes, alpha);
            assert!(limit > sizes.1 || dealt(held + limit, limit, sizes) <= alpha, "{held}: {limit}");
            assert!(limit == 2 || dealt(held + limit - 1, limit - 1, sizes) > alpha, "{held}: {limit}");
        }
    }

    #[test]
    fn too_few_trusted_rollouts_are_a_status() {
        let trusted = vec![sample(1); 20];
        let status = start(&trusted, 20).err();
        assert_eq!(status, Some(Status::TooFew { what: "trusted rollouts", have: 20, need: 40 }));
        let status = start(&trusted, 19).err();
        assert_eq!(status, Some(Status::TooFew { what: "trusted rollouts", have: 20, need: 38 }));
        assert!(start(&trusted, 10).is_ok());
    }
}
