//! The twenty rollouts worth reading, and one verdict on the log.
//!
//! [`ReadingList`] is the list: every rollout that enters the k highest so far, its reward taken relative to its step or group, with as
//! many benign ones on it as were asked for, whatever the law of the rewards. The verdict rests on tests of its own: whether the highest
//! [stand apart](Apart) by more than the tail explains, what their texts [share](Shared), whether the level has [shifted](Shift), and
//! for rewards of a few values how the [pass rate](PassRate) went.

mod apart;
mod apart_verdict;
mod assumptions;
mod ceiling;
mod centre;
mod entries;
mod excess;
mod gather;
mod gathering;
mod growth;
mod jumps;
mod late;
mod list;
mod mates;
mod new_text;
mod newest;
mod observed;
mod paid_before;
mod pass_rate;
#[cfg(test)]
mod pass_rate_tests;
mod permutations;
mod pieces;
mod place;
mod point;
mod pool;
mod rate_verdict;
mod rise;
mod runs;
mod sample;
mod shared;
mod shift;
mod shift_verdict;
mod step_level;
mod strata;
mod tail_verdict;
#[cfg(test)]
mod tail_verdict_tests;
mod texts_since;
mod two_levels;
#[cfg(test)]
mod two_levels_tests;
mod unread;
mod values;
mod verdict;
mod visits;

pub use apart::{Apart, Power};
pub use assumptions::Assumptions;
use ceiling::Ceiling;
pub use centre::{Centre, GroupMedians};
pub use entries::{ListEntry, RowText};
pub use excess::Excess;
pub use list::{Entry, ListSettings, ReadingList, Scored, StepRows};
pub use mates::Unlike;
pub use new_text::{NewText, Paid};
pub use observed::{pass_rate, passes_above};
pub use pass_rate::PassRate;
pub use place::Place;
pub use rise::Rise;
pub use shared::{Length, Piece, Shared};
pub use shift::{Above, Growth, Level, Shift};
pub use verdict::{Judgement, Verdict};
pub use visits::Jump;

pub(super) use entries::{list_entry, texts, whose};
pub(super) use gather::{OF_GROUP, OF_STEP};
pub(super) use gathering::Gathering;
pub(super) use jumps::JUMPS;
pub(super) use newest::{Late, Texts, came_since, left_open};
pub(super) use paid_before::{holds, paid_before};
pub(super) use pass_rate::{Passes, Rows as PassRows};
pub(super) use sample::{COMPARED, MATES, OF_A_STEP, Sample, by_lot, of_a_step};
pub(super) use shared::shared;
pub(super) use step_level::StepRows as GatheredRows;
pub(super) use strata::{Holds, Strata};

use super::grouping::GroupBy;
use super::reference::Calibrate;
use super::source::Source;
use crate::foundation::format::count;
use crate::record::{Error, Log, LogMeta, Rollouts};
use assumptions::assumptions;
use gather::{Base, Compared, gather, pass_rates};
use gathering::Gathered;
use unread::{nothing_after, unread};

/// Steps that are the reference where none is given, and the share of the log that they may be at most.
const STEPS: usize = 10;
const ONE_IN: usize = 10;
/// Of a log that is not judged, at most one in so many rollouts is listed, but this many in any case.
const FEW_IN: usize = 10;
const FEW: usize = 3;

/// The verdict, what it rests on, and what to read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The verdict in words.
    pub judgement: Judgement,
    /// What was taken for granted.
    pub assumptions: Assumptions,
    /// The rollouts to read, in the order of time.
    pub list: Vec<ListEntry>,
    /// What the listed share (of rewards of a few values, the rewarded); none of a log without completions.
    pub shared: Option<Shared>,
    /// Rollouts that stand apart.
    pub apart: Option<Apart>,
    /// Rollouts that stand apart and may be those of a task that pays more than others.
    pub unlike: Option<(Apart, Unlike)>,
    /// A shift of the level.
    pub shift: Option<Shift>,
    /// Pass rates, of rewards of a few values.
    pub pass_rate: Option<PassRate>,
    /// Entries against their law.
    pub excess: Option<Excess>,
    /// Text of late completions that the reference does not hold, where nothing is flagged.
    pub new_text: Option<NewText>,
    /// The level, step by step.
    pub levels: Vec<Level>,
}

/// Steps of the log that are the reference where none is given: the first ten, or a tenth of the log where that is less.
pub fn first_steps(log: &Rollouts) -> Option<(u64, u64)> {
    let spans = log.spans();
    let steps = STEPS.min(spans.len().div_ceil(ONE_IN));
    Some((spans.first()?.step, spans.get(steps.checked_sub(1)?)?.step + 1))
}

