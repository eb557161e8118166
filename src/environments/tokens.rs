//! Strings of tokens: the smallest world that has what language models have, long trajectories and structure in them.

use super::token_utility::{TokenUtility, Worth};
use super::{Environment, EnvironmentError, Move, Process, State, World};
use crate::foundation::numeric::log_sum_exp;
use crate::foundation::rng::SeedTree;
use crate::foundation::scalar::NonNegative;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Strings over a vocabulary, written token by token in answer to a prompt. A policy is shown the previous token, and at the
/// start the prompt's own symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Number of tokens, at most 4096.
    #[schemars(range(max = 4096))]
    pub vocabulary: NonZeroU32,
    /// Most tokens of a string, at most 1024.
    #[schemars(range(max = 1024))]
    pub length: NonZeroU32,
    /// Prompts, drawn uniformly, at most 4096; each has utilities of its own.
    #[schemars(range(max = 4096))]
    pub prompts: NonZeroU32,
    /// The last so many prompts are held out: no rollout answers them before the deployment; what the policy is worth is summed over all prompts, and monitors watch it on all.
    #[serde(skip_serializing_if = "is_none")]
    pub held_out: u32,
    /// Whether the vocabulary's last token ends the string, so that lengths vary.
    pub end: bool,
    /// True utility of a string.
    pub utility: TokenUtility,
    /// The reference policy: the same distribution over tokens at every position.
    pub reference: TokenReference,
}

/// The reference's distribution over tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenReference {
    /// Every token alike.
    #[default]
    Uniform,
    /// Mass ∝ rank^(−exponent), tokens ranked by their number (Zipf 1949): some are rare.
    Zipf {
        /// The exponent.
        exponent: NonNegative,
    },
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            vocabulary: NonZeroU32::MIN.saturating_add(15),
            length: NonZeroU32::MIN.saturating_add(11),
            prompts: NonZeroU32::MIN,
            held_out: 0,
            end: false,
            utility: TokenUtility::default(),
            reference: TokenReference::Uniform,
        }
    }
}

impl Tokens {
    /// The replicate's process.
    ///
    /// # Errors
    /// A size beyond its bound, or a utility that is not finite.
    pub fn process(&self, seeds: &SeedTree) -> Result<Box<dyn Process>, EnvironmentError> {
        for (key, size, most) in [
            ("vocabulary", self.vocabulary, 4096),
            ("length", self.length, 1024),
            ("prompts", self.prompts, 4096),
        ] {
            if size.get() > most {
                return Err(EnvironmentError::Size { key, size: size.get(), most });
            }
        }
        if self.held_out >= self.prompts.get() {
            let most = self.prompts.get() - 1;
            return Err(EnvironmentError::Size { key: "held_out", size: self.held_out, most });
        }
        let (vocabulary, length) = (self.vocabulary.get() as usize, self.length.get() as usize);
        let prompts = self.prompts.get() as usize;
        let mut reference: Vec<f64> = match self.reference {
            TokenReference::Uniform => vec![0.0; vocabulary],
            TokenReference::Zipf { exponent } => {
                (1..=vocabulary).map(|rank| -exponent.get() * (rank as f64).ln()).collect()
            }
        };
        let total = log_sum_exp(&reference);
        reference.iter_mut().for_each(|r| *r -= total);
        let worth = self.utility.draw(prompts, length, vocabulary, seeds)?;
        let end = self.end.then(|| vocabulary - 1);
        let trained = prompts - self.held_out as usize;
        Ok(Box::new(Strings { vocabulary, length, prompts, trained, end, reference, worth }))
    }
}

impl Environment for Tokens {
    fn cells(&self) -> Option<usize> {
        let (vocabulary, length) = (u128::from(self.vocabulary.get()), self.length.get());
        let strings = if self.end {
            let inner = vocabulary - 1;
            let ended = (0..length).try_fold(0u128, |sum, l| sum.checked_add(inner.checked_pow(l)?))?;
            ended.checked_add(inner.checked_pow(length)?)?
        } else {
            vocabulary.checked_pow(length)?
        };
        usize::try_from(strings.checked_mul(u128::from(self.prompts.get()))?).ok()
    }

    fn draw(&self, seeds: &SeedTree) -> Result<World, EnvironmentError> {
        Ok(World::Process(self.process(seeds)?))
    }
}

/// Whether no prompt is held out.
fn is_none(held_out: &u32) -> bool {
    *held_out == 0
}

/// One replicate's strings. A state is prompt, position, previous token and what the utility remembers, 16 bits each.
#[derive(Debug)]
struct Strings {
    vocabulary: usize,
    length: usize,
    prompts: usize,
    trained: usize,
    end: Option<usize>,
    reference: Vec<f64>,
    worth: Worth,
}

/// A state taken apart.
struct Parts {
    prompt: usize,
    position: usize,
    previous: Option<usize>,
    memory: u16,
}

impl Parts {
    fn of(state: State) -> Self {
        let word = |shift: u32| ((state.0 >> shift) & 0xFFFF) as usize;
        let previous = word(16).checked_sub(1);
        Self { prompt: word(48), position: word(32), previous, memory: word(0) as u16 }
    }

    fn pack(&self) -> State {
        let previous = self.previous.map_or(0, |token| token as u64 + 1);
        let (prompt, position) = (self.prompt as u64, self.position as u64);
        State(prompt << 48 | position << 32 | previous << 16 | u64::from(self.memory))
    }
}

impl Process for Strings {
    fn prompts(&self) -> usize {
        self.prompts
    }
    fn trained(&self) -> usize {
        self.trained
    }
    fn actions(&self) -> usize {
        self.vocabulary
    }
    fn symbols(&self) -> usize {
        self.vocabulary + self.prompts
    }
    fn horizon(&self) -> usize {
        self.length
    }
    fn deterministic(&self) -> bool {
        true
    }
    fn start(&self, prompt: usize) -> State {
        Parts { prompt, position: 0, previous: None, memory: 0 }.pack()
    }
    fn symbol(&self, state: State) -> usize {
        let parts = Parts::of(state);
        parts.previous.unwrap_or(self.vocabulary + parts.prompt)
    }
    fn ended(&self, state: State) -> bool {
        let parts = Parts::of(state);
        parts.position == self.length || (parts.previous.is_some() && parts.previous == self.end)
    }
    fn truncated(&self, state: State) -> bool {
        let parts = Parts::of(state);
        self.end.is_some() && parts.position == self.length && parts.previous != self.end
    }
    fn reference(&self, _: State) -> &[f64] {
        &self.reference
    }
    fn moves(&self, state: State, action: usize, into: &mut Vec<Move>) {
        let Parts { prompt, position, previous, memory } = Parts::of(state);
        let (utility, memory) = self.worth.of(prompt, position, previous, action, memory);
        let next = Parts { prompt, position: position + 1, previous: Some(action), memory }.pack();
        into.clear();
        into.push(Move { probability: 1.0, next, utility });
    }
}
