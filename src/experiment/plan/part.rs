//! A part of a plan: every n-th run, those that are named, or every n-th of those.

use super::runs::Planned;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which runs of a plan are asked for; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Those that are named.
    pub ids: Option<Ids>,
    /// One of equal parts of them.
    pub shard: Option<Shard>,
}

/// One of `of` parts: runs whose place among those asked for, modulo `of`, is `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: NonZeroUsize,
}

/// Runs by the identities of their training, as a file lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// The file.
    pub source: PathBuf,
    lines: Vec<(usize, String)>,
}

impl Shard {
    /// Part `index`, from 0, of `of`; `None` where there is no such part.
    pub fn new(index: usize, of: NonZeroUsize) -> Option<Self> {
        (index < of.get()).then_some(Self { index, of })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (index, of) = text.split_once('/')?;
            Self::new(index.parse().ok()?, of.parse().ok()?)
        };
        read().ok_or_else(|| "write I/N, with I from 0 to N - 1: 0/16 is the first of 16 parts".to_owned())
    }
}

impl Ids {
    /// The identities in the text of the file `source`, one a line; empty lines are left out.
    pub fn read(source: &Path, text: &str) -> Self {
        let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
        let lines = lines.map(|(at, line)| (at + 1, line.to_owned())).collect();
        Self { source: source.to_owned(), lines }
    }

    /// The first that no run has, with its line.
    pub fn unknown(&self, runs: &[Planned]) -> Option<(usize, &str)> {
        let known: HashSet<&str> = runs.iter().map(|run| run.train_id.as_str()).collect();
        self.lines.iter().find(|(_, id)| !known.contains(id.as_str())).map(|(line, id)| (*line, id.as_str()))
    }
}

impl Part {
    /// Whether all runs are asked for.
    pub fn is_whole(&self) -> bool {
        self.ids.is_none() && self.shard.is_none_or(|shard| shard.of.get() == 1)
    }

    /// The runs that are asked for, in plan order.
    pub fn of<'a>(&self, runs: &'a [Planned]) -> Cow<'a, [Planned]> {
        if self.is_whole() {
            return Cow::Borrowed(runs);
        }
        let named: Option<HashSet<&str>> =
            self.ids.as_ref().map(|ids| ids.lines.iter().map(|(_, id)| id.as_str()).collect());
        let named = |run: &Planned| named.as_ref().is_none_or(|named| named.contains(run.train_id.as_str()));
        let mine = |place: usize| self.shard.is_none_or(|shard| place % shard.of == shard.index);
        let asked = runs.iter().filter(|run| named(run)).enumerate();
        asked.filter(|(place, _)| mine(*place)).map(|(_, run)| run.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::id::Id;

    fn name(number: u64) -> Id {
        Id::of(&blake3::hash(&number.to_le_bytes()))
    }

    fn runs(count: u64) -> Vec<Planned> {
        let run = |replicate| Planned {
            arm: 0,
            replicate,
            train_id: name(replicate),
            clean_id: name(100),
            swap_id: None,
            run_id: name(101),
            judge_ids: Vec::new(),
            policy_ids: [name(102); 2],
            deploy_ids: Vec::new(),
        };
        (0..count).map(run).collect()
    }

    #[test]
    fn shards_are_disjoint_and_together_the_plan() {
        for of in [1, 2, 3, 7, 16] {
            let mut all: Vec<u64> = Vec::new();
            for index in 0..of {
                let part = Part { shard: Some(format!("{index}/{of}").parse().unwrap()), ids: None };
                assert_eq!(part.is_whole(), of == 1);
                all.extend(part.of(&runs(10)).iter().map(|run| run.replicate));
            }
            all.sort_unstable();
            assert_eq!(all, (0..10).collect::<Vec<_>>(), "{of}");
        }
        for text in ["", "1", "16/16", "-1/3", "0/0", "a/b", "1/2/3"] {
            assert!(text.parse::<Shard>().unwrap_err().contains("I/N"), "{text}");
        }
    }

    #[test]
    fn named_runs_are_shared_out_and_unknown_names_are_told() {
        let ids = Ids::read(Path::new("ids"), &format!("{}\n\n {} \n{}\n", name(7), name(2), name(5)));
        let numbers = |part: &Part| part.of(&runs(10)).iter().map(|run| run.replicate).collect::<Vec<_>>();
        let named = Part { ids: Some(ids.clone()), shard: None };
        assert_eq!(numbers(&named), [2, 5, 7]);
        assert_eq!(numbers(&Part { shard: Some("1/2".parse().unwrap()), ..named }), [5]);
        assert_eq!(ids.unknown(&runs(10)), None);
        assert_eq!(ids.unknown(&runs(6)), Some((1, name(7).as_str())));
    }
}
