//! Has the level of the rewards left what the reference knows?

use crate::foundation::order::quantile_sorted;
use crate::foundation::special::ln_choose;
use serde::{Deserialize, Serialize};

/// The rewards that a reference knows: its highest, and the value that nineteen in twenty of it do not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in crate::monitor) struct Known {
    pub rollouts: usize,
    pub highest: f64,
    pub high: f64,
    pub lowest: f64,
    /// The value that one in twenty does not exceed, and the one that half does not.
    pub low: f64,
    pub middle: f64,
    /// Share that is the highest, to the last bit.
    pub tied: f64,
    /// How many of them are independent at least: the distinct prompts, where these are known and later ones are others.
    pub independent: usize,
}

/// Share of the reference that `high` leaves below.
const HIGH: f64 = 0.95;
/// Fewest rollouts of a reference against which a shift is seen: half of what comes lies above all of n exchangeable ones with a
/// probability of about 2⁻ⁿ.
const FEWEST: usize = 20;
/// Share of the later rollouts that lies above `high` after a shift, and at most above all of the reference: of n independent ones so many
/// that all of n others lie below with a probability of e⁻²⁰, but no fewer than two fifths, for a level that rises takes some there.
const ABOVE: f64 = 0.6;
const ABOVE_ALL: f64 = 0.4;
const ABOVE_ALL_OF_FEW: f64 = 0.5;
const SURE: f64 = 20.0;
/// Share of the later rollouts above `high` from which on that is said, where it is no shift.
const PARTLY: f64 = 0.2;
/// Share of the later rollouts that are one value after a shift, and times by which the odds of that have grown.
const TIED: f64 = 0.25;
const TIED_ODDS: f64 = 4.0;
/// Share of the steps, the last, in which a takeover would be whole: one value is looked for in them.
pub(super) const LATE: f64 = 0.1;
/// Values of the reference that are kept for it.
const TIES: usize = 256;
/// Share that lies far above all of a reference of so many: a fifth of what comes exceeds that many with a probability of about
/// e⁻²⁰, and a level that rises a little does not take them there.
const FAR_ABOVE: f64 = 0.2;
const MANY: usize = 100;
/// Probability that all that differ from the one value of a reference come after it, of rollouts in any order.
const LEVEL: f64 = 0.005;
/// Fewest rollouts after it, and share of the steps that they take.
const LATER: usize = 20;
const LATER_SHARE: f64 = 0.05;

impl Known {
    /// Of rewards in ascending order, the highest of all where it is another, and how many are independent where that is fewer.
    pub fn of(ascending: &[f64], highest: Option<f64>, prompts: Option<usize>) -> Option<Self> {
        let highest = highest.or(ascending.last().copied())?;
        let tied = ascending.iter().rev().take_while(|reward| **reward == highest).count();
        Some(Self {
            rollouts: ascending.len(),
            lowest: *ascending.first()?,
            highest,
            high: quantile_sorted(ascending, HIGH)?,
            low: quantile_sorted(ascending, 1.0 - HIGH)?,
            middle: quantile_sorted(ascending, 0.5)?,
            tied: tied as f64 / ascending.len() as f64,
            independent: prompts.unwrap_or(ascending.len()),
        })
    }

    /// Share of later rollouts above all of the reference that is a shift.
    fn above_all(self) -> f64 {
        (1.0 - (-SURE / self.independent.max(1) as f64).exp()).clamp(ABOVE_ALL, ABOVE_ALL_OF_FEW)
    }

    /// Share of later rollouts at the highest of the reference that is a shift.
    fn at_highest(self) -> f64 {
        grown(self.tied, self.rollouts as f64)
    }

    /// Far above all of the reference: by half of what its middle nine tenths span.
    pub fn far(self) -> f64 {
        self.highest + 0.5 * (self.high - self.low)
    }
}

/// One step of the log, for the curve of the level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The step.
    pub step: u64,
    /// Its rollouts.
    pub rollouts: usize,
    /// The median of their rewards.
    pub median: f64,
    /// Their mean.
    pub mean: f64,
    /// The highest.
    pub highest: f64,
    /// How many lie above all of the reference (without what stands apart in it), and how many above 95% of it.
    pub above: (usize, usize),
    /// How many lie above its middle.
    pub above_middle: usize,
    /// How many lie far above all of it.
    pub far: usize,
    /// How many lie below 95% of it.
    pub below: usize,
    /// How many are its highest, to the last bit.
    pub tied: usize,
    /// How many are the highest of the step, to the last bit.
    pub at_highest: usize,
    /// The value above the middle of the reference that most of them have, with how many do; none of the reference's own steps.
    pub mode: Option<(f64, usize)>,
    /// How many differ from a reference that is one single value.
    pub different: usize,
    /// Whether the step belongs to the reference.
    pub reference: bool,
}

