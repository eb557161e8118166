//! Rollouts that come as lines of JSON, a step in each: `{"step": 7, "rewards": [0.3, …], "prompts": […], "completions": […]}`.

use super::rows::{Facts, Row, Seen, WatchSettings};
use super::step::Watch;
use crate::monitor::reading::{ListEntry, Reading, RowText};
use serde::Deserialize;
use std::collections::HashMap;
use std::hash::Hasher;
use twox_hash::XxHash64;

/// A step, as a program tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The training step.
    pub step: u64,
    /// A reward for each rollout; null where there is none.
    pub rewards: Vec<Option<f64>>,
    /// Which rollouts belong together: any text or number.
    #[serde(default)]
    pub groups: Vec<serde_json::Value>,
    /// Their prompts.
    #[serde(default)]
    pub prompts: Vec<serde_json::Value>,
    /// Their completions.
    #[serde(default)]
    pub completions: Vec<serde_json::Value>,
}

/// A text as it is, and anything else as JSON.
fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn hash(parts: &[&str]) -> u64 {
    let mut hasher = XxHash64::with_seed(2);
    for part in parts {
        hasher.write_u64(part.len() as u64);
        hasher.write(part.as_bytes());
    }
    hasher.finish()
}

impl Message {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str) -> Result<Self, String> {
        let message: Self = serde_json::from_str(line).map_err(|error| {
            format!("{error}; a line is {{\"step\": 7, \"rewards\": [0.3, null], \"prompts\": [..], \"completions\": [..], \"groups\": [..]}}")
        })?;
        let rollouts = message.rewards.len();
        let lists = [
            ("groups", &message.groups),
            ("prompts", &message.prompts),
            ("completions", &message.completions),
        ];
        for (name, list) in lists {
            if !list.is_empty() && list.len() != rollouts {
                return Err(format!("`{name}` has {} elements, `rewards` has {rollouts}", list.len()));
            }
        }
        Ok(message)
    }

    /// Its rollouts with their texts, those without a reward left out. `line`: its number, from 1.
    pub fn rows(&self, line: u64, facts: &mut Facts) -> (Vec<Row>, HashMap<usize, RowText>) {
        facts.reward = "rewards".to_owned();
        facts.step = "key `step`".to_owned();
        facts.prompts |= !self.prompts.is_empty();
        facts.groups |= !self.prompts.is_empty() || !self.groups.is_empty();
        facts.group = match (facts.prompts, self.groups.is_empty()) {
            (_, false) => "key `groups`".to_owned(),
            (true, true) => "prompt within the step".to_owned(),
            (false, true) => "none".to_owned(),
        };
        let (mut rows, mut texts) = (Vec::with_capacity(self.rewards.len()), HashMap::new());
        for (at, reward) in self.rewards.iter().enumerate() {
            let Some(reward) = *reward else {
                facts.rows_left_out += 1;
                continue;
            };
            let of = |list: &[serde_json::Value]| list.get(at).map(text);
            let (prompt, completion) = (of(&self.prompts), of(&self.completions));
            let prompt_hash = prompt.as_ref().map_or(0, |prompt| hash(&[prompt]));
            let outcome = match (&prompt, &completion) {
                (prompt, Some(completion)) => hash(&[prompt.as_deref().unwrap_or_default(), completion]),
                _ => hash(&[&format!("{line} {at}")]),
            };
            let group = self.groups.get(at).map_or(prompt_hash, |group| hash(&[&text(group)]));
            rows.push(Row {
                reward,
                group,
                prompt: prompt_hash,
                outcome,
                file: 0,
                row: at,
                line: Some(line),
            });
            texts.insert(at, RowText { prompt, completion, parts: Vec::new(), line: Some(line) });
        }
        (rows, texts)
    }
}

/// A log that comes line by line.
#[derive(Debug)]
pub struct Listening {
    watch: Watch,
    facts: Facts,
    line: u64,
}

impl Listening {
    /// Before the first line.
    pub fn new(settings: WatchSettings) -> Self {
        Self { watch: Watch::new(settings), facts: Facts::default(), line: 0 }
    }

    /// The next line: the step that it holds, judged, and the rollouts of it to read, the reference's own with the first step after
    /// it. Nothing comes of a blank line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn hear(&mut self, line: &str) -> Result<Option<(Seen, Vec<ListEntry>)>, String> {
        self.line += 1;
        if line.trim().is_empty() {
            return Ok(None);
        }
        let message = Message::read(line).map_err(|error| format!("line {}: {error}", self.line))?;
        let (rows, mut texts) = message.rows(self.line, &mut self.facts);
        let seen = self.watch.see(message.step, rows, &self.facts);
        let wanted =
            seen.wanted.iter().filter_map(|wanted| Some((wanted.number, texts.remove(&wanted.row.row)?)));
        self.watch.tell(wanted.collect::<Vec<_>>());
        let entries = self.watch.take(&self.facts);
        Ok(Some((seen, entries)))
    }

    /// The verdict on all that was heard.
    pub fn reading(&self) -> Reading {
        self.watch.reading(&self.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_step_or_says_what_is_wrong() {
        let message =
            Message::read(r#"{"step": 3, "rewards": [1, null, 2.5], "completions": ["a", "b", {"x": 1}]}"#)
                .unwrap();
        let mut facts = Facts::default();
        let (rows, texts) = message.rows(9, &mut facts);
        assert_eq!(
            rows.iter().map(|row| (row.reward, row.row, row.line)).collect::<Vec<_>>(),
            [(1.0, 0, Some(9)), (2.5, 2, Some(9))]
        );
        assert_eq!(texts[&2].completion.as_deref(), Some("{\"x\":1}"));
        assert_eq!((facts.rows_left_out, facts.prompts, facts.groups), (1, false, false));
        for (line, problem) in [
            ("{\"step\": 3}", "rewards"),
            ("{\"step\": 3, \"rewards\": [NaN]}", "column"),
            ("{\"step\": 3, \"rewards\": [1], \"prompts\": [\"a\", \"b\"]}", "`prompts` has 2"),
            ("{\"step\": 3, \"rewards\": [1], \"prompt\": [\"a\"]}", "unknown field `prompt`"),
        ] {
            let error = Message::read(line).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
