//! The first line: flagged, quiet, shifted, or not judged.
//!
//! Of a log of exchangeable rewards, whatever their law, one in twenty at most is flagged or shifted: 2% for a gap that the tail does not
//! explain, 1% for text that the listed share, 0.5% for more entries than exchangeable scores give, and next to nothing for a shift.

use super::ceiling::Ceiling;
use super::entries::ListEntry;
use super::gathering::Gathered;
use super::pass_rate::PassRate;
use super::shared::{Piece, Shared, TEXT_LEVEL};
use super::shift::{Above, Shift};
use crate::foundation::format::{count, table, visible};
use serde::Serialize;

/// What is said of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Some rollouts stand apart from the rest, or share what the rest does not.
    Flagged,
    /// Nothing of the kind.
    Quiet,
    /// The rewards have left what the reference knows.
    Shifted,
    /// The log cannot answer.
    NotJudged,
}

impl Verdict {
    /// As in the first line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flagged => "flagged",
            Self::Quiet => "quiet",
            Self::Shifted => "shifted",
            Self::NotJudged => "not judged",
        }
    }
}

/// The verdict in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The word.
    pub verdict: Verdict,
    /// What was found, in a sentence.
    pub sentence: String,
    /// What else must be known to read it rightly.
    pub cautions: Vec<String>,
    /// The first step of what was found.
    pub first_flag_step: Option<u64>,
}

/// Everything that decides.
pub(super) struct Case<'a> {
    pub gathered: &'a Gathered,
    pub list: &'a [ListEntry],
    pub shared: Option<&'a Shared>,
    pub shift: Option<&'a Shift>,
    pub pass_rate: Option<&'a PassRate>,
    /// Where the rewards end, if many are paid the highest.
    pub ceiling: Option<&'a Ceiling>,
    /// Whether a cluster of the rewards is a level of its own that the reference has as well.
    pub two_levels: bool,
    /// The reference in words: "the first 10 steps".
    pub reference: &'a str,
    /// Why the log has nothing that could be compared with its reference.
    pub nothing_after: Option<String>,
}

impl Case<'_> {
    pub fn judge(&self) -> Judgement {
        let few = self.gathered.values.few();
        if self.gathered.reference + self.gathered.later == 0 {
            return not_judged("the log holds no rollout with a reward".to_owned());
        }
        if few == Some(1) {
            let value = self.list.first().map_or(0.0, |entry| entry.reward);
            let all = self.gathered.reference + self.gathered.later;
            if all == 1 {
                return not_judged("the log holds one rollout, and nothing to compare it with".to_owned());
            }
            return not_judged(format!(
                "all {} rewards are {}: name another column with --reward",
                count(all),
                table(value)
            ));
        }
        let constant = self.shift.filter(|shift| shift.above == Above::Different);
        let mut judgement = match (self.pass_rate, constant) {
            (_, Some(shift)) => self.shifted(shift),
            (Some(rates), None) => self.beyond_levels().unwrap_or_else(|| self.by_pass_rate(rates)),
            (None, None) => self.by_tail(),
        };
        if let Some(rates) = self.pass_rate {
            judgement.cautions.extend(self.of_pass_rate(rates));
        }
        judgement
    }

    /// A piece of text that says that the listed, or the rewarded, are of one kind.
    pub(super) fn telling(&self) -> Option<&Piece> {
        let shared = self.shared?;
        shared.pieces.iter().find(|piece| piece.is_telling(shared, TEXT_LEVEL))
    }

    /// That what the listed share is what they were asked.
    pub(super) fn of_the_prompts(&self) -> Option<String> {
        let shared = self.shared?;
        let piece =
            shared.pieces.iter().find(|piece| piece.p_value <= TEXT_LEVEL && piece.is_of_prompts())?;
        Some(format!(
            "{} of {} listed texts hold `{}`, and so do their prompts: the rewards of some tasks reach farther than those of others.",
            piece.listed,
            shared.distinct,
            visible(&piece.text)
        ))
    }
}

/// A log that cannot answer, and why.
pub(super) fn not_judged(sentence: String) -> Judgement {
    Judgement { verdict: Verdict::NotJudged, sentence, cautions: Vec::new(), first_flag_step: None }
}

pub(super) fn p_value(p: f64) -> String {
    if p < 1e-9 { "below 1e-9".to_owned() } else { format!("= {p:.1e}") }
}
