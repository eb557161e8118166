//! How messages name keys and values.

use toml::de::DeValue;

pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 30 => format!("the string {text:?}"),
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Integer(x) => format!("the number {x}"),
        DeValue::Float(x) => format!("the number {}", x.as_str()),
        DeValue::Boolean(x) => x.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

pub(super) fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// "a, b or c".
pub(super) fn one_of<'c>(words: impl IntoIterator<Item = &'c str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
