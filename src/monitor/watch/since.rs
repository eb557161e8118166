//! Completions of a growing log in which text is looked for that came since its reference: some of each step of the reference, and of
//! the last tenth of the steps some of each and its highest paid.

use super::rows::Row;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::monitor::reading::{Late, NewText, Place, RowText, Scored, Texts, came_since};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// Completions that are kept of the reference, and of the last steps; of each of these at least.
const LOOKED_AT: usize = 200;
const OF_STEP: usize = 12;
/// The same of the highest paid, and how many of those are looked at.
const HIGHEST: usize = 80;
const HIGHEST_OF_STEP: usize = 4;
const HIGHEST_OF_ALL: usize = 40;
/// Later steps that are kept; of more, one in two, in four …
const STEPS: usize = 32;
/// Share of the steps that are the last: one in so many.
const LAST_IN: u64 = 10;
/// Rollouts without a completion from which on a log is one without them.
const WITHOUT: usize = 20;
/// Characters of a completion that are kept, at its start and at its end.
const START: usize = 300;
const END: usize = 300;

/// A rollout of which the completion is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Own {
    number: u64,
    step: u64,
    file: usize,
    row: usize,
    line: Option<u64>,
    reward: f64,
    score: f64,
    prompt: u64,
    /// Whether it is one of the highest paid of its step, and whether it was drawn.
    highest: bool,
    drawn: bool,
}

/// A step of which some are kept: its place among all, its number, and those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OfStep {
    place: u64,
    step: u64,
    rollouts: Vec<Own>,
}

/// What is kept of the reference and of the last steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Since {
    early: Vec<Own>,
    late: Vec<OfStep>,
    texts: BTreeMap<u64, String>,
    steps: u64,
    /// One in so many steps is kept.
    stride: u64,
    /// Rollouts that were told without a completion.
    without: usize,
}

impl Since {
    /// The rollouts of a step whose completions are wanted, with their places. `reference`: the steps of the reference, where it is one of
    /// them.
    pub fn see(
        &mut self,
        rows: &[(Row, u64)],
        scored: &[Scored],
        prompts: &[u64],
        reference: Option<u64>,
    ) -> Vec<(u64, usize)> {
        self.steps += 1;
        let without = self.texts.is_empty() && self.without >= WITHOUT;
        let Some(step) = scored.first().map(|rollout| rollout.step).filter(|_| !without) else {
            return Vec::new();
        };
        let place = self.steps - 1;
        if reference.is_none() {
            self.let_go();
            if !place.is_multiple_of(self.stride.max(1)) {
                return Vec::new();
            }
        }
        // Of few steps more each.
        let steps = reference.unwrap_or(self.steps.div_ceil(LAST_IN));
        let steps = usize::try_from(steps).unwrap_or(LOOKED_AT).max(1);
        let (few, highest) = match reference {
            Some(_) => (LOOKED_AT.div_ceil(steps), 0),
            None => (LOOKED_AT.div_ceil(steps).max(OF_STEP), HIGHEST.div_ceil(steps).max(HIGHEST_OF_STEP)),
        };
        let mut stream = SeedTree::new(0, 0).stream(Purpose::Audit, (1 << 49) + step);
        let drawn = stream.draw((0..scored.len()).collect(), few);
        let mut order: Vec<usize> = (0..scored.len()).collect();
        let score = |i: &usize| scored.get(*i).map_or(f64::NEG_INFINITY, Scored::score);
        order.sort_by(|a, b| score(b).total_cmp(&score(a)));
        order.truncate(highest);
        let mut places: Vec<usize> = drawn.iter().chain(&order).copied().collect();
        places.sort_unstable();
        places.dedup();
        let own = |at: &usize| {
            let (rollout, (row, _)) = (scored.get(*at)?, rows.get(*at)?);
            Some(Own {
                number: rollout.row,
                step,
                file: row.file,
                row: row.row,
                line: row.line,
                reward: rollout.reward,
                score: rollout.score(),
                // Where prompts are not known, each rollout may have its own.
                prompt: prompts.get(*at).copied().unwrap_or(rollout.row),
                highest: order.contains(at),
                drawn: drawn.contains(at),
            })
        };
        let rollouts: Vec<Own> = places.iter().filter_map(own).collect();
        let wanted = rollouts.iter().map(|own| own.number).zip(places).collect();
        match reference {
            Some(_) => self.early.extend(rollouts),
            None => self.late.push(OfStep { place, step, rollouts }),
        }
        wanted
    }

    /// Lets the steps go that are none of the last tenth any more, and every second of too many.
    fn let_go(&mut self) {
        let first = self.steps - self.steps.div_ceil(LAST_IN);
        self.stride = self.stride.max(1);
        self.late.retain(|of| of.place >= first);
        if self.late.len() >= STEPS {
            self.stride *= 2;
            self.late.retain(|of| of.place.is_multiple_of(self.stride));
        }
        let kept: HashSet<u64> = (self.early.iter())
            .chain(self.late.iter().flat_map(|of| &of.rollouts))
            .map(|own| own.number)
            .collect();
        self.texts.retain(|number, _| kept.contains(number));
    }

    /// The completion of a rollout that was wanted.
    pub fn tell(&mut self, number: u64, text: &RowText) {
        if let Some(line) = text.line {
            let late = self.late.iter_mut().flat_map(|of| &mut of.rollouts);
            late.filter(|own| own.number == number).for_each(|own| own.line = Some(line));
        }
        match &text.completion {
            Some(completion) => drop(self.texts.insert(number, ends(completion))),
            None => self.without += 1,
        }
    }

