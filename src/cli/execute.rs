//! A whole command: parse, carry out, report the error chain, exit code.

use super::console::{OutputArgs, output, printable};
use super::{Cli, Console, help, start_workers, survive_large_files, wrap};
use crate::Error;
use clap::Parser;
use miette::{Diagnostic, MietteHandlerOpts, ReportHandler};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use textwrap::WordSplitter;

/// Code of a command line that cannot be read.
const USAGE: u8 = 2;

/// Carries out the command line `arguments`, whose first is the program's name, and gives the exit code. Answers go to standard
/// output, errors to standard error.
pub fn execute(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = Cli::try_parse_from(&arguments);
    let cli = match parsed.map_err(|error| help::refusal(&arguments).unwrap_or(error)) {
        Ok(cli) => cli,
        // Help and version are no failures, unless they cannot be told.
        Err(error) if !error.use_stderr() => return told(error.print()),
        Err(error) => {
            if arguments.iter().any(|argument| argument == "--json") {
                refused(&error);
            }
            // Nothing is left to tell where standard error is closed.
            let _ = unparsed(&error);
            return u8::try_from(error.exit_code()).unwrap_or(USAGE);
        }
    };
    let console = Console::new(cli.output.clone());
    survive_large_files();
    start_workers();
    match cli.run(&console) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            let code = error.exit_code();
            if console.is_json() {
                document(&error);
            }
            report(error, console.error_colors());
            code
        }
    }
}

/// The exit code of an answer that was printed; who closed its pipe wanted no more of it.
fn told(printed: io::Result<()>) -> u8 {
    match printed.and_then(|()| io::stdout().flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            let error = Error::from(output(source));
            let code = error.exit_code();
            report(error, Console::new(OutputArgs::default()).error_colors());
            code
        }
        _ => 0,
    }
}

/// Under `--json` a failure is a document too: programs find why on standard output.
fn document(error: &Error) {
    let mut causes: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    print(&serde_json::json!({
        "error": { "message": error.to_string(), "causes": causes, "help": error.help(), "exit_code": error.exit_code() }
    }));
}

/// Tells what of a command line does not parse: its words come from somewhere else.
fn unparsed(error: &clap::Error) -> io::Result<()> {
    let colors = Console::new(OutputArgs::default()).error_colors();
    let rendered = error.render();
    let text = if colors { rendered.ansi().to_string() } else { rendered.to_string() };
    let text = wrap::lines(&printable(&text, colors), wrap::columns());
    io::stderr().lock().write_all(text.as_bytes())
}

/// The same for a command line that does not parse.
fn refused(error: &clap::Error) {
    let text = error.render().to_string();
    // The first paragraph: what is missing stands on lines of its own.
    let first: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let message = first.join(" ").trim_start_matches("error: ").to_owned();
    let help = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_owned);
    print(&serde_json::json!({
        "error": { "message": message, "causes": [], "help": help, "exit_code": error.exit_code() }
    }));
}

fn print(document: &serde_json::Value) {
    // Where nobody reads, nobody is told.
    let _ = Console::new(OutputArgs { json: true, ..Default::default() }).line(document);
}

/// Prints an error; a config's faults one by one, each with its lines and caret.
fn report(error: Error, color: bool) {
    match &error {
        #[cfg(feature = "lab")]
        Error::Config(faults) => {
            for fault in faults.reports() {
                say(&Report { shown: fault.as_ref(), color });
            }
        }
        _ => say(&Report { shown: &Shown(error), color }),
    }
}

/// Nothing is left to tell where standard error is full or closed: the exit code tells it.
fn say(report: &Report<'_>) {
    let _ = io::stderr().lock().write_all(report.to_string().as_bytes());
}

/// An error with its help, as miette sees it.
#[derive(Debug)]
struct Shown(Error);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0.to_string(), false))
    }
}

impl std::error::Error for Shown {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help().map(|help| Box::new(printable(&help, false)) as Box<dyn fmt::Display>)
    }
}

struct Report<'a> {
    shown: &'a dyn Diagnostic,
    color: bool,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Once<'a>(&'a Report<'a>);
        impl fmt::Debug for Once<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // A path, a place or a command stays in one piece, for eyes and for grep.
                let options = MietteHandlerOpts::new().color(self.0.color).terminal_links(false);
                let options = options.width(wrap::columns()).wrap_lines(true).break_words(false);
                let options = options.word_separator(wrap::WORDS).word_splitter(WordSplitter::NoHyphenation);
                options.build().debug(self.0.shown, f)
            }
        }
        write!(f, "{:?}", Once(self))
    }
}
