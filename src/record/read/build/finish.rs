//! The log that all files make.

use super::super::episodes::{self, Counted, Order};
use super::super::error::Error;
use super::super::groups::NoGroups;
use super::super::layout::Layout;
use super::super::log::{GroupSource, Log, LogMeta, StepSource};
use super::super::names::STEP;
use super::super::names::counts_within;
use super::super::optional::Optional;
use super::super::options::{LogOptions, Rows};
use super::super::plan::Steps;
use super::super::reward::RewardSpec;
use super::super::roles::Roles;
use super::super::rollouts::Rollouts;
use super::{Building, MANY_STRETCHES, count_once};
use std::path::PathBuf;

/// Times that a step begins anew from which on another column that may be the step is taken for it.
const WITHIN: usize = 3;
/// Runs that a note names.
const SHOWN_RUNS: usize = 3;

impl Building {
    /// How the column of steps is to be read, if not as it is.
    pub(in super::super) fn steps(&mut self, roles: &Roles) -> Option<Steps> {
        let step = roles.step.clone()?;
        let period = self.epochs.period().filter(|_| self.restarts.is_some() || self.step_is_named);
        if let (Some(epoch), Some(period)) = (self.epoch.clone(), period) {
            return Some(Steps::OfEpochs { step, epoch, period });
        }
        let restarts = self.restarts.as_mut()?;
        if restarts.hold(counts_within(&step)) {
            return Some(Steps::Turns(step));
        }
        let times = restarts.anew();
        if let Some(other) = self.other_step.clone().filter(|_| times >= WITHIN) {
            return Some(Steps::Within { step, other, times });
        }
        if times > 0 && self.told.repeated == 0 {
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            self.told.notes.push(format!(
                "`{step}` begins anew {times}: rollouts of one number are judged together, whether runs were appended to each other or \
                 the rows are sorted by something else"
            ));
        }
        None
    }

