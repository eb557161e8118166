//! Whether rows are the steps of an episode or the turns of a conversation, and not rollouts.

use super::no_rollouts::NoRollouts;
use std::collections::HashMap;
use std::path::Path;

/// Rows from which it is said.
const FEWEST: usize = 8;
/// Conversations that are known again.
const MOST: usize = 1 << 16;
/// Share of the rows that do not go on and begin anew, in columns that name no conversation.
const BEGIN: f64 = 0.95;

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

/// What was seen of conversations and the numbers of their turns.
#[derive(Debug, Default)]
struct Conversations {
    /// The first turn that was seen of each.
    first: HashMap<u64, u64>,
    rows: usize,
    of_one: usize,
}

impl Conversations {
    /// The next row: its conversation and its turn.
    pub fn see(&mut self, conversation: u64, turn: u64) {
        let full = self.first.len() >= MOST;
        match self.first.get(&conversation) {
            Some(first) => self.of_one += usize::from(*first != turn),
            None if full => return,
            None => {
                self.first.insert(conversation, turn);
            }
        }
        self.rows += 1;
    }

    /// Whether most rows are another turn of a conversation that was seen before.
    pub fn hold(&self) -> bool {
        self.rows >= FEWEST && 2 * self.of_one >= self.rows
    }

    /// Whether nearly each row is a conversation of its own.
    pub fn are_single(&self) -> bool {
        self.rows >= FEWEST && 20 * self.of_one <= self.rows
    }

    /// Whether this one was seen.
    pub fn has(&self, conversation: u64) -> bool {
        self.first.contains_key(&conversation)
    }
}

/// What was seen of a counter of turns where nothing names the conversation.
#[derive(Debug, Default)]
struct Counter {
    last: Option<f64>,
    rows: usize,
    goes_on: usize,
    begins: usize,
}

impl Counter {
    /// The number of the next row.
    pub fn see(&mut self, turn: f64) {
        let goes_on = self.last.is_some_and(|last| turn == last + 1.0);
        self.goes_on += usize::from(goes_on);
        self.begins += usize::from(!goes_on && (turn == 0.0 || turn == 1.0));
        self.rows += 1;
        self.last = Some(turn);
    }

    /// Whether it counts on from row to row, and begins anew again and again.
    pub fn holds(&self) -> bool {
        let others = self.rows - self.goes_on;
        self.rows >= FEWEST
            && 2 * self.goes_on >= self.rows
            && self.begins > 1
            && self.begins as f64 >= BEGIN * others as f64
    }
}

/// Who spoke.
#[derive(Debug, Default)]
struct Speakers {
    known: Vec<String>,
    rows: usize,
    others: usize,
}

impl Speakers {
    /// Who speaks in the next row.
    pub fn see(&mut self, who: &[u8]) {
        const NAMES: &[&str] = &[
            "user",
            "assistant",
            "system",
            "tool",
            "human",
            "gpt",
            "function",
            "developer",
            "environment",
            "model",
            "observation",
            "ipython",
        ];
        let who = String::from_utf8_lossy(who).trim().to_ascii_lowercase();
        self.rows += 1;
        if !NAMES.contains(&who.as_str()) {
            self.others += 1;
        } else if self.known.len() < 2 && !self.known.contains(&who) {
            self.known.push(who);
        }
    }

    /// Two who spoke, where all rows say who does and more than one did.
    pub fn two(self) -> Option<[String; 2]> {
        let two: [String; 2] = self.known.try_into().ok()?;
        (self.rows >= FEWEST && self.others == 0).then_some(two)
    }
}

/// What was seen of a file whose rows may be turns.
#[derive(Debug, Default)]
pub(super) struct Talk {
    conversations: Conversations,
    counter: Counter,
    speakers: Speakers,
    /// Rows without a reward, by their conversation.
    unpaid: HashMap<u64, usize>,
}

/// The conversation of a row, where one is named, and the number of its turn.
pub(super) type Turn = (Option<u64>, f64);

impl Talk {
    /// The next row that has a reward: its turn, and who speaks.
    pub fn see(&mut self, turn: Option<Turn>, who: Option<&[u8]>) {
        match turn {
            Some((Some(conversation), turn)) => self.conversations.see(conversation, turn.to_bits()),
            Some((None, turn)) => self.counter.see(turn),
            None => {}
        }
        if let Some(who) = who {
            self.speakers.see(who);
        }
    }

    /// The next row that has none.
    pub fn unpaid(&mut self, turn: Option<Turn>) {
        let Some((Some(conversation), _)) = turn else { return };
        if self.unpaid.len() < MOST || self.unpaid.contains_key(&conversation) {
            *self.unpaid.entry(conversation).or_default() += 1;
        }
    }

    /// Rows without a reward that are turns of a conversation whose one other row has it.
    pub fn earlier(&self) -> usize {
        let of_paid = self.unpaid.iter().filter(|(conversation, _)| self.conversations.has(**conversation));
        if self.conversations.are_single() { of_paid.map(|(_, rows)| rows).sum() } else { 0 }
    }

    /// Why the rows that have a reward are no rollouts, if they are none.
    pub fn refused(
        self,
        (path, json): (&Path, bool),
        turn: Option<String>,
        of: Option<String>,
        role: Option<String>,
    ) -> Option<NoRollouts> {
        let path = path.to_owned();
        match (turn, of) {
            (Some(turn), Some(of)) if self.conversations.hold() => {
                Some(NoRollouts::TurnsOf { path, of, turn, json })
            }
            (Some(turn), None) if self.counter.holds() => Some(NoRollouts::Turns { path, turn }),
            // Each is paid in one of its rows, whoever speaks in it.
            _ if self.conversations.are_single() => None,
            _ => {
                let (role, who) = role.zip(self.speakers.two())?;
                Some(NoRollouts::Messages { path, role, who })
            }
        }
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

    #[test]
    fn conversations_are_known_again_wherever_their_turns_stand() {
        let of = |rows: &mut dyn Iterator<Item = (u64, u64)>| {
            let mut conversations = Conversations::default();
            rows.for_each(|(conversation, turn)| conversations.see(conversation, turn));
            (conversations.hold(), conversations.are_single())
        };
        assert_eq!(of(&mut (0..40).map(|i| (i % 10, i / 10))), (true, false), "turn by turn");
        assert_eq!(of(&mut (0..40).map(|i| (i, 0))), (false, true));
        assert_eq!(of(&mut (0..40).map(|i| (i % 10, 3))), (false, true), "samples of one turn");
    }

    #[test]
    fn a_counter_of_turns_is_told_from_a_number_of_turns() {
        let holds = |turns: &mut dyn Iterator<Item = u64>| {
            let mut counter = Counter::default();
            turns.for_each(|turn| counter.see(turn as f64));
            counter.holds()
        };
        assert!(holds(&mut (0..40).map(|i| i % 4)) && holds(&mut (0..40).map(|i| 1 + i % 2)));
        assert!(!holds(&mut (0..40)), "a number of the row");
        assert!(!holds(&mut (0..40).map(|i| i * 7 % 5)), "how many turns there were");
    }

    #[test]
    fn messages_are_told_by_who_speaks() {
        let two = |who: &[&str]| {
            let mut speakers = Speakers::default();
            who.iter().cycle().take(20).for_each(|who| speakers.see(who.as_bytes()));
            speakers.two()
        };
        assert_eq!(two(&["user", "Assistant"]), Some(["user".to_owned(), "assistant".to_owned()]));
        assert_eq!((two(&["assistant"]), two(&["doctor", "user", "assistant"])), (None, None));
    }
}
