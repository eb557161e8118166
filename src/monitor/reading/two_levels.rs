//! Do the rewards of a reference lie on two levels, as those do that pay all or nothing with a small part beside?
//!
//! Two levels have next to nothing between them: of a band about the mark that divides them, a third as wide as the medians of either
//! side lie apart, far less than of the thinner side. Of rewards of one hump the band holds a quarter of that side at least: a third of it
//! where the law is uniform or normal, all of it and more in a tail of index 1 or less, a quarter where half are one value and the others
//! uniform above it. Where the levels have noise of a fifth of what lies between them, the band holds more; but less than bands about both
//! medians do.

use super::point::Point;
use crate::foundation::order::{median, sorted};
use serde::{Deserialize, Serialize};

/// Share of the reference, and rollouts of it, that a level has at least: fewer may be exploits, or a bonus that is seldom paid.
const SHARE: f64 = 0.04;
const ROLLOUTS: usize = 10;
/// Share of the thinner side that the band holds less than, with so many standard errors and a little more.
const HELD: f64 = 0.25;
const ERRORS: f64 = 2.0;
const MORE: f64 = 3.0;
/// Half the width of the band, of the distance between the medians.
const HALF: f64 = 1.0 / 6.0;
/// The same of the band that is held against as wide ones about the medians, the share of these that it holds at most, and by how many
/// standard errors it holds less.
const NARROW: f64 = 0.15;
const SHALLOW: f64 = 0.5;
const DEEP: f64 = 3.5;
/// Width of either side, from its lowest tenth to its highest, over the distance between the medians: a wider one is many levels.
const WIDEST: f64 = 1.0;
/// Share of the reference that lies on the other level than its centre, at least.
const DIVIDED: f64 = 0.02;
/// How far rollouts lie from their centres, of how far from the middle of all, where the levels are not those of single prompts.
const IN_GROUPS: f64 = 0.5;
/// Share of ties above which values are taken for rounded.
const ROUNDED: f64 = 0.02;

/// Two levels of the reward.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in crate::monitor) struct TwoLevels {
    /// Rewards above this pass.
    pub mark: f64,
    /// What those that pass are compared with: their median, or the mark where half of them are one value.
    pub upper: f64,
    /// How many rollouts of the reference pass.
    pub passed: usize,
    /// Whether there is something between the levels, if less than on them.
    pub valley: bool,
}

impl TwoLevels {
    /// Of the rewards of a reference in ascending order.
    pub fn of(ascending: &[f64]) -> Option<Self> {
        let spread = spread_ties(ascending);
        let clear = two_values(ascending).or_else(|| divide(&spread));
        let mark = clear.or_else(|| valley(&spread))?;
        let passing = ascending.get(ascending.partition_point(|reward| *reward <= mark)..)?;
        let (middle, high) = (*passing.get(passing.len() / 2)?, *passing.get(3 * passing.len() / 4)?);
        let upper = if high > middle { middle } else { mark };
        Some(Self { mark, upper, passed: passing.len(), valley: clear.is_none() })
    }

    /// Whether rollouts differ from the median that they are compared with: where each prompt has a level of its own, they do not.
    pub(super) fn divide(&self, rollouts: &[Point]) -> bool {
        let other = |point: &&Point| (point.reward > self.mark) != (point.reward - point.score > self.mark);
        let divided = rollouts.iter().filter(other).count() as f64 >= DIVIDED * rollouts.len() as f64;
        // Levels of single prompts leave valleys too: a group of eight is one value then, and not eight.
        divided && (!self.valley || lie_in_groups(rollouts))
    }

    /// The rollout compared with those that pass, if it does.
    pub(super) fn point(&self, point: Point) -> Option<Point> {
        (point.reward > self.mark).then_some(Point { score: point.reward - self.upper, ..point })
    }
}

/// Whether rollouts lie about as far from what they are compared with as from the middle of all.
fn lie_in_groups(rollouts: &[Point]) -> bool {
    let rewards: Vec<f64> = rollouts.iter().map(|point| point.reward).collect();
    let Some(middle) = median(&rewards) else { return false };
    let from_middle: f64 = rewards.iter().map(|reward| (reward - middle).abs()).sum();
    rollouts.iter().map(|point| point.score.abs()).sum::<f64>() >= IN_GROUPS * from_middle
}

/// Fewest rollouts of a level.
fn least(rollouts: usize) -> usize {
    ROLLOUTS.max((SHARE * rollouts as f64).ceil() as usize)
}

/// Halfway between the two values that all rewards take.
fn two_values(ascending: &[f64]) -> Option<f64> {
    let (low, high) = (*ascending.first()?, *ascending.last()?);
    let lower = ascending.partition_point(|reward| *reward <= low);
    let upper = ascending.len() - ascending.partition_point(|reward| *reward < high);
    let two = low < high && lower + upper == ascending.len() && lower.min(upper) >= least(ascending.len());
    two.then_some(f64::midpoint(low, high))
}

