//! A log's rows turned into words, file by file: rewards summed, texts hashed, columns given up that not all rows have.

use super::cell::{characters, text_hash_of, words_hash};
use super::episodes::{self, Counted};
use super::error::{Error, Place};
use super::format::scan;
use super::groups::Groups;
use super::layout::{IN_MEMORY, Layout, Shared};
use super::log::{GroupSource, LeftOut, Log, LogMeta, StepSource};
use super::means::StepMeans;
use super::names::own_id;
use super::notes::Told;
use super::optional::Optional;
use super::options::{LogOptions, Rows};
use super::plan::{Episodes, Plan, Read, Wanted};
use super::repeat::Repeat;
use super::repeats::Repeats;
use super::reward::RewardSpec;
use super::roles::Roles;
use super::rollouts::Rollouts;
use super::row::Repeated;
use super::turns::Turns;
use super::writer::Writer;
use std::path::{Path, PathBuf};

/// Stretches of rows of one step, run and file beyond which a reader is told what their order costs.
const MANY_STRETCHES: usize = 1 << 20;

/// A log while its files are read, one after the other.
pub(super) struct Building {
    writer: Writer,
    words: Vec<u64>,
    layout: Layout,
    parts: Vec<Optional>,
    features: Vec<(String, Optional)>,
    advantage: Optional,
    log_prob: Optional,
    ref_log_prob: Optional,
    length: Optional,
    shaped: Optional,
    runs: Vec<u64>,
    empty: usize,
    /// Cells of the reward that are NaN, and the first of them.
    nan: usize,
    first_nan: Option<Place>,
    /// What a row was said to be.
    rows_are: Option<Rows>,
    not_aggregate: bool,
    /// Whether rows are means by the name of the reward.
    mean: bool,
    /// Whether all of the log is read, and not a part.
    whole: bool,
    /// Whether rows are episodes in their order, and what counts them.
    episodes: bool,
    counted: Option<Counted>,
    /// Steps of files that hold one row each.
    singles: StepMeans,
    /// Whether a cell that is no step means that the log has no steps, and whether one was seen.
    without_steps: bool,
    steps_lost: bool,
    repeats: Repeats,
    groups: Groups,
    /// Whether groups that are none give way to the prompt.
    group_may_go: bool,
    told: Told,
}

impl Building {
    pub(super) fn new(
        plans: &[Plan],
        spec: &RewardSpec,
        names: Vec<String>,
        options: &LogOptions,
        without_steps: bool,
        whole: bool,
    ) -> Self {
        let mut width = 0;
        let mut next = || {
            width += 1;
            width - 1
        };
        let any = |role: &dyn Fn(&Roles) -> bool| plans.iter().any(|plan| role(&plan.roles));
        let layout = Layout {
            row: next(),
            proxy: next(),
            prompt: any(&|r| r.prompt.is_some()).then(&mut next),
            members: any(&|r| r.group.is_some()).then(&mut next),
            outcome: any(&|r| r.outcome.is_some() || r.completion.is_some()).then(&mut next),
            ..Layout::default()
        };
        // A column that no file has takes no room: its place is beyond the row's words.
        let mut optional = |there: bool| {
            let at = if there { next() } else { usize::MAX };
            Optional { at, seen: 0, lost: !there }
        };
        let length = optional(any(&|r| r.length.is_some() || r.completion.is_some()));
        let log_prob = optional(any(&|r| r.log_prob.is_some()));
        let ref_log_prob = optional(any(&|r| r.ref_log_prob.is_some()));
        let advantage = optional(any(&|r| r.advantage.is_some()));
        let shaped = optional(any(&|r| r.shaped_reward.is_some()));
        let weighted = matches!(spec, RewardSpec::Weighted(_));
        let parts = spec.terms(None).iter().map(|_| optional(weighted)).collect();
        let features = names.into_iter().map(|name| (name, optional(true))).collect();
        Self {
            writer: Writer::new(width, IN_MEMORY),
            words: vec![0; width],
            layout,
            parts,
            features,
            advantage,
            log_prob,
            ref_log_prob,
            length,
            shaped,
            runs: Vec::new(),
            empty: 0,
            nan: 0,
            first_nan: None,
            rows_are: options.rows,
            not_aggregate: false,
            mean: false,
            whole,
            episodes: !plans.is_empty() && plans.iter().all(|plan| plan.episodes.is_some()),
            counted: (plans.iter())
                .any(|plan| matches!(plan.episodes, Some(Episodes::Column(_))))
                .then(Counted::default),
            singles: StepMeans::default(),
            without_steps,
            steps_lost: false,
            repeats: Repeats::new(plans.len() > 1, plans.iter().all(|plan| plan.roles.prompt.is_some())),
            groups: Groups::default(),
            group_may_go: options.group.is_none(),
            told: Told::default(),
        }
    }

