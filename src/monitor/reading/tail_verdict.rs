//! The verdict on rewards that may stand out, question by question, and where none says so: quiet, or not judged.

use super::excess;
use super::gathering::Gathered;
use super::verdict::{Case, Judgement, Verdict, not_judged};
use crate::foundation::format::{count, table};

/// Scores below which no tail is tested.
const TAIL: usize = 12;
/// Times the rest from which on a gap that few rollouts show keeps a log from being quiet.
const WIDE: f64 = 2.0;
/// Times the highest score at which a twentieth of a log must stand apart for it to be quiet.
const POWER: f64 = 3.0;

impl Case<'_> {
    pub(super) fn by_tail(&self) -> Judgement {
        let Gathered { tested, excess, .. } = self.gathered;
        let piece = self.telling();
        if tested.apart.is_some() || piece.is_some() {
            return self.flagged(tested.apart.as_ref(), piece);
        }
        if let Some(shift) = self.shift {
            return self.shifted(shift);
        }
        if let Some((apart, why)) = &self.gathered.unlike {
            return self.unlike(apart, *why);
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
        if let Some(why) = self.too_few_to_be_quiet() {
            let cautions = self.of_the_nearest().into_iter().chain(self.of_the_tail()).collect();
            return Judgement { cautions, ..not_judged(why) };
        }
        let sentence = format!(
            "no rollout stands apart from the rest, and later rewards mostly lie within those of {}",
            self.reference
        );
        let cautions = self.of_the_nearest().into_iter().chain(self.of_the_tail()).collect();
        Judgement { verdict: Verdict::Quiet, sentence, cautions, first_flag_step: None }
    }

    /// Why a log on which nothing stands apart is not quiet: it could not have shown it.
    fn too_few_to_be_quiet(&self) -> Option<String> {
        let tested = &self.gathered.tested;
        if let Some(near) = tested.near.as_ref().filter(|near| near.from_score >= WIDE * near.rest) {
            return Some(format!(
                "{} far from all others, and {} rollouts are too few to show that this is no chance: read {} first, or give a longer log",
                if near.count == 1 {
                    "1 rollout lies".to_owned()
                } else {
                    format!("{} rollouts lie", near.count)
                },
                count(self.gathered.reference + self.gathered.later),
                if near.count == 1 { "it" } else { "them" }
            ));
        }
        let weak = tested.power.last().filter(|power| power.times > POWER)?;
        Some(format!(
            "{} rollouts are too few: {} of them three times as far {} as the highest would not show. Read the list, or give a longer log",
            count(self.gathered.reference + self.gathered.later),
            weak.rollouts,
            self.gathered.noun.replacen("the median", "above the median", 1)
        ))
    }

    /// What a heavy tail means for a list on which nothing stands apart, or nearly does.
    pub(super) fn of_the_tail(&self) -> Vec<String> {
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
}

#[cfg(test)]
mod tests {
    use super::super::apart::{Apart, Power, Tested};
    use super::super::gather::OF_GROUP;
    use super::super::shift::{Above, Shift};
    use super::super::values::Values;
    use super::*;

    fn near() -> Apart {
        Apart {
            count: 2,
            from_score: 20.08,
            rest: 2.043,
            rewards: (20.14, 20.45),
            in_reference: 0,
            first_step: 50,
            p_value: 0.021,
        }
    }

    /// A log on which nothing stands apart.
    fn empty() -> Gathered {
        Gathered {
            entries: Vec::new(),
            places: 6,
            expected: 17.7,
            reference: 256,
            later: 1728,
            noun: OF_GROUP,
            tested: Tested { tail: 198, heavy: Some(0.4264), apart: None, near: None, power: Vec::new() },
            unlike: None,
            known: None,
            ties: Vec::new(),
            excess: None,
            levels: Vec::new(),
            values: Values::default(),
        }
    }

    fn case(gathered: &Gathered) -> Case<'_> {
        Case {
            gathered,
            list: &[],
            shared: None,
            shift: None,
            pass_rate: None,
            two_levels: false,
            reference: "the first 4 steps",
            nothing_after: None,
        }
    }

    #[test]
    fn a_log_that_could_not_have_shown_it_is_not_quiet() {
        let power = |times: f64| Power { rollouts: 8, score: 2.0 * times, times };
        let judge = |near: Option<Apart>, times: f64| {
            let gathered =
                Gathered { tested: Tested { power: vec![power(times)], ..empty().tested }, ..empty() };
            let gathered = Gathered { tested: Tested { near, ..gathered.tested }, ..gathered };
            let case = case(&gathered);
            let judgement = case.by_tail();
            (judgement.verdict, judgement.sentence)
        };
        assert_eq!(judge(None, 2.9).0, Verdict::Quiet);
        let (verdict, sentence) = judge(None, 3.1);
        assert_eq!(verdict, Verdict::NotJudged);
        assert!(
            sentence.contains("8 of them three times as far above the median of its group"),
            "{sentence}"
        );
        let narrow = Apart { rest: 12.0, ..near() };
        assert_eq!(judge(Some(narrow), 2.9).0, Verdict::Quiet, "a gap that is not wide");
    }

    #[test]
    fn a_gap_that_few_rollouts_show_is_told_and_no_tail_explains_it() {
        let near = near();
        let gathered =
            |near: Option<Apart>| Gathered { tested: Tested { near, ..empty().tested }, ..empty() };
        let shift = Shift { from_step: 290, share: 0.75, above: Above::High, tied: None, growth: None };
        let judge = |gathered: &Gathered, shift: Option<&Shift>| Case { shift, ..case(gathered) }.by_tail();
        for shift in [Some(&shift), None] {
            for near in [Some(near.clone()), None] {
                let judgement = judge(&gathered(near.clone()), shift);
                let cautions = judgement.cautions.join(" ");
                let verdict = match (shift, &near) {
                    (Some(_), _) => Verdict::Shifted,
                    (None, Some(_)) => Verdict::NotJudged,
                    (None, None) => Verdict::Quiet,
                };
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