/// Rounded rewards, spread evenly over the width of a round: of few values the next but one is no level.
fn spread_ties(ascending: &[f64]) -> Vec<f64> {
    let gaps: Vec<f64> =
        ascending.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).collect();
    let ties = ascending.len().saturating_sub(gaps.len() + 1);
    let Some(width) = median(&gaps).filter(|_| ties as f64 > ROUNDED * ascending.len() as f64) else {
        return ascending.to_vec();
    };
    let spread: Vec<f64> = ascending
        .chunk_by(|a, b| a == b)
        .flat_map(|same| {
            let place = |i: usize| (i as f64 + 0.5) / same.len() as f64 - 0.5;
            same.iter().enumerate().map(move |(i, reward)| reward + width * place(i))
        })
        .collect();
    sorted(&spread)
}

/// A way to cut rewards in two: how many lie below, the mark between, and the medians of either side.
struct Cut {
    lower: usize,
    mark: f64,
    low: f64,
    high: f64,
}

/// The cuts of which no side is wider than they lie apart.
fn cuts(ascending: &[f64]) -> impl Iterator<Item = Cut> {
    let rollouts = ascending.len();
    let fewest = least(rollouts);
    let cut = move |lower: usize| {
        let mark = f64::midpoint(*ascending.get(lower - 1)?, *ascending.get(lower)?);
        let (low, high) = (*ascending.get(lower / 2)?, *ascending.get(lower + (rollouts - lower) / 2)?);
        let width = |from: usize, of: usize| {
            Some(ascending.get(from + of - 1 - of / 10)? - ascending.get(from + of / 10)?)
        };
        let widest = width(0, lower)?.max(width(lower, rollouts - lower)?);
        (widest <= WIDEST * (high - low)).then_some(Cut { lower, mark, low, high })
    };
    (fewest..=rollouts.saturating_sub(fewest)).filter_map(cut)
}

/// How many lie within `half` of a value.
fn within(ascending: &[f64], value: f64, half: f64) -> f64 {
    let below = ascending.partition_point(|reward| *reward < value - half);
    (ascending.partition_point(|reward| *reward <= value + half) - below) as f64
}

/// The mark about which there is least for what lies on either side, if that is little enough.
fn divide(ascending: &[f64]) -> Option<f64> {
    let mut best: Option<(f64, f64)> = None;
    for Cut { lower, mark, low, high } in cuts(ascending) {
        let inside = within(ascending, mark, HALF * high - HALF * low);
        let held = (inside + ERRORS * inside.sqrt() + MORE) / lower.min(ascending.len() - lower) as f64;
        if held <= HELD && best.is_none_or(|(least, _)| held < least) {
            best = Some((held, mark));
        }
    }
    best.map(|(_, mark)| mark)
}

/// The mark about which there is far less than about the median of either side, of bands of one width: between two values of a law of one
/// hump there is never less than about both.
fn valley(ascending: &[f64]) -> Option<f64> {
    let mut best: Option<(f64, f64)> = None;
    for Cut { mark, low, high, .. } in cuts(ascending) {
        let about = |value: f64| within(ascending, value, NARROW * high - NARROW * low);
        let (inside, beside) = (about(mark), about(low).min(about(high)));
        let errors = (beside - inside) / (beside + inside).sqrt();
        let is_one = inside <= SHALLOW * beside && errors >= DEEP;
        if is_one && best.is_none_or(|(most, _)| errors > most) {
            best = Some((errors, mark));
        }
    }
    best.map(|(_, mark)| mark)
}

