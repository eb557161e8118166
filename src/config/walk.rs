//! Every key, type and range fault at once: a walk over the tree beside the schema, since serde stops at the first.

use super::document::Node;
use super::numbers::{walk_integer, walk_number};
use super::paths::elsewhere;
use super::schema::{Shape, resolve, shape};
use super::source::Draft;
use super::wording::{describe, join, last, one_of, quoted};
use crate::foundation::nearest::nearest;
use serde_json::{Map, Value};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Compares `node`, found at `path` under the key at `key`, with what `schema` allows; appends what is wrong.
pub(super) fn walk(
    node: &Node<'_>,
    schema: &'static Value,
    path: &str,
    key: &Range<usize>,
    out: &mut Vec<Draft>,
) {
    let here = if node.span().is_empty() { key.clone() } else { node.span() };
    let wrong_type = |wanted: &str| {
        let found = describe(node.get_ref());
        Draft::new(here.clone(), format!("{} is {found}; {wanted} is needed", quoted(path)), wanted)
    };
    match (shape(schema), node.get_ref()) {
        (Shape::Any | Shape::Map, _)
        | (Shape::Text, DeValue::String(_))
        | (Shape::Bool, DeValue::Boolean(_)) => {}
        (Shape::Table { properties, required }, DeValue::Table(table)) => {
            walk_table(table, properties, &required, path, &here, out);
        }
        (Shape::Kinds { names, tables }, value) => walk_kinds(value, &names, &tables, path, &here, out),
        (Shape::List { items, least }, DeValue::Array(list)) => {
            if (list.len() as u64) < least {
                out.push(
                    Draft::new(
                        here.clone(),
                        format!("{} is empty; at least {least} is needed", quoted(path)),
                        "empty",
                    )
                    .help("leave the key out for its default"),
                );
            }
            for (i, item) in list.iter().enumerate() {
                walk(item, items, &join(path, &i.to_string()), &here, out);
            }
        }
        (Shape::Integer(bounds), value) => walk_integer(value, &bounds, path, &here, out),
        (Shape::Number(bounds), value) => walk_number(value, &bounds, path, &here, out),
        (Shape::Either(alternatives), _) => {
            let mut attempts = alternatives.into_iter().map(|alternative| {
                let mut found = Vec::new();
                walk(node, alternative, path, key, &mut found);
                found
            });
            let first = attempts.next().unwrap_or_default();
            if first.is_empty() || attempts.any(|found| found.is_empty()) {
                return;
            }
            match resolve(schema).get("description").and_then(Value::as_str) {
                Some(wanted) => out.push(
                    Draft::new(
                        here,
                        format!("{} is {}; {wanted} is needed", quoted(path), describe(node.get_ref())),
                        "out of range",
                    )
                    .help(format!("give {wanted}")),
                ),
                None => out.extend(first),
            }
        }
        (Shape::Table { .. }, _) => out.push(
            wrong_type("a table")
                .help(format!("write [{path}] as a header with its keys below, or {} = {{ … }}", last(path))),
        ),
        (Shape::List { .. }, DeValue::Table(_)) => out.push(wrong_type("a list").help(format!(
            "write [[{path}]] with double brackets for each entry, or {} = [{{ … }}]",
            last(path)
        ))),
        (Shape::List { .. }, _) => {
            out.push(wrong_type("a list").help("put square brackets around it, also around a single value"));
        }
        (Shape::Text, _) => out.push(wrong_type("a string").help("put it between double quotes")),
        (Shape::Bool, _) => out.push(wrong_type("true or false").help("write true or false, without quotes")),
    }
}