/// Rollouts that a reference does not know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// The step from which on.
    pub from_step: u64,
    /// Share of the rollouts from there on.
    pub share: f64,
    /// That lies above all of the reference, above 95% of it, is one value, or differs from its single value.
    pub above: Above,
    /// The one value, and the share of the reference that is it.
    pub tied: Option<(f64, f64)>,
    /// How the share above 95% of the reference grew, where it did.
    pub growth: Option<Growth>,
}

/// How the share of the rollouts above 95% of a reference grew from a fifth to three fifths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Growth {
    /// The first and the last step of it.
    pub steps: (u64, u64),
    /// Share of the other rollouts of these steps that lies above the middle of the reference: 9/19 where they stayed as they were.
    pub others: f64,
}

/// What a share of the later rollouts exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Above {
    /// Every rollout of the reference.
    All,
    /// Nineteen in twenty of them.
    High,
    /// Nothing: they are one value, as few of it are.
    Tied,
    /// The reference is one value, and these differ from it.
    Different,
}

/// Finds the step from which on most rollouts lie beyond the reference.
pub(super) fn shift(levels: &[Level], known: Known) -> Option<Shift> {
    let later: Vec<&Level> = levels.iter().filter(|level| !level.reference).collect();
    if known.lowest == known.highest {
        let differing: usize = later.iter().map(|level| level.different).sum();
        let from = later.iter().find(|level| level.different > 0)?;
        let after: usize = later.iter().skip_while(|l| l.step < from.step).map(|l| l.rollouts).sum();
        let share = differing as f64 / after.max(1) as f64;
        let all: usize = later.iter().map(|level| level.rollouts).sum();
        let (all, before, differ) = (all as u64, known.rollouts as u64, differing as u64);
        let ln_p = ln_choose(all, differ) - ln_choose(all + before, differ);
        return (ln_p <= LEVEL.ln()).then_some(Shift {
            from_step: from.step,
            share,
            above: Above::Different,
            tied: None,
            growth: None,
        });
    }
    if known.rollouts < FEWEST {
        return None;
    }
    let many = known.rollouts >= MANY;
    let all = || Some((from(&later, |level| level.above.0, known.above_all())?, Above::All));
    let high = || Some((from(&later, |level| level.above.1, ABOVE)?, Above::High));
    let tied = || Some((from(&later, |level| level.tied, known.at_highest()).filter(|_| many)?, Above::Tied));
    let far = || Some((from(&later, |level| level.far, FAR_ABOVE).filter(|_| many)?, Above::All));
    let found = all().or_else(high).or_else(tied).or_else(far);
    found.map(|((from_step, share), above)| {
        let tied = (above == Above::Tied).then_some((known.highest, known.tied));
        Shift { from_step, share, above, tied, growth: None }
    })
}

/// Finds the step from which on some rollouts lie above 95% of the reference, if fewer than after a shift, and their share.
pub(super) fn partly(levels: &[Level], known: Known) -> Option<(u64, f64)> {
    let later: Vec<&Level> = levels.iter().filter(|level| !level.reference).collect();
    let found = from(&later, |level| level.above.1, PARTLY).filter(|_| known.rollouts >= FEWEST)?;
    let after: usize = later.iter().filter(|level| level.step >= found.0).map(|level| level.rollouts).sum();
    (after >= MANY).then_some(found)
}

/// Finds the step from which on most rollouts lie below what nineteen in twenty of the reference exceed, and their share.
pub(super) fn fall(levels: &[Level], known: Known) -> Option<(u64, f64)> {
    let later: Vec<&Level> = levels.iter().filter(|level| !level.reference).collect();
    from(&later, |level| level.below, ABOVE).filter(|_| known.rollouts >= FEWEST)
}

