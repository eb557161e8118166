//! What a reader of a result should know of how its log was read.

use super::error::Place;
use super::log::LeftOut;
use super::repeat::Repeat;
use std::path::PathBuf;

/// Files of one reason that a note names.
const NAMED: usize = 3;

/// Notes while a log is read.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub notes: Vec<String>,
    pub left_out: Vec<LeftOut>,
    /// Rollouts that were there before.
    pub repeated: usize,
    first_repeat: Option<Repeat>,
    repeats: usize,
}

impl Told {
    /// Rows that are those of another step or file.
    pub fn repeat(&mut self, repeat: &Repeat) {
        self.repeated += repeat.rows.len();
        self.repeats += 1;
        if self.first_repeat.is_none() {
            self.first_repeat = Some(repeat.clone());
        }
    }

    /// A last row that is not complete.
    pub fn unfinished(&mut self, place: &Place) {
        self.notes.push(format!("{place}: not complete, as the last row of a run that goes on; left out"));
    }

    /// The notes, and the files that were left out, in words and as they are.
    pub fn finish(self, files: &[PathBuf]) -> (Vec<String>, Vec<LeftOut>) {
        let Self { mut notes, left_out, first_repeat, repeats, repeated } = self;
        if let Some(first) = first_repeat {
            let more = match repeats - 1 {
                0 => String::new(),
                more => format!("; likewise {more} times more, {repeated} rollouts in all"),
            };
            notes.push(first.said(files, &more));
        }
        let mut reasons: Vec<&str> = Vec::new();
        for file in &left_out {
            if !reasons.contains(&file.reason.as_str()) {
                reasons.push(&file.reason);
            }
        }
        for reason in reasons {
            let of: Vec<&LeftOut> = left_out.iter().filter(|file| file.reason == reason).collect();
            let named: Vec<String> =
                of.iter().take(NAMED).map(|file| file.path.display().to_string()).collect();
            let more = match of.len().checked_sub(NAMED) {
                Some(more @ 1..) => format!(" and {more} more"),
                _ => String::new(),
            };
            notes.push(format!("{}{more}: left out, {reason}", named.join(", ")));
        }
        (notes, left_out)
    }
}
