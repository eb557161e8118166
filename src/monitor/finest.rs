//! Which rollouts of a log have company.

use super::grouping::{GroupBy, MIN_GROUP};
use super::source::Source;
use crate::record::{Error, InSteps};

impl GroupBy {
    /// The finest grouping in which most rollouts have company: [`MIN_GROUP`] or more of a kind.
    ///
    /// # Errors
    /// As [`InSteps::rows`].
    pub fn finest(rollouts: &dyn InSteps) -> Result<Self, Error> {
        let source = Source::new(rollouts, None)?;
        let accompanied = |keys: &mut [u64]| -> usize {
            keys.sort_unstable();
            let groups = keys.chunk_by(|a, b| a == b).map(<[u64]>::len);
            groups.filter(|n| *n >= MIN_GROUP).sum()
        };
        let (mut in_groups, mut prompts) = (0, Vec::with_capacity(rollouts.len()));
        for rows in source.batches(0..rollouts.len(), false) {
            let mut rows = source.batch(rows)?.observed;
            in_groups += accompanied(&mut rows.group);
            prompts.extend(rows.prompt);
        }
        Ok(match rollouts.len() {
            n if 2 * in_groups > n => Self::Group,
            n if 2 * accompanied(&mut prompts) > n => Self::Prompt,
            _ => Self::Step,
        })
    }
}
