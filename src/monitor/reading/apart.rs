//! Do the highest scores stand apart from the rest by more than the tail itself explains?
//!
//! Of a tail with index ξ the scaled log-spacings i·ln(X₍ᵢ₎/X₍ᵢ₊₁₎) of the order statistics are independent exponentials of mean ξ
//! (Rényi 1953; the basis of Hill's estimator); of a lighter tail those at the top are shorter than those below. So where the m
//! highest belong to the tail, the mth spacing over the mean of those below it, up to the Kth, exceeds f with probability
//! (1 + f/(K − m))^−(K − m) at most (the F law with 2 and 2(K − m) degrees of freedom). ξ is fitted without the m that are in
//! question, for each m from 1 to K/2, so that many of them neither mask each other nor swamp the rest; the level is shared among
//! the m as 1/(m(m + 1)). K is three tenths of the scores, a tenth, and a fiftieth: an exploit that takes over is soon a larger part
//! of the log than half of a thin tail.

use super::place::Place;
use super::point::Point;
use super::two_levels::TwoLevels;
use crate::foundation::order::median;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::tails::moment;
use serde::{Deserialize, Serialize};

/// Probability of saying so of scores that do not.
pub(super) const LEVEL: f64 = 0.02;
/// Up to here a gap is told where the log is quiet: few rollouts cannot show more.
const NEAR: f64 = 0.1;
/// Share of the scores whose top half is looked through for what stands apart.
const WIDE: f64 = 0.3;
/// By how much its probability is raised for being looked for as well.
const WIDER: f64 = 100.0;
/// Share of the scores that is the tail, and of it that is tested once more on its own: there, the spacings of a light tail are
/// nearer to those at its top.
const TAIL: f64 = 0.1;
const TOP: f64 = 0.2;
/// Fewest scores of that smaller tail.
const FEWEST_TOP: usize = 50;
/// Fewest and most scores of a tail.
const FEWEST: usize = 20;
const MOST: usize = 1 << 20;
/// Spacings below which nothing is said.
const NEEDED: usize = 12;
/// A tail index above which values of any size come of themselves.
const HEAVY: f64 = 0.25;
/// Least ratio across the gap, where rewards tie: levels of a reward and sums of a few parts leave smaller ones by themselves.
const RATIO: f64 = 1.2;
/// Rollouts of which it is told from where on they would stand apart: so many, and one in so many of the log.
const POWER_OF: [usize; 2] = [1, 10];
const POWER_IN: usize = 20;
/// The highest scores of which it is told where they begin.
const HIGHEST: usize = 20;
/// Rollouts that stand apart and whose places are told, at most.
const PLACES: usize = 100;
/// Share of ties above which values are taken for rounded.
const ROUNDED: f64 = 0.02;

/// The highest scores, while they are seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tail {
    most: usize,
    points: Vec<Point>,
    /// The lowest that is kept, once some are not.
    bar: Option<f64>,
    seen: usize,
    /// Of two levels: only those that pass are seen.
    two: Option<TwoLevels>,
}

/// What stands apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Apart {
    /// How many.
    pub count: usize,
    /// The lowest score among them.
    pub from_score: f64,
    /// The highest score of the rest.
    pub rest: f64,
    /// The lowest and the highest of their rewards.
    pub rewards: (f64, f64),
    /// How many of them are rollouts of the reference.
    pub in_reference: usize,
    /// The first step of one of them.
    pub first_step: u64,
    /// Probability of such a gap anywhere if they belonged to the tail of the rest.
    pub p_value: f64,
    /// The reward that all are compared with, where the reference has two levels; else each with a median of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Where they stand, in the order of time, of a log in files: of many the hundred that lie farthest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// These rollouts.
    #[serde(skip)]
    pub(super) first: Vec<Point>,
}

impl Apart {
    /// Whether a rollout of this reward and score is one of them.
    pub(super) fn holds(&self, reward: f64, score: f64) -> bool {
        self.above.map_or(score, |above| reward - above) >= self.from_score
    }
}

/// The tail, and whether its top stands apart.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::monitor) struct Tested {
    /// Scores that were tested; below 12 nothing is said.
    pub tail: usize,
    /// The tail index, where it is shown to be above ¼ (Dekkers, Einmahl & de Haan 1989): far values then come of themselves.
    pub heavy: Option<f64>,
    /// Where the highest scores begin: the first step of one of them, and how many they are; nothing where the reference has one.
    pub highest_from: Option<(u64, usize)>,
    pub apart: Option<Apart>,
    /// What would stand apart in a longer log, perhaps.
    pub near: Option<Apart>,
    /// What would have stood apart, were it there: how many rollouts, and the lowest score at which so many would.
    pub power: Vec<Power>,
}

