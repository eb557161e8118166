//! What a verdict takes for granted.

use super::apart::Power;
use super::gathering::Gathered;
use crate::foundation::format::{count, table};
use crate::record::LogMeta;
use serde::Serialize;

/// What was taken for granted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assumptions {
    /// The reward's columns, with their weights.
    pub reward: String,
    /// Where steps come from.
    pub step: String,
    /// Where groups come from.
    pub group: String,
    /// Which column's texts are those of the model, or that none were read; nothing of a log without texts.
    pub texts: Option<String>,
    /// What a reward is relative to.
    pub centre: String,
    /// What is normal.
    pub reference: String,
    /// Rollouts that were judged, and rows that were left out because they hold no reward.
    pub rows: usize,
    /// Rows without a reward.
    pub rows_left_out: usize,
    /// Files that were read.
    pub files: usize,
    /// Files that were found and not read, with the reason.
    pub files_left_out: Vec<String>,
    /// Rollouts that the log holds more than once, counted once.
    pub duplicates: usize,
    /// Places of the ranking, and benign entries that were to be expected.
    pub places: usize,
    /// Benign entries that were to be expected in all.
    pub expected_benign: f64,
    /// What would have stood apart: one rollout, ten, and a twentieth of the log, from which score on. Empty where rewards take a few
    /// values, and where too few were seen; what lies beyond the end of the rewards is left out.
    pub power: Vec<Power>,
}

impl Assumptions {
    /// How many rollouts were judged, and in how many files they lie; nothing of files where they were handed over by a program.
    pub fn rows_in_words(&self) -> String {
        match self.files {
            0 => count(self.rows),
            1 => format!("{} in 1 file", count(self.rows)),
            files => format!("{} in {} files", count(self.rows), count(files)),
        }
    }

    /// What would have stood apart, in words.
    pub fn power_in_words(&self) -> Option<String> {
        let (first, rest) = self.power.split_first()?;
        let rest: Vec<String> = rest
            .iter()
            .map(|power| format!(", {} from {}", count(power.rollouts), table(power.score)))
            .collect();
        Some(format!(
            "{} would stand apart from {} above {} on{}",
            if first.rollouts == 1 {
                "1 rollout".to_owned()
            } else {
                format!("{} rollouts", count(first.rollouts))
            },
            table(first.score),
            self.centre,
            rest.concat()
        ))
    }
}

/// What was taken for granted of a log with so many rollouts that were judged. `reference`: in words.
pub(super) fn assumptions(meta: &LogMeta, gathered: &Gathered, rows: usize, reference: &str) -> Assumptions {
    Assumptions {
        reward: meta.reward.to_string(),
        step: meta.step.to_string(),
        group: meta.group.to_string(),
        texts: meta.texts.clone(),
        centre: gathered.noun.to_owned(),
        reference: format!("{reference} ({} rollouts)", count(gathered.reference)),
        rows,
        rows_left_out: meta.empty,
        files: meta.files.len(),
        files_left_out: (meta.left_out.iter())
            .map(|file| format!("{}: {}", file.path.display(), file.reason))
            .collect(),
        duplicates: meta.repeated,
        places: gathered.places,
        expected_benign: gathered.expected,
        power: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_no_file_says_nothing_of_files() {
        let mut assumed = Assumptions {
            reward: String::new(),
            step: String::new(),
            group: String::new(),
            texts: None,
            centre: String::new(),
            reference: String::new(),
            rows: 3328,
            rows_left_out: 0,
            files: 0,
            files_left_out: Vec::new(),
            duplicates: 0,
            places: 0,
            expected_benign: 0.0,
            power: Vec::new(),
        };
        let told = [0, 1, 2].map(|files| {
            assumed.files = files;
            assumed.rows_in_words()
        });
        assert_eq!(told, ["3,328", "3,328 in 1 file", "3,328 in 2 files"]);
    }
}