/// Whether rollouts of one group (or step, where groups are not known) lie on two levels, though each group may have its own: by how much
/// the two of each pair differ. Two rollouts of one law of one hump differ by a law of one hump about 0 (Hodges & Lehmann 1954), whatever
/// the group's level and spread. The step from the one level to the other, and the share of the pairs that differ by it.
pub(super) fn in_pairs(differences: &[f64]) -> Option<(f64, f64)> {
    // What is equal but for its last digits is equal.
    let rounded: Vec<f64> = differences.iter().map(|difference| f64::from(*difference as f32)).collect();
    let ascending = sorted(&rounded);
    let mark = two_values(&ascending).or_else(|| valley(&spread_ties(&ascending)))?;
    let differing = ascending.get(ascending.partition_point(|difference| *difference <= mark)..)?;
    Some((median(differing)?, differing.len() as f64 / ascending.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

    fn drawn(spec: &str, n: usize, stream: &mut Stream) -> Vec<f64> {
        let law: DistributionSpec = spec.parse().unwrap();
        let mut rewards = vec![0.0; n];
        law.part().fill(&mut rewards, stream);
        rewards
    }

    #[test]
    fn no_law_of_one_hump_has_two_levels() {
        // 300 references each: one in fifty at most, of the smallest.
        let shapes: [fn(f64) -> f64; 3] = [|x| x, |x| (4.0 * x).round() / 4.0, |x| (10.0 * x).round() / 10.0];
        let laws =
            ["normal", "student_t:df=1.5", "student_t:df=3", "log_normal:sigma=1", "uniform", "exponential"];
        for (law, spec) in laws.iter().enumerate() {
            for n in [40, 120, 400, 2000] {
                for (kind, shape) in shapes.iter().enumerate() {
                    // In quarters or tenths a uniform law has few values.
                    if *spec == "uniform" && kind > 0 {
                        continue;
                    }
                    let mut stream = SeedTree::new(71, law as u64).stream(Purpose::Utility, n as u64);
                    let found = (0..300).filter(|_| {
                        let rewards: Vec<f64> = drawn(spec, n, &mut stream).into_iter().map(shape).collect();
                        TwoLevels::of(&sorted(&rewards)).is_some()
                    });
                    let found = found.count();
                    assert!(found <= 6, "{spec} {n} {kind}: {found} of 300");
                }
            }
        }
    }

    #[test]
    fn what_is_paid_all_or_nothing_has_two_levels_with_noise_beside() {
        for (rate, n) in [(0.1, 384), (0.2, 200), (0.5, 64), (0.8, 200), (0.9, 384)] {
            let mut stream = SeedTree::new(72, 0).stream(Purpose::Utility, n as u64);
            for noise in [0.0, 0.05] {
                for _ in 0..50 {
                    let mut rewards = drawn("normal", n, &mut stream);
                    rewards
                        .iter_mut()
                        .for_each(|x| *x = f64::from(u8::from(stream.open_unit() < rate)) + noise * *x);
                    let found = TwoLevels::of(&sorted(&rewards)).unwrap();
                    assert!((found.mark - 0.5).abs() < 0.2, "{rate} {noise}: {found:?}");
                    assert_eq!(found.upper == found.mark, noise == 0.0);
                }
            }
        }
        // Noise of a fifth of what lies between.
        for rate in [0.3, 0.5, 0.7] {
            let mut stream = SeedTree::new(75, 0).stream(Purpose::Utility, (10.0 * rate) as u64);
            let found = (0..50).filter(|_| {
                let mut rewards = drawn("normal", 640, &mut stream);
                rewards
                    .iter_mut()
                    .for_each(|x| *x = f64::from(u8::from(stream.open_unit() < rate)) + 0.2 * *x);
                TwoLevels::of(&sorted(&rewards)).is_some_and(|two| (two.mark - 0.5).abs() < 0.3)
            });
            let found = found.count();
            assert!(found >= 48, "{rate}: {found} of 50");
        }
        // Prompts that are paid differently have no two levels each.
        let rollouts = |centre: fn(f64) -> f64| -> Vec<Point> {
            let point = |reward: f64| Point {
                row: 0,
                score: reward - centre(reward),
                reward,
                step: 0,
                reference: true,
            };
            (0..100).map(|i| point(f64::from(i % 2))).collect()
        };
        let two = TwoLevels { mark: 0.5, upper: 1.0, passed: 50, valley: false };
        assert!(!two.divide(&rollouts(|reward| reward)) && two.divide(&rollouts(|_| 0.0)));
        // One in thirty may be an exploit.
        let mut few = drawn("normal", 300, &mut SeedTree::new(73, 0).stream(Purpose::Utility, 0));
        few.iter_mut().step_by(30).for_each(|reward| *reward += 20.0);
        assert_eq!(TwoLevels::of(&sorted(&few)), None);
    }

    #[test]
    fn what_each_group_has_of_its_own_does_not_hide_two_levels() {
        let pairs = |rewards: &[f64]| -> Vec<f64> {
            rewards.chunks_exact(2).map(|pair| (pair[0] - pair[1]).abs()).collect()
        };
        for noise in [0.0, 0.05, 0.1] {
            for rate in [0.2, 0.5, 0.8] {
                let mut stream = SeedTree::new(76, 0).stream(Purpose::Utility, (100.0 * noise) as u64);
                let found = (0..50).filter(|_| {
                    let own = drawn("normal", 48, &mut stream);
                    let mut rewards = drawn("normal", 384, &mut stream);
                    for (i, x) in rewards.iter_mut().enumerate() {
                        *x = own[i / 8] + f64::from(u8::from(stream.open_unit() < rate)) + noise * *x;
                    }
                    in_pairs(&pairs(&rewards)).is_some()
                });
                let found = found.count();
                assert!(found >= 48, "{noise} {rate}: {found} of 50");
            }
        }
        for (law, spec) in
            ["normal", "student_t:df=1.5", "student_t:df=3", "log_normal:sigma=1", "uniform", "exponential"]
                .iter()
                .enumerate()
        {
            for round in [0.0, 4.0, 10.0] {
                if *spec == "uniform" && round > 0.0 {
                    continue;
                }
                let mut stream = SeedTree::new(77, law as u64).stream(Purpose::Utility, round as u64);
                let found = (0..200).filter(|_| {
                    let mut rewards = drawn(spec, 384, &mut stream);
                    if round > 0.0 {
                        rewards.iter_mut().for_each(|x| *x = (round * *x).round() / round);
                    }
                    in_pairs(&pairs(&rewards)).is_some()
                });
                let found = found.count();
                assert!(found <= 2, "{spec} {round}: {found} of 200");
            }
        }
    }
}
