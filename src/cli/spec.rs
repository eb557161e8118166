//! What a command line says in one word: a part with its settings, `student_t:df=2,scale=1`, or a range of steps.

use super::Error;
use crate::detectors::DetectorSpec;
use crate::foundation::registry::Part;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads `name` or `name:key=value,key=value` as one of `parts`. `kind` is the part's kind in words, for errors.
///
/// # Errors
/// An unknown name, with the nearest known one; an unknown key or a value outside its bounds.
pub fn part<T: DeserializeOwned>(text: &str, kind: &'static str, parts: &'static [Part]) -> Result<T, Error> {
    let wrong = |reason: String| Error::PartSettings { kind, text: text.to_owned(), reason };
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    if !parts.iter().any(|part| part.name == name) {
        return Err(Error::UnknownPart { kind, name: name.to_owned(), parts });
    }
    let mut keys = Map::new();
    for setting in settings.split(',').filter(|s| !s.is_empty()) {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(wrong(format!("`{setting}` has no value")));
        };
        if keys.insert(key.trim().to_owned(), scalar(value.trim())).is_some() {
            return Err(wrong(format!("`{}` is set twice", key.trim())));
        }
    }
    let tagged = Map::from_iter([(name.to_owned(), Value::Object(keys))]);
    serde_json::from_value(Value::Object(tagged)).map_err(|e| wrong(e.to_string()))
}

/// A range of steps, written `A..B`: A up to and without B.
pub(super) fn steps(text: &str) -> Result<(u64, u64), String> {
    let ends =
        text.split_once("..").and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match ends {
        Some((from, to)) if from < to => Ok((from, to)),
        Some(_) => Err(format!("`{text}` holds no step: the first must be below the second")),
        None => Err(format!("`{text}` is not a range of steps such as 0..10")),
    }
}

/// What named detectors are called in an answer: by name, and as they were written where a name stands twice.
pub(super) fn labels(texts: &[String], specs: &[DetectorSpec]) -> Vec<String> {
    let repeated = |name: &str| specs.iter().filter(|spec| spec.name() == name).count() > 1;
    let label = |(text, spec): (&String, &DetectorSpec)| {
        if repeated(spec.name()) { text.clone() } else { spec.name().to_owned() }
    };
    texts.iter().zip(specs).map(label).collect()
}

fn scalar(text: &str) -> Value {
    if let Ok(flag) = text.parse::<bool>() {
        return Value::Bool(flag);
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Value::from(whole);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Value::from(value),
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;

    fn read(text: &str) -> Result<DistributionSpec, Error> {
        part(text, "distribution", DistributionSpec::PARTS)
    }

    #[test]
    fn settings_follow_a_colon() {
        let by_word = read("normal:mean=1,sd=.5").ok();
        let by_json = serde_json::from_str(r#"{"normal": {"mean": 1, "sd": 0.5}}"#).ok();
        assert!(by_word.is_some());
        assert_eq!(by_word, by_json);
        assert!(read("normal").is_ok());
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let error = |text: &str| read(text).err().map(|e| (e.to_string(), e.help().unwrap_or_default()));
        let (message, help) = error("normall:sd=1").unwrap_or_default();
        assert!(message.contains("`normall`") && help.contains("did you mean `normal`?"), "{message} {help}");
        for (text, needle) in [
            ("normal:sd=-1", "-1"),
            ("normal:sd=nan", "nan"),
            ("normal:dd=1", "`dd`"),
            ("normal:sd", "no value"),
        ] {
            let (message, _) = error(text).unwrap_or_default();
            assert!(message.contains(needle), "{text}: {message}");
        }
    }
}
