//! The log as a field to plant in: groups, their medians, the unit of size, and which rows a repeat plants.

use super::Plan;
use crate::foundation::failure::Status;
use crate::foundation::order::{median, sorted};
use crate::foundation::rng::{Purpose, SeedTree};
use crate::monitor::{Grouping, MIN_GROUP};
use crate::record::Observed;
use crate::tails::support::check_continuous;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Fewest degrees of freedom behind the standard deviation.
const MIN_FREEDOM: usize = 10;

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
}

/// A log made ready.
pub(super) struct Field {
    /// Rows that are judged; proxies relative to their group's median where that is asked for.
    log: Observed,
    calibration: Observed,
    /// Reward of a planted row of size 0.
    centre: Vec<f64>,
    /// Standard deviation within groups.
    sd: f64,
    /// Under `relative`: what rewards are relative to.
    relative: Option<Grouping>,
    by_group: Grouping,
    by_step: Grouping,
    /// Rows from the onset on.
    plantable: Range<usize>,
    /// Rows that are audited.
    audited: Range<usize>,
    left_out: usize,
}

impl Field {
    pub fn new(log: &Observed, calibration: &Observed, plan: &Plan) -> Result<Self, Status> {
        for rows in [log, calibration] {
            complete(rows)?;
        }
        if log.proxy.iter().chain(&calibration.proxy).any(|x| !x.is_finite()) {
            return Err(Status::Undefined { reason: "a reward is not finite" });
        }
        let reason =
            "the rewards are a ladder of few values: a planted one lies off it, and shows whatever its size";
        match check_continuous(&sorted(&log.proxy)) {
            Err(Status::Discrete { .. } | Status::AllTied) => return Err(Status::Degenerate { reason }),
            other => other?,
        }
        let (log, left_out) = relative(log, plan);
        let (calibration, _) = relative(calibration, plan);
        let at = |step: u64| log.step.partition_point(|s| *s < step);
        let (plantable, audited) = (at(plan.onset)..log.len(), at(plan.audited_from)..log.len());
        if plantable.is_empty() {
            return Err(Status::TooFew { what: "rollouts from the onset on", have: 0, need: 1 });
        }
        let within = Grouping::new(plan.within.keys(&log));
        let before = if plantable.start > 0 { 0..plantable.start } else { 0..log.len() };
        let sd = pooled_sd(&log.proxy, &within.rows, &before)?;
        let (by_group, by_step) = (Grouping::new(&log.group), Grouping::new(&log.step));
        let centre = centres(&log.proxy, &within, &by_step);
        let relative = plan.relative.then_some(within);
        let (log, calibration) = (log.into_owned(), calibration.into_owned());
        Ok(Self { log, calibration, centre, sd, relative, by_group, by_step, plantable, audited, left_out })
    }

    pub fn log(&self) -> &Observed {
        &self.log
    }
    pub fn calibration(&self) -> &Observed {
        &self.calibration
    }
    pub fn sd(&self) -> f64 {
        self.sd
    }
    pub fn plantable(&self) -> usize {
        self.plantable.len()
    }
    pub fn audited(&self) -> Range<usize> {
        self.audited.clone()
    }
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// A uniform number for each row that may be planted.
    pub fn draws(&self, seed: u64, repeat: u64) -> Vec<f64> {
        let mut rng = SeedTree::new(seed, repeat).stream(Purpose::Exploit, 0);
        self.plantable.clone().map(|_| rng.open_unit()).collect()
    }

    /// Plants the rows whose draw is below `mass`.
    pub fn planting(&self, draws: &[f64], mass: f64) -> Planting<'_> {
        let drawn = self.plantable.clone().zip(draws);
        self.planting_of(drawn.filter(|(_, draw)| **draw < mass).map(|(row, _)| row).collect())
    }

    /// Plants these rows, in ascending order.
    pub fn planting_of(&self, exploits: Vec<usize>) -> Planting<'_> {
        let changed = match &self.relative {
            None => exploits.clone(),
            Some(groups) => groups.company(&exploits),
        };
        Planting { field: self, exploits, changed }
    }

    /// These rows and all on whose scores they may bear, in ascending order.
    pub fn reached(&self, rows: &[usize], reach: Reach) -> Vec<usize> {
        match reach {
            Reach::Row => rows.to_vec(),
            Reach::Group => self.by_group.company(rows),
            Reach::Step => self.by_step.company(rows),
        }
    }

    /// Every second row, or the rows of every second group or step, in ascending order.
    pub fn every_second(&self, reach: Reach) -> Vec<usize> {
        let number = |row: usize| match reach {
            Reach::Row => row,
            Reach::Group => self.by_group.of[row],
            Reach::Step => self.by_step.of[row],
        };
        (0..self.log.len()).filter(|row| number(*row) % 2 == 1).collect()
    }

    /// A row that may be planted, for a first trial.
    pub fn any_row(&self) -> usize {
        self.plantable.start
    }
}

