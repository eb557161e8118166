//! Whether a column of groups is one: a group that no other rollout of its step shares is the name of a rollout, and one that all rollouts
//! of every step share, whatever their prompt, is none either.

use super::layout::Shared;

/// Rows of a step that are looked at.
const MOST: usize = 1 << 18;

/// What was seen of a column of groups, step by step, until a group comes twice and not in all of its step.
#[derive(Debug, Default)]
pub(super) struct Groups {
    of: Option<Shared>,
    groups: Vec<u64>,
    prompts: Vec<u64>,
    group_repeats: bool,
    groups_differ: bool,
    prompt_repeats: bool,
    prompts_differ: bool,
}

impl Groups {
    /// The next row.
    pub fn see(&mut self, shared: Shared, group: u64, prompt: u64) {
        if self.group_repeats && self.groups_differ {
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
        let look = |values: &mut Vec<u64>| {
            values.sort_unstable();
            let repeats = values.windows(2).any(|pair| pair[0] == pair[1]);
            let differ = values.first() != values.last();
            values.clear();
            (repeats, differ)
        };
        let ((groups, differ), (prompts, unlike)) = (look(&mut self.groups), look(&mut self.prompts));
        self.group_repeats |= groups;
        self.groups_differ |= differ;
        self.prompt_repeats |= prompts;
        self.prompts_differ |= unlike;
    }

    /// Why the column is none, while some prompt holds two rollouts of a step.
    pub fn are_none(&mut self) -> Option<NoGroups> {
        self.end();
        match (self.group_repeats, self.groups_differ) {
            _ if !self.prompt_repeats => None,
            (false, _) => Some(NoGroups::OneEach),
            (true, false) if self.prompts_differ => Some(NoGroups::OneForAll),
            (true, _) => None,
        }
    }
}

/// Why a column of groups is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoGroups {
    /// Every rollout of a step has its own.
    OneEach,
    /// All rollouts of a step have the same, for different prompts.
    OneForAll,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_one_are_none_where_prompts_repeat() {
        let none = |rows: &[(u64, u64, u64)]| {
            let mut groups = Groups::default();
            rows.iter().for_each(|(step, group, prompt)| {
                groups.see(Shared { step: *step, run: 0, file: 0 }, *group, *prompt);
            });
            groups.are_none()
        };
        assert_eq!(none(&[(1, 1, 7), (1, 2, 7), (2, 3, 7), (2, 4, 8)]), Some(NoGroups::OneEach));
        assert_eq!(none(&[(1, 1, 7), (1, 1, 7), (2, 3, 7), (2, 4, 7)]), None);
        assert_eq!(none(&[(1, 1, 7), (1, 2, 8), (2, 1, 7)]), None, "prompts do not repeat either");
        let within = none(&[(1, 1, 7), (1, 2, 7), (2, 1, 7), (2, 2, 7)]);
        assert_eq!(within, Some(NoGroups::OneEach), "a number within the step");
        let all = none(&[(1, 1, 7), (1, 1, 7), (1, 1, 8), (2, 1, 9), (2, 1, 9)]);
        assert_eq!(all, Some(NoGroups::OneForAll), "one for all");
        assert_eq!(none(&[(1, 1, 7), (1, 1, 7), (2, 2, 8), (2, 2, 8)]), None, "a prompt a step");
        assert_eq!(none(&[(1, 1, 7), (1, 1, 7), (1, 1, 8), (2, 1, 9), (2, 2, 9)]), None);
    }
}
