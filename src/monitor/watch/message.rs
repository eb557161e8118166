//! Rollouts that a program tells step by step: as lines of JSON, `{"step": 7, "rewards": [0.3, …], "prompts": […], "completions": […]}`,
//! or one [`Message`] after the other.

use super::rows::{Facts, Row, Seen, WatchSettings};
use super::step::Watch;
use crate::monitor::reading::{ListEntry, Reading, RowText};
use crate::record::parse_json;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;
use twox_hash::XxHash64;

/// The version of a state that is kept.
const VERSION: u32 = 9;

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

/// A log that comes step by step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listening {
    watch: Watch,
    facts: Facts,
    line: u64,
}

impl Listening {
    /// Before the first line.
    pub fn new(settings: WatchSettings) -> Self {
        Self { watch: Watch::new(settings, false), facts: Facts::default(), line: 0 }
    }

    /// The next line: the step that it holds, judged, and the rollouts of it to read, the reference's own with the first step after
    /// it. Nothing comes of a blank line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn hear(&mut self, line: &str) -> Result<Option<(Seen, Vec<ListEntry>)>, String> {
        if line.trim().is_empty() {
            self.line += 1;
            return Ok(None);
        }
        match Message::read(line) {
            Ok(told) => Ok(Some(self.judge(&told))),
            Err(error) => {
                self.line += 1;
                Err(format!("line {}: {error}", self.line))
            }
        }
    }

    /// A step that is told as it is; as [`Listening::hear`].
    ///
    /// # Errors
    /// What is wrong with it; then it counts for nothing.
    pub fn take(&mut self, message: &Message) -> Result<(Seen, Vec<ListEntry>), String> {
        message.check()?;
        Ok(self.judge(message))
    }

    fn judge(&mut self, message: &Message) -> (Seen, Vec<ListEntry>) {
        self.line += 1;
        let (rows, mut texts) = message.rows(self.line, &mut self.facts);
        let seen = self.watch.see(message.step, rows, &self.facts);
        let wanted =
            seen.wanted.iter().filter_map(|wanted| Some((wanted.number, texts.remove(&wanted.row.row)?)));
        self.watch.tell(wanted.collect::<Vec<_>>());
        let entries = self.watch.take(&self.facts);
        (seen, entries)
    }

    /// All that was heard and is needed to go on, as bytes.
    ///
    /// # Errors
    /// The words of the writer.
    pub fn state(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(&(VERSION, self)).map_err(|error| error.to_string())
    }

    /// Goes on from what [`Listening::state`] gave.
    ///
    /// # Errors
    /// Bytes that are no state of this version, or one with other settings; then nothing changes.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let kept: (u32, serde_json::Value) =
            serde_json::from_slice(state).map_err(|error| format!("no state of a reading list: {error}"))?;
        if kept.0 != VERSION {
            return Err(format!("a state of version {}, not {VERSION}", kept.0));
        }
        let kept =
            Self::deserialize(kept.1).map_err(|error| format!("no state of a reading list: {error}"))?;
        if kept.watch.settings() != self.watch.settings() {
            let (kept, asked) = (kept.watch.settings(), self.watch.settings());
            return Err(format!("the state was kept with {kept:?}, and {asked:?} is asked now"));
        }
        *self = kept;
        Ok(())
    }

    /// What is known so far.
    pub fn watch(&self) -> &Watch {
        &self.watch
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

    /// Steps of 16 rollouts, with one far above the rest in every seventh.
    fn step(step: u64) -> Message {
        let reward = |i: u64| {
            let noise = ((step * 31 + i) * 2_654_435_761 % 1000) as f64 / 1000.0;
            if step % 7 == 6 && i == 3 { Some(50.0 + noise) } else { Some(noise) }
        };
        let text = |what: &str| (0..16).map(|i| format!("{what} {step} {i}").into()).collect();
        Message {
            step,
            rewards: (0..16).map(reward).collect(),
            prompts: text("prompt"),
            completions: text("completion"),
            parts: [("quality".to_owned(), (0..16).map(reward).collect())].into(),
            log_probs: vec![Some(-3.5); 16],
            ..Message::default()
        }
    }

    #[test]
    fn a_state_goes_on_where_it_was_kept() {
        let (mut whole, mut parted) =
            (Listening::new(WatchSettings::default()), Listening::new(WatchSettings::default()));
        for at in 0..60 {
            let there = whole.take(&step(at)).unwrap();
            assert_eq!(parted.take(&step(at)).unwrap(), there, "step {at}");
            let mut next = Listening::new(WatchSettings::default());
            next.restore(&parted.state().unwrap()).unwrap();
            parted = next;
        }
        assert_eq!(parted.reading(), whole.reading());
        assert!(whole.reading().list.iter().any(|entry| entry.apart && entry.parts.len() == 2));
    }

    #[test]
    fn a_step_that_does_not_fit_and_a_foreign_state_change_nothing() {
        let mut listening = Listening::new(WatchSettings::default());
        listening.take(&step(0)).unwrap();
        let before = listening.state().unwrap();
        let infinite = Message { rewards: vec![Some(1.0), Some(f64::INFINITY)], ..Message::default() };
        assert!(listening.take(&infinite).unwrap_err().contains("reward 1 is inf"));
        let uneven = Message { log_probs: vec![None], ..step(1) };
        assert!(listening.take(&uneven).unwrap_err().contains("`log_probs` has 1 elements"));
        for bytes in [&b""[..], b"{}", b"[3,{}]", b"[2,{}]", &before[..before.len() / 2]] {
            assert!(listening.restore(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        let mut other = Listening::new(WatchSettings { benign: 5.0, ..WatchSettings::default() });
        assert!(other.restore(&before).unwrap_err().contains("5.0"));
        assert_eq!(listening.state().unwrap(), before);
    }
}
