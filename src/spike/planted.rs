//! Which rows are exploits, and the rewards that this gives.

use super::spilled::Spilled;
use crate::foundation::order::median;
use crate::monitor::{GroupBy, MIN_GROUP, Prompts, Source, passes};
use crate::record::{Error, Observed};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

/// On which rows a score may depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The row alone.
    Row,
    /// Its prompt's at that step.
    Group,
    /// Its step's.
    Step,
}

impl Reach {
    /// From the nearest to the farthest.
    pub const ALL: [Self; 3] = [Self::Row, Self::Group, Self::Step];

    /// The rows of a batch on whose scores one of `rows` may bear, both ascending.
    pub fn of(self, batch: &Observed, rows: &[usize]) -> Vec<usize> {
        match self {
            Self::Row => rows.to_vec(),
            Self::Group => company(&batch.group, rows),
            Self::Step => company(&batch.step, rows),
        }
    }

    /// Every second row, or the rows of every second group or step.
    pub fn every_second(self, batch: &Observed) -> Vec<usize> {
        let keys = match self {
            Self::Row => return (1..batch.len()).step_by(2).collect(),
            Self::Group => &batch.group,
            Self::Step => &batch.step,
        };
        let mut numbers: HashMap<u64, usize> = HashMap::new();
        let odd = |key: &u64| {
            let next = numbers.len();
            *numbers.entry(*key).or_insert(next) % 2 == 1
        };
        let odd: Vec<bool> = keys.iter().map(odd).collect();
        (0..batch.len()).filter(|row| odd.get(*row) == Some(&true)).collect()
    }
}

/// All rows with the key of one of these, ascending.
fn company(keys: &[u64], rows: &[usize]) -> Vec<usize> {
    let mut wanted: Vec<u64> = rows.iter().filter_map(|row| keys.get(*row).copied()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    (keys.iter().enumerate())
        .filter(|(_, key)| wanted.binary_search(key).is_ok())
        .map(|(row, _)| row)
        .collect()
}

/// What groups are, and what is known of those that reach over steps.
pub(super) struct Groups {
    within: GroupBy,
    /// Whether rewards are judged relative to the median of their group.
    relative: bool,
    /// Median of each prompt with [`MIN_GROUP`] rollouts or more, where groups are prompts.
    medians: Prompts,
    /// Where rewards are relative to prompts: all rewards by prompt, ascending, and where those of each begin, and the last end.
    rewards: RefCell<Spilled>,
    starts: Vec<usize>,
}

impl Groups {
    pub fn new(source: &Source<'_>, within: GroupBy, relative: bool) -> Result<Self, Error> {
        let mut groups = Self {
            within,
            relative,
            medians: Prompts::new(passes(source.rows())),
            rewards: RefCell::new(Spilled::new()),
            starts: Vec::new(),
        };
        if within == GroupBy::Prompt {
            let medians = &mut groups.medians;
            source.each_prompt(0..source.rows(), &mut |prompt, own| {
                medians.see(prompt, own);
                Ok(())
            })?;
        }
        if groups.span_steps() {
            groups.sort(source)?;
        }
        Ok(groups)
    }

    /// Whether an exploit moves rewards of other steps.
    pub fn span_steps(&self) -> bool {
        self.relative && self.within == GroupBy::Prompt
    }

    /// The rewards of the prompts, and where those of each begin.
    fn sort(&mut self, source: &Source<'_>) -> Result<(), Error> {
        let (mut rewards, mut starts, mut at) = (Spilled::new(), Vec::new(), 0);
        let medians = &self.medians;
        source.each_prompt(0..source.rows(), &mut |prompt, own| {
            if medians.place(prompt).is_some() {
                starts.push(at);
                at += own.len();
                rewards.push(own)?;
            }
            Ok(())
        })?;
        starts.push(at);
        starts.shrink_to_fit();
        (self.rewards, self.starts) = (RefCell::new(rewards), starts);
        Ok(())
    }

    /// The median of a prompt's rewards in which those of `taken`, ascending, became `planted`, one after the other.
    fn moved(&self, prompt: u64, taken: &[f64], planted: &[f64]) -> Result<Vec<f64>, Error> {
        let place = self.medians.place(prompt);
        let start = |at: usize| self.starts.get(at).copied().unwrap_or_default();
        let places = place.map_or(0..0, |at| start(at)..start(at + 1));
        let mut rewards = Vec::new();
        self.rewards.borrow_mut().read(places, &mut rewards)?;
        let mut gone = taken.iter().peekable();
        rewards.retain(|reward| gone.next_if(|taken| taken.total_cmp(reward).is_eq()).is_none());
        let rest = rewards.len();
        let median_of = |planted: &f64| {
            rewards.truncate(rest);
            rewards.resize(rest + taken.len(), *planted);
            median(&rewards).unwrap_or(0.0)
        };
        Ok(planted.iter().map(median_of).collect())
    }
}

/// Which rows are exploits, in ascending order, and of which sizes one after the other.
pub(super) struct Planting {
    exploits: Vec<usize>,
    sizes: Vec<f64>,
    /// Where rewards are relative to prompts: the median of each prompt with exploits, by size.
    moved: HashMap<u64, Vec<f64>>,
}

impl Planting {
    pub fn new(exploits: Vec<usize>, sizes: &[f64]) -> Self {
        Self { exploits, sizes: sizes.to_vec(), moved: HashMap::new() }
    }

    pub fn sizes(&self) -> &[f64] {
        &self.sizes
    }

    pub fn is_empty(&self) -> bool {
        self.exploits.is_empty()
    }

    /// The exploits among these rows.
    pub fn within(&self, rows: &Range<usize>) -> &[usize] {
        let at = |row: usize| self.exploits.partition_point(|exploit| *exploit < row);
        &self.exploits[at(rows.start)..at(rows.end)]
    }

    /// The same, counted from the first of the rows.
    pub fn places(&self, rows: &Range<usize>) -> Vec<usize> {
        self.within(rows).iter().map(|row| row - rows.start).collect()
    }

    /// Moves the medians of prompts; `taken` holds the prompt of each exploit with the reward that it had.
    pub fn settle(&mut self, mut taken: Vec<(u64, f64)>, groups: &Groups, sd: f64) -> Result<(), Error> {
        taken.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for own in taken.chunk_by(|a, b| a.0 == b.0) {
            let Some((prompt, _)) = own.first() else { continue };
            let rewards: Vec<f64> = own.iter().map(|row| row.1).collect();
            let centre = groups.medians.median(*prompt).unwrap_or(0.0);
            let planted: Vec<f64> = self.sizes.iter().map(|size| centre + size * sd).collect();
            self.moved.insert(*prompt, groups.moved(*prompt, &rewards, &planted)?);
        }
        Ok(())
    }
}

/// A piece of the log with exploits in it.
pub(super) struct Planted<'a> {
    /// As the log has it.
    pub batch: Observed,
    /// Rows that are exploits, ascending.
    pub exploits: Vec<usize>,
    /// Rows whose reward is another, ascending: the exploits, and where rewards are relative all of their groups.
    pub changed: Vec<usize>,
    /// Reward of each exploit at size 0.
    centres: Vec<f64>,
    groups: &'a Groups,
    planting: &'a Planting,
    sd: f64,
}

