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
    /// What it can be, where that is one of a closed list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Its own settings, where it is a section.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
}

/// One of the things that a setting can be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The name used in a config.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// What must or can be given with it; nothing of a part, which `list` describes by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
}

/// The settings that the schema of `T` has, in the order of the schema.
pub fn settings<T: JsonSchema>() -> Vec<Setting> {
    let schema = schemars::schema_for!(T);
    fields(schema.as_value(), &schema.get("$defs").cloned().unwrap_or_default(), 0)
}

/// How deep sections within sections are followed: a law can hold laws.
const DEEPEST: usize = 3;

/// The settings that an object's schema has; `definitions` are what it refers to.
fn fields(schema: &Value, definitions: &Value, depth: usize) -> Vec<Setting> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let each = |(name, property): (&String, &Value)| {
        let own = resolved(property, definitions);
        let nested = if depth < DEEPEST { fields(own, definitions, depth + 1) } else { Vec::new() };
        Setting {
            name: name.clone(),
            required: required.is_some_and(|names| names.iter().any(|own| own == name)),
            default: property.get("default").cloned().unwrap_or_default(),
            summary: text(property, "description").to_owned(),
            choices: choices(own, definitions, depth),
            settings: nested,
        }
    };
    properties.into_iter().flatten().map(each).collect()
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What a schema refers to: a definition, that of the value where it may also be left out, or that of a list's items, which may also be names.
fn resolved<'a>(schema: &'a Value, definitions: &'a Value) -> &'a Value {
    let present = |schema: &'a Value| {
        let variants = schema.get("anyOf").and_then(Value::as_array)?;
        variants.iter().find(|one| one.get("type").is_none_or(|kind| kind != "null"))
    };
    let items = schema.get("items").filter(|items| items.is_object());
    let own = present(schema).or(items.map(|items| present(items).unwrap_or(items))).unwrap_or(schema);
    let name = own.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
    name.and_then(|name| definitions.get(name)).unwrap_or(own)
}

/// The names of a closed list: words, or sections that are known by their key.
fn choices(schema: &Value, definitions: &Value, depth: usize) -> Vec<Choice> {
    let plain = |name: &Value| Choice {
        name: name.as_str().unwrap_or_default().to_owned(),
        summary: String::new(),
        settings: Vec::new(),
    };
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(plain).collect();
    }
    let variants = schema.get("oneOf").and_then(Value::as_array);
    let each = |variant: &Value| -> Vec<Choice> {
        let summary = unlinked(text(variant, "description"));
        if let Some(word) = variant.get("const") {
            return vec![Choice { summary, ..plain(word) }];
        }
        if let Some(words) = variant.get("enum").and_then(Value::as_array) {
            return words.iter().map(|word| Choice { summary: summary.clone(), ..plain(word) }).collect();
        }
        let keys = variant.get("properties").and_then(Value::as_object);
        let one = |(name, section): (&String, &Value)| Choice {
            name: name.clone(),
            summary: summary.clone(),
            // What is defined elsewhere is a part.
            settings: if depth < DEEPEST { fields(section, definitions, depth + 1) } else { Vec::new() },
        };
        keys.into_iter().flatten().map(one).collect()
    };
    variants.into_iter().flatten().flat_map(each).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_setting_can_be_is_told_with_its_own_settings() {
        let schema = json!({
            "required": ["descent"],
            "properties": {
                "side": { "$ref": "#/$defs/Side", "description": "Which side.", "default": "both" },
                "descent": { "anyOf": [{ "$ref": "#/$defs/Descent" }, { "type": "null" }] },
                "section": { "$ref": "#/$defs/Section", "default": { "side": "left" } },
                "laws": { "type": "array", "items": { "$ref": "#/$defs/Law" } },
                "named": { "type": "array", "items": { "anyOf": [{ "$ref": "#/$defs/Law" }, { "type": "string", "enum": ["normal"] }] } },
                "number": { "type": "number" },
            },
        });
        let definitions = json!({
            "Side": { "oneOf": [
                { "type": "string", "const": "both", "description": "Either, as [`Side`] says." },
                { "type": "string", "enum": ["left", "right"] },
            ] },
            "Descent": { "oneOf": [{
                "type": "object", "description": "Downhill.",
                "properties": { "sgd": { "properties": { "rate": { "default": 0.1 } } } },
            }] },
            "Section": { "properties": { "side": { "$ref": "#/$defs/Side" } } },
            "Law": { "oneOf": [{ "properties": { "normal": { "$ref": "#/$defs/Normal" } }, "description": "Normal." }] },
            "Normal": { "properties": { "mean": {} } },
        });
        let found = fields(&schema, &definitions, 0);
        let told = |name: &str| found.iter().find(|setting| setting.name == name).unwrap();
        let names = |setting: &Setting| {
            setting.choices.iter().map(|choice| choice.name.clone()).collect::<Vec<String>>()
        };
        assert_eq!(names(told("side")), ["both", "left", "right"]);
        assert_eq!(told("side").choices[0].summary, "Either, as `Side` says.");
        assert_eq!(names(told("descent")), ["sgd"]);
        assert!(told("descent").required && told("descent").choices[0].settings[0].name == "rate");
        assert_eq!(names(&told("section").settings[0]), ["both", "left", "right"]);
        // A part is named and not described again.
        assert_eq!(names(told("laws")), ["normal"]);
        assert!(told("laws").choices[0].settings.is_empty());
        assert_eq!(told("named").choices, told("laws").choices);
        assert!(told("number").choices.is_empty() && told("number").settings.is_empty());
    }
}
