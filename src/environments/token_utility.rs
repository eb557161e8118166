//! What a string is truly worth.

use super::EnvironmentError;
use crate::distributions::{DistributionSpec, Normal};
use crate::foundation::rng::{Purpose, SeedTree};
use crate::foundation::scalar::Finite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// True utility of a string of tokens, drawn anew for each prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenUtility {
    /// Σ W\[position, token\]/√length: every token counts for itself.
    Linear {
        /// Law of W, which is then centred within each position.
        #[serde(default = "normal")]
        weight: DistributionSpec,
    },
    /// Σ B\[previous token, token\]/√length: what counts is what follows what. The start counts as a token.
    Bigram {
        /// Law of B, which is then centred within each previous token.
        #[serde(default = "normal")]
        weight: DistributionSpec,
    },
    /// `utility` × the longest part of a hidden motif, from its first token on, that stands somewhere in the string, as a share
    /// of the motif.
    Motif {
        /// Tokens of the motif, at most 100.
        tokens: NonZeroU32,
        /// Utility of the whole motif.
        #[serde(default = "one")]
        utility: Finite,
    },
}

fn normal() -> DistributionSpec {
    DistributionSpec::Normal(Normal::default())
}
fn one() -> Finite {
    Finite::known(1.0)
}

impl Default for TokenUtility {
    fn default() -> Self {
        Self::Linear { weight: normal() }
    }
}

/// The utility of one replicate.
#[derive(Debug)]
pub(super) enum Worth {
    /// Worth of each token, rows of the vocabulary's size: prompt by prompt, then position by position.
    Linear { rows: Vec<f64>, length: usize, vocabulary: usize },
    /// The same, prompt by prompt, then by previous token; the start's row comes last.
    Bigram { rows: Vec<f64>, vocabulary: usize },
    /// The motif of each prompt.
    Motif { motifs: Vec<Vec<u32>>, each: f64 },
}

impl TokenUtility {
    pub(super) fn draw(
        &self,
        prompts: usize,
        length: usize,
        vocabulary: usize,
        seeds: &SeedTree,
    ) -> Result<Worth, EnvironmentError> {
        let rows = |law: &DistributionSpec, rows: usize| {
            let draws = seeds.family(Purpose::Utility);
            let mut all = Vec::with_capacity(rows * vocabulary);
            for row in 0..rows {
                let first = row * vocabulary;
                let drawn: Vec<f64> = (first..first + vocabulary)
                    .map(|index| law.part().sample(&mut draws.at(index as u64)))
                    .collect();
                let centre = drawn.iter().sum::<f64>() / vocabulary as f64;
                if !centre.is_finite() {
                    return Err(EnvironmentError::TokenUtility);
                }
                all.extend(drawn.iter().map(|w| (w - centre) / (length as f64).sqrt()));
            }
            Ok(all)
        };
        Ok(match self {
            Self::Linear { weight } => {
                Worth::Linear { rows: rows(weight, prompts * length)?, length, vocabulary }
            }
            Self::Bigram { weight } => {
                Worth::Bigram { rows: rows(weight, prompts * (vocabulary + 1))?, vocabulary }
            }
            Self::Motif { tokens, utility } => {
                if tokens.get() > 100 {
                    return Err(EnvironmentError::Size {
                        key: "utility.motif.tokens",
                        size: tokens.get(),
                        most: 100,
                    });
                }
                let motif = |prompt: usize| {
                    let mut rng = seeds.stream(Purpose::Layout, prompt as u64);
                    (0..tokens.get()).map(|_| rng.below(vocabulary as u64) as u32).collect()
                };
                let motifs = (0..prompts).map(motif).collect();
                Worth::Motif { motifs, each: utility.get() / f64::from(tokens.get()) }
            }
        })
    }
}

impl Worth {
    /// What a token adds, and what is remembered then: for a motif, how much of it the string ends in, and the most so far.
    pub fn of(
        &self,
        prompt: usize,
        position: usize,
        previous: Option<usize>,
        token: usize,
        memory: u16,
    ) -> (f64, u16) {
        match self {
            Self::Linear { rows, length, vocabulary } => {
                (rows[(prompt * length + position) * vocabulary + token], 0)
            }
            Self::Bigram { rows, vocabulary } => {
                let row = prompt * (vocabulary + 1) + previous.unwrap_or(*vocabulary);
                (rows[row * vocabulary + token], 0)
            }
            Self::Motif { motifs, each } => {
                let (motif, best) = (&motifs[prompt], memory >> 8);
                let matched = matched(motif, usize::from(memory & 0xFF), token);
                let now = best.max(matched as u16);
                (f64::from(now - best) * each, now << 8 | matched as u16)
            }
        }
    }
}

/// Longest prefix of the motif that ends a string, after one more token.
fn matched(motif: &[u32], before: usize, token: usize) -> usize {
    // The end of the string that is known to match, with the new token.
    let tail =
        |length: usize| motif[..before].iter().copied().chain([token as u32]).skip(before + 1 - length);
    (1..=(before + 1).min(motif.len()))
        .rev()
        .find(|&length| tail(length).eq(motif[..length].iter().copied()))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_motif_is_found_as_a_search_of_the_whole_string_finds_it() {
        let mut rng = SeedTree::new(2, 0).stream(Purpose::Layout, 9);
        for _ in 0..2000 {
            let motif: Vec<u32> = (0..4).map(|_| rng.below(2) as u32).collect();
            let text: Vec<usize> = (0..9).map(|_| rng.below(2) as usize).collect();
            let worth = Worth::Motif { motifs: vec![motif.clone()], each: 0.25 };
            let (mut memory, mut total) = (0, 0.0);
            for (position, token) in text.iter().enumerate() {
                let (utility, next) = worth.of(0, position, None, *token, memory);
                (memory, total) = (next, total + utility);
            }
            let stands =
                |n: usize| text.windows(n).any(|w| w.iter().zip(&motif).all(|(a, b)| *a == *b as usize));
            let longest = (1..=4).rev().find(|&n| stands(n)).unwrap_or(0);
            assert!((total - 0.25 * longest as f64).abs() < 1e-12, "{motif:?} in {text:?}: {total}");
        }
    }

    #[test]
    fn linear_weights_are_centred_within_each_position_and_scaled_by_the_root_of_the_length() {
        let drawn = TokenUtility::default().draw(2, 12, 16, &SeedTree::new(1, 0)).unwrap();
        let Worth::Linear { rows, .. } = drawn else { panic!() };
        assert_eq!(rows.len(), 2 * 12 * 16);
        assert!(rows.chunks(16).all(|row| row.iter().sum::<f64>().abs() < 1e-12));
        // 384 normals less 24 means: the variance is 15/16 of 1/12, known to 7%.
        let variance = 12.0 * rows.iter().map(|w| w * w).sum::<f64>() / 384.0;
        assert!((variance - 15.0 / 16.0).abs() < 0.25, "{variance}");
    }
}
