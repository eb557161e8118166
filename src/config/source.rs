//! Where every piece of the configuration came from: the file and the `--set` arguments, as one run of offsets.

use super::error::{Fault, Place};
use miette::NamedSource;
use std::ops::Range;
use std::sync::Arc;

/// A fault that does not know yet in which text it lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    /// Where, in offsets over all texts.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What stands under the caret.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Draft {
    /// A fault with the words under its caret, and no remedy yet.
    pub fn new(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: label.into(), help: None }
    }

    /// Adds the remedy.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// One text and the offset at which it starts.
#[derive(Debug)]
struct Text {
    source: Arc<NamedSource<Arc<str>>>,
    start: usize,
}

/// All texts of one configuration.
#[derive(Debug, Default)]
pub(super) struct Sources {
    texts: Vec<Text>,
    end: usize,
}

impl Sources {
    /// Adds a text and gives the offset at which it starts.
    pub fn add(&mut self, name: &str, text: &str) -> usize {
        let start = self.end;
        // One offset more than the text, so that a caret past its end still belongs to it.
        self.end += text.len() + 1;
        let source = NamedSource::new(name, Arc::<str>::from(text)).with_language("TOML");
        self.texts.push(Text { source: Arc::new(source), start });
        start
    }

    /// Places a fault in its text.
    pub fn place(&self, draft: Draft) -> Fault {
        let place = self.texts.iter().rev().find(|t| t.start <= draft.span.start).map(|text| {
            let inner = text.source.inner();
            let start = floor_char(inner, draft.span.start - text.start);
            let end = floor_char(inner, draft.span.end.saturating_sub(text.start)).max(start);
            let (line, column) = line_column(inner, start);
            Place { source: Arc::clone(&text.source), span: start..end, line, column }
        });
        Fault::new(place, draft.message, draft.label, draft.help)
    }
}

/// The largest character boundary at or below `at`.
fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// 1-based line and column (in characters) of a byte offset that is a character boundary.
fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_finds_its_text_line_and_column() {
        let mut sources = Sources::default();
        sources.add("a.toml", "x = 1\nµ = 2\n");
        let start = sources.add("--set", "y=3");
        let fault = sources.place(Draft::new(11..12, "wrong", ""));
        assert_eq!(fault.to_string(), "a.toml:2:5: wrong");
        let fault = sources.place(Draft::new(start + 2..start + 3, "wrong", ""));
        assert_eq!(fault.to_string(), "--set:1:3: wrong");
        let past_the_end = sources.place(Draft::new(900..901, "wrong", ""));
        assert_eq!(past_the_end.to_string(), "--set:1:4: wrong");
    }
}
