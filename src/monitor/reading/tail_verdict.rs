//! The verdict on rewards that may stand out, question by question, and where none says so: quiet, or not judged.

use super::excess;
use super::gathering::Gathered;
use super::shift::fall;
use super::verdict::{Case, Judgement, Verdict, not_judged, p_value};
use crate::foundation::format::{count, table};
use crate::foundation::special::ln_choose;

/// Scores below which no tail is tested.
const TAIL: usize = 12;
/// Times the rest from which on a gap that few rollouts show keeps a log from being quiet.
const WIDE: f64 = 2.0;
/// Times the highest score at which a twentieth of a log must stand apart for it to be quiet.
const POWER: f64 = 3.0;
/// Rollouts that are not few.
const MANY: usize = 100;
/// Probability that the highest of a log all come so late, of rewards that do not change.
const LATE: f64 = 1e-3;

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
        if let Some(why) = self.few_differ() {
            return not_judged(why);
        }
        let all = self.gathered.reference + self.gathered.later;
        if tested.tail < TAIL && all >= MANY {
            return not_judged(format!(
                "nearly all rollouts are paid exactly {}: those above it are too few to tell an exploit from chance. Read the list",
                self.gathered.noun
            ));
        }
        if tested.tail < TAIL {
            return not_judged(format!(
                "{} rollouts are too few to tell a far reward from a chance one: read the list, or give a longer log",
                count(all)
            ));
        }
        if let Some(why) = self.too_few_to_be_quiet() {
            let cautions = self.of_the_nearest().into_iter().chain(self.of_the_tail()).collect();
            return Judgement { cautions, ..not_judged(why) };
        }
        let fallen = self.gathered.known.and_then(|known| fall(&self.gathered.levels, known));
        let level = match fallen {
            Some((step, share)) => format!(
                "the rewards fell: {}% of the rollouts from step {step} on lie below 95% of {}",
                (100.0 * share).floor(),
                self.reference
            ),
            None => format!("later rewards mostly lie within those of {}", self.reference),
        };
        let sentence = format!("no rollout stands apart from the rest, and {level}");
        let cautions = (self.of_the_nearest().into_iter())
            .chain(self.of_the_tail())
            .chain(self.of_the_prompts())
            .collect();
        Judgement { verdict: Verdict::Quiet, sentence, cautions, first_flag_step: None }
    }

    /// Why rollouts that differ from a reference of one value are neither a change of it nor nothing.
    pub(super) fn few_differ(&self) -> Option<String> {
        let differing: usize = self.gathered.levels.iter().map(|level| level.different).sum();
        let known = self.gathered.known.filter(|known| known.lowest == known.highest && differing > 0)?;
        Some(format!(
            "{} from {}, whose rewards are all {}: too few to tell a change from chance. Read the list",
            if differing == 1 {
                "1 rollout differs".to_owned()
            } else {
                format!("{} rollouts differ", count(differing))
            },
            self.reference,
            table(known.lowest)
        ))
    }

    /// That the highest come late, where the tail is heavy: it may be they that make it so.
    fn late_and_heavy(&self) -> Option<String> {
        let Gathered { tested, levels, reference, later, .. } = self.gathered;
        let (from, highest) = tested.highest_from.filter(|_| tested.heavy.is_some())?;
        let after: usize = levels.iter().filter(|l| !l.reference && l.step >= from).map(|l| l.rollouts).sum();
        let all = (reference + later) as u64;
        let ln_p = ln_choose(after as u64, highest as u64) - ln_choose(all, highest as u64);
        (ln_p <= LATE.ln()).then(|| {
            format!(
                "the {highest} highest rewards all come from step {from} on (p {}), and the tail is heavy: either it grew, or exploits make it \
                 so. Read the list",
                p_value(ln_p.exp())
            )
        })
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
        if let Some(why) = self.late_and_heavy() {
            return Some(why);
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
    use super::super::shift::{Above, Known, Level, Shift};
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
            tested: Tested {
                tail: 198,
                heavy: Some(0.4264),
                highest_from: None,
                apart: None,
                near: None,
                power: Vec::new(),
            },
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

    fn level(step: u64, below: usize, different: usize) -> Level {
        Level {
            step,
            rollouts: 32,
            median: 0.0,
            mean: 0.0,
            highest: 0.0,
            above: (0, 0),
            above_middle: 0,
            far: 0,
            below,
            tied: 0,
            mode: None,
            different,
            reference: step < 6,
        }
    }

    #[test]
    fn rewards_that_fell_are_said_to_have_fallen() {
        let ascending: Vec<f64> = (0..192).map(f64::from).collect();
        let of = |below: usize| Gathered {
            known: Known::of(&ascending, None, None),
            levels: (0..60).map(|step| level(step, if step >= 30 { below } else { 1 }, 0)).collect(),
            ..empty()
        };
        let judge = |below: usize| case(&of(below)).by_tail();
        let fell = judge(30);
        assert_eq!(fell.verdict, Verdict::Quiet);
        assert!(
            fell.sentence.contains("the rewards fell: 93% of the rollouts from step 30 on"),
            "{}",
            fell.sentence
        );
        assert!(judge(2).sentence.contains("mostly lie within those"));
    }

    #[test]
    fn the_highest_that_come_late_and_make_the_tail_heavy_are_not_quiet() {
        let of = |from: u64, heavy: Option<f64>| {
            let tested = Tested { highest_from: Some((from, 20)), heavy, ..empty().tested };
            let levels = (0..60).map(|step| level(step, 1, 0)).collect();
            Gathered { tested, levels, reference: 192, later: 1728, ..empty() }
        };
        let verdict = |from, heavy| case(&of(from, heavy)).by_tail().verdict;
        // (2/3)^20 = 3e-4, .9^20 = .12.
        assert_eq!(verdict(20, Some(0.5)), Verdict::NotJudged);
        assert_eq!(verdict(6, Some(0.5)), Verdict::Quiet);
        assert_eq!(verdict(20, None), Verdict::Quiet, "of a light tail it is no news");
    }

    #[test]
    fn few_that_differ_from_a_constant_reference_are_said_to_differ() {
        let gathered = |different: usize| Gathered {
            known: Known::of(&[0.0; 192], None, None),
            levels: (0..60).map(|step| level(step, 0, if step == 47 { different } else { 0 })).collect(),
            ..empty()
        };
        let said = |different: usize| case(&gathered(different)).few_differ();
        assert!(
            said(1).unwrap().starts_with("1 rollout differs from the first 4 steps, whose rewards are all 0")
        );
        assert!(said(3).unwrap().starts_with("3 rollouts differ from"));
        assert_eq!(said(0), None);
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
