//! How many rollouts one record holds: one, one for each element of a list, or as many as its columns are long.

use super::error::{Error, Place};
use super::json_value::{descend, is_chat, lookup};
use super::names::{COMPLETION, PERHAPS_COMPLETION};
use super::names::{PROMPT, STEP};
use serde_json::{Map, Value};

/// How rows lie in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfold {
    /// The record is one row.
    One,
    /// These keys hold lists of one length, an element for each row; the others belong to all of its rows.
    Lists(Vec<String>),
    /// Either: completions and rewards are lists of one length, but the prompt is not. Turns, or samples.
    Unclear {
        /// The completions.
        completions: String,
        /// Numbers of the same length.
        numbers: String,
        /// How many.
        length: usize,
    },
    /// Each element of the list at this path is a row.
    Each(String),
}

impl Unfold {
    /// What the first records say. `as_rollouts`: each element of a list is known to be a rollout.
    pub fn of(sample: &[Map<String, Value>], as_rollouts: bool) -> Self {
        let mut keys: Option<Vec<&String>> = None;
        let (mut longest, mut unequal) = (0, false);
        for object in sample {
            let lists: Vec<(&String, usize)> = object
                .iter()
                .filter_map(|(key, value)| Some((key, value.as_array().filter(|list| !is_chat(list))?.len())))
                .collect();
            let length = length_of_numbers(object).or_else(|| lists.first().map(|list| list.1));
            let equal = lists.iter().filter(|list| Some(list.1) == length).map(|list| list.0);
            unequal |= lists.iter().any(|list| Some(list.1) != length);
            longest = longest.max(length.unwrap_or(0));
            let equal: Vec<&String> = equal.collect();
            keys = Some(match keys {
                Some(before) => before.into_iter().filter(|key| equal.contains(key)).collect(),
                None => equal,
            });
        }
        let keys = keys.unwrap_or_default();
        // A list of one is what stands in it, either way.
        if longest < 2 || keys.is_empty() {
            return Self::One;
        }
        let named = |names: &[&str]| keys.iter().find(|key| names.contains(&key.as_str())).copied();
        let texts = named(COMPLETION).or_else(|| named(PERHAPS_COMPLETION)).or_else(|| named(&["texts"]));
        let lists = || Self::Lists(keys.iter().map(|key| (*key).clone()).collect());
        if as_rollouts {
            return lists();
        }
        if unequal || keys.len() < 2 {
            return Self::One;
        }
        if named(STEP).is_some() || (texts.is_some() && named(PROMPT).or(named(&["prompts"])).is_some()) {
            return lists();
        }
        let numbers = keys.iter().find(|key| {
            sample
                .iter()
                .any(|object| object.get(**key).and_then(Value::as_array).is_some_and(|l| is_numbers(l)))
        });
        match (texts, numbers) {
            (Some(completions), Some(numbers)) => Self::Unclear {
                completions: completions.clone(),
                numbers: (*numbers).clone(),
                length: longest,
            },
            _ => Self::One,
        }
    }

    /// The same where these columns are wanted: a `*` in a name makes a row of each element.
    pub fn under(&self, wanted: &[&str]) -> Self {
        match wanted.iter().find_map(|name| star(name)) {
            Some((list, _)) => Self::Each(list.to_owned()),
            None => self.clone(),
        }
    }

    /// How many rows a record holds.
    pub fn rows(&self, object: &Map<String, Value>, place: impl Fn() -> Place) -> Result<usize, Error> {
        match self {
            Self::One | Self::Unclear { .. } => Ok(1),
            Self::Each(list) => Ok(lookup(object, list).and_then(Value::as_array).map_or(0, Vec::len)),
            Self::Lists(keys) => {
                let mut first: Option<(&String, usize)> = None;
                for key in keys {
                    let Some(list) = object.get(key).and_then(Value::as_array) else { continue };
                    match first {
                        Some((other, length)) if length != list.len() => {
                            let lists = [(other.clone(), length), (key.clone(), list.len())];
                            return Err(Error::Lengths { place: place(), lists });
                        }
                        Some(_) => {}
                        None => first = Some((key, list.len())),
                    }
                }
                Ok(first.map_or(1, |(_, length)| length))
            }
        }
    }

