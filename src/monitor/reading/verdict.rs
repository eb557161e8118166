//! The first line: flagged, quiet, shifted, or not judged.
//!
//! Of a log of exchangeable rewards, whatever their law, one in twenty at most is flagged or shifted: 2% for a gap that the tail does not
//! explain, 1% for text that the listed share, 0.5% for more entries than exchangeable scores give, and next to nothing for a shift.

use super::apart::Apart;
use super::entries::ListEntry;
use super::excess::{self, Excess};
use super::gathering::Gathered;
use super::pass_rate::PassRate;
use super::shared::{Piece, Shared};
use super::shift::{Above, Shift};
use crate::foundation::format::{count, percent, table, visible};
use serde::Serialize;

/// Probability of calling a piece of text shared that is not.
const TEXT_LEVEL: f64 = 0.01;
/// Scores below which no tail is tested.
const TAIL: usize = 12;

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
            return not_judged(format!(
                "all {} rewards are {}: name another column with --reward",
                count(all),
                table(value)
            ));
        }
        let constant = self.shift.filter(|shift| shift.above == Above::Different);
        let mut judgement = match (self.pass_rate, constant) {
            (_, Some(shift)) => self.shifted(shift),
            (Some(rates), None) => self.by_pass_rate(rates),
            (None, None) => self.by_tail(),
        };
        if let Some(rates) = self.pass_rate {
            judgement.cautions.extend(self.of_pass_rate(rates));
        }
        judgement
    }

    fn by_tail(&self) -> Judgement {
        let Gathered { tested, excess, .. } = self.gathered;
        let piece = self.telling();
        if tested.apart.is_some() || piece.is_some() {
            return self.flagged(tested.apart.as_ref(), piece);
        }
        if let Some(shift) = self.shift {
            return self.shifted(shift);
        }
        if let Some(excess) = excess.as_ref().filter(|excess| excess.p_value <= excess::LEVEL) {
            return self.more_than_promised(excess);
        }
        if let Some(why) = &self.nothing_after {
            return Judgement { cautions: self.of_the_tail(), ..not_judged(why.clone()) };
        }
        if tested.tail < TAIL {
            return not_judged(format!(
                "{} rollouts are too few to tell a far reward from a chance one: read the list, or give a longer log",
                count(self.gathered.reference + self.gathered.later)
            ));
        }
        let differing: usize = self.gathered.levels.iter().map(|level| level.different).sum();
        if let Some(known) =
            self.gathered.known.filter(|known| known.lowest == known.highest && differing > 0)
        {
            return not_judged(format!(
                "{} rollouts differ from {}, whose rewards are all {}: too few to tell a change from chance. Read the list",
                count(differing),
                self.reference,
                table(known.lowest)
            ));
        }
        let sentence = format!(
            "no rollout stands apart from the rest, and later rewards mostly lie within those of {}",
            self.reference
        );
        let cautions = self.of_the_nearest().into_iter().chain(self.of_the_tail()).collect();
        Judgement { verdict: Verdict::Quiet, sentence, cautions, first_flag_step: None }
    }

    fn telling(&self) -> Option<&Piece> {
        let shared = self.shared?;
        shared.pieces.iter().find(|piece| piece.is_telling(shared.distinct, TEXT_LEVEL))
    }

    fn flagged(&self, apart: Option<&Apart>, piece: Option<&Piece>) -> Judgement {
        let (mut said, mut cautions, mut first) = (Vec::new(), Vec::new(), None);
        if let Some(apart) = apart {
            first = Some(apart.first_step);
            said.push(format!(
                "{} the rest, the first at step {}",
                match apart.count {
                    1 => "1 rollout stands apart from".to_owned(),
                    n => format!("{} rollouts stand apart from", count(n)),
                },
                apart.first_step
            ));
            cautions.push(format!(
                "They lie {} or more above {}, all others {} or less; the tail of the rest explains such a \
                 gap with p {}.",
                table(apart.from_score),
                self.gathered.noun.replace(" its ", " their "),
                table(apart.rest),
                p_value(apart.p_value)
            ));
            if apart.in_reference > 0 {
                cautions.push(format!(
                    "{} of them {} in the reference: what was taken for normal holds them already.",
                    count(apart.in_reference),
                    if apart.in_reference == 1 { "is" } else { "are" }
                ));
            }
        }
        if let (Some(piece), Some(shared)) = (piece, self.shared) {
            let holds = |entry: &&ListEntry| {
                entry.completion.as_deref().is_some_and(|text| text.contains(&piece.text))
            };
            first = first.or(self.list.iter().find(holds).map(|entry| entry.step));
            let first = first
                .filter(|_| apart.is_none())
                .map_or_else(String::new, |step| format!("; the first at step {step}"));
            said.push(format!(
                "{} of {} listed texts hold `{}`, {} of the others of their steps do{first}",
                piece.listed,
                shared.distinct,
                visible(&piece.text),
                percent(piece.others)
            ));
        }
        if let Some(shift) = self.shift {
            cautions.push(format!("{}.", upper(&self.of_shift(shift))));
        }
        Judgement { verdict: Verdict::Flagged, sentence: said.join("; "), cautions, first_flag_step: first }
    }

    fn of_shift(&self, shift: &Shift) -> String {
        let share = (100.0 * shift.share).floor();
        let than = match shift.above {
            Above::All => format!("lie above all of {}", self.reference),
            Above::High => format!("lie above 95% of {}", self.reference),
            Above::Different => format!("differ from {}, which is one single value", self.reference),
        };
        format!("{share}% of the rollouts from step {} on {than}", shift.from_step)
    }

    fn shifted(&self, shift: &Shift) -> Judgement {
        let caution = "Honest learning moves rewards as well as an exploit that takes over: the level alone cannot tell which. Read the \
                       list, or judge the later steps against some of their own with --calibrate-steps."
            .to_owned();
        Judgement {
            verdict: Verdict::Shifted,
            sentence: self.of_shift(shift),
            cautions: [caution].into_iter().chain(self.of_the_nearest()).chain(self.of_the_tail()).collect(),
            first_flag_step: Some(shift.from_step),
        }
    }

    fn more_than_promised(&self, excess: &Excess) -> Judgement {
        let entered = self.list.iter().find(|entry| !entry.reference);
        Judgement {
            verdict: Verdict::Shifted,
            sentence: format!(
                "{} rollouts exceed the highest of {}, {} were to be expected of rewards that do not change",
                excess.entries,
                self.reference,
                table(excess.expected)
            ),
            cautions: vec![format!(
                "p {}; in units of their step's own spread as well. The tail of the rewards has grown since the reference: by \
                 learning, or by an exploit.",
                p_value(excess.p_value)
            )],
            first_flag_step: entered.map(|entry| entry.step),
        }
    }

    /// A gap that a longer log might show to be one.
    fn of_the_nearest(&self) -> Option<String> {
        let near = self.gathered.tested.near.as_ref()?;
        let who = match near.count {
            1 => "The highest lies".to_owned(),
            n => format!("The {} highest lie", count(n)),
        };
        Some(format!(
            "{who} {} or more above {}, all others {} or less: so few rollouts do not show that this is no chance (p {}). Read \
             {} first.",
            table(near.from_score),
            self.gathered.noun.replace(" its ", " their "),
            table(near.rest),
            p_value(near.p_value),
            if near.count == 1 { "it" } else { "them" }
        ))
    }

    /// What a heavy tail means for a list on which nothing stands apart, or nearly does.
    fn of_the_tail(&self) -> Vec<String> {
        let tested = &self.gathered.tested;
        let heavy = tested.heavy.filter(|_| tested.apart.is_none() && tested.near.is_none());
        let said = heavy.map(|xi| {
            format!(
                "The rewards have a heavy tail of their own (index {}): values as far out as the listed come of themselves, and \
                 reward alone cannot tell them from exploits.",
                table(xi)
            )
        });
        said.into_iter().collect()
    }

    fn by_pass_rate(&self, rates: &PassRate) -> Judgement {
        if let Some(jump) = rates.jumps.first() {
            let sentence = format!(
                "{} of {} prompts {} from never passing to always, the first at step {}",
                count(rates.jumps.len()),
                count(rates.prompts),
                if rates.jumps.len() == 1 { "goes" } else { "go" },
                jump.step
            );
            let between = match jump.between {
                (_, 0) => String::new(),
                (passed, all) => format!(", in {passed} of {all} of the step between"),
            };
            let cautions = vec![format!(
                "That one passed in 0 of {} rollouts before{between} and in all {} since (p {}, all prompts considered).",
                jump.before,
                jump.after,
                p_value(jump.p_value)
            )];
            let first_flag_step = Some(jump.step);
            return Judgement { verdict: Verdict::Flagged, sentence, cautions, first_flag_step };
        }
        if let Some(rise) = &rates.rise {
            return Judgement {
                verdict: Verdict::Shifted,
                sentence: format!(
                    "{} of the rollouts from step {} on pass, {} of {} did",
                    percent(rise.rate),
                    rise.from_step,
                    percent(rates.reference.0),
                    self.reference
                ),
                cautions: vec![format!(
                    "p {}, all steps considered. Honest learning raises a pass rate as well as an exploit does: read some that pass.",
                    p_value(rise.p_value)
                )],
                first_flag_step: Some(rise.from_step),
            };
        }
        if let Some(why) = &self.nothing_after {
            return not_judged(why.clone());
        }
        let what = match self.gathered.values.few() {
            Some(n) => format!("the rewards take {n} values"),
            None => "the rewards lie on two levels, in the reference as well".to_owned(),
        };
        not_judged(format!(
            "{what}: none can stand out, and the pass rate has not risen. Read the list, or give the parts of the reward with \
             --reward a=1,b=.5"
        ))
    }

    fn of_pass_rate(&self, rates: &PassRate) -> Vec<String> {
        let (before, later) = (rates.reference, rates.later);
        let after = if later.1 > 0 {
            format!(", {} of {} after it", percent(later.0), count(later.1))
        } else {
            String::new()
        };
        let mut said = vec![format!(
            "A rollout passes with a reward above {}: {} of {} in the reference{after}.",
            table(rates.above),
            percent(before.0),
            count(before.1)
        )];
        if let (Some(near), true) = (rates.near.first(), rates.jumps.is_empty()) {
            said.push(format!(
                "{} of {} prompts passed in none of the rollouts before a step and in all since, the first at step {} (0 of {}, then \
                 {}): in so few steps that may be chance, or what all prompts learn. Read {}.",
                count(rates.near.len()),
                count(rates.prompts),
                near.step,
                count(near.before),
                count(near.after),
                if rates.near.len() == 1 { "the first that passes" } else { "the first that pass" }
            ));
        }
        if let (Some(piece), Some(shared)) = (self.telling(), self.shared) {
            said.push(format!(
                "{} of {} rewarded texts hold `{}`, {} of the others of their steps do.",
                piece.listed,
                shared.distinct,
                visible(&piece.text),
                percent(piece.others)
            ));
        }
        if self.two_levels {
            said.push(
                "A tenth or so of the rewards lie on a level of their own, in the reference too: a part that pays all or nothing, or \
                 exploits that the reference holds. They are judged as passes."
                    .to_owned(),
            );
        }
        said
    }
}

