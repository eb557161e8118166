//! What reading or writing results can meet.

use std::io;
use std::path::{Path, PathBuf};

/// What reading or writing results can meet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The same identity, other bytes.
    #[error(
        "{path} holds another result for the same run (checksums {found} there, {made} now); results of one binary must repeat: move the folder away, or find what changed",
        path = path.display()
    )]
    Conflict {
        /// The record on disk.
        path: PathBuf,
        /// Its checksum.
        found: String,
        /// The new one.
        made: String,
    },
    /// Two folders hold other bytes under the same identity.
    #[error(
        "{} and {} hold different results for the same run (checksums {first_sum} and {second_sum}); remove the one that is wrong, or make both anew with one binary",
        first.display(),
        second.display()
    )]
    Contradiction {
        /// One record.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Checksum of the first.
        first_sum: String,
        /// Checksum of the second.
        second_sum: String,
    },
    /// A whole record under a name that is not its own.
    #[error("{path} holds the record of {id}, which is another run; remove the file, or give it its own name, {id}.record", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose record it holds.
        id: String,
    },
    /// A whole record that does not say whose it is.
    #[error(
        "{path} was written by an earlier version, whose records do not say whose they are, so it is not used; move the folder `{folder}` away to make its records anew, or go on with that version",
        path = path.display(),
        folder = path.parent().unwrap_or(path).display()
    )]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// A run under way was begun by another binary, or on another kind of processor.
    #[error(
        "{path} is a run under way that another binary began ({found}; this is {own}), and its numbers would be mixed with this one's; go on with that binary, remove the file to begin the run anew, or give --allow-mixed",
        path = path.display()
    )]
    Begun {
        /// The record of the run so far.
        path: PathBuf,
        /// With what it was begun.
        found: String,
        /// With what it would go on.
        own: String,
    },
    /// Another experiment is at work in the folder, or has taken it over.
    #[error(
        "another experiment is at work in {out}, and its tables would be mixed with this one's; wait until it has ended, or give this one another folder with --out",
        out = out.display()
    )]
    Occupied {
        /// The run folder.
        out: PathBuf,
    },
    /// Records that are to be put together were made by several binaries, or kinds of processor.
    #[error(
        "{records} records were made by another binary or processor ({found}) than the first ({own}), and their last digits may differ; make them anew with one, or give --allow-mixed"
    )]
    Mingled {
        /// How many records.
        records: usize,
        /// What made the first of them.
        found: String,
        /// What made the first of all.
        own: String,
    },
    /// Another experiment's results are in the folder.
    #[error(
        "{out} holds another experiment, and its tables would be given up; give this one another folder with --out",
        out = out.display()
    )]
    Taken {
        /// The run folder.
        out: PathBuf,
    },
    /// A record that a finished run should have left is not there or does not verify.
    #[error("{path} is missing or damaged; run the same command again to make it anew", path = path.display())]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// A section cannot be read back.
    #[error("{path}, section {section}: {problem}; remove the file and run again", path = path.display())]
    Section {
        /// The record.
        path: PathBuf,
        /// Its section.
        section: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl StoreError {
    /// Wraps what the system said of `path`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Whether it is about what lies in the folder, and not about the machine.
    pub fn is_of_the_folder(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }
}
