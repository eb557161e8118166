//! One JSON value: from text, under a path, and as a cell.

use super::cell::Cell;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A JSON value, in which NaN and Infinity may stand bare, and halves of a character in strings, as Python writes them.
pub(crate) fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|error| serde_json::from_str(&as_json(text)).map_err(|_| error))
}

/// Python writes NaN and Infinity bare, which is not JSON: quoted, they reach the check that names row and column. It writes half of a
/// character where a text was cut within one: the sign of what cannot be shown stands in its place.
fn as_json(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 8);
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let token = ["-Infinity", "Infinity", "NaN"].into_iter().find(|t| !in_string && rest.starts_with(t));
        if let Some(token) = token {
            quoted.push('"');
            quoted.push_str(token);
            quoted.push('"');
            rest = &rest[token.len()..];
            continue;
        }
        quoted.push(c);
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                if let Some(half) = code(rest).filter(|code| (0xD800..0xE000).contains(code)) {
                    let other = rest.get(5..).and_then(|after| code(after.strip_prefix('\\')?));
                    let whole = half < 0xDC00 && other.is_some_and(|low| (0xDC00..0xE000).contains(&low));
                    let length = if whole { 11 } else { 5 };
                    quoted.push_str(if whole { &rest[..length] } else { "ufffd" });
                    rest = &rest[length..];
                } else if let Some(escaped) = rest.chars().next() {
                    quoted.push(escaped);
                    rest = &rest[escaped.len_utf8()..];
                }
            }
            _ => {}
        }
    }
    quoted
}

/// The code after `\`, of `u` and four digits.
fn code(rest: &str) -> Option<u32> {
    u32::from_str_radix(rest.strip_prefix('u')?.get(..4)?, 16).ok()
}

/// The value under a literal key, else under the path that the separators spell.
pub(super) fn lookup<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(name) {
        return Some(value);
    }
    name.char_indices().filter(|(_, c)| matches!(c, '/' | '.')).find_map(|(i, _)| {
        let (key, rest) = (name.get(..i)?, name.get(i + 1..)?);
        descend(object.get(key)?, rest)
    })
}

/// The value under a path within a value.
pub(super) fn descend<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    match value {
        Value::Object(inner) => lookup(inner, path),
        Value::Array(elements) => {
            let (index, rest) = path.split_once(['/', '.']).map_or((path, None), |(i, rest)| (i, Some(rest)));
            let element = elements.get(index.parse::<usize>().ok()?)?;
            rest.map_or(Some(element), |rest| descend(element, rest))
        }
        _ => None,
    }
}

/// What stands in a value.
pub(super) fn cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Missing,
        Value::Bool(flag) => Cell::Flag(*flag),
        // An id beyond 2⁵³ would lose its last digits as a number.
        Value::Number(number) if !number.is_f64() && !is_exact(number) => {
            Cell::Text(Cow::Owned(number.to_string()))
        }
        Value::Number(number) => number.as_f64().map_or(Cell::Missing, Cell::Number),
        Value::String(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Array(elements) => match numbers(elements) {
            Some(numbers) => Cell::Numbers(numbers),
            None => Cell::Text(Cow::Owned(flatten(value))),
        },
        Value::Object(_) => Cell::Text(Cow::Owned(flatten(value))),
    }
}

/// A list of numbers; nulls are passed over.
fn numbers(elements: &[Value]) -> Option<Vec<f64>> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => text.parse().ok(),
        _ => None,
    };
    elements.iter().filter(|value| !value.is_null()).map(number).collect()
}

fn is_exact(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= 1 << 53)
}

/// Whether a list is a chat: messages with a role and contents, or, as ShareGPT has them, from someone with a value.
pub(super) fn is_chat(elements: &[Value]) -> bool {
    let is_message = |value: &Value| contents(value).is_some() && author(value).is_some();
    !elements.is_empty() && elements.iter().all(is_message)
}

/// Who wrote a message.
fn author(message: &Value) -> Option<&Value> {
    message.get("role").or_else(|| message.get("from"))
}

/// What a message says.
fn contents(message: &Value) -> Option<&Value> {
    message.get("content").or_else(|| message.get("value").filter(|_| message.get("from").is_some()))
}

