//! Whether rows are the steps of episodes, and not rollouts: rows of one episode follow each other with different steps.

/// Rows from which it is said.
const FEWEST: usize = 8;

/// What was seen of episodes and steps.
#[derive(Debug, Default)]
pub(super) struct Turns {
    last: Option<(u64, u64)>,
    rows: usize,
    of_one: usize,
}

impl Turns {
    /// The next row: its episode and step.
    pub fn see(&mut self, episode: u64, step: u64) {
        self.of_one += usize::from(self.last.is_some_and(|last| last.0 == episode && last.1 != step));
        self.rows += 1;
        self.last = Some((episode, step));
    }

    /// Whether most rows go on with the episode of the row before at another step.
    pub fn hold(&self) -> bool {
        self.rows >= FEWEST && 2 * self.of_one >= self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_an_episode_are_told_from_rollouts_of_a_step() {
        let hold = |rows: &mut dyn Iterator<Item = (u64, u64)>| {
            let mut turns = Turns::default();
            rows.for_each(|(episode, step)| turns.see(episode, step));
            turns.hold()
        };
        assert!(hold(&mut (0..40).map(|i| (i / 8, i % 8))), "a table of transitions");
        assert!(!hold(&mut (0..40).map(|i| (i, i / 8))), "one row an episode");
        assert!(!hold(&mut (0..40).map(|i| (i / 4, i / 8))), "turns of one training step");
        assert!(!hold(&mut (0..7).map(|i| (0, i))), "few");
    }
}