    /// Reads one file.
    pub(super) fn file(
        &mut self,
        number: usize,
        path: &Path,
        plan: Plan,
        spec: &RewardSpec,
    ) -> Result<Read, Error> {
        let (terms, roles) = (spec.terms(Some(&plan.present)), &plan.roles);
        let mut wanted = Wanted(terms.iter().map(|term| term.column).collect());
        let step = wanted.add(roles.step.as_ref());
        let run = wanted.add(roles.run.as_ref());
        let counter = wanted.add(plan.counter.as_ref().map(|(counter, _)| counter));
        let prompt = wanted.add(roles.prompt.as_ref());
        let completion = wanted.add(roles.completion.as_ref());
        let group = wanted.add(roles.group.as_ref());
        let outcome = wanted.add(roles.outcome.as_ref());
        let length = wanted.add(roles.length.as_ref());
        let log_prob = wanted.add(roles.log_prob.as_ref());
        let ref_log_prob = wanted.add(roles.ref_log_prob.as_ref());
        let advantage = wanted.add(roles.advantage.as_ref());
        let shaped = wanted.add(roles.shaped_reward.as_ref());
        let whole = wanted.add(plan.episode.as_ref());
        let episode = wanted.add(match &plan.episodes {
            Some(Episodes::Column(name)) => Some(name),
            _ => None,
        });
        let names: Vec<String> = self.features.iter().map(|(name, _)| name.clone()).collect();
        let own_id = if completion.is_some() { None } else { own_id(&plan.present.columns) };
        let own_id = wanted.add(own_id.as_ref()).map(|(i, _)| i);
        let features: Vec<Option<(usize, &str)>> = names
            .iter()
            .zip(&plan.features)
            .map(|(name, there)| there.then(|| wanted.add(Some(name))).flatten())
            .collect();

        let (mut last_step, mut last_run, mut last_prompt) =
            (Repeated::default(), Repeated::default(), Repeated::default());
        let mut lacks = plan.missing;
        let of_log = plan.number as u64;
        let (mut means, mut turns) = (StepMeans::default(), Turns::default());
        let (mut rows, mut single) = (0, None);
        let shared_file = u32::try_from(number).unwrap_or(u32::MAX);
        let unfinished = scan(path, &plan.present, &wanted.0, &mut |row| {
            rows += 1;
            let mut reward = None;
            for (i, term) in terms.iter().enumerate() {
                let value = match row.term(i, term) {
                    Err(Error::NotFinite { place, value, .. }) if value.is_nan() => {
                        self.first_nan.get_or_insert(place);
                        self.nan += 1;
                        None
                    }
                    other => other?,
                };
                if let Some(value) = value {
                    lacks.retain(|(lacking, _)| lacking != term.name);
                    reward = Some(reward.unwrap_or(0.0) + term.weight * value);
                }
            }
            let step = match step {
                Some((i, name)) => match last_step.of(row, i, || row.step(i, name)) {
                    Err(_) if self.without_steps && plan.counter.is_none() => {
                        self.steps_lost = true;
                        0
                    }
                    step => step?,
                },
                None => plan.step,
            };
            let run = run.map(|(i, _)| last_run.of(row, i, || Ok(row.identity(i)))).transpose()?;
            let run = run.or(Some(plan.run).filter(|run| *run > 0));
            if let Some((i, _)) = whole {
                turns.see(row.identity(i), step);
            }
            if reward.is_some() || terms.is_empty() {
                let counted = counter.map_or(Some(step as f64), |(i, _)| (row.cell)(i).number());
                if let Some(counted) = counted {
                    means.see(run.unwrap_or(0), counted);
                    single = Some((run.unwrap_or(0), counted));
                }
            }
            if let Some(run) = run
                && self.runs.last() != Some(&run)
                && !self.runs.contains(&run)
            {
                self.runs.push(run);
            }
            let Some(reward) = reward else {
                self.empty += 1;
                return Ok(());
            };
            if !reward.is_finite() {
                return Err(Error::NotFinite { place: row.place(), column: spec.to_string(), value: reward });
            }
            let Self { words, layout, told: Told { notes, .. }, .. } = self;
            for (i, part) in self.parts.iter_mut().enumerate() {
                // The sum goes on without a part that is missing here: no news.
                if part.lost {
                    continue;
                }
                match terms.get(i).map(|term| row.term(i, term)) {
                    Some(Ok(Some(value))) => part.put(words, value),
                    _ => part.lost = true,
                }
            }
            for ((_, feature), column) in self.features.iter_mut().zip(&features) {
                feature.read(words, row, *column, notes);
            }
            let prompt = match prompt {
                Some((i, _)) => last_prompt.of(row, i, || Ok(row.identity(i)))?,
                None => 0,
            };
            let completion = completion.map(|(i, _)| (row.cell)(i));
            let text = completion.as_ref().and_then(|cell| cell.text());
            match (length, &text) {
                (None, Some(text)) if !self.length.lost => {
                    self.length.put(words, characters(text) as f64);
                }
                _ => self.length.read(words, row, length, notes),
            }
            self.log_prob.read(words, row, log_prob, notes);
            self.ref_log_prob.read(words, row, ref_log_prob, notes);
            self.advantage.read(words, row, advantage, notes);
            self.shaped.read(words, row, shaped, notes);
            let mut put = |at: Option<usize>, value: u64| {
                if let Some(word) = at.and_then(|at| words.get_mut(at)) {
                    *word = value;
                }
            };
            put(Some(layout.row), row.row as u64);
            put(Some(layout.proxy), reward.to_bits());
            put(layout.prompt, prompt);
            let members = group.map_or(prompt, |(i, _)| row.identity(i));
            put(layout.members, members);
            let sampled = match (outcome, &text) {
                (Some((i, _)), _) => row.identity(i),
                (None, Some(text)) => text_hash_of(prompt, text),
                (None, None) => words_hash([of_log, row.row as u64]),
            };
            put(layout.outcome, sampled);
            let shared = Shared { step, run: run.unwrap_or(0), file: shared_file };
            if group.is_some() && self.group_may_go {
                self.groups.see(shared, members, prompt);
            }
            if completion.is_some() || own_id.is_some() {
                let what = own_id.map_or(sampled, |i| words_hash([prompt, row.identity(i)]));
                let identity = words_hash([what, reward.to_bits()]);
                let repeats =
                    self.repeats.see(shared, self.writer.rows(), identity, prompt, own_id.is_none());
                if !repeats.is_empty() {
                    count_once(&mut self.writer, &mut self.told, &repeats);
                }
            }
            self.writer.line(number, row.row, row.line);
            let written = self.writer.rows();
            self.writer.push(shared, &self.words)?;
            if let (Some(counted), Some((i, _))) = (&mut self.counted, episode) {
                // What has texts is known again by them.
                let reward = (completion.is_none() && own_id.is_none()).then_some(reward);
                let repeats = counted.see((row.cell)(i).number(), written, reward);
                count_once(&mut self.writer, &mut self.told, &repeats);
            }
            Ok(())
        })?;
        let read = Read { rows, unfinished: unfinished.is_some() };
        if let Some(place) = unfinished {
            self.told.unfinished(&place);
        }
        if let (true, Some(episode), Some(step)) = (turns.hold(), plan.episode, plan.roles.step) {
            return Err(Error::StepsOfEpisodes { path: path.to_owned(), episode, step });
        }
        let is_means = match (rows, single) {
            (1, Some((run, step))) if !plan.of_rollouts && !plan.present.means && !plan.mean => {
                self.singles.see(run, step);
                true
            }
            _ => plan.present.means || plan.mean || (plan.counter.is_some() && means.holds()),
        };
        self.mean |= plan.mean;
        self.not_aggregate |= !is_means;
        lacks.into_iter().next().map_or(Ok(read), |(_, error)| Err(error))
    }

