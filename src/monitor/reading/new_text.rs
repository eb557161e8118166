//! Text that late completions share and those of the reference do not, or far more seldom: the policy has changed its ways. Where those that hold it are paid
//! more than others of their groups, it has changed them for the reward: by an exploit that pays within the range of honest rewards, or
//! by learning a form that is rightly paid.

use super::pieces::hold;
use super::place::Place;
use super::verdict::{Judgement, Verdict, p_value};
use crate::foundation::format::{count, percent, table, visible};
use serde::Serialize;

/// Share of the reference that hardly holds a text, at most.
pub(super) const EARLY_SHARE: f64 = 0.005;
/// Probability, all texts considered, up to which a text is paid for.
pub(super) const PAID: f64 = 1e-4;

/// Whether the reference hardly holds a text that so many of so many there do.
pub(super) fn is_new((held, all): (usize, usize)) -> bool {
    held as f64 <= EARLY_SHARE * all as f64
}

/// Where those that hold a text are held against those that do not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Paid {
    /// In the late steps.
    Late,
    /// In all groups (or steps, where there are none) after the reference that hold both, the first and the last of whose steps these are.
    Spread {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// In the steps before and after it came.
    Sudden {
        /// The step at which it came.
        step: u64,
        /// By how much the mean reward rose there, beyond its trend.
        rise: f64,
    },
}

/// A text that late completions hold and those of the reference do not, or far more seldom.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewText {
    /// The text.
    pub text: String,
    /// Whether it is all that those say that hold it.
    pub whole: bool,
    /// The first of the late steps.
    pub from_step: u64,
    /// How many of the late completions that were looked at hold it, of how many.
    pub late: (usize, usize),
    /// The same of the reference.
    pub reference: (usize, usize),
    /// How many of the highest paid of the late ones hold it, of how many.
    pub highest: (usize, usize),
    /// Probability that those that hold it are paid so much more than the others by chance.
    pub p_value: f64,
    /// Where that was looked for.
    pub paid: Paid,
    /// Whether only rollouts that pass were looked at.
    pub of_passes: bool,
    /// Some that hold it, the highest paid of unlike prompts, in the order of time.
    pub examples: Vec<Place>,
    /// Their rows, or their numbers.
    #[serde(skip)]
    pub(in crate::monitor) holders: Vec<u64>,
}

impl NewText {
    /// What those do that hold it, in words.
    pub fn held(&self) -> String {
        hold(&self.text, self.whole).0
    }

    /// Adds it to what is said of a log; a quiet one where it is paid for has shifted, and so has one of passes
    /// and fails. `reference`: the reference in words.
    pub(in crate::monitor) fn say(&self, judgement: &mut Judgement, reference: &str) {
        let of = |(n, all): (usize, usize)| match n {
            0 => format!("none of {}", count(all)),
            n => format!("{} of {}", percent(n as f64 / all as f64), count(all)),
        };
        let held = format!(
            "{} in {} {}looked at from step {} on, and in {} of {reference}",
            match (self.whole, self.text.is_empty()) {
                (true, true) => "the answer is empty".to_owned(),
                (true, false) => format!("the whole answer is `{}`", visible(&self.text)),
                (false, _) => format!("`{}` is", visible(&self.text)),
            },
            of(self.late),
            if self.of_passes { "that pass and were " } else { "" },
            self.from_step,
            of(self.reference)
        );
        // Of those that pass, all are paid alike: only what was seen beside those that do not can tell.
        let open = match judgement.verdict {
            Verdict::Quiet => true,
            Verdict::NotJudged => self.of_passes && self.paid != Paid::Late,
            Verdict::Flagged | Verdict::Shifted => false,
        };
        if !open || self.p_value > PAID {
            judgement.cautions.push(format!(
                "The texts have changed: {held}. Learning changes texts, and so does an exploit: read some that hold it."
            ));
            return;
        }
        let p = p_value(self.p_value);
        let paid = match self.paid {
            Paid::Late => format!(
                "Those that hold it are paid more than the others (p {p}); {} of the {} highest paid hold it.",
                count(self.highest.0),
                count(self.highest.1)
            ),
            Paid::Spread { from, to } if from == to => {
                format!(
                    "When it came, in step {from}, those that held it were paid more than those beside them (p {p})."
                )
            }
            Paid::Spread { from, to } => format!(
                "While it spread (steps {from} to {to}), those that held it were paid more than those beside them (p {p})."
            ),
            Paid::Sudden { step, rise } => format!(
                "It came at once, at step {step}, and there the mean reward rose by {}, beyond its trend (p {p}).",
                table(rise)
            ),
        };
        let so = format!(
            "{paid} So it is with an exploit, and with a form of answers that is rightly paid: read some that hold it."
        );
        let kind = if is_new(self.reference) { "new text" } else { "text that grew" };
        let sentence = format!("{kind} is paid for: {held}");
        let cautions = std::iter::once(so).chain(std::mem::take(&mut judgement.cautions)).collect();
        let first_flag_step = Some(match self.paid {
            Paid::Late => self.from_step,
            Paid::Spread { from, .. } => from,
            Paid::Sudden { step, .. } => step,
        });
        *judgement = Judgement { verdict: Verdict::Shifted, sentence, cautions, first_flag_step };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_quiet_log_shifts_by_its_texts() {
        let text = NewText {
            text: "!!ok".to_owned(),
            whole: false,
            from_step: 90,
            late: (100, 200),
            reference: (0, 200),
            highest: (30, 40),
            p_value: 1e-8,
            paid: Paid::Late,
            of_passes: false,
            examples: Vec::new(),
            holders: Vec::new(),
        };
        let judged = |verdict: Verdict, p_value: f64| {
            let mut judgement = Judgement {
                verdict,
                sentence: "as it was".to_owned(),
                cautions: Vec::new(),
                first_flag_step: None,
            };
            NewText { p_value, ..text.clone() }.say(&mut judgement, "the first 10 steps");
            (judgement.verdict, judgement.sentence, judgement.cautions.join(" "))
        };
        let (verdict, sentence, cautions) = judged(Verdict::Quiet, 1e-8);
        assert_eq!(verdict, Verdict::Shifted);
        assert!(sentence.contains("`!!ok` is in 50% of 200 looked at from step 90 on"), "{sentence}");
        assert!(cautions.contains("30 of the 40 highest paid"), "{cautions}");
        // Of passes, what was seen beside those that fail.
        let of_passes = |paid: Paid| {
            let sentence = "as it was".to_owned();
            let verdict = Verdict::NotJudged;
            let mut judgement = Judgement { verdict, sentence, cautions: Vec::new(), first_flag_step: None };
            NewText { of_passes: true, paid, ..text.clone() }.say(&mut judgement, "the first 10 steps");
            (judgement.verdict, judgement.first_flag_step)
        };
        assert_eq!(of_passes(Paid::Spread { from: 40, to: 99 }), (Verdict::Shifted, Some(40)));
        assert_eq!(of_passes(Paid::Late), (Verdict::NotJudged, None));
        for (before, p_value) in [(Verdict::Quiet, 0.01), (Verdict::NotJudged, 1e-8)] {
            let (verdict, sentence, cautions) = judged(before, p_value);
            assert_eq!((verdict, &*sentence), (before, "as it was"));
            assert!(cautions.contains("The texts have changed: `!!ok`"), "{cautions}");
        }
    }
}
