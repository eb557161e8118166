//! The log as a field to plant in: pieces, groups, the unit of size, and which rows a repeat plants.

use super::planted::{Groups, Planted, Planting};
use super::{Plan, Reference};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::foundation::runs::Runs;
use crate::monitor::{GroupBy, Source, Stop, each_prompt, grouped, passes};
use crate::record::{Error, InSteps, Observed};
use crate::tails::support::check_continuous;
use std::ops::Range;

/// Fewest degrees of freedom behind the standard deviation.
const MIN_FREEDOM: usize = 10;

/// Whole steps that are read at once.
pub(super) struct Piece {
    /// Rows of the log.
    pub rows: Range<usize>,
    /// The same among the rows that are judged.
    pub judged: Range<usize>,
    /// The step of each row that is judged.
    pub steps: Runs,
}

/// A log made ready. Rows are those that are judged, in their order, unless it says otherwise; none of them stay in memory.
pub(super) struct Field<'a> {
    source: Source<'a>,
    pieces: Vec<Piece>,
    calibration: Observed,
    groups: Groups,
    /// Standard deviation within groups.
    sd: f64,
    /// Rows from the onset on.
    plantable: Range<usize>,
    /// Rows that are audited: whole pieces.
    audited: Range<usize>,
}

impl<'a> Field<'a> {
    pub fn new(log: &'a dyn InSteps, reference: &Reference<'_>, plan: &Plan) -> Result<Self, Stop> {
        check(log)?;
        let by = plan.relative.then_some(plan.within);
        let calibration = {
            let source = Source::of(reference.log, reference.rows.clone(), by)?;
            source.sample(reference.rows.clone())?
        };
        complete(&calibration)?;
        if calibration.proxy.iter().any(|x| !x.is_finite()) {
            return Err(Status::Undefined { reason: "a reward is not finite" }.into());
        }
        let source = Source::new(log, by)?;
        let pieces = pieces(&source, plan.audited_from)?;
        let all = pieces.last().map_or(0, |piece| piece.judged.end);
        let at = |step: u64| -> usize {
            let steps = pieces.iter().flat_map(|piece| piece.steps.stretches());
            steps.take_while(|(own, _)| *own < step).map(|(_, rows)| rows).sum()
        };
        let (plantable, audited) = (at(plan.onset)..all, at(plan.audited_from)..all);
        if plantable.is_empty() {
            return Err(Status::TooFew { what: "rollouts from the onset on", have: 0, need: 1 }.into());
        }
        let before = if plantable.start > 0 { 0..plantable.start } else { 0..all };
        let sd = pooled_sd(&source, &pieces, plan.within, before)?;
        let groups = Groups::new(&source, plan.within, plan.relative)?;
        Ok(Self { source, pieces, calibration, groups, sd, plantable, audited })
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
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
        self.source.left_out()
    }

    /// Pieces that are audited.
    pub fn audited_pieces(&self) -> &[Piece] {
        let first = self.pieces.partition_point(|piece| piece.judged.start < self.audited.start);
        self.pieces.get(first..).unwrap_or_default()
    }

    /// Steps that are audited.
    pub fn audited_steps(&self) -> usize {
        self.audited_pieces().iter().map(|piece| piece.steps.stretches().len()).sum()
    }

    /// The rows of a piece, as the log has them.
    pub fn read(&self, piece: &Piece) -> Result<Observed, Error> {
        Ok(self.source.batch(piece.rows.clone())?.observed)
    }

    /// Plants each row that may be planted with probability `mass`: the same rows and more for a larger one.
    pub fn planting(&self, seed: u64, repeat: u64, mass: f64, sizes: &[f64]) -> Result<Planting, Error> {
        let mut rng = SeedTree::new(seed, repeat).stream(Purpose::Exploit, 0);
        self.planting_of(self.plantable.clone().filter(|_| rng.open_unit() < mass).collect(), sizes)
    }

    /// Plants these rows, in ascending order.
    pub fn planting_of(&self, exploits: Vec<usize>, sizes: &[f64]) -> Result<Planting, Error> {
        let mut planting = Planting::new(exploits, sizes);
        if self.groups.span_steps() {
            let mut taken = Vec::new();
            for piece in self.pieces.iter().filter(|piece| !planting.within(&piece.judged).is_empty()) {
                let batch = self.read(piece)?;
                let own = planting.places(&piece.judged);
                taken.extend(own.into_iter().map(|row| (batch.prompt[row], batch.proxy[row])));
            }
            planting.settle(taken, &self.groups, self.sd)?;
        }
        Ok(planting)
    }

    /// The rows of a piece with what a planting does to them.
    pub fn plant<'p>(&'p self, piece: &Piece, planting: &'p Planting) -> Result<Planted<'p>, Error> {
        Ok(Planted::new(self.read(piece)?, &piece.judged, planting, &self.groups, self.sd))
    }