impl<'a> Planted<'a> {
    pub fn new(
        batch: Observed,
        rows: &Range<usize>,
        planting: &'a Planting,
        groups: &'a Groups,
        sd: f64,
    ) -> Self {
        let exploits = planting.places(rows);
        let keys = groups.within.keys(&batch);
        let changed = if groups.span_steps() {
            let is_changed =
                |(row, prompt): (usize, &u64)| planting.moved.contains_key(prompt).then_some(row);
            batch.prompt.iter().enumerate().filter_map(is_changed).collect()
        } else if groups.relative {
            company(keys, &exploits)
        } else {
            exploits.clone()
        };
        let centres = centres(&batch, &exploits, groups);
        Self { batch, exploits, changed, centres, groups, planting, sd }
    }

    /// The rewards of the changed rows under exploits of one of the sizes, named by its place.
    pub fn proxies(&self, place: usize) -> Vec<f64> {
        let size = self.planting.sizes.get(place).copied().unwrap_or_default();
        let mut planted = self.exploits.iter().zip(&self.centres).peekable();
        let mut proxies: Vec<f64> = (self.changed.iter())
            .map(|row| match planted.next_if(|(exploit, _)| *exploit == row) {
                Some((_, centre)) => centre + size * self.sd,
                None => self.batch.proxy[*row],
            })
            .collect();
        if self.groups.relative {
            let keys = self.groups.within.keys(&self.batch);
            let mut of: HashMap<u64, Vec<usize>> = HashMap::new();
            for (i, row) in self.changed.iter().enumerate() {
                of.entry(keys[*row]).or_default().push(i);
            }
            for (key, places) in &of {
                let known = self.planting.moved.get(key).filter(|_| self.groups.span_steps());
                let moved = match known.and_then(|moved| moved.get(place)) {
                    Some(moved) => *moved,
                    None => {
                        let members: Vec<f64> = places.iter().map(|i| proxies[*i]).collect();
                        median(&members).unwrap_or(0.0)
                    }
                };
                places.iter().for_each(|i| proxies[*i] -= moved);
            }
        }
        proxies
    }
}

/// The median of each row's group; where that has fewer than [`MIN_GROUP`] rows, of its step.
fn centres(batch: &Observed, rows: &[usize], groups: &Groups) -> Vec<f64> {
    let by_key = |keys: &[u64]| -> HashMap<u64, (usize, f64)> {
        let mut rewards: HashMap<u64, Vec<f64>> = HashMap::new();
        rows.iter().for_each(|row| _ = rewards.entry(keys[*row]).or_default());
        for (key, reward) in keys.iter().zip(&batch.proxy) {
            if let Some(rewards) = rewards.get_mut(key) {
                rewards.push(*reward);
            }
        }
        let of = |rewards: Vec<f64>| (rewards.len(), median(&rewards).unwrap_or(0.0));
        rewards.into_iter().map(|(key, rewards)| (key, of(rewards))).collect()
    };
    let in_batch = match groups.within {
        GroupBy::Prompt => HashMap::new(),
        within => by_key(within.keys(batch)),
    };
    let of_group = |row: usize| match groups.within {
        GroupBy::Prompt => groups.medians.median(batch.prompt[row]),
        within => in_batch.get(&within.keys(batch)[row]).filter(|own| own.0 >= MIN_GROUP).map(|own| own.1),
    };
    let own: Vec<Option<f64>> = rows.iter().map(|row| of_group(*row)).collect();
    if own.iter().all(Option::is_some) {
        return own.into_iter().flatten().collect();
    }
    let of_steps = by_key(&batch.step);
    let of_step = |row: usize| of_steps.get(&batch.step[row]).map_or(0.0, |step| step.1);
    rows.iter().zip(own).map(|(row, own)| own.unwrap_or_else(|| of_step(*row))).collect()
}
