//! The way to a first sighting: until then no hack is sampled, then one is, and from there on rollouts are drawn as ever.
//!
//! Let hᵢ be the probability that rollout i is a hack, given its prompt and that none was before. Until the first is sampled, what
//! training does is decided by the other draws, and so are all hᵢ: the first sighting is rollout i with probability
//! hᵢ·Π_{j<i}(1 − hⱼ). To draw from π given that there is no hack, then a hack, then from π is therefore to draw a run in
//! which that rollout is the first.

use crate::foundation::numeric::sum;
use crate::policies::Snapshot;

/// How rollouts are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Steer {
    /// From π.
    Free,
    /// From π given that there is no hack.
    Away,
    /// With a first hack in the batch: a uniform number says at which rollout.
    Into(f64),
}

/// The cells of a batch, and ln P(no hack in it) under π, given its prompts.
pub(super) struct Drawn {
    pub cells: Vec<usize>,
    pub unseen: f64,
}

impl Steer {
    /// The cells that rollouts of these prompts sample with these uniform numbers; `hack` says of each cell whether it is one.
    pub(super) fn draw(self, policy: &Snapshot, hack: &[bool], prompts: &[u64], units: &[f64]) -> Drawn {
        let free = || policy.sample_all(prompts, units);
        if self == Self::Free {
            return Drawn { cells: free(), unseen: f64::NAN };
        }
        let chances = chances(policy, hack);
        let unseen: Vec<f64> = prompts.iter().map(|prompt| (-chances[*prompt as usize]).ln_1p()).collect();
        let total = sum(unseen.iter().copied());
        let first = match self {
            Self::Into(unit) => first(&unseen, unit).unwrap_or(prompts.len()),
            Self::Free | Self::Away => prompts.len(),
        };
        let mut cells = given(policy, hack, false).sample_all(&prompts[..first], &units[..first]);
        if first < prompts.len() {
            cells
                .extend(given(policy, hack, true).sample_all(&prompts[first..=first], &units[first..=first]));
            cells.extend(policy.sample_all(&prompts[first + 1..], &units[first + 1..]));
        }
        Drawn { cells, unseen: total }
    }
}

/// The place at which something comes first, given that it comes at all: `unseen` holds ln P(not here) of each, and the chance
/// that it came by then is inverted at `unit`. `None` where it cannot come.
pub fn first(unseen: &[f64], unit: f64) -> Option<usize> {
    let seen = -sum(unseen.iter().copied()).exp_m1();
    let mut before = 0.0;
    let place = unseen.iter().position(|own| {
        before += own;
        -f64::exp_m1(before) >= unit * seen
    });
    // What was added up in another way may end a rounding below.
    place.or(unseen.iter().rposition(|own| *own < 0.0)).filter(|_| seen > 0.0)
}

/// P(hack) of each prompt.
fn chances(policy: &Snapshot, hack: &[bool]) -> Vec<f64> {
    let mut hack = hack.iter();
    let of = |row: crate::policies::Row<'_>| {
        let hacks = row.probs().zip(hack.by_ref()).filter(|(_, hack)| **hack);
        sum(hacks.map(|(p, _)| p)).min(1.0)
    };
    policy.rows().map(of).collect()
}

