//! A command that is run when something stands apart.

use crate::cli::Console;
use serde::Serialize;
use std::io::{self, Seek, Write};
use std::process::{Child, Command, Stdio};

/// The command, and those of its runs that have not ended. Nothing waits for them before the end.
pub(super) struct Hook {
    command: String,
    running: Vec<Child>,
}

impl Hook {
    pub fn new(command: String) -> Self {
        Self { command, running: Vec::new() }
    }

    /// Runs the command with these entries on its standard input, if there are any.
    pub fn call(&mut self, entries: &[impl Serialize], console: &Console) {
        let mut running = std::mem::take(&mut self.running);
        running.retain_mut(|child| match child.try_wait() {
            Ok(Some(status)) => {
                self.ended(status, console);
                false
            }
            _ => true,
        });
        self.running = running;
        if entries.is_empty() {
            return;
        }
        match self.start(entries) {
            Ok(child) => self.running.push(child),
            Err(error) => console.warn(format!("--on-flag `{}` could not be run: {error}", self.command)),
        }
    }

    fn start(&self, entries: &[impl Serialize]) -> io::Result<Child> {
        // A file and no pipe: the command may read it or not.
        let mut input = tempfile::tempfile()?;
        for entry in entries {
            serde_json::to_writer(&mut input, entry)?;
            input.write_all(b"\n")?;
        }
        input.rewind()?;
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        // What it prints is no entry: standard output is the list's.
        Command::new(shell)
            .arg(flag)
            .arg(&self.command)
            .stdin(Stdio::from(input))
            .stdout(io::stderr())
            .spawn()
    }

    fn ended(&self, status: std::process::ExitStatus, console: &Console) {
        if !status.success() {
            console.warn(format!("--on-flag `{}` ended with {status}", self.command));
        }
    }

    /// Waits for those that run.
    pub fn finish(mut self, console: &Console) {
        for mut child in std::mem::take(&mut self.running) {
            match child.wait() {
                Ok(status) => self.ended(status, console),
                Err(error) => console.warn(format!("--on-flag `{}`: {error}", self.command)),
            }
        }
    }
}
