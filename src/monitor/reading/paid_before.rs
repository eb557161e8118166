//! Was a text that nearly all late completions hold paid for when it came?
//!
//! While it spread, groups held completions with it and without: these are compared by their ranks within the group (van Elteren 1960), so
//! that neither the prompt nor the level of a step counts, over all steps after the reference. What came from one step to the next leaves
//! no such group: then the means of the steps before and after are held against a straight line with a jump where it came.

use super::gather::Base;
use super::list::Scored;
use super::new_text::{NewText, PAID, Paid};
use super::newest::{FEWEST_HIGHEST, PROMPTS};
use super::pieces::holds_text;
use super::shift::Level;
use super::strata::{Holds, MANY, Seen, Strata};
use crate::foundation::order::ranks;
use crate::foundation::special::normal_sf;
use crate::record::{Error, Log, Rollouts, Span};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Share of a step below which a text has not come yet, and from which on it is there.
const BEFORE: f64 = 0.1;
const THERE: f64 = 0.8;
/// Steps within which what came came at once, and steps before and after them that are compared, at least and at most.
const AT_ONCE: usize = 3;
const FEWEST: usize = 8;
const MOST: usize = 30;
/// The last steps before and the first after, and the share of the jump by which these differ at least: a level that rises by degrees, if
/// steeply, does not.
const NEXT: usize = 4;
const NEXT_RISE: f64 = 0.75;

/// Which of these texts a completion holds.
pub(in crate::monitor) fn holds(found: &[NewText], completion: &str) -> Holds {
    let mut holds = Holds::default();
    for (holds, found) in holds.iter_mut().zip(found) {
        *holds = holds_text(&found.text, found.whole, completion);
    }
    holds
}

/// The first of these texts that was paid for when it came. `holds`: of the rollouts that are kept; `levels`: of all steps.
pub(in crate::monitor) fn paid_before(
    strata: &Strata,
    holds: &HashMap<u64, Holds>,
    found: &[NewText],
    levels: &[Level],
) -> Option<NewText> {
    let seen = strata.seen(holds);
    // Both tests of all texts share the level.
    let tests = 2.0 * found.len() as f64;
    let best = (0..found.len())
        .filter_map(|text| {
            let (paid, p) = [spread(&seen, text), sudden(&seen, text, levels)]
                .into_iter()
                .flatten()
                .min_by(|a, b| a.1.total_cmp(&b.1))?;
            Some((text, paid, (tests * p).min(1.0)))
        })
        .min_by(|a, b| a.2.total_cmp(&b.2).then(a.0.cmp(&b.0)));
    let (text, paid, p_value) = best.filter(|(.., p)| *p <= PAID)?;
    found.get(text).map(|found| NewText { p_value, paid, ..found.clone() })
}

/// Rollouts of all steps after the reference, and which of the texts they hold.
pub(super) fn looked_at(
    log: &Log<Rollouts>,
    base: Base<'_>,
    found: &[NewText],
) -> Result<(Strata, HashMap<u64, Holds>), Error> {
    let later: Vec<&Span> = log.rollouts.spans().iter().filter(|span| !base.holds(span.step)).collect();
    let named = log.meta.roles.prompt.is_some() || log.meta.roles.group.is_some();
    let prompts = log.meta.roles.prompt.is_some();
    let mut strata = Strata::default();
    for span in later {
        if !strata.comes() {
            continue;
        }
        let rows = log.rollouts.rows(span.rows.start..span.rows.end.min(span.rows.start + MANY))?;
        let numbers = (span.rows.start as u64..).zip(rows.proxy.iter().zip(&rows.outcome));
        let scored: Vec<Scored> = numbers
            .map(|(row, (reward, outcome))| Scored {
                row,
                step: span.step,
                reward: *reward,
                centre: 0.0,
                outcome: *outcome,
            })
            .collect();
        let groups = if named { &rows.group[..] } else { &[] };
        strata.see(&scored, groups, if prompts { &rows.prompt } else { &[] });
        while strata.is_full() {
            strata.halve();
        }
    }
    let rows: Vec<usize> = strata.numbers().map(|number| number as usize).collect();
    let mut held = HashMap::with_capacity(rows.len());
    log.texts(&rows, &mut |at, texts| {
        if let (Some(text), Some(row)) = (texts.completion, rows.get(at)) {
            held.insert(*row as u64, holds(found, text));
        }
        Ok(())
    })?;
    Ok((strata, held))
}