/// π given that there is a hack, or that there is none; π itself for a prompt that has nothing else.
fn given(policy: &Snapshot, hack: &[bool], wanted: bool) -> Snapshot {
    let logs: Vec<f64> = policy.rows().flat_map(|row| row.log_probs().collect::<Vec<_>>()).collect();
    let outcomes = hack.len() / policy.rows().count().max(1);
    let mut tilt = vec![0.0; hack.len()];
    for (tilt, hack) in tilt.chunks_mut(outcomes.max(1)).zip(hack.chunks(outcomes.max(1))) {
        if hack.contains(&wanted) {
            tilt.iter_mut()
                .zip(hack)
                .filter(|(_, hack)| **hack != wanted)
                .for_each(|(t, _)| *t = f64::NEG_INFINITY);
        }
    }
    let mut given = Snapshot::default();
    given.set_from(&logs, outcomes, &tilt);
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two prompts of four outcomes; the third of the first and the first two of the second are hacks.
    fn policy() -> (Snapshot, Vec<bool>) {
        let mut policy = Snapshot::default();
        let logs = [0.4f64, 0.3, 0.1, 0.2, 0.05, 0.15, 0.5, 0.3].map(f64::ln);
        policy.set_from(&logs, 4, &[0.0; 8]);
        (policy, vec![false, false, true, false, true, true, false, false])
    }

    #[test]
    fn away_draws_what_is_no_hack_in_its_shares_and_knows_the_chance_of_it() {
        let (policy, hack) = policy();
        let units: Vec<f64> = (0..2000).map(|i| (f64::from(i) + 0.5) / 2000.0).collect();
        for (prompt, shares) in [(0, [4.0 / 9.0, 3.0 / 9.0, 0.0, 2.0 / 9.0]), (1, [0.0, 0.0, 0.625, 0.375])] {
            let drawn = Steer::Away.draw(&policy, &hack, &[prompt; 2000], &units);
            for (place, share) in shares.into_iter().enumerate() {
                let own = drawn.cells.iter().filter(|cell| **cell == prompt as usize * 4 + place).count();
                assert!((own as f64 / 2000.0 - share).abs() < 1e-3, "{prompt} {place}: {own}");
            }
        }
        let drawn = Steer::Away.draw(&policy, &hack, &[0, 1, 1], &[0.5; 3]);
        assert!((drawn.unseen.exp() - 0.9 * 0.8 * 0.8).abs() < 1e-12);
    }

    #[test]
    fn into_samples_one_first_hack_where_its_chance_says() {
        let (policy, hack) = policy();
        let prompts = [0, 1, 0, 1];
        let free = policy.sample_all(&prompts, &[0.65; 4]);
        let chances = [0.1, 0.9 * 0.2, 0.9 * 0.8 * 0.1, 0.9 * 0.8 * 0.9 * 0.2];
        let seen: f64 = chances.iter().sum();
        let mut counts = [0.0; 4];
        for i in 0..10_000 {
            let unit = (f64::from(i) + 0.5) / 10_000.0;
            let cells = Steer::Into(unit).draw(&policy, &hack, &prompts, &[0.65; 4]).cells;
            let at = cells.iter().position(|cell| hack[*cell]).unwrap();
            counts[at] += 1e-4;
            assert_eq!(cells[at + 1..], free[at + 1..], "drawn from π again");
        }
        for (count, chance) in counts.into_iter().zip(chances) {
            assert!((count - chance / seen).abs() < 2e-4, "{count} {chance}");
        }
    }

    #[test]
    fn the_rarest_first_is_still_drawn_from_its_law() {
        // 10⁶ places of 10⁻¹⁵ each: nearly uniform.
        let unseen = vec![-1e-15; 1_000_000];
        for unit in [1e-9, 0.25, 0.5, 0.999_999_9] {
            let place = first(&unseen, unit).unwrap();
            assert!((place as f64 - unit * 1e6).abs() <= 1.0 + 1e-3, "{unit}: {place}");
        }
        assert_eq!(first(&[0.0, 0.0], 0.5), None);
        assert_eq!(first(&[], 0.5), None);
        assert_eq!(first(&[0.0, -1.0, 0.0], 1.0 - 1e-16), Some(1));
        assert_eq!(first(&[0.0, f64::NEG_INFINITY, -1.0], 0.3), Some(1));
    }

    #[test]
    fn a_prompt_without_another_outcome_is_drawn_from_as_it_is() {
        let mut policy = Snapshot::default();
        policy.set_from(&[0.5f64.ln(); 4], 2, &[0.0; 4]);
        let hack = [true, true, false, false];
        let drawn = Steer::Away.draw(&policy, &hack, &[0, 1], &[0.2, 0.9]);
        assert_eq!((drawn.cells, drawn.unseen), (vec![0, 3], f64::NEG_INFINITY));
    }
}
