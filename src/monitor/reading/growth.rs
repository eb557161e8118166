//! Over which steps the share above a reference grew, and whether the other rollouts rose with it.
//!
//! Where one kind of answer spreads beside the others, the others stay where the reference is: of those that do not lie above 95% of it 9 in
//! 19 lie above its middle. Where all answers are paid a little more from step to step, nearly all of them do, before three fifths lie above
//! 95%. The first is how an exploit spreads that pays the same each time, and a skill that is found at once; the second how a policy learns
//! by degrees, and how it is paid by degrees for what it should not do.

use super::shift::{Growth, Level};

/// Share above 95% of the reference from which on it grows, and up to which.
const FROM: f64 = 0.2;
const TO: f64 = 0.6;
/// Stretches into which the later steps are cut, so that a share does not rest on one step.
const STRETCHES: usize = 40;
/// Fewest other rollouts of whom something is said.
const FEWEST: usize = 50;

/// The growth of the share above 95% of a reference, from the levels of a log.
pub(super) fn growth(levels: &[Level]) -> Option<Growth> {
    let later: Vec<&Level> = levels.iter().filter(|level| !level.reference).collect();
    let stretches: Vec<&[&Level]> = later.chunks(later.len().div_ceil(STRETCHES).max(1)).collect();
    let share = |stretch: &[&Level]| {
        let of = |count: fn(&Level) -> usize| stretch.iter().map(|level| count(level)).sum::<usize>() as f64;
        of(|level| level.above.1) / of(|level| level.rollouts).max(1.0)
    };
    let begins = stretches.iter().position(|stretch| share(stretch) >= FROM)?;
    let grown = stretches.get(begins..)?;
    let ends = grown.iter().position(|stretch| share(stretch) >= TO).unwrap_or(grown.len().saturating_sub(1));
    let steps: Vec<&Level> = grown.get(..=ends)?.concat();
    let others: usize = steps.iter().map(|level| level.rollouts.saturating_sub(level.above.1)).sum();
    let above_middle: usize =
        steps.iter().map(|level| level.above_middle.saturating_sub(level.above.1)).sum();
    (others >= FEWEST).then_some(Growth {
        steps: (steps.first()?.step, steps.last()?.step),
        others: above_middle as f64 / others as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

    fn normal(stream: &mut Stream) -> f64 {
        (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0
    }

    /// Levels of 100 steps of 64 rewards, the first ten the reference, which is N(0, 1).
    fn levels(seed: u64, reward: impl Fn(u64, &mut Stream) -> f64) -> Vec<Level> {
        let mut stream = SeedTree::new(71, seed).stream(Purpose::Utility, 0);
        let step = |step: u64| {
            let rewards: Vec<f64> = (0..64).map(|_| reward(step, &mut stream)).collect();
            let above = |limit: f64| rewards.iter().filter(|reward| **reward > limit).count();
            Level {
                step,
                rollouts: 64,
                median: 0.0,
                mean: 0.0,
                highest: 0.0,
                above: (above(3.2), above(1.645)),
                above_middle: above(0.0),
                far: 0,
                below: 0,
                tied: 0,
                at_highest: 0,
                mode: None,
                different: 0,
                reference: step < 10,
            }
        };
        (0..100).map(step).collect()
    }

    #[test]
    fn what_spreads_leaves_the_others_where_they_were_and_learning_does_not() {
        for seed in 0..20 {
            // One rollout in fifty more at each step from 20 on is paid 2.5.
            let spread = |step: u64, stream: &mut Stream| {
                let taken = stream.open_unit() < 0.02 * step.saturating_sub(19) as f64;
                if taken { 2.5 + 0.2 * normal(stream) } else { normal(stream) }
            };
            let found = growth(&levels(seed, spread)).unwrap();
            assert!((0.4..0.6).contains(&found.others), "{found:?}");
            assert!((22..=31).contains(&found.steps.0) && (45..=54).contains(&found.steps.1), "{found:?}");
            // All of them are paid .03 more at each step.
            let learnt = |step: u64, stream: &mut Stream| 0.03 * step as f64 + normal(stream);
            let found = growth(&levels(seed, learnt)).unwrap();
            assert!(found.others > 0.75, "{found:?}");
        }
        assert_eq!(growth(&levels(0, |_, stream| normal(stream))), None);
        assert_eq!(growth(&[]), None);
        // From one step to the next, and all: nobody is left of whom to speak.
        assert_eq!(growth(&levels(0, |step, stream| if step < 49 { normal(stream) } else { 9.0 })), None);
    }
}