/// Reads a log of rollouts.
pub(super) fn read(
    log: &Log<Rollouts>,
    calibrate: &Calibrate,
    by: Option<GroupBy>,
    benign: f64,
) -> Result<Reading, Error> {
    let spans = log.rollouts.spans();
    let (base, reference) = match calibrate {
        Calibrate::Log { path, log: other } => (Base::Log(other), path.display().to_string()),
        Calibrate::Steps { from, to } => (Base::Steps(*from, *to), format!("steps {from}..{to}")),
        Calibrate::Own | Calibrate::Window { .. } => {
            let (from, to) = first_steps(&log.rollouts).unwrap_or_default();
            let within = spans.iter().filter(|span| (from..to).contains(&span.step)).count();
            let name =
                if within == 1 { "the first step".to_owned() } else { format!("the first {within} steps") };
            (Base::Steps(from, to), name)
        }
    };
    let compared = match by {
        None => Compared::with(None),
        Some(GroupBy::Step) => Compared::with(Some(Centre::Step)),
        Some(GroupBy::Group) => Compared::with(Some(Centre::Group)),
        Some(GroupBy::Prompt) => Compared::Prompts(Source::new(&log.rollouts, by)?.into_prompts()),
    };
    let mut gathered = gather(log, base, compared, benign)?;
    let few = gathered.values.few().is_some();
    let unlike = if log.meta.runs > 1 && !few { runs::differ(log, base)? } else { None };
    if let Some(why) = unlike {
        let assumptions = assumptions(&log.meta, &gathered, log.rollouts.len(), &reference);
        let assumptions = Assumptions { expected_benign: 0.0, ..assumptions };
        return Ok(Reading { levels: gathered.levels, ..not_judged(why, assumptions) });
    }
    let other = if let Base::Log(other) = base { Some(other) } else { None };
    let (list, shared_by_listed) = entries::fill(log, other, &mut gathered)?;
    let above = gathered.above();
    let pass_rate = above.map(|above| pass_rates(log, base, above)).transpose()?;
    let shared = match above {
        Some(above) => entries::shared_by_rewarded(log, above)?,
        None => shared_by_listed,
    };
    let nothing_after = nothing_after(log, calibrate, &gathered);
    let assumptions = assumptions(&log.meta, &gathered, log.rollouts.len(), &reference);
    let (noun, named) = (gathered.noun, reference.clone());
    let mut reading =
        conclude(gathered, Rest { list, shared, pass_rate, nothing_after, reference, assumptions });
    if let Some(rates) = &reading.pass_rate {
        reading.list = jumps::list(log, rates, noun, std::mem::take(&mut reading.list))?;
    }
    if reading.judgement.verdict != Verdict::Flagged
        && let Some(text) = texts_since::new_text(log, base, above, &reading)?
    {
        text.say(&mut reading.judgement, &named);
        reading.new_text = Some(text);
    }
    // Nor is a log that was too short to be quiet told by that first.
    let may_be = match reading.judgement.verdict {
        Verdict::Quiet => true,
        Verdict::NotJudged => reading.pass_rate.is_none() && reading.unlike.is_none(),
        Verdict::Flagged | Verdict::Shifted => false,
    };
    if let Some(why) = unread(&log.meta).filter(|_| may_be) {
        let quiet = format!("Of the rest: {}.", reading.judgement.sentence);
        let cautions =
            std::iter::once(quiet).chain(std::mem::take(&mut reading.judgement.cautions)).collect();
        reading.judgement = Judgement { cautions, ..verdict::not_judged(why) };
    }
    if log.meta.runs > 1 {
        let runs = log.meta.runs;
        reading.judgement.cautions.push(format!(
            "The log holds {runs} runs, judged as one: give one run's files where their rewards differ."
        ));
    }
    Ok(reading)
}

/// What decides beside what was gathered.
pub(super) struct Rest {
    pub list: Vec<ListEntry>,
    pub shared: Option<Shared>,
    /// Where rewards are paid or not.
    pub pass_rate: Option<PassRate>,
    pub nothing_after: Option<String>,
    /// The reference in words.
    pub reference: String,
    pub assumptions: Assumptions,
}

