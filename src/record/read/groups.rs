//! Whether a column of groups is one: a group that no other rollout of its step shares is the name of a rollout, and one that all rollouts
//! of every step share, whatever their prompt, is none either.

use super::layout::Shared;

/// Rows of a step that are looked at.
const MOST: usize = 1 << 18;
/// Rows from which on a column whose groups mostly hold several rollouts is known to be one.
const KNOWN: usize = 1 << 12;
/// Of a column that is none, one rollout in so many may share its value with another of its step: a batch that was tried again does.
const FEW: usize = 5;
/// One rollout in so many at least shares its prompt with another of its step, where prompts are groups.
const MANY: usize = 2;

/// What was seen of a column of groups, step by step, until it is known that its values are shared, and not by all of a step.
#[derive(Debug, Default)]
pub(super) struct Groups {
    of: Option<Shared>,
    groups: Vec<u64>,
    prompts: Vec<u64>,
    /// Rollouts of steps that hold several.
    rows: usize,
    /// Those that share their group, and their prompt, with another of their step.
    with_group: usize,
    with_prompt: usize,
    groups_differ: bool,
    prompts_differ: bool,
}

impl Groups {
    /// The next row.
    pub fn see(&mut self, shared: Shared, group: u64, prompt: u64) {
        if self.rows >= KNOWN && self.groups_differ && MANY * self.with_group >= self.rows {
            return;
        }
        if self.of != Some(shared) {
            self.end();
            self.of = Some(shared);
        }
        if self.groups.len() < MOST {
            self.groups.push(group);
            self.prompts.push(prompt);
        }
    }

    fn end(&mut self) {
        // Where a step has one rollout, blocks of them may hold groups.
        if self.groups.len() < 2 {
            self.groups.clear();
            self.prompts.clear();
            return;
        }
        self.rows += self.groups.len();
        let look = |values: &mut Vec<u64>| {
            values.sort_unstable();
            let alone = values.chunk_by(|a, b| a == b).filter(|alike| alike.len() == 1).count();
            let (shared, differ) = (values.len() - alone, values.first() != values.last());
            values.clear();
            (shared, differ)
        };
        let ((groups, differ), (prompts, unlike)) = (look(&mut self.groups), look(&mut self.prompts));
        self.with_group += groups;
        self.with_prompt += prompts;
        self.groups_differ |= differ;
        self.prompts_differ |= unlike;
    }

    /// Whether prompts hold several rollouts of a step.
    pub fn have_prompts(&self) -> bool {
        MANY * self.with_prompt >= self.rows
    }

    /// Of a column that may be one and of which less than half of the rollouts share a value where prompts are shared: the percentages of
    /// rollouts that share each.
    pub fn doubt(&self) -> Option<[usize; 2]> {
        let of = |shared: usize| 100 * shared / self.rows.max(1);
        (self.have_prompts() && MANY * self.with_group < self.rows)
            .then(|| [of(self.with_group), of(self.with_prompt)])
    }

    /// Why the column is none, if it is.
    pub fn are_none(&mut self) -> Option<NoGroups> {
        self.end();
        let (rows, shared) = (self.rows, self.with_group);
        match self.have_prompts() {
            _ if rows == 0 => None,
            true if FEW * shared < rows => Some(NoGroups::OneEach { shared, rows }),
            true if shared > 0 && !self.groups_differ && self.prompts_differ => Some(NoGroups::OneForAll),
            false if shared == 0 => Some(NoGroups::OneEach { shared, rows }),
            _ => None,
        }
    }
}

/// Why a column of groups is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoGroups {
    /// Nearly every rollout of a step has its own; of so many rows so many share theirs.
    OneEach { shared: usize, rows: usize },
    /// All rollouts of a step have the same, for different prompts.
    OneForAll,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(rows: &[(u64, u64, u64)]) -> Option<NoGroups> {
        let mut groups = Groups::default();
        rows.iter().for_each(|(step, group, prompt)| {
            groups.see(Shared { step: *step, run: 0, file: 0 }, *group, *prompt);
        });
        groups.are_none()
    }

    #[test]
    fn groups_of_one_are_none() {
        let each = |shared, rows| Some(NoGroups::OneEach { shared, rows });
        assert_eq!(none(&[(1, 1, 7), (1, 2, 7), (2, 3, 7), (2, 4, 8)]), each(0, 4));
        assert_eq!(none(&[(1, 1, 7), (1, 1, 7), (2, 3, 7), (2, 4, 7)]), None);
        assert_eq!(none(&[(1, 1, 7), (1, 2, 8), (2, 1, 7)]), each(0, 2), "prompts do not repeat either");
        assert_eq!(none(&[(1, 1, 7), (1, 2, 7), (2, 1, 7), (2, 2, 7)]), each(0, 4), "a number in the step");
        let all = none(&[(1, 1, 7), (1, 1, 7), (1, 1, 8), (2, 1, 9), (2, 1, 9)]);
        assert_eq!(all, Some(NoGroups::OneForAll), "one for all");
        assert_eq!(none(&[(1, 1, 7), (1, 1, 7), (2, 2, 8), (2, 2, 8)]), None, "a prompt a step");
        assert_eq!(none(&[(1, 1, 7), (1, 1, 7), (1, 1, 8), (2, 1, 9), (2, 2, 9)]), None);
        assert_eq!(none(&[(1, 1, 7), (2, 2, 7), (3, 3, 7)]), None, "steps of one rollout");
    }

    #[test]
    fn a_rollout_that_was_tried_again_makes_no_group() {
        // Sixteen rollouts a step, of four prompts.
        let rows = |retried: u64| -> Vec<(u64, u64, u64)> {
            (0..16_000).map(|i| (i / 16, if i % retried == 1 { i - 1 } else { i }, i % 16 / 4)).collect()
        };
        assert_eq!(none(&rows(16_000)), Some(NoGroups::OneEach { shared: 2, rows: 16_000 }));
        assert!(matches!(none(&rows(32)), Some(NoGroups::OneEach { .. })), "one in sixteen");
        assert_eq!(none(&rows(4)), None, "half of them");
        let pairs: Vec<(u64, u64, u64)> = (0..16_000).map(|i| (i / 16, i / 2, i)).collect();
        assert_eq!(none(&pairs), None, "groups of two, and prompts of which none comes twice");
    }
}
