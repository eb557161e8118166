//! Distance from the rewards of the same prompt at the same step.

use crate::detectors::input::{digits, digits_at, finite, named, proxy, scores, step_of, steps, words};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::{MAD_TO_SD, quantile_sorted};
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// z = (U − median of the group)/s, where a group holds the rollouts of one prompt at one step, and
/// s² = (8·s₀² + G·s_G²)/(8 + G).
///
/// s_G is 1.4826·MAD of the G rewards of the group, s₀ that of all deviations from their group's median in the
/// calibration rollouts, which so counts as 8 rollouts more: as in a moderated t statistic (Smyth 2004), a MAD of a few
/// rewards that happens to be small, or 0, makes no outlier. It takes out how hard a prompt is, and how far the policy
/// has come. A rollout alone in its group is its own median: it scores 0, in the middle of the scale, for there is
/// nothing to compare it with. Once half of a group exploits, exploits are its median and score 0 too.
///
/// Where more than half of the calibration rollouts equal the median of their group, s₀ is that of the groups whose own MAD is
/// not 0. Where there is none, s₀ = 0, and what differs from equal rewards is infinitely many of their deviations away: its score is
/// the difference over the smallest positive number. Refuses with [`Status::Missing`] without groups and [`Status::TooFew`] where no two calibration rollouts
/// share one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WithinPrompt {}

/// How many rollouts the calibration's spread stands for. From 4 to 32 rollouts a group, and prompts whose spreads are
/// alike or differ by a factor of e, 8 loses little to the best choice for each.
const PRIOR: f64 = 8.0;

/// Share of its size by which a reward may differ from equal ones and still be one of them: sums differ in their last digits.
const ROUNDING: f64 = 1e-9;

const GROUP: &str = "group";

