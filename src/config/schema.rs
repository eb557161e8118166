//! The JSON Schema, and how the other files of this folder read it.

use super::sections::Document;
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// The schema of a configuration (JSON Schema 2020-12), with every default.
pub fn schema() -> Value {
    root().clone()
}

/// The schema, generated once.
pub(super) fn root() -> &'static Value {
    static ROOT: OnceLock<Value> = OnceLock::new();
    ROOT.get_or_init(|| {
        let mut schema = schemars::schema_for!(Document).to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".to_owned(), "tailcatch configuration".into());
        }
        schema
    })
}

/// What a value may be.
#[derive(Debug)]
pub(super) enum Shape<'s> {
    /// A table with known keys.
    Table {
        /// Key → schema.
        properties: &'s Map<String, Value>,
        /// Keys without a default.
        required: Vec<&'s str>,
    },
    /// A table whose keys are free.
    Map,
    /// One of several kinds: a bare name, or a table with one key that names the kind.
    Kinds {
        /// Kinds without settings.
        names: Vec<&'s str>,
        /// Kinds with settings, each with its schema.
        tables: Vec<(&'s str, &'s Value)>,
    },
    /// Several alternatives that are not told apart by a name.
    Either(Vec<&'s Value>),
    /// A list.
    List {
        /// Schema of an item.
        items: &'s Value,
        /// Fewest items.
        least: u64,
    },
    /// A string.
    Text,
    /// true or false.
    Bool,
    /// A whole number within bounds.
    Integer(Bounds),
    /// A finite number within bounds.
    Number(Bounds),
    /// Anything.
    Any,
}

/// Bounds of a number; whole-number bounds are exact in `i128`.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub above: Option<f64>,
    pub below: Option<f64>,
    /// Whether a real number must be whole.
    pub whole: bool,
    /// Largest whole number, of the type or as stated.
    pub largest: Option<i128>,
}

impl Bounds {
    /// Whether a real number lies within.
    pub fn hold(&self, x: f64) -> bool {
        x.is_finite()
            && (!self.whole || x.fract() == 0.0)
            && self.minimum.is_none_or(|b| x >= b)
            && self.maximum.is_none_or(|b| x <= b)
            && self.above.is_none_or(|b| x > b)
            && self.below.is_none_or(|b| x < b)
    }

    /// Whether a whole number lies within.
    pub fn hold_whole(&self, x: i128) -> bool {
        self.hold(x as f64) && self.largest.is_none_or(|b| x <= b)
    }
}

/// Follows references and takes `Option` off.
pub(super) fn resolve(mut node: &'static Value) -> &'static Value {
    // A schema's references are never deeper than its definitions.
    for _ in 0..64 {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            let found = name.strip_prefix('#').and_then(|pointer| root().pointer(pointer));
            match found {
                Some(found) => node = found,
                None => return node,
            }
        } else if let Some(inner) = optional(node) {
            node = inner;
        } else {
            return node;
        }
    }
    node
}

/// The schema under an `Option`.
fn optional(node: &'static Value) -> Option<&'static Value> {
    let any = node.get("anyOf")?.as_array()?;
    let mut present = any.iter().filter(|n| n.get("type").and_then(Value::as_str) != Some("null"));
    let (first, second) = (present.next(), present.next());
    if second.is_none() { first } else { None }
}

/// What a value described by `node` may be.
pub(super) fn shape(node: &'static Value) -> Shape<'static> {
    let node = resolve(node);
    if let Some(any) = node.get("oneOf").or_else(|| node.get("anyOf")).and_then(Value::as_array) {
        return kinds(any).unwrap_or_else(|| Shape::Either(any.iter().collect()));
    }
    if let Some(names) = names(node) {
        return Shape::Kinds { names, tables: Vec::new() };
    }
    match type_of(node) {
        Some("object") => match node.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                let required = node.get("required").and_then(Value::as_array);
                let required = required.into_iter().flatten().filter_map(Value::as_str).collect();
                Shape::Table { properties, required }
            }
            None if node.get("additionalProperties") == Some(&Value::Bool(false)) => {
                static NONE: OnceLock<Map<String, Value>> = OnceLock::new();
                Shape::Table { properties: NONE.get_or_init(Map::new), required: Vec::new() }
            }
            None => Shape::Map,
        },
        Some("array") => match node.get("items") {
            Some(items) => {
                Shape::List { items, least: node.get("minItems").and_then(Value::as_u64).unwrap_or(0) }
            }
            None => Shape::Any,
        },
        Some("string") => Shape::Text,
        Some("boolean") => Shape::Bool,
        Some("integer") => Shape::Integer(bounds(node)),
        Some("number") => Shape::Number(bounds(node)),
        _ => Shape::Any,
    }
}