    /// A file that was found and not read.
    pub(super) fn leave_out(&mut self, file: LeftOut) {
        self.told.left_out.push(file);
    }

    /// Whether no row was kept so far.
    pub(super) fn is_empty(&self) -> bool {
        self.writer.rows() == 0
    }

    /// The log of all files read.
    pub(super) fn finish(
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
        let one_each = self.group_may_go && roles.group.is_some() && self.groups.are_none();
        if let (true, Some(name), Some(prompt)) = (one_each, &roles.group, &roles.prompt) {
            layout.members = None;
            group = GroupSource::Prompt(prompt.clone());
            self.told.notes.push(format!(
                "every rollout of a step has its own `{name}`: groups are the prompt (`{prompt}`) within the step; name another \
                 column with --group"
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
        if aggregate && self.rows_are.is_none() {
            let why = match self.mean {
                true => format!(
                    "`{reward}` is a mean by its name, and nothing beside it is one rollout's (prompt, completion …)"
                ),
                false => "one row a step and no column of single rollouts (prompt, completion, episode …)"
                    .to_owned(),
            };
            self.told
                .notes
                .push(format!("{why}: taken for step means; say `--rows rollouts` if each row is a rollout"));
        }
        let rollouts = self.writer.finish(layout)?;
        let step = if self.steps_lost { StepSource::None } else { step };
        let runs = match self.counted {
            Some(counted) => counted.into_runs(),
            None => self.episodes.then(Vec::new),
        };
        let of_runs = runs.as_ref().map_or(0, |runs| rollouts.of_runs(runs));
        let (rollouts, step) = match &step {
            _ if aggregate || !self.whole => (rollouts, step),
            StepSource::None if let Some(runs) = &runs => {
                (rollouts.blocks_of_episodes(runs), StepSource::Blocks { of: None })
            }
            _ => rollouts.blocks_of_steps(step),
        };
        let mut told = self.told;
        if of_runs > 1 && matches!(step, StepSource::Blocks { of: None }) {
            told.notes.push(episodes::begins_anew(of_runs - 1));
        }
        if let Some(place) = self.first_nan {
            told.notes.push(format!(
                "the reward is NaN in {} cells, the first at {place}: they count as empty",
                self.nan
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
        let repeated = told.repeated;
        let (notes, left_out) = told.finish(&files);
        let meta = LogMeta {
            files,
            reward,
            roles,
            rows: rows + repeated + self.empty,
            empty: self.empty,
            runs: self.runs.len().max(1),
            aggregate,
            step,
            group,
            left_out,
            repeated,
            notes,
            options,
        };
        Ok(Log { rollouts, meta })
    }
}

/// Takes rows back that were there before, all at once.
fn count_once(writer: &mut Writer, told: &mut Told, repeats: &[Repeat]) {
    let rows: Vec<usize> = repeats.iter().flat_map(|repeat| repeat.rows.iter().copied()).collect();
    writer.remove(&rows);
    repeats.iter().for_each(|repeat| told.repeat(repeat));
}
