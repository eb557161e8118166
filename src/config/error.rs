//! What is wrong with a configuration, with the place and the remedy.

use crate::foundation::format::visible;
use miette::{Diagnostic, LabeledSpan, NamedSource, Report, SourceCode};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Every fault that was found; one line each when displayed.
#[derive(Debug, Clone)]
pub struct ConfigError {
    faults: Vec<Fault>,
    of_the_machine: bool,
}

impl ConfigError {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self { faults, of_the_machine: false }
    }

    /// The same, of a file that the system could not read.
    pub(super) fn of_the_machine(self) -> Self {
        Self { of_the_machine: true, ..self }
    }

    /// Whether who wrote or named the file is to blame, and not the machine.
    pub fn is_refusal(&self) -> bool {
        !self.of_the_machine
    }

    /// The faults, in the order of the file.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// One report a fault, with its source lines, a caret and the remedy.
    pub fn reports(&self) -> impl Iterator<Item = Report> + '_ {
        self.faults.iter().map(Fault::report)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Where a fault lies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub source: Arc<NamedSource<Arc<str>>>,
    pub span: Range<usize>,
    pub line: usize,
    pub column: usize,
}

/// One fault. Displayed as `file:line:column: message`.
#[derive(Debug, Clone)]
pub struct Fault {
    place: Option<Place>,
    message: String,
    label: String,
    help: Option<String>,
}

impl Fault {
    pub(super) fn new(place: Option<Place>, message: String, label: String, help: Option<String>) -> Self {
        Self { place, message, label, help }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// 1-based line and column, where the fault lies in a text.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|p| (p.line, p.column))
    }

    /// The text under the caret; empty where something is missing.
    pub fn excerpt(&self) -> &str {
        self.place.as_ref().and_then(|p| p.source.inner().get(p.span.clone())).unwrap_or_default()
    }

    /// A report for a terminal: source lines, caret, remedy.
    pub fn report(&self) -> Report {
        let place = self.place.as_ref().map(|place| {
            let text = place.source.inner();
            let up_to = |at: usize| shown(text.get(..at).unwrap_or(text)).len();
            let source = NamedSource::new(visible(place.source.name()), Arc::<str>::from(shown(text)));
            let source = Arc::new(source.with_language("TOML"));
            Place { source, span: up_to(place.span.start)..up_to(place.span.end), ..*place }
        });
        let (message, label) = (shown(&self.message), shown(&self.label));
        Report::new(Rendered(Self { place, message, label, help: self.help.as_deref().map(shown) }))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}:{}: ", place.source.name(), place.line, place.column)?;
        }
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for Fault {}

/// A text whose lines and tabs stay and of which nothing else moves a terminal's cursor.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            shown.push('\n');
        }
        for (j, cell) in line.strip_suffix('\r').unwrap_or(line).split('\t').enumerate() {
            if j > 0 {
                shown.push('\t');
            }
            shown.push_str(&visible(cell));
        }
    }
    shown
}

/// A fault beside its source lines, which show the place: the message stands alone.
#[derive(Debug)]
struct Rendered(Fault);

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Rendered {}

impl Diagnostic for Rendered {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.place.as_ref().map(|place| &*place.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.0.place.as_ref()?;
        let label = (!self.0.label.is_empty()).then(|| self.0.label.clone());
        let span = LabeledSpan::new(label, place.span.start, place.span.len());
        Some(Box::new(std::iter::once(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_config_reaches_the_terminal_raw() {
        let text = "a = 1\r\n\tb\u{1b}[31m = \u{202e}2\u{7}\n";
        let source = Arc::new(NamedSource::new("x\u{1b}]0;y\u{7}.toml", Arc::<str>::from(text)));
        let start = text.find('2').unwrap();
        let place = Place { source, span: start..start + 1, line: 2, column: 10 };
        let fault =
            Fault::new(Some(place), "bad \u{1b}[2J".into(), "he\rre".into(), Some("do\u{9b}31m".into()));
        let report = format!("{:?}", fault.report());
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!report.contains(raw), "{report:?}");
        for part in
            ["b\\u{1b}[31m = \\u{202e}2\\u{7}", "x\\u{1b}]0;y", "bad \\u{1b}[2J", "he\\rre", "do\\u{9b}31m"]
        {
            assert!(report.contains(part), "{part}: {report}");
        }
        // The caret stands under what it stood under.
        let report = fault.report();
        let label = report.labels().unwrap().next().unwrap();
        let source = shown(text);
        assert_eq!(&source[label.offset()..label.offset() + label.len()], "2");
        assert!(source.starts_with("a = 1\n\tb"));
    }
}
