//! Dotted keys, as `[sweep]` and `--set` use them: whether the schema has them, and what the nearest one is.

use super::document::Node;
use super::schema::{Shape, all_paths, root, shape};
use super::wording::one_of;
use crate::foundation::nearest::nearest;
use serde_json::Value;
use toml::de::DeValue;

/// Why a dotted key leads nowhere.
#[derive(Debug, PartialEq)]
pub(super) struct Lost {
    pub message: String,
    pub help: String,
}

/// The schema of the value at `path`; kinds and list entries on the way are those of `tree`.
pub(super) fn find(path: &[String], tree: &Node<'_>) -> Result<&'static Value, Lost> {
    let whole = path.join(".");
    let mut schema = root();
    let mut node = Some(tree);
    for (depth, segment) in path.iter().enumerate() {
        let above = path[..depth].join(".");
        schema = match shape(schema) {
            Shape::Table { properties, .. } => properties.get(segment).ok_or_else(|| unknown(&whole))?,
            Shape::Kinds { tables, .. } => {
                let other = node.and_then(|n| other_kind(n, segment));
                if let Some(other) = &other
                    && tables.iter().all(|(kind, _)| *kind != segment)
                {
                    return Err(unknown_within(&whole, &format!("{above}.{other}.")));
                }
                if let Some(other) = other {
                    let other = if matches!(node.map(|n| n.get_ref()), Some(DeValue::String(_))) {
                        format!("\"{other}\"")
                    } else {
                        format!("`{other}`")
                    };
                    return Err(Lost {
                        message: format!("`{above}` is {other} here, so `{whole}` is no key of it"),
                        help: format!(
                            "name `{above}` whole, as {{ {segment} = {{ … }} }}, not a key below it"
                        ),
                    });
                }
                let found = tables.iter().find(|(kind, _)| *kind == segment);
                found.map(|(_, inner)| *inner).ok_or_else(|| unknown(&whole))?
            }
            Shape::List { items, .. } => {
                let entries = node.and_then(|n| n.get_ref().as_array()).map_or(0, |list| list.len());
                match segment.parse::<usize>() {
                    Ok(index) if index < entries => items,
                    Ok(_) => {
                        return Err(Lost {
                            message: format!("`{above}` has {entries} entries, so there is no `{whole}`"),
                            help: "entries are counted from 0".to_owned(),
                        });
                    }
                    Err(_) => {
                        return Err(Lost {
                            message: format!("`{above}` is a list, so `{whole}` is no key"),
                            help: format!("name the entry by its number, counted from 0: `{above}.0…`"),
                        });
                    }
                }
            }
            _ => return Err(unknown(&whole)),
        };
        node = node.and_then(|n| match n.get_ref() {
            DeValue::Table(table) => table.get(segment.as_str()),
            DeValue::Array(list) => segment.parse::<usize>().ok().and_then(|i| list.get(i)),
            _ => None,
        });
    }
    Ok(schema)
}

/// The kind that stands in the tree, if it is not the one that is asked for.
fn other_kind(node: &Node<'_>, wanted: &str) -> Option<String> {
    match node.get_ref() {
        DeValue::String(kind) => Some(kind.to_string()),
        DeValue::Table(table) if !table.contains_key(wanted) => {
            table.keys().next().map(|kind| kind.get_ref().to_string())
        }
        _ => None,
    }
}

/// No key has this path, nor is its last name one of a kind: the nearest names below the kind that stands there.
fn unknown_within(path: &str, stem: &str) -> Lost {
    let leaf = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let below: Vec<&'static str> =
        all_paths().iter().map(String::as_str).filter(|known| known.starts_with(stem)).collect();
    let wanted = path.rsplit('.').next().unwrap_or(path);
    let Some(near) = nearest(wanted, below.iter().copied().map(leaf)) else { return unknown(path) };
    let mut meant: Vec<&str> = below.iter().copied().filter(|&path| leaf(path) == near).collect();
    meant.sort_by_key(|path| path.matches('.').count());
    meant.truncate(3);
    Lost { message: format!("there is no key `{path}`"), help: format!("did you mean {}?", one_of(meant)) }
}

fn unknown(path: &str) -> Lost {
    let help = match elsewhere(path) {
        Some(places) => format!("did you mean {places}?"),
        None => match nearest(path, all_paths().iter().map(String::as_str)) {
            Some(near) => format!("the nearest key is `{near}`"),
            None => "`tailcatch schema` lists every key".to_owned(),
        },
    };
    Lost { message: format!("there is no key `{path}`"), help }
}

/// The full paths that end in `tail`, the first few where there are many.
pub(super) fn elsewhere(tail: &str) -> Option<String> {
    let ending = format!(".{tail}");
    let found: Vec<&str> =
        all_paths().iter().map(String::as_str).filter(|path| path.ends_with(&ending)).collect();
    match found.len() {
        0 => None,
        1..=4 => Some(one_of(found)),
        n => Some(format!("{} and {} others", found[..3].join(", "), n - 3)),
    }
}
