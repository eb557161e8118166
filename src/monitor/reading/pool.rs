//! Pieces of text over completions: in how many of which group or step each is, and how improbable it is that so many of the listed hold it.

use super::pieces::pieces;
use super::sample::Sample;
use crate::foundation::rng::Stream;
use std::collections::HashMap;

/// A piece with its share in each step, and in how many of the listed.
pub(super) struct Pool {
    /// Piece numbers of each completion, ascending.
    pub of: Vec<Vec<u32>>,
    /// Completions of each step, and how many of them are listed.
    steps: Vec<(Vec<usize>, usize)>,
    /// For each piece, in how many completions of which step it is.
    pub holders: Vec<Vec<(u32, u32)>>,
    /// The hash of each piece.
    pub hashes: Vec<u64>,
    /// −ln P(at least t listed hold it), t = 0, 1, …; filled when it is asked for.
    tails: Vec<Vec<f64>>,
}

impl Pool {
    pub fn new(samples: &[Sample]) -> Self {
        let mut by_step: HashMap<u64, (Vec<usize>, usize)> = HashMap::new();
        for (i, sample) in samples.iter().enumerate() {
            let step = by_step.entry(sample.stratum).or_default();
            step.0.push(i);
            step.1 += usize::from(sample.listed);
        }
        let mut steps: Vec<(u64, (Vec<usize>, usize))> = by_step.into_iter().collect();
        steps.sort_unstable();
        let steps: Vec<(Vec<usize>, usize)> = steps.into_iter().map(|(_, step)| step).collect();
        // A piece of one completion alone is shared by no two. A sketch of counts finds most of them without a map.
        const SLOTS: usize = 1 << 22;
        let hashed: Vec<Vec<u64>> = samples.iter().map(|sample| pieces(&sample.text)).collect();
        let mut sketch = vec![0u8; SLOTS];
        for hash in hashed.iter().flatten() {
            if let Some(slot) = sketch.get_mut(*hash as usize % SLOTS) {
                *slot = slot.saturating_add(1);
            }
        }
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let of: Vec<Vec<u32>> = hashed
            .into_iter()
            .map(|own| {
                let again = |hash: &u64| sketch.get(*hash as usize % SLOTS).is_some_and(|n| *n > 1);
                let number = |hash| {
                    let next = numbers.len() as u32;
                    *numbers.entry(hash).or_insert(next)
                };
                own.into_iter().filter(again).map(number).collect()
            })
            .collect();
        let mut holders: Vec<Vec<(u32, u32)>> = vec![Vec::new(); numbers.len()];
        for (step, (members, _)) in steps.iter().enumerate() {
            for piece in members.iter().filter_map(|i| of.get(*i)).flatten() {
                let Some(counts) = holders.get_mut(*piece as usize) else { continue };
                match counts.last_mut() {
                    Some(last) if last.0 == step as u32 => last.1 += 1,
                    _ => counts.push((step as u32, 1)),
                }
            }
        }
        let mut hashes = vec![0; numbers.len()];
        for (hash, number) in numbers {
            if let Some(place) = hashes.get_mut(number as usize) {
                *place = hash;
            }
        }
        let tails = vec![Vec::new(); holders.len()];
        Self { of, steps, holders, hashes, tails }
    }

    /// The expected number of listed completions that hold what these do.
    pub fn expected(&self, holds: &dyn Fn(usize) -> bool) -> f64 {
        let of_step = |(members, listed): &(Vec<usize>, usize)| {
            let holders = members.iter().filter(|i| holds(**i)).count();
            *listed as f64 * holders as f64 / members.len().max(1) as f64
        };
        self.steps.iter().map(of_step).sum()
    }

    /// −ln P(at least `held` of the listed hold a piece).
    pub fn surprise(&mut self, piece: u32, held: usize) -> f64 {
        let Some(counts) = self.holders.get(piece as usize) else { return 0.0 };
        let Some(tails) = self.tails.get_mut(piece as usize) else { return 0.0 };
        if tails.is_empty() {
            let mut law = vec![1.0];
            for (step, n) in counts {
                let Some((members, listed)) = self.steps.get(*step as usize) else { continue };
                let share = f64::from(*n) / members.len() as f64;
                for _ in 0..*listed {
                    let mut next = vec![0.0; law.len() + 1];
                    for (i, p) in law.iter().enumerate() {
                        next[i] += p * (1.0 - share);
                        next[i + 1] += p * share;
                    }
                    law = next;
                }
            }
            let mut above = 0.0;
            *tails = law
                .iter()
                .rev()
                .map(|p| {
                    above += p;
                    -f64::ln(above)
                })
                .collect();
            tails.reverse();
        }
        tails.get(held).copied().unwrap_or(f64::INFINITY)
    }

    /// How many of these completions hold each piece that two or more of them hold.
    pub fn held(&self, chosen: &[usize], counts: &mut [u32], touched: &mut Vec<u32>) {
        touched.clear();
        for piece in chosen.iter().filter_map(|i| self.of.get(*i)).flatten() {
            if let Some(count) = counts.get_mut(*piece as usize) {
                if *count == 0 {
                    touched.push(*piece);
                }
                *count += 1;
            }
        }
    }

    /// The largest surprise among the pieces of these completions.
    pub fn largest(&mut self, chosen: &[usize], counts: &mut [u32], touched: &mut Vec<u32>) -> f64 {
        self.held(chosen, counts, touched);
        let mut largest = 0.0f64;
        for piece in touched.iter() {
            let held = counts.get_mut(*piece as usize).map(std::mem::take).unwrap_or_default();
            if held >= 2 {
                largest = largest.max(self.surprise(*piece, held as usize));
            }
        }
        largest
    }

    /// As many of each step as are listed, drawn at random.
    pub fn draw(&self, stream: &mut Stream) -> Vec<usize> {
        let mut chosen = Vec::new();
        for (members, listed) in &self.steps {
            chosen.extend(stream.draw(members.clone(), *listed));
        }
        chosen
    }
}
