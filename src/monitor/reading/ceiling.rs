//! Rewards that end at a highest value which many are paid: an exploit that is paid as much stands apart from nothing, and shows only in
//! how many are paid it.

use super::apart::Power;
use super::rise::{self, Rise, Step};
use super::shift::{Above, Known, Level, Shift};

/// Fewest rollouts of the log that are paid the highest, for it to be where rewards end.
const FEWEST: usize = 20;
/// Share of later rollouts that must be paid it for a rise to be told, and times by which the odds of that must have grown.
const SHARE: f64 = 0.05;
const ODDS: f64 = 2.0;

/// The end of the rewards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ceiling {
    /// The highest reward of the log.
    pub highest: f64,
    /// Share of the reference that is paid it.
    pub reference: f64,
    /// That more are from a step on.
    pub shift: Option<Shift>,
    /// The lowest level of a later step.
    lowest: f64,
}

impl Ceiling {
    /// Of the levels of a log, where many are paid its highest reward; the reference need not know it.
    pub fn of(levels: &[Level], known: Known) -> Option<Self> {
        let later: Vec<&Level> = levels.iter().filter(|level| !level.reference).collect();
        let highest = levels.iter().map(|level| level.highest).fold(known.highest, f64::max);
        let share = if known.highest == highest { known.tied } else { 0.0 };
        let before = (share * known.rollouts as f64).round() as usize;
        let paid = |level: &Level| if level.highest == highest { level.at_highest } else { 0 };
        let tied = before + later.iter().map(|level| paid(level)).sum::<usize>();
        if tied < FEWEST || known.lowest == known.highest {
            return None;
        }
        let step = |level: &&Level| Step {
            step: level.step,
            rollouts: level.rollouts,
            passed: paid(level),
            reference: false,
        };
        let steps: Vec<Step> = later.iter().map(step).collect();
        let reference = Step { step: 0, rollouts: known.rollouts, passed: before, reference: true };
        let risen = rise::rise(&[reference], &steps, rise::step_effect(&steps));
        let odds = |share: f64| share / (1.0 - share);
        let much = |rise: &Rise| rise.rate >= SHARE && odds(rise.rate) >= ODDS * odds(rise.before);
        let shift = risen.filter(much).map(|rise| Shift {
            from_step: rise.from_step,
            share: rise.rate,
            above: Above::Tied,
            tied: Some((highest, share)),
            growth: None,
        });
        let lowest = later.iter().map(|level| level.median).fold(known.middle, f64::min);
        Some(Self { highest, reference: share, shift, lowest })
    }

    /// Whether a twentieth of the log that came to be paid the highest would not show.
    pub fn hides(&self) -> bool {
        let odds = |share: f64| share / (1.0 - share).max(f64::MIN_POSITIVE);
        odds(self.reference + SHARE) < ODDS * odds(self.reference)
    }

    /// What would have stood apart, as far as rewards reach.
    pub fn within(&self, power: Vec<Power>) -> Vec<Power> {
        let reach = self.highest - self.lowest;
        power.into_iter().filter(|power| power.score <= reach).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 steps of 64 rollouts, the first six the reference; so many of each step are paid the highest.
    fn ceiling(tied: impl Fn(u64) -> usize, highest: f64) -> Option<Ceiling> {
        let level = |step: u64| Level {
            step,
            rollouts: 64,
            median: 0.5,
            mean: 0.5,
            highest,
            above: (0, 0),
            above_middle: 0,
            far: 0,
            below: 0,
            tied: 0,
            at_highest: tied(step),
            mode: None,
            different: 0,
            reference: step < 6,
        };
        let levels: Vec<Level> = (0..60).map(level).collect();
        let before: usize = (0..6).map(&tied).sum();
        let known = Known {
            rollouts: 384,
            highest: 1.0,
            high: 0.9,
            lowest: 0.0,
            low: 0.1,
            middle: 0.5,
            tied: before as f64 / 384.0,
            independent: 384,
        };
        Ceiling::of(&levels, known)
    }

    #[test]
    fn a_share_that_comes_to_be_paid_the_highest_is_a_shift_and_a_steady_one_is_none() {
        let found = ceiling(|step| if step < 30 { 2 } else { 12 }, 1.0).unwrap();
        let shift = found.shift.clone().unwrap();
        assert_eq!((shift.from_step, shift.above, shift.share), (30, Above::Tied, 12.0 / 64.0));
        assert!(!found.hides());
        let steady = ceiling(|step| 1 + (step % 3) as usize, 1.0).unwrap();
        assert_eq!((steady.shift.clone(), steady.hides()), (None, false));
        let high = ceiling(|step| 19 + (step % 3) as usize, 1.0).unwrap();
        assert_eq!((high.shift.clone(), high.hides()), (None, true));
        // An end that the reference never reached.
        let beyond = ceiling(|step| if step < 30 { 1 } else { 12 }, 1.5).unwrap();
        let shift = beyond.shift.unwrap();
        assert_eq!((beyond.highest, beyond.reference, shift.tied), (1.5, 0.0, Some((1.5, 0.0))));
        assert_eq!(ceiling(|step| usize::from(step % 9 == 0), 1.0), None, "seven of all");
    }

    #[test]
    fn what_no_reward_reaches_is_no_power() {
        let power = |score: f64| Power { rollouts: 1, score, times: 1.0 };
        let found = ceiling(|_| 12, 1.0).unwrap();
        assert_eq!(found.within(vec![power(6.6), power(0.4)]), [power(0.4)]);
    }
}