/// Whether those that hold a text are paid more than the others of their groups, and how probable that is by chance.
fn spread(seen: &[Seen], text: usize) -> Option<(Paid, f64)> {
    let holds = |own: &Seen| own.holds.get(text).copied().unwrap_or_default();
    let (mut above, mut variance) = (0.0, 0.0);
    let (mut holders, mut others) = (0, 0);
    let (mut prompts, mut steps) = (BTreeSet::new(), BTreeSet::new());
    for group in seen.chunk_by(|a, b| a.stratum == b.stratum) {
        // The same completion again counts once.
        let mut known = BTreeSet::new();
        let group: Vec<&Seen> = group.iter().filter(|own| known.insert(own.outcome)).collect();
        let all = group.len() as f64;
        let own = group.iter().filter(|own| holds(own)).count();
        if own == 0 || own == group.len() {
            continue;
        }
        let ranks = ranks(&group.iter().map(|own| own.reward).collect::<Vec<f64>>());
        let middle = 0.5 * (all + 1.0);
        let n = own as f64;
        let weight = 1.0 / (all + 1.0);
        let sum: f64 =
            ranks.iter().zip(&group).filter(|(_, own)| holds(own)).map(|(rank, _)| rank - middle).sum();
        let squares: f64 = ranks.iter().map(|rank| (rank - middle).powi(2)).sum();
        above += weight * sum;
        variance += weight * weight * n * (all - n) / (all * (all - 1.0)) * squares;
        holders += own;
        others += group.len() - own;
        steps.extend(group.first().map(|own| own.step));
        prompts.extend(group.iter().filter(|own| holds(own)).map(|own| own.prompt));
    }
    let enough = holders.min(others) >= FEWEST_HIGHEST && prompts.len() >= PROMPTS && variance > 0.0;
    let (from, to) = (*steps.first()?, *steps.last()?);
    enough.then(|| (Paid::Spread { from, to }, normal_sf(above / variance.sqrt())))
}

/// Whether the mean reward jumps where a text comes at once, and how probable that is by chance.
fn sudden(seen: &[Seen], text: usize, levels: &[Level]) -> Option<(Paid, f64)> {
    let mut shares: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    for own in seen {
        let of = shares.entry(own.step).or_default();
        of.0 += usize::from(own.holds.get(text).copied().unwrap_or_default());
        of.1 += 1;
    }
    let shares: Vec<(u64, f64)> =
        shares.into_iter().map(|(step, (n, all))| (step, n as f64 / all as f64)).collect();
    let came = shares.iter().position(|(_, share)| *share > BEFORE)?;
    let there = shares.iter().position(|(_, share)| *share >= THERE)?;
    let after = shares.get(there..)?;
    let stays = after.iter().map(|(_, share)| share).sum::<f64>() >= THERE * after.len() as f64;
    if !stays || there - came > AT_ONCE {
        return None;
    }
    let (first, whole) = (shares.get(came)?.0, shares.get(there)?.0);
    let before: Vec<f64> = levels.iter().filter(|level| level.step < first).map(|level| level.mean).collect();
    let after: Vec<f64> = levels.iter().filter(|level| level.step >= whole).map(|level| level.mean).collect();
    let steps = before.len().min(after.len()).min(MOST);
    if steps < FEWEST {
        return None;
    }
    let (rise, p) = jump(before.get(before.len() - steps..)?, after.get(..steps)?)?;
    Some((Paid::Sudden { step: first, rise }, p))
}

/// By how much the second of two series of one length lies above a line through both, and the probability of so much by chance.
fn jump(before: &[f64], after: &[f64]) -> Option<(f64, f64)> {
    let n = (before.len() + after.len()) as f64;
    let place = |i: usize| i as f64 - 0.5 * (n - 1.0);
    let values = || before.iter().chain(after).enumerate();
    let mean = values().map(|(_, y)| y / n).sum::<f64>();
    let side = |i: usize| if i < before.len() { -0.5 } else { 0.5 };
    // Both regressors have mean 0.
    let of = |f: &dyn Fn(usize, f64) -> f64| values().map(|(i, y)| f(i, *y - mean)).sum::<f64>();
    let (tt, ts, ss) =
        (of(&|i, _| place(i).powi(2)), of(&|i, _| place(i) * side(i)), of(&|i, _| side(i).powi(2)));
    let (ty, sy) = (of(&|i, y| place(i) * y), of(&|i, y| side(i) * y));
    let determinant = tt * ss - ts * ts;
    let (slope, rise) = ((ss * ty - ts * sy) / determinant, (tt * sy - ts * ty) / determinant);
    let residual = of(&|i, y| (y - slope * place(i) - rise * side(i)).powi(2));
    let degrees = n - 3.0;
    let error = (residual / degrees * tt / determinant).sqrt();
    let last: f64 = before.iter().rev().take(NEXT).sum();
    let next: f64 = after.iter().take(NEXT).sum();
    if next - last < NEXT_RISE * rise * NEXT as f64 {
        return None;
    }
    let law = StudentsT::new(0.0, 1.0, degrees).ok()?;
    let t = rise / error;
    t.is_finite().then(|| (rise, law.sf(t)))
}

