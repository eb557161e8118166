//! `tailcatch completions`: what a shell needs to complete commands and flags.

use super::console::Console;
use super::{Cli, Error, Outcome};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Shell completion, on standard output
#[derive(Debug, Args)]
#[command(
    after_help = "Example: tailcatch completions bash > ~/.local/share/bash-completion/completions/tailcatch"
)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs, console: &Console) -> Result<Outcome, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tailcatch", &mut script);
    console.raw(&script)?;
    Ok(Outcome::Done)
}
