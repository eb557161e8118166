//! The verdict on rollouts that stand apart: that they do, that a task may be paid so, or that too few were seen to tell.

use super::apart::Apart;
use super::entries::ListEntry;
use super::gather::{OF_GROUP, OF_STEP};
use super::mates::Unlike;
use super::shared::Piece;
use super::verdict::{Case, Judgement, Verdict, not_judged, p_value};
use crate::foundation::format::{count, percent, table};

/// Rollouts that stand apart and answer one prompt, from which on that is said.
const OF_ONE_PROMPT: usize = 3;
/// Rollouts of the reference that stand apart, from which on it is known how often they came, and times by which that is as often later.
const FEWEST_BEFORE: usize = 5;
const AS_OFTEN: f64 = 2.0;

impl Case<'_> {
    pub(super) fn flagged(&self, apart: Option<&Apart>, piece: Option<&Piece>) -> Judgement {
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
                self.whose(Some(apart)),
                table(apart.rest),
                p_value(apart.p_value)
            ));
            cautions.extend(self.of_one_prompt());
            // Of one step all is the reference, and nothing was taken for normal.
            if apart.in_reference > 0 && self.gathered.later > 0 {
                cautions.push(format!(
                    "{} of them {} in the reference: what was taken for normal holds them already.",
                    count(apart.in_reference),
                    if apart.in_reference == 1 { "is" } else { "are" }
                ));
            }
            cautions.extend(self.as_often_as_before(apart));
        }
        if let (Some(piece), Some(shared)) = (piece, self.shared) {
            let holds =
                |entry: &&ListEntry| entry.completion.as_deref().is_some_and(|text| piece.is_held_by(text));
            let (hold, do_so) = piece.held();
            first = first.or(self.list.iter().find(holds).map(|entry| entry.step));
            let first = first
                .filter(|_| apart.is_none())
                .map_or_else(String::new, |step| format!("; the first at step {step}"));
            said.push(format!(
                "{} of {} listed texts {hold}, {} of those beside them {do_so}{first}",
                piece.listed,
                shared.distinct,
                percent(piece.others)
            ));
        }
        cautions.extend(self.of_the_unlike());
        if let Some(shift) = self.shift {
            cautions.push(format!("{}.", upper(&self.of_shift(shift))));
        }
        Judgement { verdict: Verdict::Flagged, sentence: said.join("; "), cautions, first_flag_step: first }
    }

    /// That they come as often as in the reference, as what is seldom and rightly paid does too.
    fn as_often_as_before(&self, apart: &Apart) -> Option<String> {
        let (before, after) =
            (apart.in_reference as f64, apart.count.saturating_sub(apart.in_reference) as f64);
        let expected = before / self.gathered.reference.max(1) as f64 * self.gathered.later as f64;
        // Where most of a group are so, its median is as well, and they are no longer far above it: what lies far above the rest of the
        // reference is counted too.
        let far: usize = self.gathered.levels.iter().filter(|l| !l.reference).map(|l| l.far).sum();
        let as_often =
            expected > 0.0 && after >= expected / AS_OFTEN && after.max(far as f64) <= expected * AS_OFTEN;
        (apart.in_reference >= FEWEST_BEFORE && as_often && self.shift.is_none()).then(|| {
            "They come as often there as later: so does an exploit that is not learnt, and a bonus that is meant and seldom earned. Read one \
             of them; if it is meant and has a column of its own, leave that out of --reward."
                .to_owned()
        })
    }

    /// What the rollouts that stand apart are compared with.
    pub(super) fn whose(&self, apart: Option<&Apart>) -> String {
        if let Some(above) = apart.and_then(|apart| apart.above) {
            return format!("a reward of {}", table(above));
        }
        let noun = match self.gathered.noun {
            OF_GROUP if self.list.iter().any(|entry| entry.by_step) => "the median of their group or step",
            OF_GROUP => "the median of their group",
            OF_STEP => "the median of their step",
            noun if noun.ends_with("its prompt") => "the median of their prompt",
            noun => noun,
        };
        noun.to_owned()
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

    /// Rollouts that stand apart as those of a task do that pays more than others.
    pub(super) fn unlike(&self, apart: &Apart, why: Unlike) -> Judgement {
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
    pub(super) fn of_the_unlike(&self) -> Option<String> {
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
            self.whose(Some(apart)),
            table(apart.rest)
        ))
    }

    /// A gap that a longer log might show to be one.
    pub(super) fn of_the_nearest(&self) -> Option<String> {
        let near = self.gathered.tested.near.as_ref()?;
        let who = match near.count {
            1 => "The highest lies".to_owned(),
            n => format!("The {} highest lie", count(n)),
        };
        Some(format!(
            "{who} {} or more above {}, all others {} or less: so few rollouts do not show that this is no chance (p {}). Read \
             {} first.",
            table(near.from_score),
            self.whose(Some(near)),
            table(near.rest),
            p_value(near.p_value),
            if near.count == 1 { "it" } else { "them" }
        ))
    }
}

fn upper(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
