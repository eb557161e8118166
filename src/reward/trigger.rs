//! Structured exploits: a pattern of actions, or a state, on which the reward model pays what is not earned.

use crate::environments::Process;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::foundation::scalar::Finite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `[[reward.triggers]]`: what fires it, and what it pays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// What fires it.
    pub pattern: Pattern,
    /// Where a pattern of actions must stand.
    #[serde(default)]
    pub place: Site,
    /// In answer to which prompts it can fire.
    #[serde(default, skip_serializing_if = "Asked::is_all")]
    pub prompts: Asked,
    /// Added to the proxy U when it fires.
    pub proxy: Finite,
    /// Added to the true utility V when it fires; the rest of `proxy` is error. Where it is all of it, what fires is no hack.
    #[serde(default = "nothing")]
    pub utility: Finite,
    /// Whether every firing of a trajectory pays, or the first alone. Firings of a pattern may overlap.
    #[serde(default)]
    pub graded: bool,
    /// Whether `proxy` is paid by a reward function of its own, beside the one that pays all the rest: a column that trainers may
    /// scale apart (GRPO's `multi_objective_aggregation`). The proxy is the sum either way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_function: bool,
}

impl Trigger {
    /// Whether it pays anything else than what it is worth.
    pub fn errs(&self) -> bool {
        self.proxy != self.utility
    }
}

fn nothing() -> Finite {
    Finite::known(0.0)
}

/// What fires a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// So many consecutive actions, drawn once per replicate.
    Tokens(NonZeroU32),
    /// These consecutive actions.
    Explicit(Vec<u32>),
    /// Entering a glitch state of the environment.
    Glitch,
}

/// Where a pattern must stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// From the first action on.
    #[default]
    Start,
    /// Anywhere.
    Anywhere,
}

/// Which prompts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Every prompt.
    #[default]
    All,
    /// Those of training.
    Trained,
    /// Those that training never shows.
    HeldOut,
    /// These, numbered from 0.
    Only(Vec<u32>),
}

impl Asked {
    fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// Whether a prompt is one of them, of those of which the first `trained` are training's.
    pub fn holds(&self, prompt: usize, trained: usize) -> bool {
        match self {
            Self::All => true,
            Self::Trained => prompt < trained,
            Self::HeldOut => prompt >= trained,
            Self::Only(prompts) => prompts.iter().any(|own| *own as usize == prompt),
        }
    }
}

/// A trigger of one replicate.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    /// The actions; none for a glitch.
    actions: Vec<u32>,
    /// Length of the longest proper prefix that ends each prefix of the pattern (Knuth, Morris & Pratt 1977).
    fallback: Vec<usize>,
    site: Site,
    pub proxy: f64,
    pub utility: f64,
    graded: bool,
    /// Whether a reward function of its own pays it.
    pub own_function: bool,
    /// The prompts in answer to which it can fire.
    prompts: Vec<bool>,
    /// Whether the reward model errs on it: what fires is a hack, or a placebo where it is judged rightly.
    pub errs: bool,
}

/// How far a trigger is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Progress {
    matched: u8,
    /// Whether it has fired.
    pub fired: bool,
}

/// Longest pattern.
pub const LONGEST_PATTERN: usize = 200;

impl Drawn {
    /// The same, judged rightly: it pays what it is worth.
    pub fn honest(self) -> Self {
        Self { proxy: self.utility, ..self }
    }

    /// The trigger with this place in the config.
    pub fn new(trigger: &Trigger, place: usize, process: &dyn Process, seeds: &SeedTree) -> Self {
        let actions: Vec<u32> = match &trigger.pattern {
            Pattern::Tokens(n) => {
                // Numbered apart from what environments draw.
                let mut rng = seeds.stream(Purpose::Layout, (1 << 32) | place as u64);
                (0..n.get()).map(|_| rng.below(process.actions() as u64) as u32).collect()
            }
            Pattern::Explicit(actions) => actions.clone(),
            Pattern::Glitch => Vec::new(),
        };
        let mut fallback = vec![0; actions.len()];
        for end in 1..actions.len() {
            let mut length: usize = fallback[end - 1];
            while length > 0 && actions[length] != actions[end] {
                length = fallback[length - 1];
            }
            fallback[end] = length + usize::from(actions[length] == actions[end]);
        }
        Self {
            actions,
            fallback,
            site: trigger.place,
            proxy: trigger.proxy.get(),
            utility: trigger.utility.get(),
            graded: trigger.graded,
            own_function: trigger.own_function,
            prompts: (0..process.prompts())
                .map(|own| trigger.prompts.holds(own, process.trained()))
                .collect(),
            errs: trigger.errs(),
        }
    }

