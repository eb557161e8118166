//! The binary: parse, carry out, report the error chain, exit code.

use clap::Parser;
use miette::{Diagnostic, MietteHandlerOpts, ReportHandler};
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use tailcatch::Error;
use tailcatch::cli::console::printable;
use tailcatch::cli::{Cli, Console, start_workers, survive_large_files};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.output.clone());
    survive_large_files();
    start_workers();
    match cli.run(&console) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            let code = error.exit_code();
            report(error, console.error_colors());
            ExitCode::from(code)
        }
    }
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
                // Lines are not wrapped: a path or a place stays in one piece, for eyes and for grep.
                let options = MietteHandlerOpts::new().color(self.0.color).terminal_links(false);
                options.wrap_lines(false).build().debug(self.0.shown, f)
            }
        }
        write!(f, "{:?}", Once(self))
    }
}