/// The one value that many late rollouts are paid and few of a reference, if it is above its middle: an exploit that pays always the same,
/// wherever in the range of the others. `ties` are the values of the reference that tie, with how many rollouts have each.
pub(super) fn paid_alike(levels: &[Level], known: Known, ties: &[(f64, u32)]) -> Option<Shift> {
    let later: Vec<&Level> = levels.iter().filter(|level| !level.reference).collect();
    let steps = ((LATE * levels.len() as f64).ceil() as usize).min(later.len());
    let late = later.get(later.len() - steps..)?;
    let rollouts: usize = late.iter().map(|level| level.rollouts).sum();
    if rollouts < MANY || known.rollouts < MANY {
        return None;
    }
    let mut modes: Vec<(f64, usize)> = late.iter().filter_map(|level| level.mode).collect();
    modes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (value, paid) = (modes.chunk_by(|a, b| a.0 == b.0))
        .filter_map(|same| Some((same.first()?.0, same.iter().map(|(_, n)| n).sum::<usize>())))
        .max_by_key(|(_, paid)| *paid)?;
    let (share, all) = (paid as f64 / rollouts as f64, known.rollouts as f64);
    let before = ties.iter().find(|(tied, _)| *tied == value).map_or(0.0, |(_, n)| f64::from(*n) / all);
    (share >= grown(before, all)).then_some(Shift {
        from_step: late.first()?.step,
        share,
        above: Above::Tied,
        tied: Some((value, before)),
        growth: None,
    })
}

/// The value above `middle` that most of these have, with how many do.
pub(super) fn mode(rewards: &[f64], middle: f64) -> Option<(f64, usize)> {
    let mut above: Vec<f64> = rewards.iter().copied().filter(|reward| *reward > middle).collect();
    above.sort_unstable_by(f64::total_cmp);
    above
        .chunk_by(|a, b| a == b)
        .filter_map(|same| Some((*same.first()?, same.len())))
        .max_by_key(|(_, n)| *n)
}

/// The values of a reference that tie, those that most of it have, with how many do.
pub(super) fn ties(ascending: &[f64]) -> Vec<(f64, u32)> {
    let tied = |same: &[f64]| Some((*same.first()?, u32::try_from(same.len()).unwrap_or(u32::MAX)));
    let mut found: Vec<(f64, u32)> =
        ascending.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).filter_map(tied).collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.total_cmp(&a.0)));
    found.truncate(TIES);
    found
}

/// Share of later rollouts of one value that is a shift, where this share of so many was that value before.
fn grown(share: f64, rollouts: f64) -> f64 {
    // As if one more of the reference were there.
    let more = (share * rollouts + 1.0) / (rollouts + 1.0);
    (TIED_ODDS * more / (1.0 + (TIED_ODDS - 1.0) * more)).max(TIED)
}

