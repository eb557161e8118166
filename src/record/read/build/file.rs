//! The rows of one file.

use super::super::cell::{characters, pair_hash, text_hash_of, words_hash};
use super::super::error::Error;
use super::super::format::{Format, format, scan};
use super::super::layout::Shared;
use super::super::means::StepMeans;
use super::super::names::{PROXY, STEP, own_id};
use super::super::notes::Told;
use super::super::plan::{Episodes, Plan, Read, Wanted};
use super::super::reward::RewardSpec;
use super::super::row::{Repeated, Row};
use super::super::turns::{Talk, Turns};
use super::{Building, count_once};
use std::path::Path;

impl Building {
    /// Reads one file.
    pub(in super::super) fn file(
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
        let each = wanted.add(plan.counter.as_ref().and_then(|(_, each)| each.as_ref()));
        let prompt = wanted.add(roles.prompt.as_ref());
        let completion = wanted.add(roles.completion.as_ref());
        let group = wanted.add(roles.group.as_ref());
        let outcome = wanted.add(roles.outcome.as_ref());
        let length = wanted.add(roles.length.as_ref());
        let log_prob = wanted.add(roles.log_prob.as_ref());
        let ref_log_prob = wanted.add(roles.ref_log_prob.as_ref());
        let advantage = wanted.add(roles.advantage.as_ref());
        let shaped = wanted.add(roles.shaped_reward.as_ref());
        let epoch = wanted.add(plan.epoch.as_ref()).map(|(i, _)| i);
        let whole = wanted.add(plan.episode.as_ref());
        let turn = wanted.add(plan.turn.as_ref()).map(|(i, _)| i);
        let conversation = wanted.add(plan.conversation.as_ref()).map(|(i, _)| i);
        let speaker = wanted.add(plan.speaker.as_ref()).map(|(i, _)| i);
        let episode = wanted.add(match &plan.episodes {
            Some(Episodes::Column(name)) => Some(name),
            _ => None,
        });
        let names: Vec<String> = self.features.iter().map(|(name, _)| name.clone()).collect();
        let own_id = if completion.is_some() { None } else { own_id(&plan.present.columns) };
        let own_id = wanted.add(own_id.as_ref()).map(|(i, _)| i);
        // A key that comes in later is none of the columns of the first rows.
        let may_come =
            roles.step.is_none() && !plan.present.has(STEP[0]) && format(path) == Some(Format::Json);
        let later_step = may_come.then(|| STEP[0].to_owned());
        let later_step = wanted.add(later_step.as_ref()).map(|(i, _)| i);
        let rewards: Vec<String> = later_rewards(path, &plan);
        let later_rewards: Vec<(usize, &str)> =
            rewards.iter().filter_map(|name| wanted.add(Some(name))).collect();
        // A step that is null in the first rows.
        let late_step = wanted.add(plan.late_step.as_ref()).filter(|_| !self.without_steps);
        let comes_late = late_step.is_some() || !later_rewards.is_empty();
        let mut first_row = None;
        let mut refuse_late = |row: &Row<'_>| -> Result<(), Error> {
            if let Some((i, name)) = late_step {
                let first = first_row.get_or_insert_with(|| row.place());
                if (row.cell)(i).number().is_some() {
                    let (place, column) = (first.clone(), name.to_owned());
                    return Err(Error::EmptyCell { place, column });
                }
            }
            match later_rewards.iter().find(|(i, _)| (row.cell)(*i).number().is_some()) {
                Some((_, column)) => {
                    let (place, column) = (row.place(), (*column).to_owned());
                    let guessed = Some(spec.to_string());
                    Err(Error::LateReward { place, column, guessed })
                }
                None => Ok(()),
            }
        };
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
        let mut talk = Talk::default();
        let (mut rows, mut single) = (0, None);
        let shared_file = u32::try_from(number).unwrap_or(u32::MAX);
        let mut last_of = None;
        let mut values: Vec<Option<f64>> = Vec::with_capacity(terms.len());
        if let Some(restarts) = &mut self.restarts {
            restarts.begin();
        }
        self.epochs.begin();
        let unfinished = scan(path, &plan.present, &wanted.0, &mut |row| {
            rows += 1;
            if comes_late {
                refuse_late(row)?;
            }
            let mut absent = 0u64;
            let mut reward = matches!(spec, RewardSpec::Unseen).then_some(0.0);
            values.clear();
            for (i, term) in terms.iter().enumerate() {
                let value = match row.term(i, term) {
                    Err(Error::NotFinite { place, value, .. }) if value.is_nan() => {
                        self.first_nan.get_or_insert(place);
                        self.nan += 1;
                        None
                    }
                    other => other?,
                };
                values.push(value);
                if value.is_none() {
                    absent |= 1 << i.min(63);
                }
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
            if let Some(restarts) = self.restarts.as_mut().filter(|_| roles.step.is_some()) {
                if last_of.replace(run).is_some_and(|last| last != run) {
                    restarts.begin();
                }
                restarts.see(step);
            }
            if let (Some(i), None) = (epoch, self.period) {
                self.epochs.see(row.step(i, "epoch").ok(), step);
            }
            let step = match (self.period, epoch) {
                (Some(period), Some(i)) => row.step(i, "epoch")?.saturating_mul(period).saturating_add(step),
                _ => step,
            };
            if let Some((i, _)) = whole {
                turns.see(row.identity(i), step);
            }
            if reward.is_some() || terms.is_empty() {
                let counted = counter.map_or(Some(step as f64), |(i, _)| row.counter(i));
                if let Some(counted) = counted {
                    let run = run.unwrap_or(0);
                    let of = each.map_or(run, |(i, _)| words_hash([run, row.identity(i)]));
                    means.see(of, counted);
                    single = Some((of, counted));
                }
            }
            if let Some(run) = run {
                self.runs.insert(run);
            }
            if reward.is_some() {
                for (i, missing) in self.missing.iter_mut().enumerate() {
                    *missing += usize::from(absent & (1 << i) != 0);
                }
            }
            let of_turn = turn.and_then(|i| (row.cell)(i).number());
            let of_turn = of_turn.map(|turn| (conversation.map(|i| row.identity(i)), turn));
            let Some(reward) = reward else {
                talk.unpaid(of_turn);
                self.empty += 1;
                self.unread.see(step);
                return Ok(());
            };
            self.unread.judged(step);
            let who = speaker.map(|i| (row.cell)(i)).and_then(|cell| Some(cell.text()?.into_owned()));
            talk.see(of_turn, who.as_deref());
            if later_step.is_some_and(|i| (row.cell)(i).number().is_some()) {
                self.with_step += 1;
            }
            if !reward.is_finite() {
                return Err(Error::NotFinite { place: row.place(), column: spec.to_string(), value: reward });
            }
            let Self { words, layout, told: Told { notes, .. }, .. } = self;
            for (i, part) in self.parts.iter_mut().enumerate() {
                // The sum goes on without a part that is missing here: no news.
                if part.lost {
                    continue;
                }
                match values.get(i).copied().flatten() {
                    Some(value) => part.put(words, value),
                    None => part.lost = true,
                }
            }
            for ((name, feature), column) in self.features.iter_mut().zip(&features) {
                feature.read(words, row, *column, (name, notes));
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
                _ => self.length.read(words, row, length, ("the length", notes)),
            }
            self.log_prob.read(words, row, log_prob, ("the log-probability", notes));
            self.ref_log_prob.read(words, row, ref_log_prob, ("the reference's log-probability", notes));
            self.advantage.read(words, row, advantage, ("the advantage", notes));
            self.shaped.read(words, row, shaped, ("the shaped reward", notes));
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
                let identity = pair_hash([what, reward.to_bits()]);
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
        let earlier = talk.earlier();
        if let (1.., Some(of)) = (earlier, &plan.conversation) {
            self.empty -= earlier;
            self.told.notes.push(format!(
                "{earlier} rows without a reward are other turns of a `{of}`, which counts once, by the row that has its reward"
            ));
        }
        if let Some(rows) = talk.refused(
            (path, format(path) == Some(Format::Json)),
            plan.turn,
            plan.conversation,
            plan.speaker,
        ) {
            return Err(Error::NoRollouts(rows));
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
        if !plan.of_rollouts && self.rows_are.is_none() {
            self.restarts = None;
        }
        lacks.into_iter().next().map_or(Ok(read), |(_, error)| Err(error))
    }
}

/// Names of rewards that come before the one that is but the only candidate, and that the file's first rows lack.
fn later_rewards(path: &Path, plan: &Plan) -> Vec<String> {
    if !plan.guessed || format(path) != Some(Format::Json) {
        return Vec::new();
    }
    let lacks = |name: &&&str| !plan.present.has(name);
    PROXY.iter().filter(lacks).map(|name| (*name).to_owned()).collect()
}
