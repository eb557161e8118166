//! One pass over the rewards of a log, the reference first, step by step.

use super::centre::{Centre, GroupMedians};
use super::gathering::{Gathered, Gathering};
use super::list::Scored;
use super::pass_rate::{PassRate, Passes, Rows};
use super::step_level::StepRows;
use crate::foundation::order::median;
use crate::monitor::prompts::Prompts;
use crate::record::{Error, Log, Observed, Rollouts, Span};
use std::ops::Range;

/// Rows that are read at once, unless one step has more; a step of more than `WHOLE` is read in pieces.
const BATCH: usize = 16_384;
const WHOLE: usize = 1 << 18;
/// Added to the number of a rollout of another log.
pub(super) const ELSEWHERE: u64 = 1 << 62;

/// What a rollout is compared with, in words.
pub(in crate::monitor) const OF_GROUP: &str = "the median of its group";
pub(in crate::monitor) const OF_STEP: &str = "the median of its step";

/// With whom rollouts are compared.
#[derive(Debug, Clone)]
pub(super) enum Compared {
    /// With their step or group; `None`: the first steps decide.
    Centre(Option<Centre>, GroupMedians),
    /// With all rollouts of their prompt, whose medians these are; with the step where there are too few.
    Prompts(Prompts),
    /// With the one value that all of the reference have.
    Value(f64),
}

/// What the reference is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Base<'a> {
    /// These steps of the log.
    Steps(u64, u64),
    /// Another log.
    Log(&'a Log<Rollouts>),
}

impl Base<'_> {
    /// Whether a step of the log that is judged is one of the reference.
    pub fn holds(self, step: u64) -> bool {
        matches!(self, Self::Steps(from, to) if (from..to).contains(&step))
    }
}

impl Compared {
    /// With these; `None`: the first steps decide.
    pub fn with(centre: Option<Centre>) -> Self {
        Self::Centre(centre, GroupMedians::default())
    }

    /// What each rollout of a step is compared with.
    fn centres(&mut self, log: &Log<Rollouts>, rows: &Observed) -> Vec<f64> {
        match self {
            Self::Centre(centre, medians) => {
                let known = log.meta.roles.prompt.is_some() || log.meta.roles.group.is_some();
                let groups = if known { &rows.group[..] } else { &[] };
                centre.get_or_insert_with(|| Centre::of(groups)).centres(groups, &rows.proxy, medians)
            }
            Self::Prompts(medians) => {
                let step = median(&rows.proxy).unwrap_or_default();
                rows.prompt.iter().map(|prompt| medians.median(*prompt).unwrap_or(step)).collect()
            }
            Self::Value(value) => vec![*value; rows.len()],
        }
    }

    /// The groups of these rollouts, where they are compared with them.
    fn groups<'r>(&self, rows: &'r Observed) -> &'r [u64] {
        match self {
            Self::Centre(Some(Centre::Group), _) => &rows.group,
            Self::Prompts(_) => &rows.prompt,
            Self::Centre(..) | Self::Value(_) => &[],
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Self::Centre(Some(Centre::Group), _) => OF_GROUP,
            Self::Centre(..) => OF_STEP,
            Self::Prompts(_) => "the median of its prompt",
            Self::Value(_) => "the one value of the reference",
        }
    }
}

