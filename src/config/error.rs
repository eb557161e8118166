//! What is wrong with a configuration, with the place and the remedy.

use crate::foundation::format::visible;
use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, NamedSource, Report, SourceCode, SourceSpan,
    SpanContents,
};
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

    /// What to do, a line for each fault that says it: the words beside its caret, and its remedy.
    pub fn help(&self) -> Option<String> {
        let one = |fault: &Fault| {
            let words = [Some(fault.label.as_str()), fault.help()].into_iter().flatten();
            words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ")
        };
        let all: Vec<String> = self.faults.iter().map(one).filter(|line| !line.is_empty()).collect();
        (!all.is_empty()).then(|| all.join("\n"))
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
            let (text, span) = clipped(place.source.inner(), &place.span);
            let up_to = |at: usize| shown(text.get(..at).unwrap_or(&text)).len();
            let source = NamedSource::new(visible(place.source.name()), Arc::<str>::from(shown(&text)));
            let source = Arc::new(source.with_language("TOML"));
            Place { source, span: up_to(span.start)..up_to(span.end), ..*place }
        });
        let (message, label) = (shown(&self.message), shown(&self.label));
        let excerpt =
            place.as_ref().map(|place| Excerpt { source: place.source.clone(), column: place.column });
        let fault = Self { place, message, label, help: self.help.as_deref().map(shown) };
        Report::new(Rendered { fault, excerpt })
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

/// Most characters of a line that are shown, beside the marks where it is cut.
const WIDEST: usize = 160;
/// Characters that are shown before a fault, in a line that is cut.
const BEFORE: usize = 60;
/// Stands where a line is cut.
const CUT: char = '…';

/// A text without what makes its lines too long, and where the span lies in it: its lines are cut around it.
fn clipped(text: &str, span: &Range<usize>) -> (String, Range<usize>) {
    let mut kept = String::with_capacity(text.len().min(1 << 16));
    let mut moved = span.clone();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (end, holds) = (start + line.len(), |at: usize| (start..=start + line.len()).contains(&at));
        let body = line.strip_suffix('\n').unwrap_or(line);
        let (from, to) = if body.len() <= WIDEST {
            (0, body.len())
        } else {
            // The beginning of the span leads: its end may be far behind.
            let fault = [span.start, span.end].into_iter().find(|at| holds(*at)).map_or(0, |at| at - start);
            window(body, fault.min(body.len()))
        };
        let before = kept.len();
        kept.extend((from > 0).then_some(CUT));
        let lead = kept.len() - before;
        kept.push_str(&body[from..to]);
        kept.extend((to < body.len()).then_some(CUT));
        let place = |at: usize| before + lead + at.saturating_sub(start).clamp(from, to) - from;
        for (old, new) in [(span.start, &mut moved.start), (span.end, &mut moved.end)] {
            if (start..end).contains(&old) || (old == end && end == text.len()) {
                *new = place(old);
            }
        }
        kept.push_str(&line[body.len()..]);
        start = end;
    }
    (kept, moved)
}

/// The part of a long line that is shown, in bytes.
fn window(line: &str, fault: usize) -> (usize, usize) {
    let back = |n: usize| line[..fault].char_indices().rev().take(n).last().map_or(fault, |(at, _)| at);
    let from = back(BEFORE);
    let to = line[from..].char_indices().nth(WIDEST).map_or(line.len(), |(at, _)| from + at);
    (from, to)
}

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
struct Rendered {
    fault: Fault,
    excerpt: Option<Excerpt>,
}

/// The lines of a fault, of which the long ones are cut: the column is that of the whole line.
#[derive(Debug)]
struct Excerpt {
    source: Arc<NamedSource<Arc<str>>>,
    column: usize,
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.source.read_span(span, before, after)?;
        // Without lines around it the fault's own place is asked for.
        let column = if before == 0 { self.column.saturating_sub(1) } else { read.column() };
        let (name, at) = (self.source.name().to_owned(), *read.span());
        let contents =
            MietteSpanContents::new_named(name, read.data(), at, read.line(), column, read.line_count());
        Ok(Box::new(contents.with_language("TOML")))
    }
}

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.message)
    }
}

impl std::error::Error for Rendered {}

impl Diagnostic for Rendered {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.fault.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.fault.place.as_ref()?;
        let label = (!self.fault.label.is_empty()).then(|| self.fault.label.clone());
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
    /// A report of 70,000 columns ended the program, and one of 60,000 filled the terminal.
    #[test]
    fn a_long_line_is_cut_around_its_fault() {
        let wide = "é".repeat(90_000);
        for (before, after) in [("", &*wide), (&*wide, ""), (&*wide, &*wide), ("x = ", " # y")] {
            let text = format!("a = 1\n{before}FAULT{after}\r\n{wide}\n{wide}");
            let start = text.find('F').unwrap();
            let column = before.chars().count() + 1;
            let source = Arc::new(NamedSource::new("w.toml", Arc::<str>::from(&*text)));
            let place = Place { source, span: start..start + 5, line: 2, column };
            let fault = Fault::new(Some(place), "bad".into(), "here".into(), None);
            let report = format!("{:?}", fault.report());
            assert!(report.contains(&format!("[w.toml:2:{column}]")), "{report}");
            assert!(report.contains("FAULT") && report.contains("here") && report.len() < 3000, "{report}");
            let widest = report.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest < 200, "{widest}");
            let label = fault.report().labels().unwrap().next().unwrap();
            let (shown, span) = clipped(&text, &(start..start + 5));
            assert_eq!((&shown[span.clone()], label.len()), ("FAULT", 5));
        }
        // A span that is long itself, and one at the end.
        for span in [0..wide.len(), wide.len()..wide.len()] {
            let source = Arc::new(NamedSource::new("w.toml", Arc::<str>::from(&*wide)));
            let place = Place { source, span, line: 1, column: 1 };
            let report = format!("{:?}", Fault::new(Some(place), "bad".into(), String::new(), None).report());
            assert!(report.contains("bad") && report.len() < 3000, "{report}");
        }
        assert_eq!(clipped("a\nb", &(2..3)), ("a\nb".to_owned(), 2..3));
        assert_eq!(clipped("", &(0..0)), (String::new(), 0..0));
    }
}
