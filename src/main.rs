//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(tailcatch::cli::execute(std::env::args_os()))
}
