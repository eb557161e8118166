//! The verdict on rewards that have left what the reference knows: a shift of the level, a tail that grew.

use super::entries::ListEntry;
use super::excess::Excess;
use super::shift::{Above, Growth, Shift};
use super::verdict::{Case, Judgement, Verdict, p_value};
use crate::foundation::format::{count, percent, table};

/// Share of the others above the middle of the reference up to which they stayed where they were, and from which on they rose.
const STAYED: f64 = 0.65;
const ROSE: f64 = 0.75;

impl Case<'_> {
    pub(super) fn of_shift(&self, shift: &Shift) -> String {
        let share = (100.0 * shift.share).floor();
        let than = match shift.above {
            Above::All => format!("lie above all of {}", self.reference),
            Above::High => format!("lie above 95% of {}", self.reference),
            Above::Tied => {
                let (value, before) = shift.tied.unwrap_or_default();
                match before {
                    0.0 => format!("are paid exactly {}, as none of {} are", table(value), self.reference),
                    _ => format!(
                        "are paid exactly {}, as {} of {} are",
                        table(value),
                        percent(before),
                        self.reference
                    ),
                }
            }
            Above::Different => format!("differ from {}, which is one single value", self.reference),
        };
        format!("{share}% of the rollouts from step {} on {than}", shift.from_step)
    }

    pub(super) fn shifted(&self, shift: &Shift) -> Judgement {
        let growth = shift.growth.as_ref();
        let listed = growth.map_or(0, |growth| self.listed(growth.steps));
        let read = match (growth, listed) {
            (None, _) => "Read the list".to_owned(),
            (Some(_), 0) => "Read the list and the highest of those steps".to_owned(),
            (Some(_), 1) => "Read the one that is listed from those steps first".to_owned(),
            (Some(_), n) => format!("Read the {n} that are listed from those steps first"),
        };
        let caution = format!(
            "Honest learning moves rewards as well as an exploit that takes over: the level alone cannot tell which. {}{read}, or judge the \
             later steps against some of their own with --calibrate-steps.",
            growth.map_or_else(String::new, |growth| self.of_growth(growth))
        );
        Judgement {
            verdict: Verdict::Shifted,
            sentence: self.of_shift(shift),
            cautions: [caution]
                .into_iter()
                .chain(self.of_the_unlike())
                .chain(self.of_the_nearest())
                .chain(self.of_the_tail())
                .collect(),
            first_flag_step: Some(shift.from_step),
        }
    }

    /// How the share grew, and how it may come that it did.
    fn of_growth(&self, growth: &Growth) -> String {
        let how = match growth.others {
            others if others <= STAYED => {
                "So it is where one kind of answer spreads beside the others: an exploit that is paid the same each time, or a skill that is \
                 found at once."
            }
            others if others >= ROSE => {
                "So it is where all answers come to be paid more: by a policy that learns by degrees, or by an exploit that is paid by \
                 degrees, as length is."
            }
            _ => "So it may be where one kind of answer spreads, and where all come to be paid more.",
        };
        let (from, to) = growth.steps;
        format!(
            "While the share above 95% of {} grew ({}), {} of the others lay above its middle, and 47% would if they had stayed. {how} ",
            self.reference,
            if from == to { format!("step {from}") } else { format!("steps {from} to {to}") },
            percent(growth.others)
        )
    }

    /// How many of these steps are listed.
    fn listed(&self, (from, to): (u64, u64)) -> usize {
        self.list.iter().filter(|entry| !entry.reference && (from..=to).contains(&entry.step)).count()
    }

    pub(super) fn more_than_promised(&self, excess: &Excess) -> Judgement {
        let places = self.gathered.places;
        Judgement {
            verdict: Verdict::Shifted,
            sentence: format!(
                "{} rollouts after {} entered the {} so far, {} were to be expected of rewards that do not change",
                count(excess.entries),
                self.reference,
                if places == 1 { "highest".to_owned() } else { format!("{} highest", count(places)) },
                table(excess.expected)
            ),
            cautions: vec![format!(
                "p {}; in units of their step's own spread as well. The tail of the rewards has grown since the reference: by \
                 learning, or by an exploit.",
                p_value(excess.p_value)
            )],
            first_flag_step: self.more_from(),
        }
    }

    /// The step from which on more entered the list than were to be expected: until then the number of entries less the one promised had
    /// fallen, or risen least.
    fn more_from(&self) -> Option<u64> {
        let entries = self.list.iter().enumerate().filter(|(_, entry)| !entry.reference);
        let ahead = |(before, entry): &(usize, &ListEntry)| *before as f64 - entry.expected_benign;
        entries.min_by(|a, b| ahead(a).total_cmp(&ahead(b))).map(|(_, entry)| entry.step)
    }
}
