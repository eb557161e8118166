//! Text that late completions share and those of the reference do not: the policy has changed its ways. Where those that hold it are paid
//! more than others of their groups, it has changed them for the reward: by an exploit that pays within the range of honest rewards, or
//! by learning a form that is rightly paid.

use super::verdict::{Judgement, Verdict, p_value};
use crate::foundation::format::{count, percent, visible};
use serde::Serialize;

/// Probability, all texts considered, up to which a text is paid for.
pub(super) const PAID: f64 = 1e-4;

/// A text that late completions hold and those of the reference do not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewText {
    /// The text.
    pub text: String,
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
    /// Whether only rollouts that pass were looked at.
    pub of_passes: bool,
}

impl NewText {
    /// Adds it to what is said of a log; a quiet one where it is paid for has shifted. `reference`: the reference in words.
    pub(in crate::monitor) fn say(&self, judgement: &mut Judgement, reference: &str) {
        let of = |(n, all): (usize, usize)| match n {
            0 => format!("none of {}", count(all)),
            n => format!("{} of {}", percent(n as f64 / all as f64), count(all)),
        };
        let held = format!(
            "`{}` is in {} {}looked at from step {} on, and in {} of {reference}",
            visible(&self.text),
            of(self.late),
            if self.of_passes { "that pass and were " } else { "" },
            self.from_step,
            of(self.reference)
        );
        if judgement.verdict != Verdict::Quiet || self.p_value > PAID {
            judgement.cautions.push(format!(
                "The texts have changed: {held}. Learning changes texts, and so does an exploit: read some that hold it."
            ));
            return;
        }
        let highest = format!(
            "Those that hold it are paid more than the others (p {}); {} of the {} highest paid hold it. So it is with an exploit, and with \
             a form of answers that is rightly paid: read some that hold it.",
            p_value(self.p_value),
            count(self.highest.0),
            count(self.highest.1)
        );
        let sentence = format!("new text is paid for: {held}");
        let cautions = std::iter::once(highest).chain(std::mem::take(&mut judgement.cautions)).collect();
        let first_flag_step = Some(self.from_step);
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
            from_step: 90,
            late: (100, 200),
            reference: (0, 200),
            highest: (30, 40),
            p_value: 1e-8,
            of_passes: false,
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
        for (before, p_value) in [(Verdict::Quiet, 0.01), (Verdict::NotJudged, 1e-8)] {
            let (verdict, sentence, cautions) = judged(before, p_value);
            assert_eq!((verdict, &*sentence), (before, "as it was"));
            assert!(cautions.contains("The texts have changed: `!!ok`"), "{cautions}");
        }
    }
}
