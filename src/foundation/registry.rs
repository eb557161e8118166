//! One row per part: the table from which config names, `list`, the JSON Schema and the conformance tests come.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What `tailcatch list` says of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The name used in a config.
    pub name: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
    /// The paper, book or standard that it implements.
    pub source: &'static str,
}

/// A setting of a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// The key in a config.
    pub name: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is if it is left out; null where that is nothing, and where it must be given.
    pub default: Value,
    /// What it does.
    pub summary: String,
}

/// The settings that the schema of `T` has, in the order of the schema.
pub fn settings<T: JsonSchema>() -> Vec<Setting> {
    let schema = schemars::schema_for!(T);
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let each = |(name, property): (&String, &Value)| Setting {
        name: name.clone(),
        required: required.is_some_and(|names| names.iter().any(|own| own == name)),
        default: property.get("default").cloned().unwrap_or_default(),
        summary: property.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    properties.into_iter().flatten().map(each).collect()
}

/// What the doc comment of `T` says, in Markdown: its formula, what it assumes, where it refuses.
pub fn description<T: JsonSchema>() -> String {
    let schema = schemars::schema_for!(T);
    unlinked(schema.get("description").and_then(Value::as_str).unwrap_or_default())
}

/// The text with links to items of the source as their names alone.
fn unlinked(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        plain.extend([before, "`", name, "`"]);
        rest =
            after.strip_prefix('(').and_then(|path| path.split_once(')')).map_or(after, |(_, after)| after);
    }
    plain + rest
}

/// Declares the closed set of parts of one kind.
///
/// A row is `"config_name" => Type: "summary", "source";`. It makes an externally tagged serde enum (so that
/// `{ student_t = { df = 2 } }` names its part by key and an error points at that key), the table `PARTS`, the
/// `settings` of each, and `part()`, which gives the trait object. The module declarations stay outside, where `cargo fmt` sees them.
#[macro_export]
macro_rules! registry {
    ($(#[$doc:meta])* $vis:vis enum $name:ident => dyn $contract:path {
        $($key:literal => $kind:ident : $summary:literal, $source:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        $vis enum $name {
            $(
                #[doc = $summary]
                #[serde(rename = $key)]
                $kind($kind),
            )+
        }

        impl $name {
            /// Every part of this kind, in the order of the registry.
            pub const PARTS: &'static [$crate::foundation::registry::Part] = &[
                $($crate::foundation::registry::Part { name: $key, summary: $summary, source: $source },)+
            ];

            /// The settings of the part of this name; none of an unknown one.
            pub fn settings(name: &str) -> Vec<$crate::foundation::registry::Setting> {
                match name {
                    $($key => $crate::foundation::registry::settings::<$kind>(),)+
                    _ => Vec::new(),
                }
            }

            /// What the part of this name does, at length, in Markdown; nothing of an unknown one.
            pub fn description(name: &str) -> String {
                match name {
                    $($key => $crate::foundation::registry::description::<$kind>(),)+
                    _ => String::new(),
                }
            }

            /// The name used in a config.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $key,)+ }
            }

            /// The part behind its contract.
            pub fn part(&self) -> &dyn $contract {
                match self { $(Self::$kind(part) => part,)+ }
            }
        }
    };
}