/// Which rows are exploits, and which rewards that changes.
pub(super) struct Planting<'a> {
    field: &'a Field,
    exploits: Vec<usize>,
    changed: Vec<usize>,
}

impl Planting<'_> {
    /// Exploits, in ascending order.
    pub fn exploits(&self) -> &[usize] {
        &self.exploits
    }

    /// Rows whose reward is another, in ascending order: the exploits, and under `relative` all of their groups.
    pub fn changed(&self) -> &[usize] {
        &self.changed
    }

    /// The rewards of the changed rows under exploits of `size`.
    pub fn proxies(&self, size: f64) -> Vec<f64> {
        let field = self.field;
        let mut planted = self.exploits.iter().peekable();
        let mut proxies: Vec<f64> = self
            .changed
            .iter()
            .map(|&row| match planted.next_if(|exploit| **exploit == row) {
                Some(_) => field.centre[row] + size * field.sd,
                None => field.log.proxy[row],
            })
            .collect();
        if let Some(groups) = &field.relative {
            let mut of: HashMap<usize, Vec<usize>> = HashMap::new();
            for (place, row) in self.changed.iter().enumerate() {
                of.entry(groups.of[*row]).or_default().push(place);
            }
            for places in of.values() {
                let members: Vec<f64> = places.iter().map(|place| proxies[*place]).collect();
                let moved = median(&members).unwrap_or(0.0);
                places.iter().for_each(|place| proxies[*place] -= moved);
            }
        }
        proxies
    }
}

/// Refuses rollouts without one of the columns that every log has.
fn complete(rows: &Observed) -> Result<(), Status> {
    let columns = [
        ("step", &rows.step),
        ("prompt", &rows.prompt),
        ("group", &rows.group),
        ("outcome", &rows.outcome),
        ("trajectory", &rows.trajectory),
    ];
    match columns.iter().find(|(_, column)| column.len() != rows.len()) {
        Some((name, _)) => Err(Status::Missing { column: (*name).to_owned() }),
        None => Ok(()),
    }
}

/// Under `relative` the rows in groups of [`MIN_GROUP`] or more, less their medians; and how many were left out.
fn relative<'a>(log: &'a Observed, plan: &Plan) -> (Cow<'a, Observed>, usize) {
    if !plan.relative {
        return (Cow::Borrowed(log), 0);
    }
    let groups = Grouping::new(plan.within.keys(log));
    let medians = groups.medians(&log.proxy);
    let kept: Vec<usize> =
        (0..log.len()).filter(|row| groups.rows[groups.of[*row]].len() >= MIN_GROUP).collect();
    let mut centred = log.select(&kept);
    for (proxy, row) in centred.proxy.iter_mut().zip(&kept) {
        *proxy -= medians[groups.of[*row]];
    }
    (Cow::Owned(centred), log.len() - kept.len())
}

/// √(Σ(x − group mean)²/Σ(n − 1)) over the rows of `span`.
fn pooled_sd(values: &[f64], groups: &[Vec<usize>], span: &Range<usize>) -> Result<f64, Status> {
    let (mut squares, mut freedom) = (0.0, 0);
    for rows in groups {
        let own: Vec<f64> = rows.iter().filter(|row| span.contains(row)).map(|row| values[*row]).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        squares += own.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        freedom += own.len().saturating_sub(1);
    }
    if freedom < MIN_FREEDOM {
        let what = "degrees of freedom within groups before the onset";
        return Err(Status::TooFew { what, have: freedom, need: MIN_FREEDOM });
    }
    let sd = (squares / freedom as f64).sqrt();
    if sd > 0.0 && sd.is_finite() {
        Ok(sd)
    } else {
        Err(Status::Degenerate { reason: "rewards do not vary within groups, so that size has no unit" })
    }
}

