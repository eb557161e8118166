//! A log that comes step by step: its lines, those that are left out, and what is said of each step.

use super::message::Message;
use super::rows::{Facts, Row, Seen, WatchSettings};
use super::step::Watch;
use crate::foundation::format::count;
use crate::monitor::reading::{ListEntry, Reading, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{HashSet, VecDeque};
use std::hash::Hasher;
use twox_hash::XxHash64;

/// The version of a state that is kept.
const VERSION: u32 = 9;
/// Steps that are known again.
const KNOWN: usize = 64;
/// Lines that were left out of which it is kept why.
const NAMED: usize = 8;

/// Lines that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinesLeftOut {
    /// How many.
    pub lines: u64,
    /// The first eight: their numbers, from 1, and what is wrong with them.
    pub first: Vec<(u64, String)>,
}

/// A log that comes step by step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listening {
    watch: Watch,
    facts: Facts,
    line: u64,
    #[serde(default)]
    left_out: LinesLeftOut,
    /// The latest steps that were told, by their hashes: one that is told again, as after a time-out, is known.
    #[serde(default)]
    told: VecDeque<u64>,
}

impl Listening {
    /// Before the first line.
    pub fn new(settings: WatchSettings) -> Self {
        Self {
            watch: Watch::new(settings, false),
            facts: Facts::default(),
            line: 0,
            left_out: LinesLeftOut::default(),
            told: VecDeque::new(),
        }
    }

    /// The next line: the step that it holds, judged, and the rollouts of it to read, the reference's own with the first step after
    /// it. Nothing comes of a blank line.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong with it; it is left out, and the log is not quiet.
    pub fn hear(&mut self, line: &str) -> Result<Option<(Seen, Vec<ListEntry>)>, String> {
        // A mark of the byte order is none of the first line's.
        let line = if self.line == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        if line.trim().is_empty() {
            self.line += 1;
            return Ok(None);
        }
        match Message::read(line) {
            Ok(told) => Ok(Some(self.judge(&told))),
            Err(error) => Err(self.leave_out(&error)),
        }
    }

    /// The next line, which cannot be read: what is said of it.
    pub fn leave_out(&mut self, reason: &str) -> String {
        self.line += 1;
        self.left_out.lines += 1;
        if self.left_out.first.len() < NAMED {
            self.left_out.first.push((self.line, reason.to_owned()));
        }
        format!("line {}: {reason}", self.line)
    }

    /// A step that is told as it is; as [`Listening::hear`].
    ///
    /// # Errors
    /// What is wrong with it; then it counts for nothing.
    pub fn take(&mut self, message: &Message) -> Result<(Seen, Vec<ListEntry>), String> {
        message.check()?;
        Ok(self.judge(message))
    }

    fn judge(&mut self, message: &Message) -> (Seen, Vec<ListEntry>) {
        self.line += 1;
        let (mut rows, mut texts) = message.rows(self.line, &mut self.facts);
        let (last, told) = (self.watch.last_step(), rows.len());
        if let Some(whole) = whole(message, &rows) {
            if self.told.contains(&whole) {
                self.facts.duplicates += told;
                rows.clear();
            } else {
                self.told.push_back(whole);
                if self.told.len() > KNOWN {
                    self.told.pop_front();
                }
            }
        }
        let mut seen = self.watch.see(message.step, rows, &self.facts);
        seen.notes = notes(message, last, told, &seen);
        let wanted =
            seen.wanted.iter().filter_map(|wanted| Some((wanted.number, texts.remove(&wanted.row.row)?)));
        self.watch.tell(wanted.collect::<Vec<_>>());
        let entries = self.watch.take(&self.facts);
        (seen, entries)
    }

    /// Lines that were heard, and those of them that were left out.
    pub fn lines(&self) -> (u64, &LinesLeftOut) {
        (self.line, &self.left_out)
    }

    /// All that was heard and is needed to go on, as bytes.
    ///
    /// # Errors
    /// The words of the writer.
    pub fn state(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(&(VERSION, self)).map_err(|error| error.to_string())
    }