impl Detector for WithinPrompt {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn needs(&self) -> Vec<String> {
        named(&[GROUP])
    }
    fn group_wise(&self) -> bool {
        true
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Spread::of(calibration) {
            Ok(spread) => Fitted::Ready(Box::new(spread)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

/// The calibration's robust standard deviation within groups.
struct Spread(f64);

impl Spread {
    fn of(calibration: &Observed) -> Result<Self, Status> {
        let (mut deviations, mut of_varied) = (Vec::new(), Vec::new());
        for_each_group(calibration, |rows, group| {
            if rows.len() > 1 {
                deviations.extend_from_slice(&group.deviations);
                if group.mad > 0.0 {
                    of_varied.extend_from_slice(&group.deviations);
                }
            }
        })?;
        if deviations.is_empty() {
            return Err(Status::TooFew { what: "calibration rollouts in a group", have: 1, need: 2 });
        }
        let mad = |mut deviations: Vec<f64>| {
            deviations.sort_unstable_by(f64::total_cmp);
            quantile_sorted(&deviations, 0.5).unwrap_or(0.0)
        };
        match mad(deviations) {
            0.0 => Ok(Self(finite(MAD_TO_SD * mad(of_varied)))),
            mad => Ok(Self(finite(MAD_TO_SD * mad))),
        }
    }

    /// Both spreads together, in units of the larger, whose square may be too large a number.
    fn within(&self, group: &Group) -> f64 {
        let own = finite(MAD_TO_SD * group.mad);
        let unit = self.0.max(own);
        if unit == 0.0 {
            return 0.0;
        }
        let rollouts = group.ascending.len() as f64;
        let square = PRIOR * (self.0 / unit).powi(2) + rollouts * (own / unit).powi(2);
        unit * (square / (PRIOR + rollouts)).sqrt()
    }

    fn z(&self, reward: f64, group: &Group) -> f64 {
        let within = self.within(group);
        if within == 0.0 && (reward - group.median).abs() <= ROUNDING * group.median.abs() {
            return 0.0;
        }
        // Halves, so that the difference of two huge rewards of opposite sign does not overflow before the division.
        finite((0.5 * reward - 0.5 * group.median) / (0.5 * within).max(f64::MIN_POSITIVE))
    }
}

/// The rewards of one group.
#[derive(Default)]
struct Group {
    ascending: Vec<f64>,
    deviations: Vec<f64>,
    median: f64,
    mad: f64,
}

impl Group {
    fn fill(&mut self, ascending: impl Iterator<Item = f64>) {
        self.ascending.clear();
        self.ascending.extend(ascending);
        self.median = finite(quantile_sorted(&self.ascending, 0.5).unwrap_or(0.0));
        self.deviations.clear();
        self.deviations.extend(self.ascending.iter().map(|u| finite(u - self.median).abs()));
        self.deviations.sort_unstable_by(f64::total_cmp);
        self.mad = quantile_sorted(&self.deviations, 0.5).unwrap_or(0.0);
    }
}

/// Calls `visit` with the rows of each group of each step, and their rewards.
fn for_each_group(batch: &Observed, mut visit: impl FnMut(&[usize], &Group)) -> Result<(), Status> {
    let rewards = proxy(batch)?;
    let groups = words(batch, GROUP)?;
    let mut order: Vec<usize> = (0..batch.len()).collect();
    let mut group = Group::default();
    for rows in steps(batch) {
        let Some(order) = order.get_mut(rows) else { continue };
        order.sort_unstable_by(|&a, &b| {
            groups[a].cmp(&groups[b]).then(rewards[a].total_cmp(&rewards[b])).then(a.cmp(&b))
        });
        for together in order.chunk_by(|&a, &b| groups[a] == groups[b]) {
            group.fill(together.iter().map(|&row| finite(rewards[row])));
            visit(together, &group);
        }
    }
    Ok(())
}

impl Scorer for Spread {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let mut z = vec![0.0; batch.len()];
        for_each_group(batch, |rows, group| {
            for (&row, &reward) in rows.iter().zip(&group.ascending) {
                z[row] = self.z(reward, group);
            }
        })?;
        scores(z)
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let reading = digits_at(Some(&batch.proxy), row);
        let (Some(rows), Some(&reward), Some(own)) =
            (step_of(batch, row), batch.proxy.get(row), batch.group.get(row))
        else {
            return format!("proxy reward {reading}, its group is absent");
        };
        let mut others: Vec<f64> =
            rows.filter(|&r| batch.group.get(r) == Some(own)).map(|r| finite(batch.proxy[r])).collect();
        if others.len() < 2 {
            return format!(
                "proxy reward {reading} is alone in its group: there is nothing to compare it with"
            );
        }
        others.sort_unstable_by(f64::total_cmp);
        let mut group = Group::default();
        group.fill(others.into_iter());
        format!(
            "proxy reward {reading} lies {} robust standard deviations ({}) from the median {} of the {} rollouts of \
             its group",
            digits(self.z(finite(reward), &group)),
            digits(self.within(&group)),
            digits(group.median),
            group.ascending.len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(group: &[u64], proxy: &[f64]) -> Observed {
        Observed { proxy: proxy.to_vec(), group: group.to_vec(), ..Observed::default() }
    }

    #[test]
    fn a_group_is_compared_with_its_own_median_in_the_moderated_spread() {
        // Deviations 1, 0, 1, 2, 0, 2: their median is 1.
        let calibration = log(&[1, 1, 1, 2, 2, 2], &[0.0, 1.0, 2.0, 10.0, 12.0, 14.0]);
        let mut scorer = Spread::of(&calibration).unwrap();
        assert_eq!(scorer.0, MAD_TO_SD);
        // Median 102 and MAD 1 of five, interleaved with a pair and a single one.
        let batch = log(&[7, 8, 7, 9, 7, 8, 7, 7], &[101.0, 0.0, 102.0, 5.0, 103.0, 4.0, 150.0, 102.0]);
        let z = scorer.score(&batch).unwrap();
        let (five, pair) = (MAD_TO_SD, MAD_TO_SD * ((8.0 + 2.0 * 4.0) / 10.0f64).sqrt());
        let expected = [-1.0 / five, -2.0 / pair, 0.0, 0.0, 1.0 / five, 2.0 / pair, 48.0 / five, 0.0];
        for (ours, theirs) in z.values().iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
        }
        assert!(
            scorer.explain(&batch, 6).contains("median 102 of the 5 rollouts"),
            "{}",
            scorer.explain(&batch, 6)
        );
        assert!(scorer.explain(&batch, 3).contains("alone in its group"));
    }

    #[test]
    fn the_same_group_number_at_another_step_is_another_group() {
        let calibration = log(&[1, 1, 1], &[0.0, 1.0, 2.0]);
        let batch = Observed { step: vec![0, 0, 1, 1], ..log(&[1, 1, 1, 1], &[0.0, 2.0, 50.0, 52.0]) };
        let z = Spread::of(&calibration).unwrap().score(&batch).unwrap().values().to_vec();
        assert!(z[0] == z[2] && z[1] == z[3] && z[0] == -z[1], "{z:?}");
    }

    #[test]
    fn equal_rewards_in_a_group_neither_divide_by_zero_nor_make_an_outlier_of_a_near_one() {
        let calibration = log(&[1, 1, 1], &[0.0, 1.0, 2.0]);
        let batch = log(&[4; 4], &[3.0, 3.0, 3.0, 3.1]);
        let z = Spread::of(&calibration).unwrap().score(&batch).unwrap().values().to_vec();
        assert!((z[3] - 0.1 / (MAD_TO_SD * (8.0 / 12.0f64).sqrt())).abs() < 1e-12, "{z:?}");
        let extreme = log(&[4; 4], &[f64::NEG_INFINITY, f64::INFINITY, f64::MAX, 0.0]);
        assert!(Spread::of(&calibration).unwrap().score(&extreme).is_ok());
    }

    #[test]
    fn a_scale_comes_from_the_groups_that_have_spread() {
        // Two groups of equal rewards beside one with deviations 1, 0, 1.
        let calibration = log(&[1, 1, 1, 2, 2, 2, 3, 3, 3], &[5.0, 5.0, 5.0, 7.0, 7.0, 7.0, 0.0, 1.0, 2.0]);
        assert_eq!(Spread::of(&calibration).unwrap().0, MAD_TO_SD);
        // No group varies: what differs stands apart by any measure, and equal ones do not.
        let mut constant = Spread::of(&log(&[1; 4], &[1.0; 4])).unwrap();
        let z = constant.score(&log(&[4; 4], &[3.0, 3.0, 3.0, 23.0])).unwrap().values().to_vec();
        assert_eq!(z, [0.0, 0.0, 0.0, f64::MAX]);
    }

    #[test]
    fn calibration_without_pairs_is_refused() {
        let refusal = |group: &[u64], proxy: &[f64]| Spread::of(&log(group, proxy)).err();
        let alone = Status::TooFew { what: "calibration rollouts in a group", have: 1, need: 2 };
        assert_eq!(refusal(&[1, 2, 3], &[0.0, 1.0, 2.0]), Some(alone));
        assert_eq!(refusal(&[], &[0.0]), Some(Status::Missing { column: "group".into() }));
    }
}