fn walk_table(
    table: &DeTable<'_>,
    properties: &'static Map<String, Value>,
    required: &[&str],
    path: &str,
    here: &Range<usize>,
    out: &mut Vec<Draft>,
) {
    let mut misspelt = Vec::new();
    for (key, value) in table {
        let name: &str = key.get_ref();
        match properties.get(name) {
            Some(inner) => walk(value, inner, &join(path, name), &key.span(), out),
            None => {
                misspelt.extend(nearest(name, properties.keys().map(String::as_str)));
                out.push(unknown_key(name, key.span(), properties, path));
            }
        }
    }
    for &missing in required.iter().filter(|&&name| !table.contains_key(name) && !misspelt.contains(&name)) {
        let place = if path.is_empty() { "the configuration".to_owned() } else { quoted(path) };
        let draft = Draft::new(here.clone(), format!("{place} has no {}", quoted(missing)), "required here");
        let meaning = properties.get(missing).map(about).unwrap_or_default();
        out.push(draft.help(format!("add {}{meaning}", example(missing, properties))));
    }
}

/// How a missing key is written.
fn example(key: &str, properties: &'static Map<String, Value>) -> String {
    let Some(schema) = properties.get(key) else { return key.to_owned() };
    match shape(schema) {
        Shape::Kinds { tables, .. } if !tables.is_empty() => {
            let kinds = one_of(tables.iter().map(|(name, _)| *name));
            let first = tables.first().map_or("", |(name, _)| name);
            format!("{key} = {{ {first} = {{ … }} }}; its kind is {kinds}")
        }
        Shape::Kinds { names, .. } => format!("{key} = \"…\", one of {}", one_of(names)),
        Shape::Text => format!("{key} = \"…\""),
        Shape::Table { .. } | Shape::Map => format!("{key} = {{ … }}"),
        Shape::List { .. } => format!("{key} = [ … ]"),
        Shape::Integer(_) | Shape::Number(_) | Shape::Bool | Shape::Either(_) | Shape::Any => {
            format!("{key} = …")
        }
    }
}

/// What a key means, from the schema.
fn about(schema: &'static Value) -> String {
    let text = schema.get("description").or_else(|| resolve(schema).get("description"));
    text.and_then(Value::as_str).map(|t| format!(": {}", first_sentence(t))).unwrap_or_default()
}