    /// Goes on from what [`Listening::state`] gave.
    ///
    /// # Errors
    /// Bytes that are no state of this version, or one with other settings; then nothing changes.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let kept: (u32, serde_json::Value) =
            serde_json::from_slice(state).map_err(|error| format!("no state of a reading list: {error}"))?;
        if kept.0 != VERSION {
            return Err(format!("a state of version {}, not {VERSION}", kept.0));
        }
        let kept =
            Self::deserialize(kept.1).map_err(|error| format!("no state of a reading list: {error}"))?;
        if kept.watch.settings() != self.watch.settings() {
            let (kept, asked) = (kept.watch.settings(), self.watch.settings());
            return Err(format!("the state was kept with {kept:?}, and {asked:?} is asked now"));
        }
        *self = kept;
        Ok(())
    }

    /// What is known so far.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The verdict on all that was heard; a log of which lines were left out is not quiet.
    pub fn reading(&self) -> Reading {
        let mut found = self.watch.reading(&self.facts);
        if let Some((line, reason)) = self.left_out.first.first() {
            let judgement = &mut found.judgement;
            let lines = count(usize::try_from(self.left_out.lines).unwrap_or(usize::MAX));
            let said = format!("{lines} of the lines could not be read (line {line}: {reason})");
            if judgement.verdict == Verdict::Quiet {
                judgement.verdict = Verdict::NotJudged;
                judgement.sentence =
                    format!("{said}, and nothing is known of them. Of the rest: {}", judgement.sentence);
            } else {
                judgement.cautions.push(format!("{said}: nothing is known of them."));
            }
        }
        found
    }
}

/// A hash of a step's rollouts, by which it is known again; none where they say too little: without completions, or with few.
fn whole(message: &Message, rows: &[Row]) -> Option<u64> {
    let outcomes: HashSet<u64> = rows.iter().map(|row| row.outcome).collect();
    if message.completions.is_empty() || outcomes.len() < 2 || 2 * outcomes.len() < rows.len() {
        return None;
    }
    let mut hasher = XxHash64::with_seed(3);
    hasher.write_u64(message.step);
    for row in rows {
        hasher.write_u64(row.outcome);
        hasher.write_u64(row.reward.to_bits());
    }
    Some(hasher.finish())
}

/// What must be known of a step to read its answer rightly.
fn notes(message: &Message, last: Option<u64>, told: usize, seen: &Seen) -> Vec<String> {
    let mut notes = Vec::new();
    let (all, known) = (message.rewards.len(), told - seen.rollouts.min(told));
    match last {
        _ if known > 0 && known == told => {}
        Some(last) if message.step < last => notes.push(format!(
            "step {} comes after step {last}: its rollouts are judged now, after those",
            message.step
        )),
        Some(last) if message.step == last => notes
            .push(format!("step {last} came before: its rollouts are more of it, and judged by themselves")),
        _ => {}
    }
    if told < all {
        notes.push(format!("{} of {all} rollouts have no reward, and are left out", all - told));
    }
    if known > 0 {
        notes.push(format!("{known} of {told} rollouts were there before, and count once"));
    }
    if all == 0 {
        notes.push("no rollout came with it".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of 16 rollouts, with one far above the rest in every seventh.
    fn step(step: u64) -> Message {
        let reward = |i: u64| {
            let noise = ((step * 31 + i) * 2_654_435_761 % 1000) as f64 / 1000.0;
            if step % 7 == 6 && i == 3 { Some(50.0 + noise) } else { Some(noise) }
        };
        let text = |what: &str| (0..16).map(|i| format!("{what} {step} {i}").into()).collect();
        Message {
            step,
            rewards: (0..16).map(reward).collect(),
            prompts: text("prompt"),
            completions: text("completion"),
            parts: [("quality".to_owned(), (0..16).map(reward).collect())].into(),
            log_probs: vec![Some(-3.5); 16],
            ..Message::default()
        }
    }

    #[test]
    fn a_state_goes_on_where_it_was_kept() {
        let (mut whole, mut parted) =
            (Listening::new(WatchSettings::default()), Listening::new(WatchSettings::default()));
        for at in 0..60 {
            let there = whole.take(&step(at)).unwrap();
            assert_eq!(parted.take(&step(at)).unwrap(), there, "step {at}");
            let mut next = Listening::new(WatchSettings::default());
            next.restore(&parted.state().unwrap()).unwrap();
            parted = next;
        }
        assert_eq!(parted.reading(), whole.reading());
        assert!(whole.reading().list.iter().any(|entry| entry.apart && entry.parts.len() == 2));
    }

    #[test]
    fn a_step_that_does_not_fit_and_a_foreign_state_change_nothing() {
        let mut listening = Listening::new(WatchSettings::default());
        listening.take(&step(0)).unwrap();
        let before = listening.state().unwrap();
        let infinite = Message { rewards: vec![Some(1.0), Some(f64::INFINITY)], ..Message::default() };
        assert!(listening.take(&infinite).unwrap_err().contains("reward 1 is inf"));
        let uneven = Message { log_probs: vec![None], ..step(1) };
        assert!(listening.take(&uneven).unwrap_err().contains("`log_probs` has 1 elements"));
        for bytes in [&b""[..], b"{}", b"[3,{}]", b"[2,{}]", &before[..before.len() / 2]] {
            assert!(listening.restore(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        let mut other = Listening::new(WatchSettings { benign: 5.0, ..WatchSettings::default() });
        assert!(other.restore(&before).unwrap_err().contains("5.0"));
        assert_eq!(listening.state().unwrap(), before);
    }
}
