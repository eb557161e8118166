//! Rollouts that a program tells step by step: as lines of JSON, `{"step": 7, "rewards": [0.3, …], "prompts": […], "completions": […]}`,
//! or one [`Message`] after the other.

use super::rows::{Facts, Row};
use crate::monitor::reading::RowText;
use crate::record::parse_json;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;
use twox_hash::XxHash64;

/// A step, as a program tells it. Every list that is not empty has an element for each rollout.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The training step.
    #[serde(deserialize_with = "whole")]
    pub step: u64,
    /// A reward for each rollout; null or NaN where there is none.
    #[serde(deserialize_with = "numbers")]
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
    /// What the rewards are made of, by name; null where there is none.
    #[serde(default, deserialize_with = "named_numbers")]
    pub parts: BTreeMap<String, Vec<Option<f64>>>,
    /// Log-probability of each completion under the policy that sampled it, in nats.
    #[serde(default, deserialize_with = "numbers")]
    pub log_probs: Vec<Option<f64>>,
    /// The same under the reference policy.
    #[serde(default, deserialize_with = "numbers")]
    pub ref_log_probs: Vec<Option<f64>>,
}

/// A number, a truth value as 0 or 1, and nothing for null and NaN. Python writes NaN and Infinity bare, which reach us as words.
fn number(value: &Value) -> Result<Option<f64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(f64::from(u8::from(*flag)))),
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(word) => match word.parse::<f64>() {
            Ok(value) if value.is_nan() => Ok(None),
            Ok(value) if value.is_infinite() => Ok(Some(value)),
            _ => Err(format!("`{word}` is not a number")),
        },
        other => Err(format!("`{other}` is not a number")),
    }
}

fn list<E: serde::de::Error>(values: &[Value]) -> Result<Vec<Option<f64>>, E> {
    values.iter().map(number).collect::<Result<_, _>>().map_err(E::custom)
}

fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Option<f64>>, D::Error> {
    list(&Vec::<Value>::deserialize(from)?)
}

fn named_numbers<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Vec<Option<f64>>>, D::Error> {
    let named = BTreeMap::<String, Vec<Value>>::deserialize(from)?;
    named.into_iter().map(|(name, values)| Ok((name, list(&values)?))).collect()
}

/// A whole number, 0 or above, also as a float.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(from)?;
    let float = value.as_f64().filter(|step| step.fract() == 0.0 && (0.0..9e15).contains(step));
    let found = value.as_u64().or(float.map(|step| step as u64));
    found.ok_or_else(|| serde::de::Error::custom(format!("step {value} is not a whole number from 0 on")))
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
        let message: Self = parse_json(line).and_then(Self::deserialize).map_err(|error| {
            // A line has one line.
            let error = error.to_string().replace(" at line 1 column ", " at column ");
            format!("{error}; a line is {{\"step\": 7, \"rewards\": [0.3, null], \"prompts\": [..], \"completions\": [..], \"groups\": [..]}}")
        })?;
        message.check()?;
        Ok(message)
    }

    /// Whether its lists fit each other and its rewards are finite.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let rollouts = self.rewards.len();
        let lengths = [
            ("groups", self.groups.len()),
            ("prompts", self.prompts.len()),
            ("completions", self.completions.len()),
            ("log_probs", self.log_probs.len()),
            ("ref_log_probs", self.ref_log_probs.len()),
        ];
        let parts = self.parts.iter().filter(|(_, of)| of.len() != rollouts);
        let unfit = lengths.into_iter().filter(|(_, length)| *length > 0 && *length != rollouts);
        if let Some((name, length)) = unfit.chain(parts.map(|(name, of)| (name.as_str(), of.len()))).next() {
            return Err(format!("`{name}` has {length} elements, `rewards` has {rollouts}"));
        }
        let infinite =
            |(at, reward): (usize, &Option<f64>)| Some((at, (*reward)?)).filter(|(_, r)| !r.is_finite());
        match self.rewards.iter().enumerate().find_map(infinite) {
            Some((at, reward)) => Err(format!(
                "reward {at} is {reward}: give a finite number, or none where there is no reward"
            )),
            None => Ok(()),
        }
    }

    /// The numbers that stand beside the reward of a rollout: those that are finite, which a state can keep.
    fn beside(&self, at: usize) -> Vec<(String, f64)> {
        let named = self.parts.iter().map(|(name, of)| (name.as_str(), of));
        named
            .chain([("log_prob", &self.log_probs), ("ref_log_prob", &self.ref_log_probs)])
            .filter_map(|(name, of)| {
                Some((name.to_owned(), (*of.get(at)?).filter(|value| value.is_finite())?))
            })
            .collect()
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
            texts.insert(
                at,
                RowText { prompt, completion, left_out: 0, parts: self.beside(at), line: Some(line) },
            );
        }
        (rows, texts)
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
        // As Python writes it.
        let python = Message::read(
            r#"{"step": 4.0, "rewards": [NaN, true, 1], "completions": ["a\ud83d", "b", "c"]}"#,
        )
        .unwrap();
        assert_eq!((python.step, &python.rewards[..]), (4, &[None, Some(1.0), Some(1.0)][..]));
        for (line, problem) in [
            ("{\"step\": 3}", "rewards"),
            ("{\"step\": 3, \"rewards\": [Infinity]}", "reward 0 is inf"),
            ("{\"step\": 3.5, \"rewards\": [1]}", "step 3.5 is not a whole number"),
            ("{\"step\": 3, \"rewards\": [\"x\"]}", "`x` is not a number"),
            ("{\"step\": 3, \"rewards\": [1], \"prompts\": [\"a\", \"b\"]}", "`prompts` has 2"),
            ("{\"step\": 3, \"rewards\": [1], \"prompt\": [\"a\"]}", "unknown field `prompt`"),
            ("{\"step\": 3, \"rewards\": [1], \"parts\": {\"quality\": [1, 2]}}", "`quality` has 2"),
        ] {
            let error = Message::read(line).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
