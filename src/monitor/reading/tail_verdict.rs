//! The verdict on rewards that may stand out: what stands apart, a shift of the level, a tail that grew.

use super::apart::Apart;
use super::entries::ListEntry;
use super::excess::{self, Excess};
use super::gather::{OF_GROUP, OF_STEP};
use super::gathering::Gathered;
use super::mates::Unlike;
use super::shared::Piece;
use super::shift::{Above, Shift};
use super::verdict::{Case, Judgement, Verdict, not_judged, p_value};
use crate::foundation::format::{count, percent, table, visible};

/// Scores below which no tail is tested.
const TAIL: usize = 12;
/// Times the rest from which on a gap that few rollouts show keeps a log from being quiet.
const WIDE: f64 = 2.0;
/// Times the highest score at which a twentieth of a log must stand apart for it to be quiet.
const POWER: f64 = 3.0;
/// Rollouts that stand apart and answer one prompt, from which on that is said.
const OF_ONE_PROMPT: usize = 3;

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

    /// What the rollouts that stand apart are compared with.
    fn whose(&self) -> &'static str {
        match self.gathered.noun {
            OF_GROUP if self.list.iter().any(|entry| entry.apart && entry.by_step) => {
                "the median of their group or step"
            }
            OF_GROUP => "the median of their group",
            OF_STEP => "the median of their step",
            noun if noun.ends_with("its prompt") => "the median of their prompt",
            noun => noun,
        }
    }

    /// That all of those that stand apart and are listed answer one prompt, where others on the list do not.
    fn of_one_prompt(&self) -> Option<String> {
        let prompts = |apart: bool| self.list.iter().filter(move |entry| entry.apart == apart);
        let mut own = prompts(true).map(|entry| entry.prompt.as_deref());
        let first = own.next().flatten()?;
        let all = prompts(true).count();
        let others = prompts(false).any(|entry| entry.prompt.as_deref().is_some_and(|other| other != first));
        (own.all(|other| other == Some(first)) && all >= OF_ONE_PROMPT && others).then(|| {
            format!(
                "All {} of them that are listed answer one prompt: so do those of a task that pays more than others.",
                count(all)
            )
        })
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
                self.whose(),
                table(apart.rest),
                p_value(apart.p_value)
            ));
            cautions.extend(self.of_one_prompt());
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
                "{} of {} listed texts hold `{}`, {} of those beside them do{first}",
                piece.listed,
                shared.distinct,
                visible(&piece.text),
                percent(piece.others)
            ));
        }
        cautions.extend(self.of_the_unlike());
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
            Above::Tied => {
                let (value, before) = shift.tied.unwrap_or_default();
                format!("are paid exactly {}, as {} of {} are", table(value), percent(before), self.reference)
            }
            Above::Different => format!("differ from {}, which is one single value", self.reference),
        };
        format!("{share}% of the rollouts from step {} on {than}", shift.from_step)
    }

    pub(super) fn shifted(&self, shift: &Shift) -> Judgement {
        let caution = "Honest learning moves rewards as well as an exploit that takes over: the level alone cannot tell which. Read the \
                       list, or judge the later steps against some of their own with --calibrate-steps."
            .to_owned();
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

    /// Rollouts that stand apart as those of a task do that pays more than others.
    fn unlike(&self, apart: &Apart, why: Unlike) -> Judgement {
        let what = match why {
            Unlike::NotSaid(share) => format!(
                "{} of the rollouts from step {} on are paid more than all others, and no group of four or more says for what",
                percent(share),
                apart.first_step
            ),
            Unlike::Wider | Unlike::Narrower | Unlike::Other | Unlike::Whole => format!(
                "{} rollouts are paid more than all others, the first at step {}, {}",
                count(apart.count),
                apart.first_step,
                match why {
                    Unlike::Whole => "and with them all of their groups",
                    _ => "in groups that are unlike the others",
                }
            ),
        };
        let cautions = self.of_the_unlike().into_iter().collect();
        match apart.in_reference {
            0 => Judgement {
                verdict: Verdict::Shifted,
                sentence: what,
                cautions,
                first_flag_step: Some(apart.first_step),
            },
            _ => Judgement { cautions, ..not_judged(format!("{what}, in {} as well", self.reference)) },
        }
    }

    /// Why what stands apart is not said to.
    fn of_the_unlike(&self) -> Option<String> {
        let (apart, why) = self.gathered.unlike.as_ref()?;
        let why = match why {
            Unlike::Wider => {
                "Without them their groups still spread wider than others: so do those of a task that pays more"
            }
            Unlike::Narrower => {
                "Without them their groups hold nothing of what others are paid: so it is with a task that pays more, all or nothing"
            }
            Unlike::Other => {
                "Without them their groups are unlike others: so are those of a task that pays more"
            }
            Unlike::Whole => "They are all of their groups: so it is with a task that pays more",
            Unlike::NotSaid(_) => {
                "So it is with a task that pays more than others, where no column names groups (--group) of four rollouts or more in a step"
            }
        };
        Some(format!(
            "{} rollouts lie {} or more above {}, all others {} or less. {why}, and an exploit may look the same: reward alone cannot tell \
             which. Read the list.",
            count(apart.count),
            table(apart.from_score),
            self.whose(),
            table(apart.rest)
        ))
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
            self.whose(),
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
}

fn upper(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::apart::{Power, Tested};
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
        let shift = Shift { from_step: 290, share: 0.75, above: Above::High, tied: None };
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
