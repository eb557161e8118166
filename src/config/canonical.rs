//! The bytes of a configuration from which run ids are hashed.
//!
//! Keys are sorted, and a key that has its default is left out: so a key that a later version adds, with a default
//! that keeps the old behaviour, leaves every old id as it is. What remains is itself a configuration, and loads back
//! to the same values, so that two configurations share their bytes only if they are equal.

use super::schema::{Shape, root, shape};
use super::sections::Document;
use serde_json::{Map, Value};

/// Canonical JSON of the named top-level keys of `document`, such as `["environment", "reward"]`.
///
/// # Errors
/// Fails only where a value cannot be written as JSON, which no loaded document holds.
pub fn bytes_of(document: &Document, keys: &[&str]) -> Result<Vec<u8>, serde_json::Error> {
    let mut whole = serde_json::to_value(document)?;
    if let Some(table) = whole.as_object_mut() {
        table.retain(|key, _| keys.contains(&key.as_str()));
    }
    serde_json::to_vec(&reduced(whole, root()))
}

/// Sorts keys and drops those that have their default.
fn reduced(value: Value, schema: &'static Value) -> Value {
    match value {
        Value::Object(table) => {
            let mut entries: Vec<(String, Value)> = match shape(schema) {
                Shape::Table { properties, .. } => table
                    .into_iter()
                    .filter(|(key, inner)| !inner.is_null() && default_of(properties, key) != Some(inner))
                    .map(|(key, inner)| {
                        let inner = match properties.get(&key) {
                            Some(below) => reduced(inner, below),
                            None => inner,
                        };
                        (key, inner)
                    })
                    .collect(),
                Shape::Kinds { tables, .. } => table
                    .into_iter()
                    .map(|(kind, inner)| {
                        let inner = match tables.iter().find(|(known, _)| *known == kind) {
                            Some((_, below)) => reduced(inner, below),
                            None => inner,
                        };
                        (kind, inner)
                    })
                    .collect(),
                _ => table.into_iter().collect(),
            };
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => match shape(schema) {
            Shape::List { items: below, .. } => items.into_iter().map(|item| reduced(item, below)).collect(),
            _ => Value::Array(items),
        },
        scalar => scalar,
    }
}

fn default_of<'s>(properties: &'s Map<String, Value>, key: &str) -> Option<&'s Value> {
    properties.get(key)?.get("default")
}
