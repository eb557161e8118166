//! Completions of a growing log after its reference, by whole groups: those that hold a text are held against the others of their groups
//! while it spread, as `detect` does with a finished log.

use super::since::ends;
use crate::monitor::reading::{Holds, Level, NewText, RowText, Scored, Strata, holds, paid_before};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Bytes of text that are kept.
const BYTES: usize = 1 << 23;
/// Rollouts without a completion from which on a log is one without them.
const WITHOUT: usize = 100;

/// The rollouts that are kept, with their completions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    strata: Strata,
    texts: BTreeMap<u64, String>,
    bytes: usize,
    /// Rollouts that were told without a completion.
    without: usize,
    /// Rollouts whose completions were wanted.
    #[serde(skip)]
    asked: HashSet<u64>,
}

impl Spread {
    /// The rollouts of a step after the reference whose completions are wanted, with their places.
    pub fn see(&mut self, scored: &[Scored], groups: &[u64], prompts: &[u64]) -> Vec<(u64, usize)> {
        let without = self.texts.is_empty() && self.without >= WITHOUT;
        if without || !self.strata.comes() {
            return Vec::new();
        }
        let wanted = self.strata.see(scored, groups, prompts);
        self.asked.extend(wanted.iter().map(|(number, _)| *number));
        while self.strata.is_full() {
            self.halve();
        }
        wanted
    }

    fn halve(&mut self) {
        for number in self.strata.halve() {
            self.asked.remove(&number);
            if let Some(text) = self.texts.remove(&number) {
                self.bytes -= text.len();
            }
        }
    }

    /// The completion of a rollout, if it was wanted.
    pub fn tell(&mut self, number: u64, text: &RowText) {
        if !self.asked.remove(&number) {
            return;
        }
        match &text.completion {
            Some(completion) => {
                let text = ends(completion);
                self.bytes += text.len();
                self.texts.insert(number, text);
                if self.bytes > BYTES {
                    self.halve();
                }
            }
            None => self.without += 1,
        }
    }

    /// The first of these texts that was paid for when it came.
    pub fn paid(&self, found: &[NewText], levels: &[Level]) -> Option<NewText> {
        let held: HashMap<u64, Holds> =
            self.texts.iter().map(|(number, text)| (*number, holds(found, text))).collect();
        paid_before(&self.strata, &held, found, levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_texts_fewer_are_kept() {
        let mut spread = Spread::default();
        let long = RowText { completion: Some("\u{4e2d}".repeat(2000)), ..RowText::default() };
        let groups: Vec<u64> = (0..64).map(|row| row / 8).collect();
        let step = |step: u64| -> Vec<Scored> {
            let one = |row| Scored { row: 64 * step + row, step, reward: 0.0, centre: 0.0, outcome: row };
            (0..64).map(one).collect()
        };
        for at in 0..1000 {
            for (number, _) in spread.see(&step(at), &groups, &[]) {
                spread.tell(number, &long);
            }
        }
        let kept: usize = spread.texts.values().map(String::len).sum();
        assert!(kept == spread.bytes && kept <= BYTES && kept > BYTES / 4, "{kept}");
        assert_eq!(spread.strata.numbers().count(), spread.texts.len());
        assert!(spread.asked.is_empty());
        // A log without completions is asked for none.
        let mut none = Spread::default();
        for at in 0..3 {
            for (number, _) in none.see(&step(at), &groups, &[]) {
                none.tell(number, &RowText::default());
            }
        }
        assert_eq!(none.see(&step(3), &groups, &[]), []);
    }
}
