//! `tailcatch schema`: the JSON Schema of a config, for editors.

use super::console::Console;
use super::{Error, Outcome};
use crate::config;
use clap::Args;

/// Print the JSON Schema of a config, for completion and checks in an editor
#[derive(Debug, Args)]
pub struct SchemaArgs {}

/// Runs the command.
pub fn run(_: &SchemaArgs, console: &Console) -> Result<Outcome, Error> {
    let schema = config::schema();
    console.answer(&schema, |_| serde_json::to_string_pretty(&schema).unwrap_or_default())?;
    Ok(Outcome::Done)
}