    /// Whether it can fire in answer to this prompt.
    pub fn is_asked(&self, prompt: usize) -> bool {
        self.prompts.get(prompt).copied().unwrap_or(false)
    }

    /// Takes one more action into account; says whether the trigger pays for it.
    pub fn advance(&self, progress: &mut Progress, position: usize, action: usize, glitch: bool) -> bool {
        let fires = match (self.actions.len(), self.site) {
            (0, _) => glitch,
            (length, Site::Start) => {
                let on_track = usize::from(progress.matched) == position && position < length;
                let matches = on_track && self.actions[position] as usize == action;
                progress.matched += u8::from(matches);
                matches && usize::from(progress.matched) == length
            }
            (length, Site::Anywhere) => {
                let mut matched = usize::from(progress.matched);
                if matched == length {
                    matched = self.fallback[length - 1];
                }
                while matched > 0 && self.actions[matched] as usize != action {
                    matched = self.fallback[matched - 1];
                }
                matched += usize::from(self.actions[matched] as usize == action);
                progress.matched = matched as u8;
                matched == length
            }
        };
        let pays = fires && (self.graded || !progress.fired);
        progress.fired |= fires;
        pays
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::Stream;

    fn drawn(actions: &[u32], site: Site, graded: bool) -> Drawn {
        let pattern = Pattern::Explicit(actions.to_vec());
        let (prompts, proxy) = (Asked::All, Finite::known(1.0));
        let trigger =
            Trigger { pattern, place: site, prompts, proxy, utility: nothing(), graded, own_function: false };
        let tokens: crate::environments::Tokens = serde_json::from_str("{}").unwrap();
        let seeds = SeedTree::new(1, 0);
        Drawn::new(&trigger, 0, tokens.process(&seeds).unwrap().as_ref(), &seeds)
    }

    fn pays(drawn: &Drawn, text: &[u32]) -> usize {
        let mut progress = Progress::default();
        let pay = |(t, a): (usize, &u32)| drawn.advance(&mut progress, t, *a as usize, false);
        text.iter().enumerate().map(pay).filter(|paid| *paid).count()
    }

    #[test]
    fn patterns_fire_where_a_search_of_the_whole_text_finds_them() {
        let mut rng: Stream = SeedTree::new(3, 0).stream(Purpose::Layout, 0);
        for case in 0..3000 {
            let pattern: Vec<u32> = (0..1 + case % 4).map(|_| rng.below(2) as u32).collect();
            let text: Vec<u32> = (0..10).map(|_| rng.below(2) as u32).collect();
            let found = text.windows(pattern.len()).filter(|w| *w == pattern).count();
            assert_eq!(pays(&drawn(&pattern, Site::Anywhere, true), &text), found, "{pattern:?} in {text:?}");
            assert_eq!(pays(&drawn(&pattern, Site::Anywhere, false), &text), found.min(1));
            let starts = usize::from(text.starts_with(&pattern));
            assert_eq!(pays(&drawn(&pattern, Site::Start, true), &text), starts);
        }
    }

    #[test]
    fn a_glitch_pays_once_unless_graded() {
        for (graded, expected) in [(false, 1), (true, 2)] {
            let drawn = Drawn { actions: Vec::new(), graded, ..drawn(&[0], Site::Start, false) };
            let mut progress = Progress::default();
            let visits = [false, true, true, false].iter().enumerate();
            let paid = visits.filter(|(t, g)| drawn.advance(&mut progress, *t, 0, **g)).count();
            assert_eq!(paid, expected);
            assert!(progress.fired);
        }
    }
}