/// Visits the steps of a log, whole unless they are very large.
fn each_step(
    log: &Log<Rollouts>,
    wanted: &dyn Fn(u64) -> bool,
    offset: u64,
    compared: &mut Compared,
    visit: &mut dyn FnMut(&StepRows<'_>),
) -> Result<(), Error> {
    let spans: Vec<&Span> = log.rollouts.spans().iter().filter(|span| wanted(span.step)).collect();
    let prompts_known = log.meta.roles.prompt.is_some();
    let mut hand = |rows: &Observed, median: f64, centres: &[f64], groups: &[u64]| {
        let scored: Vec<Scored> = (0..rows.len())
            .filter_map(|i| {
                Some(Scored {
                    row: offset + rows.trajectory.get(i)?,
                    step: *rows.step.get(i)?,
                    reward: *rows.proxy.get(i)?,
                    centre: *centres.get(i)?,
                    outcome: *rows.outcome.get(i)?,
                })
            })
            .collect();
        let Some(&step) = rows.step.first() else { return };
        let prompts = if prompts_known { &rows.prompt[..] } else { &[] };
        visit(&StepRows { step, median, scored: &scored, rewards: &rows.proxy, prompts, groups });
    };
    let mut at = 0;
    while let Some(first) = spans.get(at) {
        if first.rows.len() > WHOLE {
            let middle = large_median(&log.rollouts, &first.rows)?;
            let centre = if let Compared::Value(value) = compared { *value } else { middle };
            for rows in pieces(&first.rows) {
                let rows = log.rollouts.rows(rows)?;
                hand(&rows, middle, &vec![centre; rows.len()], &[]);
            }
            at += 1;
            continue;
        }
        // Neighbouring steps are read together.
        let mut end = at + 1;
        while let (Some(last), Some(next)) = (spans.get(end - 1), spans.get(end))
            && next.rows.start == last.rows.end
            && next.rows.end - first.rows.start <= BATCH
        {
            end += 1;
        }
        let Some(last) = spans.get(end - 1) else { break };
        let batch = log.rollouts.rows(first.rows.start..last.rows.end)?;
        for span in spans.get(at..end).unwrap_or_default() {
            let own: Vec<usize> =
                (span.rows.start..span.rows.end).map(|row| row - first.rows.start).collect();
            let rows = batch.select(&own);
            let centres = compared.centres(log, &rows);
            hand(&rows, median(&rows.proxy).unwrap_or_default(), &centres, compared.groups(&rows));
        }
        at = end;
    }
    Ok(())
}

fn pieces(rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.clone().step_by(BATCH).map(move |start| start..(start + BATCH).min(end))
}

/// The median of very many rewards, without a sorted copy.
fn large_median(rollouts: &Rollouts, rows: &Range<usize>) -> Result<f64, Error> {
    let mut rewards = Vec::with_capacity(rows.len());
    for rows in pieces(rows) {
        rewards.extend(rollouts.rows(rows)?.proxy);
    }
    let middle = rewards.len() / 2;
    let (below, upper, _) = rewards.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let even = rows.len().is_multiple_of(2);
    let lower = if even { below.iter().copied().fold(f64::NEG_INFINITY, f64::max) } else { upper };
    Ok(lower + 0.5 * (upper - lower))
}

/// Goes through the log.
pub(super) fn gather(
    log: &Log<Rollouts>,
    base: Base<'_>,
    mut compared: Compared,
    benign: f64,
) -> Result<Gathered, Error> {
    let in_base = |step: u64| base.holds(step);
    let own: usize = log.rollouts.spans().iter().filter(|s| in_base(s.step)).map(|s| s.rows.len()).sum();
    let reference = if let Base::Log(other) = base { other.rollouts.len() } else { own };
    let all = reference + log.rollouts.len() - own;
    let mut gathering = Gathering::new(benign, all, reference, matches!(base, Base::Steps(..)));
    let mut learn = |rows: &StepRows<'_>| gathering.learn(rows);
    match base {
        Base::Log(other) => each_step(other, &|_| true, ELSEWHERE, &mut compared, &mut learn)?,
        Base::Steps(..) => each_step(log, &in_base, 0, &mut compared, &mut learn)?,
    }
    let mut entries = gathering.begin();
    if let Some(value) = gathering.one_value() {
        compared = Compared::Value(value);
    }
    each_step(log, &|step| !in_base(step), 0, &mut compared, &mut |rows| {
        entries.extend(gathering.judge(rows));
    })?;
    Ok(gathering.finish(entries, compared.noun()))
}

/// Pass rates of the log: rewards above `above` pass.
pub(super) fn pass_rates(log: &Log<Rollouts>, base: Base<'_>, above: f64) -> Result<PassRate, Error> {
    let mut passes = Passes::new(Some(above));
    let mut by_step = Compared::with(Some(Centre::Step));
    let mut see = |rows: &StepRows<'_>, reference: bool| {
        let first_row = rows.scored.first().map_or(0, |rollout| rollout.row);
        let (step, rewards, prompts) = (rows.step, rows.rewards, rows.prompts);
        passes.see(&Rows { step, first_row, rewards, prompts, reference });
    };
    if let Base::Log(other) = base {
        each_step(other, &|_| true, ELSEWHERE, &mut by_step, &mut |rows| see(rows, true))?;
    }
    each_step(log, &|_| true, 0, &mut by_step, &mut |rows| {
        see(rows, base.holds(rows.step));
    })?;
    Ok(passes.finish())
}
