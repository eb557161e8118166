//! The end of a log of which nothing was read: steps whose rows have no reward, files without it.

use super::log::{LeftOut, LogMeta};
use super::natural::natural;
use std::collections::BTreeSet;
use std::path::Path;

/// Steps that are told apart.
const MOST: usize = 1 << 16;

/// Steps without a reward that come after all that have one, while rows come.
#[derive(Debug, Default)]
pub(super) struct Unread {
    last: Option<u64>,
    steps: BTreeSet<u64>,
}

impl Unread {
    /// A row without a reward.
    pub fn see(&mut self, step: u64) {
        if self.last.is_none_or(|last| step > last) && self.steps.len() < MOST {
            self.steps.insert(step);
        }
    }

    /// A row that counts.
    #[inline]
    pub fn judged(&mut self, step: u64) {
        if self.last.is_none_or(|last| step > last) {
            self.last = Some(step);
            if self.steps.first().is_some_and(|first| *first <= step) {
                self.steps = self.steps.split_off(&(step + 1));
            }
        }
    }

    /// How many steps there are at the end.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }
}

impl LogMeta {
    /// Steps at the end of the log that hold no reward, and files that come after all that were read and hold none.
    pub fn unread_at_end(&self) -> usize {
        let name = |path: &Path| path.to_string_lossy().into_owned();
        let Some(last) = self.files.iter().map(|path| name(path)).max_by(|a, b| natural(a, b)) else {
            return self.unread_steps;
        };
        let after = |file: &&LeftOut| {
            file.lacks_a_column() && natural(&name(&file.path), &last) == std::cmp::Ordering::Greater
        };
        self.unread_steps + self.left_out.iter().filter(after).count()
    }
}

impl LeftOut {
    /// Whether it is a file of rollouts, but for a column that it lacks.
    pub fn lacks_a_column(&self) -> bool {
        self.reason.starts_with("no column") && !self.reason.contains("of single rollouts")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LogOptions, open_log};
    use std::fmt::Write as _;

    #[test]
    fn what_is_not_read_at_the_end_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let rows = |step: u64, reward: &str| {
            (0..4).fold(String::new(), |mut text, row| {
                let _ = writeln!(
                    text,
                    "{{\"step\":{step},\"prompt\":\"p\",\"completion\":\"{step} {row}\"{reward}}}"
                );
                text
            })
        };
        let one: String = (1..12)
            .map(|step| rows(step, if step > 9 || step == 3 { "" } else { ",\"reward\":0.5" }))
            .collect();
        std::fs::write(folder.path().join("a.jsonl"), one).unwrap();
        let unread = |path| open_log(&[path], &LogOptions::default()).unwrap().meta.unread_at_end();
        assert_eq!(unread(folder.path().join("a.jsonl")), 2, "steps 10 and 11, and not 3");
        let files = folder.path().join("files");
        std::fs::create_dir(&files).unwrap();
        for step in 1..14 {
            let reward = if step == 5 || step > 10 { "" } else { ",\"reward\":0.5" };
            std::fs::write(files.join(format!("{step}.jsonl")), rows(step, reward)).unwrap();
        }
        assert_eq!(unread(files), 3, "11, 12 and 13, and not 5");
    }
}