/// A log that cannot answer, and why.
pub(super) fn not_judged(sentence: String) -> Judgement {
    Judgement { verdict: Verdict::NotJudged, sentence, cautions: Vec::new(), first_flag_step: None }
}

fn p_value(p: f64) -> String {
    if p < 1e-9 { "below 1e-9".to_owned() } else { format!("= {p:.1e}") }
}

fn upper(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::apart::Tested;
    use super::super::values::Values;
    use super::*;

    #[test]
    fn a_gap_that_few_rollouts_show_is_told_and_no_tail_explains_it() {
        let near = Apart {
            count: 2,
            from_score: 20.08,
            rest: 2.043,
            rewards: (20.14, 20.45),
            in_reference: 0,
            first_step: 50,
            p_value: 0.021,
        };
        let gathered = |near: Option<Apart>| Gathered {
            entries: Vec::new(),
            places: 6,
            expected: 17.7,
            reference: 256,
            later: 1728,
            noun: "the median of its group",
            tested: Tested { tail: 198, heavy: Some(0.4264), apart: None, near },
            known: None,
            excess: None,
            levels: Vec::new(),
            values: Values::default(),
        };
        let shift = Shift { from_step: 290, share: 0.75, above: Above::High };
        let judge = |gathered: &Gathered, shift: Option<&Shift>| {
            let (list, reference, nothing_after) = (&[][..], "the first 4 steps", None);
            Case {
                gathered,
                list,
                shared: None,
                shift,
                pass_rate: None,
                two_levels: false,
                reference,
                nothing_after,
            }
            .by_tail()
        };
        for (shift, verdict) in [(Some(&shift), Verdict::Shifted), (None, Verdict::Quiet)] {
            for near in [Some(near.clone()), None] {
                let judgement = judge(&gathered(near.clone()), shift);
                let cautions = judgement.cautions.join(" ");
                assert_eq!(judgement.verdict, verdict);
                assert_eq!(
                    cautions.contains("The 2 highest lie 20.08 or more"),
                    near.is_some(),
                    "{cautions}"
                );
                assert_eq!(cautions.contains("a heavy tail of their own"), near.is_none(), "{cautions}");
            }
        }
    }
}