    /// Whether a planting changes rewards of a piece.
    pub fn changes(&self, piece: &Piece, planting: &Planting) -> bool {
        self.groups.span_steps() && !planting.is_empty() || !planting.within(&piece.judged).is_empty()
    }

    /// A row that may be planted, for a first trial.
    pub fn any_row(&self) -> usize {
        self.plantable.start
    }
}

/// Whole steps, a step of `audited_from` or later never with an earlier one.
fn pieces(source: &Source<'_>, audited_from: u64) -> Result<Vec<Piece>, Error> {
    let spans = source.spans();
    let cut = spans.get(spans.partition_point(|span| span.step < audited_from));
    let cut = cut.map_or(source.rows(), |span| span.rows.start);
    let mut pieces = Vec::new();
    let mut judged = 0;
    for rows in [0..cut, cut..source.rows()].into_iter().flat_map(|part| source.batches(part, false)) {
        let steps: Runs = source.batch(rows.clone())?.observed.step.as_slice().into();
        if !steps.is_empty() {
            let start = judged;
            judged += steps.len();
            pieces.push(Piece { rows, judged: start..judged, steps });
        }
    }
    Ok(pieces)
}

/// Refuses rollouts that lack a column which every log has, rewards that are not finite, and few-valued ones.
fn check(log: &dyn InSteps) -> Result<(), Stop> {
    let source = Source::new(log, None)?;
    for rows in source.batches(0..log.len(), true) {
        let rows = source.batch(rows)?.observed;
        complete(&rows)?;
        if rows.proxy.iter().any(|x| !x.is_finite()) {
            return Err(Status::Undefined { reason: "a reward is not finite" }.into());
        }
    }
    let reason =
        "the rewards are a ladder of few values: a planted one lies off it, and shows whatever its size";
    let mut rewards = log.rewards(0..log.len())?;
    rewards.sort_unstable_by(f64::total_cmp);
    match check_continuous(&rewards) {
        Err(Status::Discrete { .. } | Status::AllTied) => Err(Status::Degenerate { reason }.into()),
        other => Ok(other?),
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

/// √(Σ(x − group mean)²/Σ(n − 1)) over the rows of `span`, groups in the order in which they appear.
fn pooled_sd(source: &Source<'_>, pieces: &[Piece], by: GroupBy, span: Range<usize>) -> Result<f64, Stop> {
    let mut pool = Pool::default();
    let within = |piece: &&Piece| piece.judged.start < span.end;
    let read = |piece: &Piece| -> Result<Observed, Error> {
        let mut rows = source.batch(piece.rows.clone())?.observed;
        let last = span.end.min(piece.judged.end) - piece.judged.start;
        if last < rows.len() {
            rows = rows.select(&(0..last).collect::<Vec<usize>>());
        }
        Ok(rows)
    };
    if by == GroupBy::Prompt {
        // Prompts appear again at other steps.
        let read_all = |hand: &mut dyn FnMut(&[u64], &[f64])| {
            for piece in pieces.iter().filter(within) {
                let rows = read(piece)?;
                hand(&rows.prompt, &rows.proxy);
            }
            Ok(())
        };
        each_prompt(passes(span.len()), &read_all, &mut |_, own| {
            pool.add(own);
            Ok(())
        })?;
    } else {
        for piece in pieces.iter().filter(within) {
            let rows = read(piece)?;
            for own in grouped(by.keys(&rows)) {
                pool.add(&own.iter().map(|row| rows.proxy[*row]).collect::<Vec<f64>>());
            }
        }
    }
    Ok(pool.sd()?)
}

/// Squares of deviations from the means of groups, and their degrees of freedom.
#[derive(Default)]
struct Pool {
    squares: f64,
    freedom: usize,
}

impl Pool {
    fn add(&mut self, group: &[f64]) {
        let mean = group.iter().sum::<f64>() / group.len() as f64;
        self.squares += group.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        self.freedom += group.len().saturating_sub(1);
    }

    fn sd(self) -> Result<f64, Status> {
        if self.freedom < MIN_FREEDOM {
            let what = "degrees of freedom within groups before the onset";
            return Err(Status::TooFew { what, have: self.freedom, need: MIN_FREEDOM });
        }
        let sd = (self.squares / self.freedom as f64).sqrt();
        if sd > 0.0 && sd.is_finite() {
            Ok(sd)
        } else {
            Err(Status::Degenerate { reason: "rewards do not vary within groups, so that size has no unit" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{log, plan};
    use super::*;
    use crate::foundation::order::median;

    fn field<'a>(log: &'a Observed, plan: &Plan) -> Field<'a> {
        Field::new(log, &Reference::all(log), plan).unwrap()
    }

    /// The exploits' rows and rewards, piece by piece, and those of all rows that change.
    fn planted(field: &Field<'_>, planting: &Planting) -> (Vec<usize>, Vec<(usize, f64)>) {
        let (mut exploits, mut changed) = (Vec::new(), Vec::new());
        for piece in field.pieces() {
            let planted = field.plant(piece, planting).unwrap();
            exploits.extend(planted.exploits.iter().map(|row| piece.judged.start + row));
            let rows = planted.changed.iter().map(|row| piece.judged.start + row);
            changed.extend(rows.zip(planted.proxies(0)));
        }
        (exploits, changed)
    }

    #[test]
    fn a_planted_reward_stands_size_deviations_above_its_group() {
        let log = log(40, 8, 1);
        let field = field(&log, &plan());
        let (exploits, changed) = planted(&field, &field.planting(1, 0, 0.1, &[3.0]).unwrap());
        assert!(exploits.len() > 5 && exploits.iter().all(|row| log.step[*row] >= 20));
        assert!(changed.iter().map(|row| row.0).eq(exploits.iter().copied()));
        for (row, proxy) in changed {
            let first = row / 8 * 8;
            let own = median(&log.proxy[first..first + 8]).unwrap();
            assert!((proxy - own - 3.0 * field.sd()).abs() < 1e-12);
        }
        // A larger mass plants the same rows and more.
        let (more, _) = planted(&field, &field.planting(1, 0, 0.3, &[3.0]).unwrap());
        assert!(exploits.iter().all(|row| more.contains(row)));
    }

    #[test]
    fn the_unit_is_the_pooled_deviation_before_the_onset() {
        let log = log(40, 8, 2);
        let squares: f64 = log.proxy[..160]
            .chunks(8)
            .map(|own| {
                let mean = own.iter().sum::<f64>() / 8.0;
                own.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
            })
            .sum();
        assert!((field(&log, &plan()).sd() - (squares / 140.0).sqrt()).abs() < 1e-12);
        // One prompt each for every fourth row, at all steps.
        let log = Observed { prompt: (0..320).map(|row| row % 4).collect(), ..log };
        let plan = Plan { within: GroupBy::Prompt, ..plan() };
        let squares: f64 = (0..4)
            .map(|prompt| {
                let own: Vec<f64> = log.proxy[..160].iter().skip(prompt).step_by(4).copied().collect();
                let mean = own.iter().sum::<f64>() / 40.0;
                own.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
            })
            .sum();
        assert!((field(&log, &plan).sd() - (squares / 156.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn relative_rewards_are_centred_again_after_the_planting() {
        let log = log(40, 8, 3);
        let field = field(&log, &Plan { relative: true, ..plan() });
        let (exploits, changed) = planted(&field, &field.planting_of(vec![200, 203], &[50.0]).unwrap());
        assert_eq!(exploits, [200, 203]);
        assert!(changed.iter().map(|row| row.0).eq(200..208));
        let proxies: Vec<f64> = changed.iter().map(|row| row.1).collect();
        assert!(median(&proxies).unwrap().abs() < 1e-12 && proxies[0] > 40.0 * field.sd());
        // Exploits that fill their group are its median, and cannot be told from it.
        let (_, all) = planted(&field, &field.planting_of((200..208).collect(), &[50.0]).unwrap());
        assert!(all.len() == 8 && all.iter().all(|row| row.1.abs() < 1e-12));
    }

    /// Rows of a prompt stand at all steps: those of an earlier one move too.
    #[test]
    fn rewards_relative_to_their_prompt_move_at_every_step() {
        let log = Observed { prompt: (0..320).map(|row| row % 4).collect(), ..log(40, 8, 9) };
        let field = field(&log, &Plan { relative: true, within: GroupBy::Prompt, ..plan() });
        let exploits: Vec<usize> = (160..320).filter(|row| row % 4 == 1).collect();
        let (_, changed) = planted(&field, &field.planting_of(exploits.clone(), &[7.0]).unwrap());
        assert!(changed.iter().map(|row| row.0).eq((0..320).filter(|row| row % 4 == 1)));
        let own: Vec<f64> = log.proxy.iter().skip(1).step_by(4).copied().collect();
        let centre = median(&own).unwrap();
        let centred: Vec<f64> = own.iter().map(|reward| reward - centre).collect();
        let mut after = centred.clone();
        after[40..].fill(median(&centred).unwrap() + 7.0 * field.sd());
        let moved = median(&after).unwrap();
        assert!(changed.iter().zip(after).all(|((_, found), after)| *found == after - moved));
    }

    #[test]
    fn what_cannot_carry_a_spike_is_a_status() {
        let log = log(40, 8, 4);
        let of = |log: &Observed, plan: &Plan| match Field::new(log, &Reference::all(log), plan).err()? {
            Stop::Status(status) => Some(status),
            Stop::Failure(failure) => panic!("{failure}"),
        };
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