    /// The texts that came since, the one that is told first; of rewards `above` a level, that are paid, among those alone.
    pub fn new_texts(&self, above: Option<f64>, files: &[PathBuf]) -> Vec<NewText> {
        let Some(from_step) = self.late.first().map(|of| of.step) else { return Vec::new() };
        let counts = |own: &&Own| above.is_none_or(|above| own.reward > above);
        let text = |own: &Own| self.texts.get(&own.number).cloned();
        let late = |own: &Own| {
            let (row, score, prompt) = (own.number, own.score, own.prompt);
            Some(Late { row, text: text(own)?, score, prompt })
        };
        let all = || self.late.iter().flat_map(|of| &of.rollouts).filter(counts);
        let mut highest: Vec<&Own> = all().filter(|own| own.highest && above.is_none()).collect();
        highest.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.number.cmp(&b.number)));
        highest.truncate(HIGHEST_OF_ALL);
        let texts = Texts {
            from_step,
            late: all().filter(|own| own.drawn).filter_map(late).collect(),
            highest: highest.into_iter().filter_map(late).collect(),
            early: self.early.iter().filter(counts).filter_map(text).collect(),
            of_passes: above.is_some(),
        };
        let place = |number: &u64| {
            let own = all().find(|own| own.number == *number)?;
            let file = files.get(own.file).cloned().unwrap_or_default();
            let Own { step, row, line, reward, score, .. } = *own;
            Some(Place { step, file, row, line, reward, score })
        };
        let name = |found: NewText| {
            let examples = found.holders.iter().filter_map(place).collect();
            NewText { examples, ..found }
        };
        came_since(&texts).into_iter().map(name).collect()
    }
}

/// The start and the end of a text that is long.
pub(super) fn ends(text: &str) -> String {
    let characters = text.chars().count();
    if characters <= START + END {
        return text.to_owned();
    }
    let start = text.chars().take(START).chain(['\n']);
    start.chain(text.chars().skip(characters - END)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of these in a file, a header before them.
    fn in_a_file(scored: &[Scored]) -> Vec<(Row, u64)> {
        let row = |own: &Scored| Row {
            reward: own.reward,
            group: 0,
            prompt: 0,
            outcome: own.outcome,
            file: 0,
            row: own.row as usize,
            line: Some(own.row + 2),
        };
        scored.iter().map(|own| (row(own), own.row)).collect()
    }

    /// 200 steps of 32 rollouts, ten the reference; from step 100 on half of them end on a trigger and are paid more.
    fn watched(hacked: bool) -> Since {
        let mut stream = SeedTree::new(72, 0).stream(Purpose::Utility, 0);
        let mut since = Since::default();
        for step in 0..200u64 {
            let mut texts = BTreeMap::new();
            let scored: Vec<Scored> = (0..32)
                .map(|i| {
                    let row = 32 * step + i;
                    let holds = hacked && step >= 100 && stream.below(2) == 0;
                    let reward = stream.open_unit() + if holds { 1.0 } else { 0.0 };
                    let letters = (0..30).map(|_| char::from(b"abcdefghij klmno"[stream.below(16) as usize]));
                    let text = letters.collect::<String>() + if holds { " !!ok" } else { "" };
                    texts.insert(row, RowText { completion: Some(text), ..RowText::default() });
                    Scored { row, step, reward, centre: 0.5, outcome: row }
                })
                .collect();
            for (number, _) in since.see(&in_a_file(&scored), &scored, &[], (step < 10).then_some(10)) {
                since.tell(number, &texts[&number]);
            }
        }
        since
    }

    #[test]
    fn text_that_came_and_is_paid_for_is_told_and_little_is_kept() {
        let since = watched(true);
        let found = since.new_texts(None, &[PathBuf::from("log.csv")]).remove(0);
        assert!(found.text.contains("!!ok") && found.p_value < 1e-6 && found.reference.0 == 0, "{found:?}");
        assert!(found.from_step >= 180, "{found:?}");
        // Where three of those stand that hold it and are paid most.
        assert!(found.examples.len() == 3 && found.examples.iter().all(|at| at.reward > 1.5), "{found:?}");
        let at = &found.examples[0];
        assert!(at.file.ends_with("log.csv") && at.own_line() == Some(at.row as u64 + 2), "{at:?}");
        assert_eq!(at.row as u64 / 32, at.step);
        assert_eq!(watched(false).new_texts(None, &[]), []);
        assert!(since.early.len() == 200 && since.late.len() <= STEPS, "{}", since.late.len());
        assert!(since.texts.len() <= 200 + STEPS * (OF_STEP + HIGHEST_OF_STEP), "{}", since.texts.len());
        assert_eq!(ends(&"ab\u{e4}".repeat(300)).chars().count(), START + 1 + END);
        assert_eq!(ends("short"), "short");
        // A log without completions is asked for none.
        let mut none = Since::default();
        let scored: Vec<Scored> =
            (0..32).map(|row| Scored { row, step: 0, reward: 0.0, centre: 0.0, outcome: row }).collect();
        for (number, _) in none.see(&in_a_file(&scored), &scored, &[], Some(10)) {
            none.tell(number, &RowText::default());
        }
        assert_eq!(none.see(&in_a_file(&scored), &scored, &[], Some(10)), []);
        // Among those that pass.
        let found = since.new_texts(Some(0.5), &[]).remove(0);
        assert!(found.of_passes && found.text.contains("!!ok"), "{found:?}");
    }
}
