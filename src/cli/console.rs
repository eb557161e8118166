//! What a command says, and where: answers to standard output, everything else to standard error.

use super::{Error, wrap};
use crate::foundation::format::{is_hidden, visible, wrapped};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Columns before the text of a line on standard error.
const INDENT: usize = 9;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Print one JSON document on standard output, and nothing else there
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// No progress, notes or warnings on standard error
    #[arg(long, short, global = true, help_heading = "Output", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more about what is done, on standard error
    #[arg(long, short, global = true, help_heading = "Output")]
    pub verbose: bool,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: Color,
}

/// Text attributes, or none of them.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    color: bool,
}

impl Style {
    /// With escape sequences or without.
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    fn wrap(self, code: &str, text: impl Display) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
    /// Bold: headings.
    pub fn bold(self, text: impl Display) -> String {
        self.wrap("1", text)
    }
    /// Dim: what may be skipped.
    pub fn dim(self, text: impl Display) -> String {
        self.wrap("2", text)
    }
    /// Red: flagged, heavy.
    pub fn red(self, text: impl Display) -> String {
        self.wrap("31", text)
    }
    /// Green: fine.
    pub fn green(self, text: impl Display) -> String {
        self.wrap("32", text)
    }
    /// Yellow: no answer, or one with a caveat.
    pub fn yellow(self, text: impl Display) -> String {
        self.wrap("33", text)
    }
}

/// What was said where nothing is printed.
#[derive(Debug, Default)]
struct Kept {
    answer: Vec<u8>,
    warnings: Vec<String>,
}

/// Where a command speaks.
#[derive(Debug, Clone)]
pub struct Console {
    args: OutputArgs,
    kept: Option<Arc<Mutex<Kept>>>,
}

impl Console {
    /// A console that follows the global flags.
    pub fn new(args: OutputArgs) -> Self {
        Self { args, kept: None }
    }

    /// A console that prints nothing: answers and warnings wait for [`Console::kept`].
    pub fn keeping(args: OutputArgs) -> Self {
        Self { args, kept: Some(Arc::default()) }
    }

    /// What was answered, and what was warned of, on a console that keeps both.
    pub fn kept(&self) -> (String, Vec<String>) {
        let Some(kept) = &self.kept else { return Default::default() };
        let kept = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
        (String::from_utf8_lossy(&kept.answer).into_owned(), kept.warnings)
    }

    fn colors(&self, on_terminal: bool) -> bool {
        match self.args.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                on_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                    && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
            }
        }
    }

    /// Whether the answer is a document for programs.
    pub fn is_json(&self) -> bool {
        self.args.json
    }

    /// How to colour standard error.
    pub fn error_style(&self) -> Style {
        Style::new(self.colors(io::stderr().is_terminal()))
    }

    /// Whether standard error takes colour.
    pub fn error_colors(&self) -> bool {
        self.colors(io::stderr().is_terminal())
    }

    /// Whether a progress bar may be drawn: standard error is a terminal and no one asked for quiet.
    pub fn shows_progress(&self) -> bool {
        !self.args.quiet && self.kept.is_none() && io::stderr().is_terminal()
    }

    /// Whether progress is told line by line: standard error is no terminal, and no one asked for quiet.
    pub fn lists_progress(&self) -> bool {
        !self.args.quiet && self.kept.is_none() && !io::stderr().is_terminal()
    }

    /// The answer of a command: `document` as JSON under `--json`, else the text.
    ///
    /// # Errors
    /// Standard output cannot be written. A reader that stopped reading (`| head`) is no error.
    pub fn answer<D: Serialize>(
        &self,
        document: &D,
        text: impl FnOnce(Style) -> String,
    ) -> Result<(), Error> {
        let mut out = if self.args.json {
            printable_json(serde_json::to_string_pretty(document).map_err(|e| output(io::Error::other(e)))?)
        } else {
            let colors = self.colors(io::stdout().is_terminal());
            printable(&text(Style::new(colors)), colors)
        };
        if !out.ends_with('\n') {
            out.push('\n');
        }
        self.raw(out.as_bytes())
    }

    /// A part of an answer that comes as it is found: text, which `--json` does not have.
    ///
    /// # Errors
    /// As for [`Console::answer`].
    pub fn text(&self, text: impl FnOnce(Style) -> String) -> Result<(), Error> {
        if self.args.json {
            return Ok(());
        }
        let colors = self.colors(io::stdout().is_terminal());
        self.raw(printable(&text(Style::new(colors)), colors).as_bytes())
    }

    /// A document on a line of its own.
    ///
    /// # Errors
    /// As for [`Console::answer`].
    pub fn line<D: Serialize>(&self, document: &D) -> Result<(), Error> {
        let mut line =
            printable_json(serde_json::to_string(document).map_err(|e| output(io::Error::other(e)))?);
        line.push('\n');
        self.raw(line.as_bytes())
    }

    /// Bytes to standard output, as they are.
    ///
    /// # Errors
    /// As for [`Console::answer`].
    pub fn raw(&self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(kept) = &self.kept {
            kept.lock().unwrap_or_else(PoisonError::into_inner).answer.extend_from_slice(bytes);
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(output(error)),
            _ => Ok(()),
        }
    }

    /// A note: how the answer came about.
    pub fn note(&self, message: impl Display) {
        self.say(self.error_style().dim("note:"), message);
    }

    /// A warning: why the answer may mislead.
    pub fn warn(&self, message: impl Display) {
        if let Some(kept) = &self.kept {
            let text = printable(&message.to_string(), false);
            return kept.lock().unwrap_or_else(PoisonError::into_inner).warnings.push(text);
        }
        self.say(self.error_style().yellow("warning:"), message);
    }

    /// A detail, under `--verbose` only.
    pub fn detail(&self, message: impl Display) {
        if self.args.verbose {
            self.say(self.error_style().dim("detail:"), message);
        }
    }

    fn say(&self, label: impl Display, message: impl Display) {
        if !self.args.quiet && self.kept.is_none() {
            // Nothing is left to tell where standard error is closed.
            let text = printable(&message.to_string(), false);
            let mut lines = wrapped(&text, wrap::columns() - INDENT).into_iter();
            let mut out = format!("{label} {}\n", lines.next().unwrap_or_default());
            lines.for_each(|line| out.push_str(&format!("{:INDENT$}{line}\n", "")));
            let _ = io::stderr().lock().write_all(out.as_bytes());
        }
    }
}