    /// The log of all files read.
    pub(in super::super) fn finish(
        mut self,
        files: Vec<PathBuf>,
        roles: Roles,
        step: StepSource,
        options: LogOptions,
    ) -> Result<Log<Rollouts>, Error> {
        count_once(&mut self.writer, &mut self.told, &self.repeats.end());
        let last = self.counted.as_mut().map(Counted::end_block).unwrap_or_default();
        count_once(&mut self.writer, &mut self.told, &last);
        let reward = options.reward.clone().unwrap_or(RewardSpec::Weighted(Vec::new()));
        let (rows, written) = (self.writer.kept(), self.writer.rows());
        let named = |columns: Vec<(String, Optional)>| {
            columns.into_iter().filter_map(|(name, c)| Some((name, c.complete(written)?))).collect()
        };
        let names = reward.terms(None).iter().map(|term| term.name.to_owned()).collect::<Vec<_>>();
        let (mut layout, mut group) = (self.layout, GroupSource::of(&roles));
        let why = self.groups.are_none().filter(|_| self.group_may_go);
        if let (Some(why), Some(name)) = (why, &roles.group) {
            layout.members = None;
            let prompts = roles.prompt.as_ref().filter(|_| self.groups.have_prompts());
            group = prompts.map_or(GroupSource::None, |prompt| GroupSource::Prompt(prompt.clone()));
            let why = match why {
                NoGroups::OneEach { shared: 0, .. } => {
                    format!("every rollout of a step has its own `{name}`")
                }
                NoGroups::OneEach { shared, rows } => {
                    format!("all but {shared} of {rows} rollouts have their own `{name}` in their step")
                }
                NoGroups::OneForAll => {
                    format!("all rollouts of a step have one `{name}`, whatever their prompt")
                }
            };
            let instead = match prompts {
                Some(prompt) => format!("groups are the prompt (`{prompt}`) within the step"),
                None => "there are no groups".to_owned(),
            };
            self.told.notes.push(format!("{why}: {instead}; name another column with --group"));
        } else if let (Some([group, prompt]), Some(name), Some(text)) =
            (self.groups.doubt().filter(|_| self.group_may_go), &roles.group, &roles.prompt)
        {
            self.told.notes.push(format!(
                "{group}% of the rollouts share their `{name}` with another of their step, and {prompt}% their `{text}`: groups are \
                 `{name}`; where they are the prompts, say `--group {text}`"
            ));
        }
        let layout = Layout {
            length: self.length.complete(written),
            log_prob: self.log_prob.complete(written),
            ref_log_prob: self.ref_log_prob.complete(written),
            advantage: self.advantage.complete(written),
            reward: self.shaped.complete(written),
            parts: named(names.into_iter().zip(self.parts).collect()),
            features: named(self.features),
            ..layout
        };
        let aggregate = match self.rows_are {
            Some(Rows::Means) => true,
            Some(Rows::Rollouts) => false,
            None => !self.not_aggregate && (self.singles.is_empty() || self.singles.holds()),
        };
        if let Some(note) = self.unknown_step.filter(|_| !aggregate) {
            self.told.notes.insert(0, note);
        }
        if aggregate && self.rows_are.is_none() {
            let why = match self.mean {
                true => format!(
                    "`{reward}` is a mean by its name, and nothing beside it is one rollout's (completion, outcome …)"
                ),
                false => {
                    let each = self.each.map_or_else(String::new, |name| format!(" for each `{name}`"));
                    format!(
                        "one row a step{each} and no column of single rollouts (prompt, completion, episode …)"
                    )
                }
            };
            self.told
                .notes
                .push(format!("{why}: taken for step means; say `--rows rollouts` if each row is a rollout"));
        }
        let rollouts = self.writer.finish(layout)?;
        let step = if self.steps_lost { StepSource::None } else { step };
        let order = match self.counted {
            Some(counted) => counted.into_order(),
            None => self.episodes.then(|| Order::Runs(Vec::new())),
        };
        let of_runs = if let Some(Order::Runs(runs)) = &order { rollouts.of_runs(runs) } else { 0 };
        let sorted = matches!(order, Some(Order::Numbers(_)));
        let (rollouts, step) = match &step {
            _ if aggregate || !self.whole => (rollouts, step),
            StepSource::None if let Some(order) = &order => {
                (rollouts.blocks_of_episodes(order), StepSource::Blocks { of: None })
            }
            _ => rollouts.blocks_of_steps(step),
        };
        let (mut rollouts, mut told) = (rollouts, self.told);
        let beside = match self.whole && !aggregate {
            true => rollouts.runs_by_files(&files, &step),
            false => Vec::new(),
        };
        if !beside.is_empty() {
            let shown: Vec<String> = beside.iter().take(SHOWN_RUNS).map(|name| format!("`{name}`")).collect();
            let more = if beside.len() > SHOWN_RUNS { " …" } else { "" };
            told.notes.push(format!(
                "{}{more} hold the same steps and other rollouts: taken for {} runs; give one at a time to have it judged alone",
                shown.join(", "),
                beside.len()
            ));
        }
        if of_runs > 1 && matches!(step, StepSource::Blocks { of: None }) {
            told.notes.push(episodes::begins_anew(of_runs - 1));
        }
        if sorted && matches!(step, StepSource::Blocks { of: None }) {
            told.notes.push(episodes::OUT_OF_ORDER.to_owned());
        }
        if self.with_step > 0 {
            told.notes.push(format!(
                "{} of {rows} rows have a `{}`, and the first of the log have none: it is not taken for the step; give the rows that have one",
                self.with_step, STEP[0]
            ));
        }
        if let Some(place) = self.first_nan {
            told.notes.push(format!(
                "the reward is NaN in {} cells, the first at {place}: they count as empty",
                self.nan
            ));
        }
        if let (rollouts @ 1.., steps) = self.repeats.kept_on {
            told.notes.push(format!(
                "{rollouts} rollouts of {steps} steps are those of the step before (same prompt, completion and reward), beside new ones, as \
                 of a buffer that is sampled again: counted each time"
            ));
        }
        if self.repeats.unclear > 0 {
            told.notes.push(format!(
                "{} times a step's rollouts are those of the step before, in a policy or an evaluation that does not vary: \
                 counted each time",
                self.repeats.unclear
            ));
        }
        if rollouts.alternations() > MANY_STRETCHES {
            told.notes.push(format!(
                "steps, runs or files alternate {} times from row to row: putting them in order takes about {} MB of \
                 memory; sort the log by step to save it",
                rollouts.alternations(),
                rollouts.alternations() / 25_000,
            ));
        }
        for (term, missing) in
            reward.terms(None).iter().zip(&self.missing).filter(|(_, missing)| **missing > 0)
        {
            told.notes.push(format!(
                "`{}` is empty in {} of {} rows with a reward: there the other parts are added up alone",
                term.name, missing, rows
            ));
        }
        let repeated = told.repeated;
        let (notes, left_out) = told.finish(&files);
        let meta = LogMeta {
            files,
            reward,
            roles,
            rows: rows + repeated + self.empty,
            empty: self.empty,
            unread_steps: self.unread.steps(),
            runs: self.runs.len().max(beside.len()).max(1),
            aggregate,
            step,
            group,
            texts: self.texts,
            left_out,
            repeated,
            notes,
            options,
        };
        Ok(Log { rollouts, meta })
    }
}
