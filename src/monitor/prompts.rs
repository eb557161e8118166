//! Rewards by prompt, wherever its rollouts stand in a log: a part of the prompts in each pass over it, so that no table of all rewards is
//! held.

use super::grouping::MIN_GROUP;
use crate::foundation::order::median;
use crate::record::Error;

/// Rewards that are held at once.
const PASS: usize = 1 << 20;

/// Hands the prompts and rewards of all rows over, some at a time; called once in each pass.
pub(crate) type Read<'a> = dyn Fn(&mut dyn FnMut(&[u64], &[f64])) -> Result<(), Error> + 'a;

/// In how many passes so many rows are gone through.
pub(crate) fn passes(rows: usize) -> u64 {
    rows.div_ceil(PASS).max(1) as u64
}

/// The pass of a prompt. Prompts that are whole numbers stand for themselves: mixed, so that each pass gets its share.
fn pass_of(prompt: u64, passes: u64) -> u64 {
    (prompt.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % passes
}

/// Is handed a prompt and its rewards in ascending order.
pub(crate) type Visit<'a> = dyn FnMut(u64, &[f64]) -> Result<(), Error> + 'a;

/// Visits each prompt with its rewards in ascending order; the prompts ascend by pass and number.
///
/// # Errors
/// Those of `read` and `visit`.
pub(crate) fn each_prompt(passes: u64, read: &Read<'_>, visit: &mut Visit<'_>) -> Result<(), Error> {
    let (mut rewards, mut own): (Vec<(u64, f64)>, Vec<f64>) = (Vec::new(), Vec::new());
    for pass in 0..passes {
        rewards.clear();
        read(&mut |prompts, proxies| {
            let rows = prompts.iter().zip(proxies).filter(|(prompt, _)| pass_of(**prompt, passes) == pass);
            rewards.extend(rows.map(|(prompt, reward)| (*prompt, *reward)));
        })?;
        rewards.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for group in rewards.chunk_by(|a, b| a.0 == b.0) {
            own.clear();
            own.extend(group.iter().map(|(_, reward)| *reward));
            if let Some((prompt, _)) = group.first() {
                visit(*prompt, &own)?;
            }
        }
    }
    Ok(())
}

/// Prompts with [`MIN_GROUP`] rollouts or more, and the median of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompts {
    passes: u64,
    /// Ascending by pass and number.
    names: Vec<u64>,
    medians: Vec<f64>,
    rollouts: usize,
}

impl Prompts {
    /// For [`Prompts::see`] of prompts as [`each_prompt`] gives them in so many passes.
    pub(crate) fn new(passes: u64) -> Self {
        Self { passes, ..Self::default() }
    }

    /// The next prompt; whether it has enough rollouts.
    pub(crate) fn see(&mut self, prompt: u64, ascending: &[f64]) -> bool {
        let Some(middle) = median(ascending).filter(|_| ascending.len() >= MIN_GROUP) else { return false };
        self.names.push(prompt);
        self.medians.push(middle);
        self.rollouts += ascending.len();
        true
    }

    /// The place of a prompt among those that were seen.
    pub(crate) fn place(&self, prompt: u64) -> Option<usize> {
        let key = |name: u64| (pass_of(name, self.passes), name);
        let wanted = if self.names.is_empty() { return None } else { key(prompt) };
        self.names.binary_search_by(|name| key(*name).cmp(&wanted)).ok()
    }

    /// The median of a prompt.
    pub(crate) fn median(&self, prompt: u64) -> Option<f64> {
        self.medians.get(self.place(prompt)?).copied()
    }

    /// Rollouts of these prompts.
    pub(crate) fn rollouts(&self) -> usize {
        self.rollouts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_found_with_all_of_their_rewards_in_any_number_of_passes() {
        let prompts: Vec<u64> = (0..3000u64).map(|row| row * 7919 % 500).collect();
        let rewards: Vec<f64> = (0..3000).map(|row| f64::from(row * 31 % 1009)).collect();
        for passes in [1, 7] {
            let mut found = Prompts::new(passes);
            let read = |hand: &mut dyn FnMut(&[u64], &[f64])| {
                prompts.chunks(700).zip(rewards.chunks(700)).for_each(|(p, r)| hand(p, r));
                Ok(())
            };
            let mut seen = 0;
            each_prompt(passes, &read, &mut |prompt, own| {
                seen += own.len();
                assert!(own.is_sorted());
                found.see(prompt, own);
                Ok(())
            })
            .unwrap();
            assert_eq!((seen, found.rollouts()), (3000, 3000));
            for prompt in 0..500 {
                let own: Vec<f64> =
                    prompts.iter().zip(&rewards).filter(|(p, _)| **p == prompt).map(|(_, r)| *r).collect();
                assert_eq!(found.median(prompt), median(&own), "{prompt} {passes}");
            }
            assert_eq!(found.median(500), None);
        }
        assert_eq!(Prompts::default().median(3), None);
        assert!(!Prompts::new(1).see(1, &[0.5; 3]), "three are few");
    }
}