/// A text of which no part comes from somewhere else to move a terminal's cursor, ring its bell or turn its writing: control
/// characters and marks of direction are spelled out, line by line. Colours pass where there are any.
pub fn printable(text: &str, colors: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            shown.push('\n');
        }
        for (j, piece) in line.split('\u{1b}').enumerate() {
            let code = piece.find(|c: char| !matches!(c, '[' | ';' | '0'..='9'));
            let colour =
                code.filter(|end| colors && piece.starts_with('[') && piece[*end..].starts_with('m'));
            match (j, colour) {
                (0, _) => {}
                (_, Some(_)) => shown.push('\u{1b}'),
                (_, None) => shown.push_str("\\u{1b}"),
            }
            shown.push_str(&visible(piece));
        }
    }
    shown
}

/// The same document: what [`printable`] spells out is written as JSON's own escapes, where serde leaves it as it is.
fn printable_json(document: String) -> String {
    let moves = |c: char| c != '\n' && is_hidden(c);
    if !document.contains(moves) {
        return document;
    }
    let mut shown = String::with_capacity(document.len());
    for c in document.chars() {
        if moves(c) { shown.push_str(&format!("\\u{:04x}", u32::from(c))) } else { shown.push(c) }
    }
    shown
}

pub(super) fn output(source: io::Error) -> Error {
    Error::Output { what: "to standard output".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_terminal_is_spelled_out() {
        let evil = "a\u{1b}]0;OWNED\u{7}b\r\n\u{202e}c\u{1b}[31mred\u{1b}[0m\u{1b}[2J";
        let shown = "a\\u{1b}]0;OWNED\\u{7}b\\r\n\\u{202e}c";
        assert_eq!(printable(evil, false), format!("{shown}\\u{{1b}}[31mred\\u{{1b}}[0m\\u{{1b}}[2J"));
        assert_eq!(printable(evil, true), format!("{shown}\u{1b}[31mred\u{1b}[0m\\u{{1b}}[2J"));
    }

    #[test]
    fn json_holds_the_same_text_and_moves_no_terminal() {
        let evil = "a\u{1b}[2J\u{9b}31m\u{202e}b\u{7f}\u{feff}é😀\n";
        let document = printable_json(serde_json::to_string_pretty(&[evil]).unwrap());
        assert!(!document.contains(|c| c != '\n' && is_hidden(c)), "{document:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&document).unwrap(), [evil]);
    }
}
