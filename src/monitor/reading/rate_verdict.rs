//! The verdict on rewards that pass or do not: prompts that go from never to always, and the rate of all.

use super::pass_rate::PassRate;
use super::shift::Above;
use super::verdict::{Case, Judgement, Verdict, not_judged, p_value};
use crate::foundation::format::{count, percent, table};

impl Case<'_> {
    /// What lies above the upper of two levels: rollouts that stand apart, or many of the later ones.
    pub(super) fn beyond_levels(&self) -> Option<Judgement> {
        self.gathered.two?;
        if let Some(apart) = &self.gathered.tested.apart {
            return Some(self.flagged(Some(apart), None));
        }
        if let Some(shift) = self.shift.filter(|shift| shift.above == Above::All) {
            return Some(self.shifted(shift));
        }
        let unlike = self.gathered.unlike.as_ref().filter(|(apart, _)| apart.in_reference == 0);
        unlike.map(|(apart, why)| self.unlike(apart, *why))
    }

    pub(super) fn by_pass_rate(&self, rates: &PassRate) -> Judgement {
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
                    percent(rise.before),
                    if rise.of_reference { self.reference } else { "those before it" }
                ),
                cautions: vec![format!(
                    "p {}, all steps considered. Honest learning raises a pass rate as well as an exploit does: read some that pass.",
                    p_value(rise.p_value)
                )],
                first_flag_step: Some(rise.from_step),
            };
        }
        if let Some(shift) = self.ceiling.and_then(|ceiling| ceiling.shift.as_ref()) {
            return self.shifted(shift);
        }
        if let Some(why) = &self.nothing_after {
            return not_judged(why.clone());
        }
        if let Some(why) = self.few_differ() {
            return not_judged(why);
        }
        let what = match self.gathered.values.few() {
            Some(n) => format!("the rewards take {n} values: none can stand out"),
            None => "the rewards lie on two levels, in the reference as well: none stands apart above both"
                .to_owned(),
        };
        not_judged(format!(
            "{what}, and no rise of the pass rate is shown. Read the list, or give the parts of the reward with \
             --reward a=1,b=.5"
        ))
    }

    pub(super) fn of_pass_rate(&self, rates: &PassRate) -> Vec<String> {
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
        if rates.not_followed > 0 {
            said.push(format!(
                "Only the first {} prompts are followed one by one: {} rollouts of others count for the rate alone.",
                count(rates.prompts),
                count(rates.not_followed)
            ));
        }
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
            let (hold, do_so) = piece.held();
            said.push(format!(
                "{} of {} rewarded texts {hold}, {} of those beside them {do_so}.",
                piece.listed,
                shared.distinct,
                percent(piece.others)
            ));
        }
        if self.two_levels {
            said.push(
                "Two levels are those of a part that pays all or nothing, or of exploits that the reference holds. The upper is judged as \
                 passes."
                    .to_owned(),
            );
        }
        said
    }
}