/// Keys of a record under which its whole chat stands.
const CHATS: &[&str] = &["messages", "conversation", "conversations", "chat"];

/// A record that holds its chat and no prompt or completion of its own, with these: what stands before the first message of the assistant,
/// and the rest.
pub(super) fn with_chat_cut(mut record: Map<String, Value>) -> Map<String, Value> {
    const OWN: [&str; 2] = ["prompt", "completion"];
    let Some(key) = CHATS.iter().find(|key| record.contains_key(**key)) else { return record };
    let is_reply = |message: &Value| {
        matches!(author(message).and_then(Value::as_str), Some("assistant" | "gpt" | "model"))
    };
    let reply = match record.get(*key) {
        Some(Value::Array(messages)) if is_chat(messages) => messages.iter().position(is_reply),
        _ => None,
    };
    let Some(reply) = reply.filter(|reply| *reply > 0 && OWN.iter().all(|own| !record.contains_key(*own)))
    else {
        return record;
    };
    if let Some(Value::Array(mut messages)) = record.remove(*key) {
        let rest = messages.split_off(reply);
        for (own, part) in OWN.into_iter().zip([messages, rest]) {
            record.insert(own.to_owned(), Value::Array(part));
        }
    }
    record
}

/// A chat as its contents, one a line, and texts likewise; anything else as JSON.
fn flatten(value: &Value) -> String {
    let text = |element: &Value| match element {
        Value::String(text) => Some(text.clone()),
        message => match contents(message)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(pieces) => {
                let texts: Option<Vec<&str>> =
                    pieces.iter().map(|piece| piece.get("text")?.as_str()).collect();
                Some(texts?.join("\n"))
            }
            _ => None,
        },
    };
    let texts = value.as_array().and_then(|elements| elements.iter().map(text).collect::<Option<Vec<_>>>());
    match texts {
        Some(texts) if !texts.is_empty() => texts.join("\n"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let of = |text: &str| parse(text).unwrap();
        assert_eq!(of("[NaN, -Infinity]"), serde_json::json!(["NaN", "-Infinity"]));
        assert_eq!(of(r#"["a\ud83d", NaN]"#)[0], "a\u{fffd}", "half of a character");
        assert_eq!(of(r#"["\ud83d\ude00\udc00x", NaN]"#)[0], "😀\u{fffd}x");
        assert_eq!(of(r#"["\\ud83d", NaN]"#)[0], r"\ud83d", "a backslash of its own");
        assert!(parse(r#"["\u12"#).is_err());
    }

    #[test]
    fn bare_nan_is_quoted_outside_strings_only() {
        assert_eq!(
            as_json(r#"{"a": NaN, "b": "NaN \" NaN", "c": -Infinity}"#),
            r#"{"a": "NaN", "b": "NaN \" NaN", "c": "-Infinity"}"#
        );
    }

    #[test]
    fn a_chat_is_cut_before_the_first_reply() {
        let message = |role: &str, text: &str| serde_json::json!({"role": role, "content": text});
        let chat =
            [message("system", "s"), message("user", "q"), message("assistant", "a"), message("tool", "t")];
        let cut = |record: Value| Value::Object(with_chat_cut(record.as_object().unwrap().clone()));
        let found = cut(serde_json::json!({"step": 1, "messages": chat, "reward": 2}));
        assert_eq!(
            (cell(&found["prompt"]), cell(&found["completion"])),
            (Cell::Text("s\nq".into()), Cell::Text("a\nt".into()))
        );
        assert!(found.get("messages").is_none() && found["reward"] == 2);
        for record in [
            serde_json::json!({"messages": chat, "prompt": "p"}),
            serde_json::json!({"messages": [message("user", "q")]}),
            serde_json::json!({"messages": [message("assistant", "a")]}),
            serde_json::json!({"messages": 7}),
        ] {
            assert_eq!(cut(record.clone()), record);
        }
    }

    #[test]
    fn chats_become_their_contents() {
        let chat =
            serde_json::json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]);
        assert_eq!(flatten(&chat), "hi\nho");
        assert_eq!(flatten(&serde_json::json!([1, 2])), "[1,2]");
    }
}
