//! Evaluation logs of Inspect: `.json`, and `.eval`, a ZIP archive with a file for each sample
//! (<https://inspect.aisi.org.uk/eval-logs.html>).

use super::error::Error;
use super::json_value::parse;
use super::natural::natural;
use super::source::{self, Expanding, MAX_RECORD};
use super::spool;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zip::ZipArchive;

/// The samples of an archive, one after the other.
pub(super) struct Archive<'a> {
    path: &'a Path,
    archive: ZipArchive<File>,
    samples: std::vec::IntoIter<String>,
    left: u64,
    limit: u64,
}

impl<'a> Archive<'a> {
    pub fn open(path: &'a Path, limit: u64) -> Result<Self, Error> {
        let file = spool::file(path)?;
        let archive = ZipArchive::new(file).map_err(|e| damaged(path, e.into()))?;
        let is_sample = |name: &str| name.starts_with("samples/") && name.ends_with(".json");
        let names = archive.file_names().filter_map(Result::ok).filter(|name| is_sample(name));
        let mut samples: Vec<String> = names.map(Cow::into_owned).collect();
        samples.sort_by(|a, b| natural(a, b));
        if samples.is_empty() {
            let what =
                "it is a ZIP archive without samples/*.json, which the .eval log of Inspect would have";
            return Err(Error::Empty { path: path.to_owned(), what });
        }
        Ok(Self { path, archive, samples: samples.into_iter(), left: limit, limit })
    }

    /// The next sample.
    pub fn next(&mut self, row: usize) -> Result<Option<Map<String, Value>>, Error> {
        let Some(name) = self.samples.next() else { return Ok(None) };
        let inside = self.path.join(&name);
        let entry = self.archive.by_name(&name).map_err(|e| damaged(self.path, e.into()))?;
        let mut bytes = Vec::new();
        let mut reader = Expanding::new(entry, self.left).take(MAX_RECORD as u64 + 1);
        reader.read_to_end(&mut bytes).map_err(|e| match source::explain(self.path, e) {
            Error::TooLarge { path, .. } => Error::TooLarge { path, limit: self.limit },
            other => other,
        })?;
        let place = || super::error::Place { file: inside.clone(), line: None, row };
        if bytes.len() > MAX_RECORD {
            return Err(Error::TooLong { place: place(), limit: MAX_RECORD });
        }
        self.left -= bytes.len() as u64;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::NotUtf8 { place: place() })?;
        match parse(text) {
            Ok(Value::Object(object)) => Ok(Some(object)),
            Ok(_) => Err(Error::Json { place: place(), message: "a sample is an object".to_owned() }),
            Err(error) => Err(Error::Json { place: place(), message: error.to_string() }),
        }
    }
}

fn damaged(path: &Path, error: std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(_) => Error::Io { path: path.to_owned(), source: error },
        None => Error::Compressed { path: path.to_owned(), message: error.to_string() },
    }
}

/// A sample as a rollout: `prompt`, `completion`, and each score as `scores/<scorer>/value` with correct 1, partial .5,
/// incorrect and no answer 0, as Inspect counts them.
pub(super) fn simplified(mut sample: Map<String, Value>) -> Map<String, Value> {
    let mut rollout = Map::new();
    for key in ["id", "epoch", "uuid"] {
        if let Some(value) = sample.remove(key) {
            rollout.insert(format!("sample_{key}"), value);
        }
    }
    if let Some(input) = sample.remove("input") {
        rollout.insert("prompt".to_owned(), input);
    }
    let output = sample.get("output");
    let message = output.and_then(|o| o.get("choices")?.get(0)?.get("message")?.get("content"));
    let completion = match output.and_then(|o| o.get("completion")) {
        Some(Value::String(text)) if !text.is_empty() => Some(Value::String(text.clone())),
        _ => message.map(|content| match content.as_array() {
            Some(pieces) => {
                let texts = pieces.iter().filter_map(|piece| piece.get("text")?.as_str());
                Value::String(texts.collect::<Vec<_>>().join("\n"))
            }
            None => content.clone(),
        }),
    };
    if let Some(completion) = completion {
        rollout.insert("completion".to_owned(), completion);
    }
    if let Some(Value::Object(scores)) = sample.remove("scores") {
        let scores = scores.into_iter().map(|(scorer, mut score)| {
            let value = score.get_mut("value").map(Value::take).unwrap_or_default();
            (scorer, Value::Object(Map::from_iter([("value".to_owned(), number(value))])))
        });
        rollout.insert("scores".to_owned(), Value::Object(scores.collect()));
    }
    rollout
}

/// The number of a score.
fn number(value: Value) -> Value {
    match value {
        Value::String(text) => match text.as_str() {
            "C" => Value::from(1.0),
            "P" => Value::from(0.5),
            "I" | "N" => Value::from(0.0),
            _ => Value::String(text),
        },
        Value::Bool(flag) => Value::from(f64::from(u8::from(flag))),
        Value::Object(parts) => {
            Value::Object(parts.into_iter().map(|(key, part)| (key, number(part))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn samples_become_rollouts() {
        let sample = json!({
            "id": 3, "epoch": 1, "input": [{"role": "user", "content": "q"}], "target": "4",
            "output": {"choices": [{"message": {"role": "assistant", "content": [{"type": "text", "text": "4"}]}}]},
            "scores": {"match": {"value": "C", "answer": "4"}, "judge": {"value": {"a": "P", "b": 2}}},
        });
        let rollout = simplified(sample.as_object().unwrap().clone());
        assert_eq!(rollout["completion"], "4");
        assert_eq!(rollout["scores"]["match"]["value"], 1.0);
        assert_eq!(rollout["scores"]["judge"]["value"], json!({"a": 0.5, "b": 2}));
        assert_eq!((rollout["sample_id"].clone(), rollout.contains_key("epoch")), (json!(3), false));
    }
}