/// Rollouts that would have stood apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Power {
    /// How many.
    pub rollouts: usize,
    /// From this score on.
    pub score: f64,
    /// Times the highest score that was seen.
    pub times: f64,
}

impl Tail {
    /// For so many scores in all.
    pub fn new(scores: usize) -> Self {
        Self { most: most(scores), points: Vec::new(), bar: None, seen: 0, two: None }
    }

    /// An empty one, for those that pass of two levels.
    pub fn of_levels(&self, two: TwoLevels) -> Self {
        Self { most: self.most, points: Vec::new(), bar: None, seen: 0, two: Some(two) }
    }

    pub fn see(&mut self, point: Point) {
        let Some(point) = self.two.map_or(Some(point), |two| two.point(point)) else { return };
        self.seen += 1;
        if self.bar.is_some_and(|bar| point.score <= bar) {
            return;
        }
        self.points.push(point);
        if self.points.len() >= 2 * self.most {
            self.cut(self.most);
            self.bar = self.points.iter().map(|point| point.score).min_by(f64::total_cmp);
        }
    }

    /// Lets go of what would not be tested: no more is seen.
    pub fn settle(&mut self) {
        self.cut(self.most.min(most(self.seen)));
        self.points.shrink_to_fit();
    }

    /// Keeps the highest.
    fn cut(&mut self, most: usize) {
        if self.points.len() > most {
            self.points.select_nth_unstable_by(most - 1, |a, b| b.score.total_cmp(&a.score));
            self.points.truncate(most);
        }
    }

    /// Tests the highest of those that were seen.
    pub fn test(self) -> Tested {
        self.test_of(usize::MAX)
    }

    /// The same, where fewer than so many may stand apart.
    pub fn test_of(mut self, fewer: usize) -> Tested {
        self.cut(self.most.min(most(self.seen)));
        let least = if ties(&self.points) { RATIO } else { 1.0 };
        spread_ties(&mut self.points);
        self.points.retain(|point| point.score > 0.0);
        self.points.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        let points = self.points;
        let tail = ((TAIL * self.seen as f64) as usize).max(FEWEST).min(points.len().saturating_sub(1));
        let scores: Vec<f64> = points.iter().map(|point| point.score).collect();
        let heavy = moment(&scores, tail).ok().filter(|found| found.ci_low > HEAVY).map(|found| found.xi);
        let power = power(&scores, tail, self.seen, least);
        let highest_from = highest_from(&points);
        let Some((count, p_value)) = widest(&scores, tail, (fewer, least)).filter(|(_, p)| *p <= NEAR) else {
            return Tested { tail, heavy, highest_from, apart: None, near: None, power };
        };
        let (top, rest) = points.split_at(count);
        let of = |pick: fn(f64, f64) -> f64, from: f64| top.iter().map(|p| p.reward).fold(from, pick);
        let apart = Apart {
            count,
            from_score: top.last().map_or(0.0, |point| point.score),
            rest: rest.first().map_or(0.0, |point| point.score),
            rewards: (of(f64::min, f64::INFINITY), of(f64::max, f64::NEG_INFINITY)),
            in_reference: top.iter().filter(|point| point.reference).count(),
            first_step: top.iter().map(|point| point.step).min().unwrap_or_default(),
            p_value,
            above: self.two.map(|two| two.upper),
            places: Vec::new(),
            first: first(top),
        };
        let (apart, near) = if p_value <= LEVEL { (Some(apart), None) } else { (None, Some(apart)) };
        Tested { tail, heavy, highest_from, apart, near, power }
    }
}

/// The highest of these, of descending scores, in the order of time.
fn first(descending: &[Point]) -> Vec<Point> {
    let mut points: Vec<Point> = descending.iter().copied().take(PLACES).collect();
    points.sort_unstable_by_key(|point| (!point.reference, point.step, point.row));
    points
}

/// Scores that are the tail of so many, and one more.
fn most(scores: usize) -> usize {
    ((WIDE * scores as f64) as usize).clamp(FEWEST, MOST) + 1
}

/// Whether rewards tie more often than rounding alone would have it.
fn ties(points: &[Point]) -> bool {
    let mut rewards: Vec<f64> = points.iter().map(|point| point.reward).collect();
    rewards.sort_unstable_by(f64::total_cmp);
    let tied = rewards.windows(2).filter(|pair| pair[0] == pair[1]).count();
    tied as f64 > ROUNDED * rewards.len() as f64
}

