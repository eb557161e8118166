//! Whether a column of groups is one: a group that no other rollout of its step shares is the name of a rollout.

use super::layout::Shared;

/// Rows of a step that are looked at.
const MOST: usize = 1 << 18;

/// What was seen of a column of groups, step by step, until a group comes twice.
#[derive(Debug, Default)]
pub(super) struct Groups {
    of: Option<Shared>,
    groups: Vec<u64>,
    prompts: Vec<u64>,
    group_repeats: bool,
    prompt_repeats: bool,
}

impl Groups {
    /// The next row.
    pub fn see(&mut self, shared: Shared, group: u64, prompt: u64) {
        if self.group_repeats {
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
        let repeats = |values: &mut Vec<u64>| {
            values.sort_unstable();
            let repeats = values.windows(2).any(|pair| pair[0] == pair[1]);
            values.clear();
            repeats
        };
        self.group_repeats |= repeats(&mut self.groups);
        self.prompt_repeats |= repeats(&mut self.prompts);
    }

    /// Whether no group holds two rollouts of a step, while some prompt does.
    pub fn are_none(&mut self) -> bool {
        self.end();
        !self.group_repeats && self.prompt_repeats
    }
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
        assert!(none(&[(1, 1, 7), (1, 2, 7), (2, 3, 7), (2, 4, 8)]));
        assert!(!none(&[(1, 1, 7), (1, 1, 7), (2, 3, 7), (2, 4, 7)]));
        assert!(!none(&[(1, 1, 7), (1, 2, 8), (2, 1, 7)]), "prompts do not repeat either");
        assert!(none(&[(1, 1, 7), (1, 2, 7), (2, 1, 7), (2, 2, 7)]), "a number within the step");
    }
}
