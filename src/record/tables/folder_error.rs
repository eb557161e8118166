//! Why a run folder cannot be read.

use super::file_names::PLAN;
use std::io;
use std::path::PathBuf;

/// Why a run folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// No plan, so no run folder.
    #[error("{} is not a run folder: it has no {PLAN}; give a folder that `tailcatch run` has written", .0.display())]
    NotARun(PathBuf),
    /// A file is there and cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A JSON file does not hold what it should.
    #[error("{}: {source}; run `tailcatch run` again to rewrite it", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: serde_json::Error,
    },
    /// A row of a table does not hold what it should.
    #[error("{}, line {line}: {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Line, from 1 (the header).
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// A table lacks a column.
    #[error("{} has no column `{column}`; it has: {}", path.display(), have.join(", "))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The columns there are.
        have: Vec<String>,
    },
    /// The tables are of another plan, or half written.
    #[error(
        "{}: its tables are not those of its {PLAN}: another experiment was begun here and has not finished; run it to its end with `tailcatch run`, or put together what is there with `tailcatch merge {} --allow-partial`",
        .0.display(),
        .0.display()
    )]
    OtherPlan(PathBuf),
    /// A table is not as it was written.
    #[error(
        "{} is not as it was written: its length or its checksum is not that of tables.json; make the tables anew with `tailcatch merge {}`, or with the `run` or `merge` that made them",
        path.display(),
        dir.display()
    )]
    Damaged {
        /// The table.
        path: PathBuf,
        /// Its folder.
        dir: PathBuf,
    },
    /// A table that was written is not there.
    #[error(
        "{} is not there, and was written with the other tables; make them anew with `tailcatch merge {}`, or with the `run` or `merge` that made them",
        path.display(),
        dir.display()
    )]
    Gone {
        /// The table.
        path: PathBuf,
        /// Its folder.
        dir: PathBuf,
    },
    /// A plan that contradicts itself.
    #[error("{}: {message}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl FolderError {
    /// Whether what lies in the folder is to blame, and not the machine.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Io { source, .. } if source.kind() != io::ErrorKind::InvalidData)
    }
}