/// The type, with `null` set aside.
fn type_of(node: &'static Value) -> Option<&'static str> {
    match node.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|&name| name != "null"),
        _ => None,
    }
}

/// The strings that a schema lists.
fn names(node: &'static Value) -> Option<Vec<&'static str>> {
    if let Some(name) = node.get("const").and_then(Value::as_str) {
        return Some(vec![name]);
    }
    Some(node.get("enum")?.as_array()?.iter().filter_map(Value::as_str).collect())
}

/// Reads alternatives as an externally tagged enum.
fn kinds(alternatives: &'static [Value]) -> Option<Shape<'static>> {
    let (mut bare, mut tables) = (Vec::new(), Vec::new());
    for alternative in alternatives {
        if let Some(found) = names(alternative) {
            bare.extend(found);
        } else {
            let properties = alternative.get("properties")?.as_object()?;
            let required = alternative.get("required")?.as_array()?;
            let (1, 1, Some((name, inner))) = (properties.len(), required.len(), properties.iter().next())
            else {
                return None;
            };
            tables.push((name.as_str(), inner));
        }
    }
    Some(Shape::Kinds { names: bare, tables })
}

fn bounds(node: &'static Value) -> Bounds {
    let number = |key| node.get(key).and_then(Value::as_f64);
    let stated = node.get("maximum").and_then(|m| m.as_u64().map(i128::from).or(m.as_i64().map(i128::from)));
    let of_type: Option<i128> = match node.get("format").and_then(Value::as_str) {
        Some("uint8") => Some(u8::MAX.into()),
        Some("uint16") => Some(u16::MAX.into()),
        Some("uint32") => Some(u32::MAX.into()),
        Some("int32") => Some(i32::MAX.into()),
        Some("uint64" | "uint") => Some(u64::MAX.into()),
        Some("int64" | "int") => Some(i64::MAX.into()),
        _ => None,
    };
    Bounds {
        minimum: number("minimum"),
        maximum: number("maximum"),
        above: number("exclusiveMinimum"),
        below: number("exclusiveMaximum"),
        whole: number("multipleOf") == Some(1.0),
        largest: match (stated, of_type) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
    }
}

/// Every dotted key of the schema, parts with their kind, such as `trainer.reinforce.kl.coefficient`.
pub(super) fn all_paths() -> &'static [String] {
    static PATHS: OnceLock<Vec<String>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let mut found = Vec::new();
        collect(root(), &mut Vec::new(), &mut found);
        found
    })
}

/// Mixtures contain laws, so the search stops where a schema meets itself again.
fn collect(node: &'static Value, trail: &mut Vec<(String, *const Value)>, found: &mut Vec<String>) {
    let below: Vec<(&str, &'static Value)> = match shape(node) {
        Shape::Table { properties, .. } => properties.iter().map(|(k, v)| (k.as_str(), v)).collect(),
        Shape::Kinds { tables, .. } => tables,
        Shape::List { items, .. } => vec![("0", items)],
        _ => return,
    };
    for (key, inner) in below {
        let target: *const Value = resolve(inner);
        if trail.iter().any(|&(_, seen)| std::ptr::eq(seen, target)) {
            continue;
        }
        trail.push((key.to_owned(), target));
        found.push(trail.iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>().join("."));
        collect(inner, trail, found);
        trail.pop();
    }
}
