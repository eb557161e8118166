//! `--set KEY=VALUE` arguments: read, and put into the tree.

use super::document::{Node, parse, parse_value, shifted, splice};
use super::paths::find;
use super::source::Draft;
use toml::Spanned;
use toml::de::DeValue;

/// One `--set KEY=VALUE`.
pub(super) struct Override<'i> {
    path: Vec<String>,
    span: std::ops::Range<usize>,
    value: Node<'i>,
}

/// Reads `KEY=VALUE`: the key as TOML writes one, the value as TOML, or a bare word.
pub(super) fn read_set(set: &str, start: usize) -> Result<Override<'_>, Vec<Draft>> {
    let whole = start..start + set.len();
    let malformed = |problem: &str| {
        vec![
            Draft::new(whole.clone(), format!("--set {set}: {problem}"), "here")
                .help("write --set KEY=VALUE, for example --set trainer.reinforce.steps=100"),
        ]
    };
    let mut quote = None;
    let equals = set.char_indices().find(|&(_, c)| match (quote, c) {
        (None, '=') => true,
        (None, '"' | '\'') => {
            quote = Some(c);
            false
        }
        (Some(q), c) if q == c => {
            quote = None;
            false
        }
        _ => false,
    });
    let Some((equals, _)) = equals else { return Err(malformed("there is no `=`")) };
    let (key, after) = (set[..equals].trim(), &set[equals + 1..]);
    let text = after.trim();
    let Some(path) = read_key(key) else { return Err(malformed("the key is not a dotted name")) };
    let span = start..start + equals;
    let offset = start + equals + 1 + (after.len() - after.trim_start().len());
    let bare = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c));
    let value = match parse_value(text) {
        Ok(value) => value,
        Err(_) if bare => Spanned::new(0..text.len(), DeValue::String(text.into())),
        Err(_) if text.is_empty() => return Err(malformed("there is no value")),
        Err(mut faults) => {
            for fault in &mut faults {
                fault.span = fault.span.start + offset..fault.span.end + offset;
            }
            return Err(faults);
        }
    };
    Ok(Override { path, span, value: shifted(value, offset) })
}

/// The segments of a dotted key; `sweep."a.b"` has two.
fn read_key(key: &str) -> Option<Vec<String>> {
    let line = format!("{key}=0");
    let mut node = parse(&line).ok()?;
    let mut path = Vec::new();
    while let DeValue::Table(table) = node.get_ref() {
        let (1, Some((segment, below))) = (table.len(), table.iter().next()) else { return None };
        path.push(segment.get_ref().to_string());
        let below = below.clone();
        node = below;
    }
    (!path.is_empty()).then_some(path)
}

/// Puts the overrides into the tree; what leads nowhere is a fault.
pub(super) fn apply<'i>(
    base: &mut Node<'i>,
    overrides: Vec<Override<'i>>,
    faults: &mut Vec<Draft>,
) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for set in overrides {
        // The sweep has keys of its own, which are looked at later.
        if set.path.first().is_some_and(|section| section == "sweep") {
            splice(base, &set.path, &set.span, set.value);
            continue;
        }
        match find(&set.path, base) {
            Ok(_) => {
                splice(base, &set.path, &set.span, set.value);
                paths.push(set.path);
            }
            Err(lost) => faults.push(Draft::new(set.span, lost.message, "leads nowhere").help(lost.help)),
        }
    }
    paths
}