fn first_sentence(text: &str) -> String {
    let text = text.replace('\n', " ");
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

fn unknown_key(name: &str, span: Range<usize>, properties: &'static Map<String, Value>, path: &str) -> Draft {
    let known = properties.keys().map(String::as_str);
    let place = if path.is_empty() { "at the top".to_owned() } else { format!("in {}", quoted(path)) };
    let message = format!("there is no key {} {place}", quoted(name));
    let listed = || match properties.len() {
        0 => format!("{} has no keys", quoted(path)),
        _ => format!(
            "the keys here are {}",
            properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
    };
    if let Some(meant) = nearest(name, known) {
        return Draft::new(span, message, format!("did you mean {}?", quoted(meant))).help(listed());
    }
    let help = match elsewhere(name) {
        Some(places) => format!("it is a key of another table: {places}"),
        None => listed(),
    };
    Draft::new(span, message, "unknown").help(help)
}

fn walk_kinds(
    value: &DeValue<'_>,
    names: &[&'static str],
    tables: &[(&'static str, &'static Value)],
    path: &str,
    here: &Range<usize>,
    out: &mut Vec<Draft>,
) {
    let all = || names.iter().copied().chain(tables.iter().map(|(name, _)| *name));
    match value {
        DeValue::String(name) if names.contains(&name.as_ref()) => {}
        DeValue::String(name) if tables.iter().any(|(known, _)| *known == name.as_ref()) => out.push(
            Draft::new(
                here.clone(),
                format!("{} {name} takes settings, so it is a table", quoted(path)),
                "not a table",
            )
            .help(format!("write {} = {{ {name} = {{}} }} for its defaults", last(path))),
        ),
        DeValue::String(name) => out.push(unknown_kind(name, here.clone(), path, all())),
        DeValue::Table(table) => {
            if let Some(draft) = kind_as_value(table, names, tables, path) {
                out.push(draft);
                return;
            }
            let mut found = Vec::new();
            for (key, inner) in table {
                let name: &str = key.get_ref();
                if let Some((known, schema)) = tables.iter().find(|(known, _)| *known == name) {
                    walk(inner, schema, &join(path, known), &key.span(), out);
                    found.push(key);
                } else if names.contains(&name) {
                    if !inner.get_ref().as_table().is_some_and(DeTable::is_empty) {
                        out.push(
                            Draft::new(
                                inner.span(),
                                format!("{} {name} takes no settings", quoted(path)),
                                "",
                            )
                            .help(format!("write {} = \"{name}\"", last(path))),
                        );
                    }
                    found.push(key);
                } else {
                    out.push(unknown_kind(name, key.span(), path, all()));
                }
            }
            if let [first, .., second] = found.as_slice() {
                out.push(
                    Draft::new(
                        second.span(),
                        format!(
                            "{} is both {} and {}; it can be one",
                            quoted(path),
                            quoted(first.get_ref()),
                            quoted(second.get_ref())
                        ),
                        "a second kind",
                    )
                    .help("keep one of them; to compare several, sweep the whole section"),
                );
            } else if table.is_empty() {
                out.push(
                    Draft::new(here.clone(), format!("{} names no kind", quoted(path)), "empty")
                        .help(format!("its kind is {}", one_of(all()))),
                );
            }
        }
        other => {
            let wanted = if tables.is_empty() { "a name" } else { "a table with one kind" };
            out.push(
                Draft::new(
                    here.clone(),
                    format!("{} is {}; {wanted} is needed", quoted(path), describe(other)),
                    wanted,
                )
                .help(format!("its kind is {}", one_of(all()))),
            );
        }
    }
}

/// What to write where a kind stands as the value of a key, as `kind = "student_t"`, instead of being one.
fn kind_as_value(
    table: &DeTable<'_>,
    names: &[&'static str],
    tables: &[(&'static str, &'static Value)],
    path: &str,
) -> Option<Draft> {
    let is_kind = |name: &str| names.contains(&name) || tables.iter().any(|(known, _)| *known == name);
    let (key, kind) = table.iter().find_map(|(key, inner)| match inner.get_ref() {
        DeValue::String(kind) if !is_kind(key.get_ref()) && is_kind(kind) => Some((key, kind)),
        _ => None,
    })?;
    let mut settings: Vec<String> = Vec::new();
    for (other, value) in table.iter().filter(|(other, _)| other.get_ref() != key.get_ref()) {
        let value = match value.get_ref() {
            DeValue::Integer(x) => x.to_string(),
            DeValue::Float(x) => x.as_str().to_owned(),
            DeValue::Boolean(x) => x.to_string(),
            _ => "…".to_owned(),
        };
        settings.push(format!("{} = {value}", other.get_ref()));
    }
    let inside = if settings.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", settings.join(", ")) };
    let message = format!("{} has no key {}: its kind is a key itself", quoted(path), quoted(key.get_ref()));
    Some(Draft::new(key.span(), message, "no kind").help(format!("write {path}.{kind} = {inside}")))
}

fn unknown_kind(
    name: &str,
    span: Range<usize>,
    path: &str,
    all: impl Iterator<Item = &'static str>,
) -> Draft {
    let all: Vec<&str> = all.collect();
    let listed = format!("its kind is {}", one_of(all.iter().copied()));
    let message = format!("{} has no kind {}", quoted(path), quoted(name));
    if let Some(meant) = nearest(name, all.iter().copied()) {
        return Draft::new(span, message, format!("did you mean {}?", quoted(meant))).help(listed);
    }
    let help = match elsewhere(name) {
        Some(places) => format!("{listed}; {} is a key of {places}", quoted(name)),
        None => listed,
    };
    Draft::new(span, message, "unknown").help(help)
}