    /// The value of a column in the i-th of a record's rows.
    pub fn find<'a>(
        &self,
        object: &'a Map<String, Value>,
        name: &str,
        i: usize,
        rows: usize,
    ) -> Option<&'a Value> {
        match self {
            Self::One | Self::Unclear { .. } => lookup(object, name),
            Self::Each(list) => match star(name) {
                Some((of, rest)) if of == list => {
                    let element = lookup(object, list)?.as_array()?.get(i)?;
                    if rest.is_empty() { Some(element) } else { descend(element, rest) }
                }
                Some(_) => None,
                None => lookup(object, name),
            },
            Self::Lists(keys) => match lookup(object, name)? {
                Value::Array(list)
                    if list.len() == rows
                        && (keys.iter().any(|key| key == name) || !object.contains_key(name)) =>
                {
                    list.get(i)
                }
                other => Some(other),
            },
        }
    }
}

/// The list before a `*` in a name, and what follows.
fn star(name: &str) -> Option<(&str, &str)> {
    if let Some(list) = name.strip_suffix("/*").or_else(|| name.strip_suffix(".*")) {
        return Some((list, ""));
    }
    name.split_once("/*/").or_else(|| name.split_once(".*."))
}

/// The one length of a record's lists of numbers.
fn length_of_numbers(object: &Map<String, Value>) -> Option<usize> {
    let mut lengths =
        object.values().filter_map(Value::as_array).filter(|list| is_numbers(list)).map(Vec::len);
    let first = lengths.next()?;
    lengths.all(|length| length == first).then_some(first)
}

fn is_numbers(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|value| value.is_number() || value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn unfold(record: &Value, as_rollouts: bool) -> Unfold {
        Unfold::of(&[record.as_object().unwrap().clone()], as_rollouts)
    }

    fn lists(keys: &[&str]) -> Unfold {
        Unfold::Lists(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn columns_in_a_line_are_told_from_turns() {
        let columns = json!({"prompt": ["p", "q"], "completion": ["a", "b"], "reward": [1, 2], "step": 3});
        assert_eq!(unfold(&columns, false), lists(&["prompt", "completion", "reward"]));
        let stepped = json!({"step": [1, 2], "reward": [1, 2]});
        assert_eq!(unfold(&stepped, false), lists(&["step", "reward"]));
        let turns = json!({"prompt": "p", "completion": "a", "reward": [0, 1], "kl": [0.1, 0.2]});
        assert_eq!(unfold(&turns, false), Unfold::One);
        let chat =
            json!({"prompt": [{"role": "user", "content": "p"}], "completion": ["a", "b"], "reward": [0, 1]});
        assert!(matches!(unfold(&chat, false), Unfold::Unclear { length: 2, .. }));
        assert_eq!(unfold(&chat, true), lists(&["completion", "reward"]));
        let one = json!({"content": ["a"], "rewards": [1.5]});
        assert_eq!(unfold(&one, false), Unfold::One);
    }

    #[test]
    fn rows_are_found_in_lists_and_below_stars() {
        let record = json!({"id": 1, "traces": [{"r": {"s": 1}}, {"r": {"s": 2}}]});
        let object = record.as_object().unwrap();
        let each = Unfold::One.under(&["traces/*/r/s", "id"]);
        let place = || Place { file: "x".into(), line: None, row: 0 };
        assert_eq!(each.rows(object, place).unwrap(), 2);
        assert_eq!(each.find(object, "traces/*/r/s", 1, 2), Some(&json!(2)));
        assert_eq!(each.find(object, "id", 1, 2), Some(&json!(1)));
        assert_eq!(Unfold::One.find(object, "traces/1/r/s", 0, 1), Some(&json!(2)));
        let uneven = json!({"a": [1, 2], "b": [1]});
        let error = lists(&["a", "b"]).rows(uneven.as_object().unwrap(), place);
        assert!(error.is_err_and(|e| e.to_string().contains("`a` holds 2 elements, `b` holds 1")));
    }
}
