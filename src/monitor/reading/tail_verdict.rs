//! The verdict on rewards that may stand out, question by question, and where none says so: quiet, or not judged.

use super::ceiling::Ceiling;
use super::excess;
use super::gathering::Gathered;
use super::shift::{fall, partly};
use super::verdict::{Case, Judgement, Verdict, not_judged, p_value};
use crate::foundation::format::{count, percent, table};
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
                self.whose(None)
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
        let end = |ceiling: &Ceiling| {
            let share = match ceiling.reference {
                0.0 => "none".to_owned(),
                share => percent(share),
            };
            format!("{}, which {share} of {} are paid", table(ceiling.highest), self.reference)
        };
        if let Some(ceiling) = self.ceiling.filter(|ceiling| ceiling.hides()) {
            return Judgement {
                cautions: self.of_the_tail(),
                ..not_judged(format!(
                    "rewards end at {}: an exploit that is paid as much would not stand apart, and no rise of that share is shown. Read the list, or \
                     give the parts of the reward with --reward a=1,b=.5",
                    end(ceiling)
                ))
            };
        }
        if self.gathered.two_in_groups.is_some() {
            let cautions = self.of_the_nearest().into_iter().chain(self.of_the_tail()).collect();
            let why = "rollouts of one group lie on two levels in the reference, as where a prompt's own level has a part beside it that pays \
                       all or nothing: none stands apart, and nothing is known of how often that part is paid. Read the list, or give \
                       the parts of the reward with --reward a=1,b=.5";
            return Judgement { cautions, ..not_judged(why.to_owned()) };
        }
        let fallen = self.gathered.known.and_then(|known| fall(&self.gathered.levels, known));
        let level = match fallen {
            Some((step, share)) => format!(
                "the rewards fell: {}% of the rollouts from step {step} on lie below 95% of {}",
                (100.0 * share).floor(),
                self.reference
            ),
            None => match self.gathered.known.and_then(|known| partly(&self.gathered.levels, known)) {
                Some((step, share)) => format!(
                    "{}% of the rollouts from step {step} on lie above 95% of {}: too few for a shift, and learning moves them as well",
                    (100.0 * share).floor(),
                    self.reference
                ),
                None => format!("later rewards mostly lie within those of {}", self.reference),
            },
        };
        let sentence = format!("no rollout stands apart from the rest, and {level}");
        let cautions = (self.of_the_nearest().into_iter())
            .chain(self.of_the_tail())
            .chain(self.late().map(|said| {
                format!("The {said}: so it is where some answers come to be paid more, by learning or by an exploit. Read the list.")
            }))
            .chain(self.of_the_prompts())
            .chain(self.ceiling.map(|ceiling| {
                format!(
                    "Rewards end at {}: an exploit that is paid as much shows by how many are, from about a twentieth on.",
                    end(ceiling)
                )
            }))
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
        let said = self.late().filter(|_| self.gathered.tested.heavy.is_some())?;
        Some(format!(
            "the {said}, and the tail is heavy: either it grew, or exploits make it so. Read the list"
        ))
    }

    /// That the highest come late.
    fn late(&self) -> Option<String> {
        let Gathered { tested, levels, reference, later, .. } = self.gathered;
        let (from, highest) = tested.highest_from?;
        let after: usize = levels.iter().filter(|l| !l.reference && l.step >= from).map(|l| l.rollouts).sum();
        let all = (reference + later) as u64;
        let ln_p = ln_choose(after as u64, highest as u64) - ln_choose(all, highest as u64);
        (ln_p <= LATE.ln()).then(|| {
            format!("{highest} highest rewards all come from step {from} on (p {})", p_value(ln_p.exp()))
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