/// The verdict on what was gathered.
pub(super) fn conclude(gathered: Gathered, rest: Rest) -> Reading {
    let Rest { mut list, shared, pass_rate, nothing_after, reference, mut assumptions } = rest;
    // Of rewards that are paid or not, only what lies above two levels stands apart.
    let stands = pass_rate.is_none() || gathered.two.is_some();
    let apart = |entry: &ListEntry| {
        let apart = gathered.tested.apart.as_ref().filter(|_| stands);
        apart.is_some_and(|apart| apart.holds(entry.reward, entry.score))
    };
    list.iter_mut().for_each(|entry| entry.apart = apart(entry));
    // Where rewards are paid or not, those that were paid are read.
    let above = pass_rate.as_ref().map(|rates| rates.above);
    if let Some(above) = above.filter(|above| list.iter().any(|entry| entry.reward > *above)) {
        list.retain(|entry| entry.reward > above);
    }
    let few = gathered.values.few().is_some();
    let shift = gathered.known.and_then(|known| {
        let alike = || shift::paid_alike(&gathered.levels, known, &gathered.ties).filter(|_| !few);
        let shift = shift::shift(&gathered.levels, known).or_else(alike)?;
        let growth =
            growth::growth(&gathered.levels).filter(|_| matches!(shift.above, Above::All | Above::High));
        Some(Shift { growth, ..shift })
    });
    // Of two values the higher is what passes.
    let ceiling = gathered
        .known
        .filter(|_| gathered.values.few().is_none_or(|values| values > 2) && gathered.two.is_none())
        .and_then(|known| Ceiling::of(&gathered.levels, known));
    let of_ceiling = || ceiling.as_ref()?.shift.clone().filter(|_| !few);
    let shift = shift.or_else(of_ceiling);
    let case = verdict::Case {
        gathered: &gathered,
        list: &list,
        shared: shared.as_ref(),
        shift: shift.as_ref().filter(|shift| !few || shift.above == Above::Different),
        pass_rate: pass_rate.as_ref(),
        ceiling: ceiling.as_ref(),
        two_levels: pass_rate.is_some() && !few,
        reference: &reference,
        nothing_after,
    };
    let mut judgement = case.judge();
    if judgement.verdict == Verdict::NotJudged && pass_rate.is_none() {
        keep_few(&mut list, &gathered, &mut judgement);
        assumptions.expected_benign = list.len() as f64;
    }
    let Gathered { tested, unlike, excess, levels, .. } = gathered;
    assumptions.power = match (&pass_rate, &ceiling) {
        (Some(_), _) => Vec::new(),
        (None, Some(ceiling)) => ceiling.within(tested.power),
        (None, None) => tested.power,
    };
    // They have their places by now.
    let told = |apart: Apart| Apart { first: Vec::new(), ..apart };
    let apart = tested.apart.filter(|_| stands).map(told);
    let unlike = unlike.filter(|_| stands).map(|(apart, why)| (told(apart), why));
    let new_text = None;
    Reading {
        judgement,
        assumptions,
        list,
        shared,
        apart,
        unlike,
        shift,
        pass_rate,
        excess,
        new_text,
        levels,
    }
}

/// Of a log that is not judged only the highest are listed: with nothing to compare them with, more would be no choice.
fn keep_few(list: &mut Vec<ListEntry>, gathered: &Gathered, judgement: &mut Judgement) {
    let all = gathered.reference + gathered.later;
    let most = (all / FEW_IN).max(FEW);
    if list.len() <= most {
        return;
    }
    let mut scores: Vec<f64> = list.iter().map(|entry| entry.score).collect();
    scores.sort_unstable_by(|a, b| b.total_cmp(a));
    let lowest = scores.get(most - 1).copied().unwrap_or(f64::NEG_INFINITY);
    list.retain(|entry| entry.score >= lowest);
    list.truncate(most);
    for (i, entry) in list.iter_mut().enumerate() {
        entry.expected_benign = (i + 1) as f64;
    }
    judgement.cautions.push(format!(
        "Only the {} highest of {} rollouts are listed: where nothing is judged, a longer list would be no choice.",
        list.len(),
        count(all)
    ));
}

/// What is said of a log whose rows are means over steps.
pub(super) fn of_means(meta: &LogMeta) -> Reading {
    let why = "each row is a mean over a training step, and a mean hides single rollouts: `tailcatch curve` reads means; log rollouts to \
               have them judged";
    let assumptions = Assumptions {
        reward: meta.reward.to_string(),
        step: meta.step.to_string(),
        group: meta.group.to_string(),
        texts: meta.texts.clone(),
        centre: "nothing".to_owned(),
        reference: "none".to_owned(),
        rows: meta.rows,
        rows_left_out: meta.empty,
        files: meta.files.len(),
        files_left_out: Vec::new(),
        duplicates: meta.repeated,
        places: 0,
        expected_benign: 0.0,
        power: Vec::new(),
    };
    not_judged(why.to_owned(), assumptions)
}

/// What is said of a log that cannot answer, and why.
pub(super) fn not_judged(why: String, assumptions: Assumptions) -> Reading {
    Reading {
        judgement: verdict::not_judged(why),
        assumptions,
        list: Vec::new(),
        shared: None,
        apart: None,
        unlike: None,
        shift: None,
        pass_rate: None,
        excess: None,
        new_text: None,
        levels: Vec::new(),
    }
}