/// Rounded values are spread over the width of a round, drawn once for each, so that ties are no gaps.
fn spread_ties(points: &mut [Point]) {
    let mut rewards: Vec<f64> = points.iter().map(|point| point.reward).collect();
    rewards.sort_unstable_by(f64::total_cmp);
    let gaps: Vec<f64> = rewards.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).collect();
    let ties = rewards.len().saturating_sub(gaps.len() + 1);
    let Some(width) = median(&gaps).filter(|_| ties as f64 > ROUNDED * rewards.len() as f64) else { return };
    // The same draws whatever the order in which scores were kept.
    points.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.step.cmp(&b.step)));
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Audit, u64::MAX);
    points.iter_mut().for_each(|point| point.score -= width * stream.open_unit());
}

/// The first step of the highest of these, and how many they are, unless one of them is of the reference.
fn highest_from(descending: &[Point]) -> Option<(u64, usize)> {
    let highest = descending.get(..HIGHEST)?;
    let first = highest.iter().map(|point| point.step).min()?;
    (!highest.iter().any(|point| point.reference)).then_some((first, HIGHEST))
}

/// The most improbable gap, of the tail, of more than it, and of its top where that is large enough to be tested too.
fn widest(descending: &[f64], tail: usize, of: (usize, f64)) -> Option<(usize, f64)> {
    let gap = |descending| gap(descending, of);
    let whole = gap(descending.get(..=tail)?);
    let top = (TOP * tail as f64) as usize;
    let wider = Some(descending).filter(|all| all.len() > tail + 1).and_then(gap);
    // A takeover is no narrow thing: it need not share the level evenly.
    let wider = wider.map(|(count, p)| (count, (WIDER * p).min(1.0)));
    let top = descending.get(..top).filter(|_| top >= FEWEST_TOP).and_then(gap);
    let tested = 1.0 + f64::from(u8::from(top.is_some()));
    let narrow = [whole, top].into_iter().flatten().map(|(count, p)| (count, (tested * p).min(1.0)));
    narrow.chain(wider).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// From where on one rollout would stand apart, ten, and a twentieth of all that were seen.
fn power(descending: &[f64], tail: usize, seen: usize, least: f64) -> Vec<Power> {
    let Some((highest, scores)) = descending.first().zip(descending.get(..=tail)) else { return Vec::new() };
    let share = seen.div_ceil(POWER_IN);
    let mut counts = vec![POWER_OF[0], POWER_OF[1], share];
    counts.sort_unstable();
    counts.dedup();
    let told = |rollouts: usize| {
        // By the tail, where its top is tested too, or by the wider one.
        let by = [reach(scores, rollouts, 2.0), reach(descending, rollouts, WIDER)];
        let times = by.into_iter().flatten().min_by(f64::total_cmp)?.max(least);
        Some(Power { rollouts, score: times * highest, times })
    };
    counts.into_iter().filter(|rollouts| *rollouts <= share.max(1)).filter_map(told).collect()
}

/// Times the highest of these at which m more of one score would stand apart, all else as it is. `raised`: what their probability is
/// raised by.
fn reach(descending: &[f64], m: usize, raised: f64) -> Option<f64> {
    let k = descending.len().checked_sub(1).filter(|k| *k >= NEEDED && 2 * m <= *k)?;
    let degrees = (k - m) as f64;
    let pairs = descending.windows(2).take(k - m).enumerate();
    let below: f64 = pairs.map(|(i, pair)| (i + 1 + m) as f64 * (pair[0] / pair[1]).ln()).sum();
    let tested = raised * (m * (m + 1)) as f64 / LEVEL;
    let own = below * (tested.ln() / degrees).exp_m1();
    Some((own / m as f64).exp())
}

/// The m, less than `fewer`, whose gap to the rest is of this ratio at least and least probable, and that probability with all m considered.
fn gap(descending: &[f64], (fewer, least): (usize, f64)) -> Option<(usize, f64)> {
    let k = descending.len().checked_sub(1).filter(|k| *k >= NEEDED)?;
    let spacing = |i: usize| Some((i as f64) * (descending.get(i - 1)? / descending.get(i)?).ln());
    let spacings: Vec<f64> = (1..=k).map_while(spacing).collect();
    let mut below: f64 = spacings.iter().skip(k / 2).sum();
    let mut best: Option<(usize, f64)> = None;
    for m in (1..=k / 2).rev() {
        let own = spacings.get(m - 1).copied()?;
        let degrees = (k - m) as f64;
        let mean = below / degrees;
        let ln_p = if own > 0.0 { -degrees * (own / mean / degrees).ln_1p() } else { 0.0 };
        let ln_p = ln_p + ((m * (m + 1)) as f64).ln();
        let wide = descending.get(m - 1)? >= &(least * descending.get(m)?);
        if wide && m < fewer && best.is_none_or(|(_, least)| ln_p < least) {
            best = Some((m, ln_p));
        }
        below += own;
    }
    best.map(|(m, ln_p)| (m, ln_p.exp().min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::order::median;

    fn tested(rewards: &[f64], batch: usize) -> Tested {
        let mut tail = Tail::new(rewards.len());
        for (step, rewards) in rewards.chunks(batch).enumerate() {
            let centre = median(rewards).unwrap();
            for &reward in rewards {
                tail.see(Point {
                    row: 0,
                    score: reward - centre,
                    reward,
                    step: step as u64,
                    reference: step < 3,
                });
            }
        }
        tail.test()
    }

    #[test]
    fn no_law_stands_apart_from_itself() {
        // 30 steps of 64, 400 logs each: the share may be 2% and three standard errors of it, 4.1%.
        let shapes: [fn(f64) -> f64; 3] = [|x| x, |x| (10.0 * x).round() / 10.0, f64::round];
        for (law, spec) in [
            "student_t:df=1.5",
            "student_t:df=1",
            "log_normal:sigma=1",
            "normal",
            "pareto:index=1.5",
            "exponential",
        ]
        .iter()
        .enumerate()
        {
            let law_of: DistributionSpec = spec.parse().unwrap();
            for (kind, shape) in shapes.iter().enumerate() {
                let mut stream = SeedTree::new(31, 0).stream(Purpose::Utility, (10 * law + kind) as u64);
                let said = (0..400).filter(|_| {
                    let mut rewards = vec![0.0; 30 * 64];
                    law_of.part().fill(&mut rewards, &mut stream);
                    rewards.iter_mut().for_each(|reward| *reward = shape(*reward));
                    tested(&rewards, 64).apart.is_some()
                });
                let said = said.count();
                assert!(said <= 16, "{spec} {kind}: {said} of 400");
            }
        }
    }

    #[test]
    fn what_would_have_stood_apart_does_and_a_little_less_does_not() {
        for (law, spec) in ["normal", "student_t:df=3", "exponential"].iter().enumerate() {
            let law_of: DistributionSpec = spec.parse().unwrap();
            for n in [160usize, 640, 4000] {
                let mut stream = SeedTree::new(33, law as u64).stream(Purpose::Utility, n as u64);
                let mut rewards = vec![0.0; n];
                law_of.part().fill(&mut rewards, &mut stream);
                let stands = |more: usize, score: f64| {
                    let mut tail = Tail::new(n);
                    let point =
                        |score: f64| Point { row: 0, score, reward: score, step: 0, reference: false };
                    rewards.iter().skip(more).for_each(|reward| tail.see(point(*reward)));
                    (0..more).for_each(|i| tail.see(point(score * (1.0 + 1e-9 * i as f64))));
                    tail.test().apart.is_some_and(|apart| apart.count == more)
                };
                let mut tail = Tail::new(n);
                rewards.iter().for_each(|&score| {
                    tail.see(Point { row: 0, score, reward: score, step: 0, reference: false });
                });
                let power = tail.test().power;
                assert!(power.len() >= 2 && power[0].rollouts == 1, "{spec} {n} {power:?}");
                assert!(power.windows(2).all(|pair| pair[0].times > pair[1].times), "{power:?}");
                for Power { rollouts, score, times } in power {
                    // Those that make room for them are not all of the tail: a tenth more is left.
                    assert!(stands(rollouts, 1.1 * score), "{spec} {n} {rollouts} {score} {times}");
                    // Of many, or of a tail that thins out, a wider or a thinner one may tell earlier.
                    let less = score / times * 1.05;
                    assert!(rollouts > 1 || !stands(1, less), "{spec} {n} {score} {times}: {less}");
                }
            }
        }
    }

    #[test]
    fn a_cluster_stands_apart_however_many_it_has() {
        let mut stream = SeedTree::new(32, 0).stream(Purpose::Utility, 0);
        for hacks in [1usize, 4, 60] {
            let mut rewards: Vec<f64> =
                (0..3000).map(|_| (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0).collect();
            let every = 3000 / hacks;
            for i in 0..hacks {
                rewards[i * every + 5] = 20.0 + 0.3 * stream.open_unit();
            }
            let apart = tested(&rewards, 60).apart.unwrap();
            assert_eq!((apart.count, apart.first_step), (hacks, 0), "{apart:?}");
            assert!(apart.rewards.0 >= 20.0 && apart.rest < 4.0 && apart.p_value < 1e-3, "{apart:?}");
        }
        assert!(tested(&[1.0; 500], 50).apart.is_none(), "equal rewards");
        assert_eq!(tested(&[], 1).tail, 0);
    }
}
