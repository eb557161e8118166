//! The document as a tree of spanned values, before it has a type.

use super::source::Draft;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// A value with its place.
pub(super) type Node<'i> = Spanned<DeValue<'i>>;

/// Parses a document; every syntax fault, at most one a line.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Vec<Draft>> {
    if let Some(fault) = too_deep(text) {
        return Err(vec![fault]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Spanned::new(0..0, DeValue::Table(root.into_inner())));
    }
    let mut faults: Vec<Draft> = Vec::new();
    let mut last_line = None;
    for error in &errors {
        let fault = syntax_fault(error, text);
        let line = text.bytes().take(fault.span.start).filter(|&b| b == b'\n').count();
        // What follows on the same line is mostly the parser finding its feet again.
        if last_line.replace(line) != Some(line) {
            faults.push(fault);
        }
    }
    Err(faults)
}

/// Parses one value, as given to `--set`.
pub(super) fn parse_value(text: &str) -> Result<Node<'_>, Vec<Draft>> {
    if let Some(fault) = too_deep(text) {
        return Err(vec![fault]);
    }
    let (value, errors) = DeValue::parse_recoverable(text);
    match errors.first() {
        None => Ok(value),
        Some(error) => Err(vec![syntax_fault(error, text)]),
    }
}

/// Dotted keys nest as deeply as they are long, and the parser does not count them.
fn too_deep(text: &str) -> Option<Draft> {
    const DEEPEST: usize = 400;
    let mut dots = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' => dots += 1,
            b'\n' | b'=' | b',' | b'{' | b'[' => dots = 0,
            _ => {}
        }
        if dots > DEEPEST {
            return Some(Draft::new(at..at + 1, format!("more than {DEEPEST} dots in one key"), "here"));
        }
    }
    None
}

fn syntax_fault(error: &Error, text: &str) -> Draft {
    // What is missing at the end of the file is missing after its last character.
    let end = text.trim_end().len();
    let span = error.span().unwrap_or(end..end);
    let span = if span.start > end { end.saturating_sub(1)..end } else { span };
    let bare = text.get(span.clone()).is_none_or(str::is_empty);
    let message = error.message().trim();
    let (message, help) = match message {
        m if m.starts_with("string values must be quoted") && bare => {
            ("there is no value", "write key = value")
        }
        "duplicate key" => {
            ("this key stands here twice", "a key stands once in its table; remove one of the two")
        }
        m if m.starts_with("string values must be quoted") => (
            "this value is no number, not true or false, and not quoted",
            "put a string between double quotes; a number has a point as its decimal mark",
        ),
        m if m.starts_with("cannot recurse") || m.starts_with("recursion") => {
            ("nested too deeply", "no key of a configuration lies deeper than ten levels")
        }
        m if m.starts_with("key with no value") || m.starts_with("missing value") => (m, "write key = value"),
        m if m.starts_with("unclosed") || m.contains("opening quote") => {
            (m, "close every quote, bracket and brace that was opened")
        }
        m if m.contains("comma") => (m, "entries are separated by one comma each"),
        m => (m, "a line is key = value, [table] or [[list]]; strings stand between double quotes"),
    };
    Draft::new(span, format!("not valid TOML: {message}"), "here").help(help)
}

/// The same value, `by` bytes further on.
pub(super) fn shifted(node: Node<'_>, by: usize) -> Node<'_> {
    let span = moved(node.span(), by);
    let value = match node.into_inner() {
        DeValue::Array(items) => DeValue::Array(items.into_iter().map(|item| shifted(item, by)).collect()),
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, value)| {
                    (Spanned::new(moved(key.span(), by), key.into_inner()), shifted(value, by))
                })
                .collect(),
        ),
        scalar => scalar,
    };
    Spanned::new(span, value)
}

fn moved(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

/// The value below `path`, and how many segments of it exist.
pub(super) fn descend<'t, 'i>(root: &'t Node<'i>, path: &[String]) -> (&'t Node<'i>, usize) {
    let mut node = root;
    for (depth, segment) in path.iter().enumerate() {
        let below = match node.get_ref() {
            DeValue::Table(table) => table.get(segment.as_str()),
            DeValue::Array(items) => segment.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match below {
            Some(below) => node = below,
            None => return (node, depth),
        }
    }
    (node, path.len())
}

/// Where `path` stands in the file, or the nearest value above it.
pub(super) fn place(root: &Node<'_>, path: &[String]) -> Range<usize> {
    for depth in (1..=path.len()).rev() {
        let (node, found) = descend(root, &path[..depth]);
        let span = node.span();
        if found == depth && !span.is_empty() {
            return span;
        }
    }
    0..0
}

/// Puts `value` at `path`, which the schema allows, making the tables on the way; `span` is where the path is written.
pub(super) fn splice<'i>(root: &mut Node<'i>, path: &[String], span: &Range<usize>, value: Node<'i>) {
    let Some((segment, rest)) = path.split_first() else {
        *root = value;
        return;
    };
    match root.get_mut() {
        DeValue::Table(table) => {
            if !table.contains_key(segment.as_str()) {
                let empty = Spanned::new(span.clone(), DeValue::Table(DeTable::new()));
                table.insert(Spanned::new(span.clone(), segment.clone().into()), empty);
            }
            if let Some(below) = table.get_mut(segment.as_str()) {
                splice(below, rest, span, value);
            }
        }
        DeValue::Array(items) => {
            if let Some(below) = segment.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                splice(below, rest, span, value);
            }
        }
        _ => {}
    }
}