/// The median of each row's group; where that has fewer than [`MIN_GROUP`] rows, of its step.
fn centres(proxy: &[f64], within: &Grouping, by_step: &Grouping) -> Vec<f64> {
    let (medians, of_steps) = (within.medians(proxy), by_step.medians(proxy));
    let centre = |(group, step): (&usize, &usize)| {
        if within.rows[*group].len() < MIN_GROUP { of_steps[*step] } else { medians[*group] }
    };
    within.of.iter().zip(&by_step.of).map(centre).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{log, plan};
    use super::*;

    #[test]
    fn a_planted_reward_stands_size_deviations_above_its_group() {
        let log = log(40, 8, 1);
        let field = Field::new(&log, &log, &plan()).unwrap();
        let draws = field.draws(1, 0);
        let planting = field.planting(&draws, 0.1);
        assert!(planting.exploits().len() > 5 && planting.exploits().iter().all(|row| log.step[*row] >= 20));
        assert_eq!(planting.changed(), planting.exploits());
        for (row, proxy) in planting.exploits().iter().zip(planting.proxies(3.0)) {
            let first = row / 8 * 8;
            let own = median(&log.proxy[first..first + 8]).unwrap();
            assert!((proxy - own - 3.0 * field.sd()).abs() < 1e-12);
        }
        // A larger mass plants the same rows and more.
        let more = field.planting(&draws, 0.3);
        assert!(planting.exploits().iter().all(|row| more.exploits().contains(row)));
    }

    #[test]
    fn the_unit_is_the_pooled_deviation_before_the_onset() {
        let log = log(40, 8, 2);
        let field = Field::new(&log, &log, &plan()).unwrap();
        let squares: f64 = log.proxy[..160]
            .chunks(8)
            .map(|own| {
                let mean = own.iter().sum::<f64>() / 8.0;
                own.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
            })
            .sum();
        assert!((field.sd() - (squares / 140.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn relative_rewards_are_centred_again_after_the_planting() {
        let log = log(40, 8, 3);
        let field = Field::new(&log, &log, &Plan { relative: true, ..plan() }).unwrap();
        let planting = field.planting_of(vec![200, 203]);
        assert_eq!(planting.changed(), (200..208).collect::<Vec<usize>>());
        let proxies = planting.proxies(50.0);
        assert!(median(&proxies).unwrap().abs() < 1e-12 && proxies[0] > 40.0 * field.sd());
        // Exploits that fill their group are its median, and cannot be told from it.
        let all = field.planting_of((200..208).collect());
        assert!(all.proxies(50.0).iter().all(|x| x.abs() < 1e-12));
    }

    #[test]
    fn what_cannot_carry_a_spike_is_a_status() {
        let log = log(40, 8, 4);
        let of = |log: &Observed, plan: &Plan| Field::new(log, log, plan).err();
        let ladder = Observed { proxy: (0..320).map(|i| f64::from(i % 2)).collect(), ..log.clone() };
        assert!(matches!(of(&ladder, &plan()), Some(Status::Degenerate { .. })));
        let flat = Observed { proxy: (0..320).map(|i| f64::from(i / 8)).collect(), ..log.clone() };
        assert!(matches!(of(&flat, &plan()), Some(Status::Degenerate { .. })));
        let late = Plan { onset: 99, ..plan() };
        assert!(matches!(of(&log, &late), Some(Status::TooFew { have: 0, .. })));
        let alone = Observed { group: (0..320).collect(), ..log.clone() };
        assert!(matches!(of(&alone, &plan()), Some(Status::TooFew { have: 0, need: 10, .. })));
        let torn = Observed { prompt: Vec::new(), ..log.clone() };
        assert_eq!(of(&torn, &plan()), Some(Status::Missing { column: "prompt".to_owned() }));
        let mut infinite = log;
        infinite.proxy[3] = f64::INFINITY;
        assert!(matches!(of(&infinite, &plan()), Some(Status::Undefined { .. })));
    }
}