/// The step from which on the excess over `share` is largest, where there is enough of it.
fn from(later: &[&Level], above: impl Fn(&Level) -> usize, share: f64) -> Option<(u64, f64)> {
    let steps = later.len();
    let (mut rollouts, mut exceeding) = (0usize, 0usize);
    let mut best: Option<(f64, u64, f64)> = None;
    for (from_end, level) in later.iter().rev().enumerate() {
        rollouts += level.rollouts;
        exceeding += above(level);
        let excess = exceeding as f64 - share * rollouts as f64;
        let enough = rollouts >= LATER && (from_end + 1) as f64 >= LATER_SHARE * steps as f64;
        if enough && excess >= 0.0 && best.is_none_or(|(most, ..)| excess > most) {
            best = Some((excess, level.step, exceeding as f64 / rollouts as f64));
        }
    }
    best.map(|(_, step, share)| (step, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(of: impl Fn(u64) -> (usize, usize, usize)) -> Vec<Level> {
        (0..100)
            .map(|step| {
                let (all, high, different) = of(step);
                Level {
                    step,
                    rollouts: 64,
                    median: 0.0,
                    mean: 0.0,
                    highest: 1.0,
                    above: (all, high),
                    above_middle: 0,
                    far: 0,
                    below: 0,
                    tied: 0,
                    at_highest: 0,
                    mode: None,
                    different,
                    reference: step < 10,
                }
            })
            .collect()
    }

    #[test]
    fn the_step_and_the_share_are_named() {
        let known = Known {
            rollouts: 640,
            highest: 2.0,
            high: 1.0,
            lowest: 0.0,
            low: 0.1,
            middle: 0.5,
            tied: 1.0 / 640.0,
            independent: 640,
        };
        let found = shift(&levels(|step| if step < 41 { (1, 4, 0) } else { (50, 60, 0) }), known).unwrap();
        assert_eq!((found.from_step, found.above), (41, Above::All));
        assert!((found.share - 50.0 / 64.0).abs() < 1e-12);
        let found = shift(&levels(|step| if step < 60 { (0, 4, 0) } else { (0, 60, 0) }), known).unwrap();
        assert_eq!((found.from_step, found.above), (60, Above::High));
        assert_eq!(shift(&levels(|_| (0, 31, 0)), known), None);
        let found = shift(&levels(|step| if step < 60 { (0, 4, 0) } else { (27, 30, 0) }), known).unwrap();
        assert_eq!((found.from_step, found.above), (60, Above::All));
        let few = Known { independent: 16, ..known };
        assert_eq!(shift(&levels(|_| (31, 31, 0)), few), None, "of few prompts half may be better");
        assert_eq!(shift(&levels(|step| if step == 99 { (64, 64, 0) } else { (0, 0, 0) }), known), None);
        // A part of them that lies far above.
        let far = |from: u64, far: usize| {
            let of = |level: Level| Level { far: if level.step < from { 0 } else { far }, ..level };
            levels(|_| (0, 0, 0)).into_iter().map(of).collect::<Vec<Level>>()
        };
        let found = shift(&far(70, 20), known).unwrap();
        assert_eq!((found.from_step, found.above, found.share), (70, Above::All, 20.0 / 64.0));
        assert_eq!(shift(&far(70, 12), known), None, "fewer than a fifth");
        assert_eq!(shift(&far(70, 20), Known { rollouts: 99, ..known }), None);
        // A part of them ties with the highest.
        let tied = |count: usize| -> Vec<Level> {
            let of = |level: Level| Level { tied: if level.step < 50 { 1 } else { count }, ..level };
            levels(|_| (0, 0, 0)).into_iter().map(of).collect()
        };
        let found = shift(&tied(32), known).unwrap();
        assert_eq!((found.from_step, found.above, found.share), (50, Above::Tied, 0.5));
        assert_eq!(shift(&tied(15), known), None, "fewer than a quarter");
        assert_eq!(shift(&tied(32), Known { tied: 0.25, ..known }), None, "the odds are three times as high");
        // One value within the range, in the last ten steps.
        let alike = |n: usize, value: f64| -> Vec<Level> {
            let of = |level: Level| Level {
                mode: Some(if level.step < 90 { (0.75, 3) } else { (value, n) }),
                ..level
            };
            levels(|_| (0, 0, 0)).into_iter().map(of).collect()
        };
        let found = paid_alike(&alike(32, 1.5), known, &[]).unwrap();
        assert_eq!((found.share, found.tied, found.from_step), (0.5, Some((1.5, 0.0)), 90));
        assert_eq!(paid_alike(&alike(15, 1.5), known, &[]), None, "fewer than a quarter");
        assert!(paid_alike(&alike(32, 1.5), known, &[(1.5, 64)]).is_some(), "nine times the odds");
        assert_eq!(paid_alike(&alike(32, 1.5), known, &[(0.5, 9), (1.5, 192)]), None, "2.3 times the odds");
        assert_eq!(mode(&[0.0, 0.0, 0.0, 1.0, 2.0, 2.0], 0.5), Some((2.0, 2)));
        assert_eq!(mode(&[0.0, 0.5], 0.5), None);
        assert_eq!(ties(&[0.0, 0.0, 1.0, 2.0, 2.0, 2.0]), [(2.0, 3), (0.0, 2)]);
        let few = Known { rollouts: 12, ..known };
        assert_eq!(shift(&levels(|_| (64, 64, 0)), few), None);
    }

    #[test]
    fn a_reference_of_one_value_knows_no_other() {
        let ones = [1.0; 640];
        let known = Known::of(&ones, None, None).unwrap();
        let found = shift(&levels(|step| (0, 0, if step < 20 { 0 } else { 64 })), known).unwrap();
        assert_eq!((found.from_step, found.above, found.share), (20, Above::Different, 1.0));
        assert_eq!(shift(&levels(|_| (0, 0, 0)), known), None);
        let few = levels(|step| (0, 0, usize::from(step % 9 == 5)));
        assert_eq!(shift(&few, Known { rollouts: 64, ..known }), None, "11 of 5,760 may all come late");
    }
}