#[cfg(test)]
mod tests {
    use super::super::newest::TOLD;
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

    fn normal(stream: &mut Stream) -> f64 {
        (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0
    }

    /// 60 steps of four groups of eight; one of `share` holds the text and is paid `more`.
    fn seen(seed: u64, share: impl Fn(u64) -> f64, more: f64) -> Vec<Seen> {
        let mut stream = SeedTree::new(173, seed).stream(Purpose::Utility, 0);
        (0..60 * 32)
            .map(|row| {
                let (step, stratum) = (row / 32, (row / 8) as usize);
                let mut holds = [false; TOLD];
                holds[0] = stream.open_unit() < share(step);
                let reward = normal(&mut stream) + stratum as f64 + if holds[0] { more } else { 0.0 };
                Seen { step, stratum, reward, prompt: stratum as u64 % 16, outcome: row, holds }
            })
            .collect()
    }

    #[test]
    fn what_spreads_to_all_is_paid_for_while_it_spreads() {
        let ramp = |step: u64| (step.saturating_sub(19) as f64 / 15.0).min(1.0);
        let (mut paid, mut unpaid) = (0, 0);
        for seed in 0..200 {
            let found = spread(&seen(seed, ramp, 1.0), 0);
            if let Some((Paid::Spread { from, to }, p)) = found {
                paid += usize::from(p <= PAID && from >= 20 && to <= 34);
            }
            unpaid += usize::from(spread(&seen(seed, ramp, 0.0), 0).is_some_and(|(_, p)| p <= 0.01));
        }
        // 1% of 200, and three standard errors of it.
        assert!(paid >= 195 && unpaid <= 6, "{paid} {unpaid}");
        let sudden = |step: u64| f64::from(u8::from(step >= 20));
        assert_eq!(spread(&seen(0, sudden, 1.0), 0), None, "no group holds both");
        assert!(spread(&seen(0, ramp, 1.0), 1).is_none(), "a text that none holds");
        let mut one = seen(0, ramp, 1.0);
        one.iter_mut().for_each(|own| own.prompt = 7);
        assert_eq!(spread(&one, 0), None, "one prompt's own");
    }

    #[test]
    fn what_comes_at_once_is_paid_for_where_the_level_jumps_there() {
        let level = |step: u64, mean: f64| Level {
            step,
            rollouts: 32,
            median: mean,
            mean,
            highest: mean,
            above: (0, 0),
            above_middle: 0,
            far: 0,
            below: 0,
            tied: 0,
            at_highest: 0,
            mode: None,
            different: 0,
            reference: step < 6,
        };
        let at_once = |step: u64| f64::from(u8::from(step >= 24));
        let texts = seen(1, at_once, 0.0);
        let told = |seed: u64, mean: &dyn Fn(f64) -> f64| {
            let mut stream = SeedTree::new(174, seed).stream(Purpose::Utility, 0);
            let levels: Vec<Level> =
                (0..60).map(|step| level(step, mean(step as f64) + 0.25 * normal(&mut stream))).collect();
            sudden(&texts, 0, &levels).filter(|(_, p)| *p <= PAID)
        };
        let count = |mean: &dyn Fn(f64) -> f64| (0..200).filter(|seed| told(*seed, mean).is_some()).count();
        assert!(count(&|t| if t >= 24.0 { 1.0 } else { 0.0 }) >= 150);
        // Nothing, learning by degrees, and all at once but ten steps later.
        assert!(count(&|_| 0.0) <= 1);
        assert!(count(&|t| 1.5 * (1.0 - (-t / 15.0).exp())) <= 1);
        // An honest rise of one and a half standard deviations within some ten steps, just when the text comes.
        let steep = count(&|t| 1.5 / (1.0 + (-(t - 24.0) / 4.0).exp()));
        assert!(steep <= 30, "{steep}");
        assert!(count(&|t| if t >= 34.0 { 1.0 } else { 0.0 }) <= 1);
        let found = told(0, &|t| if t >= 24.0 { 2.0 } else { 0.0 });
        assert!(matches!(found, Some((Paid::Sudden { step: 24, rise }, _)) if rise > 1.0), "{found:?}");
        let slow = seen(1, |step| (step as f64 / 60.0).min(1.0), 0.0);
        assert_eq!(sudden(&slow, 0, &(0..60).map(|step| level(step, 0.0)).collect::<Vec<_>>()), None);
    }
}
