//! A configuration written out, with every default.

use super::sections::Document;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The document as TOML with every default visible; loads back to the same document.
///
/// Sections have headers, what lies deeper stands on one line, and floats have their shortest form that reads back.
///
/// # Errors
/// Fails only where a value cannot be written, which no loaded document holds.
pub fn resolved(document: &Document) -> Result<String, serde_json::Error> {
    let whole = serde_json::to_value(document)?;
    let mut text = String::new();
    if let Some(table) = whole.as_object() {
        write_table(&mut text, "", table);
    }
    Ok(text)
}

/// Single values first, then what needs a header of its own.
fn write_table(text: &mut String, path: &str, table: &Map<String, Value>) {
    let below = |name: &str| if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) };
    for (name, value) in table {
        if !value.is_null() && !has_header(path, name, value) {
            let _ = writeln!(text, "{} = {}", key(name), inline(value));
        }
    }
    for (name, value) in table {
        if !has_header(path, name, value) {
            continue;
        }
        let path = below(name);
        match value {
            // The kind of a part stands in the header: [trainer.reinforce].
            Value::Object(inner)
                if path != "sweep" && inner.len() == 1 && inner.values().all(Value::is_object) =>
            {
                for (kind, settings) in inner {
                    let _ = writeln!(text, "\n[{path}.{}]", key(kind));
                    if let Some(settings) = settings.as_object() {
                        write_inline(text, settings);
                    }
                }
            }
            Value::Object(inner) => {
                let _ = writeln!(text, "\n[{path}]");
                write_inline(text, inner);
            }
            Value::Array(entries) => {
                for entry in entries.iter().filter_map(Value::as_object) {
                    let _ = writeln!(text, "\n[[{path}]]");
                    write_inline(text, entry);
                }
            }
            _ => {}
        }
    }
}

fn write_inline(text: &mut String, table: &Map<String, Value>) {
    for (name, value) in table.iter().filter(|(_, value)| !value.is_null()) {
        let _ = writeln!(text, "{} = {}", key(name), inline(value));
    }
}

/// Whether a top-level value gets a header: tables, and lists of tables that are not empty.
fn has_header(path: &str, _name: &str, value: &Value) -> bool {
    path.is_empty()
        && match value {
            Value::Object(_) => true,
            Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
            _ => false,
        }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map(|x| format!("{x:?}")).unwrap_or_default()
        }
        Value::Number(number) => number.to_string(),
        Value::String(text) => string(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(table) if table.is_empty() => "{}".to_owned(),
        Value::Object(table) => {
            let entries = table.iter().filter(|(_, v)| !v.is_null());
            let entries: Vec<String> = entries.map(|(k, v)| format!("{} = {}", key(k), inline(v))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A key, between quotes unless it is bare.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { string(name) }
}

fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
