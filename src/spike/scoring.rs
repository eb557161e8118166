//! Scores of a log with exploits in it, made without scoring all of it again where the detector allows that.

use super::Plan;
use super::plant::{Field, Piece};
use super::planted::{Planting, Reach};
use super::spilled::Spilled;
use crate::detectors::{Access, Detector, DetectorSpec, Fit};
use crate::foundation::failure::Status;
use crate::foundation::rng::SeedTree;
use crate::monitor::Stop;

/// Is given, for each size and audited piece in its order, the place of the size, the piece, its exploits and its scores.
pub(super) type Each<'e> = dyn FnMut(usize, &Piece, &[usize], &[f64]) -> Result<(), Stop> + 'e;

/// One detector, ready to score the log under one planting after the other.
pub(super) struct Bench<'a> {
    field: &'a Field<'a>,
    detector: &'a dyn Detector,
    stream: u64,
    seed: u64,
    /// Scores of the audited rows without exploits.
    plain: Spilled,
    /// Where a row's score depends on few others.
    local: Option<(Reach, Fit)>,
}

impl<'a> Bench<'a> {
    /// Fits the detector, and finds out by trial on how many rows a score depends.
    ///
    /// # Errors
    /// The detector's refusal; [`Status::Degenerate`] where exploits change no score, so that chance alone would catch
    /// them (a control may be asked for just that).
    pub fn new(field: &'a Field<'a>, spec: &'a DetectorSpec, plan: &Plan) -> Result<Self, Stop> {
        Self::of(field, spec.part(), spec.stream(), plan)
    }

    fn of(field: &'a Field<'a>, detector: &'a dyn Detector, stream: u64, plan: &Plan) -> Result<Self, Stop> {
        let plain = Spilled::new();
        let mut bench = Self { field, detector, stream, seed: plan.seed, plain, local: None };
        let mut fit = bench.fit(0)?;
        bench.score_plain(&mut fit)?;
        let largest = plan.masses.last().copied().unwrap_or_default();
        let ends: Vec<f64> = plan.sizes.first().into_iter().chain(plan.sizes.last()).copied().collect();
        let mut planting = field.planting(plan.seed, 0, largest, &ends)?;
        if planting.is_empty() {
            planting = field.planting_of(vec![field.any_row()], &ends)?;
        }
        let mut whole: Vec<Spilled> = ends.iter().map(|_| Spilled::new()).collect();
        let (mut plain, mut moved) = (Vec::new(), false);
        bench.score(0, &planting, &mut |size, _, _, scores| {
            Ok(whole.get_mut(size).map_or(Ok(()), |column| column.push(scores))?)
        })?;
        for (size, _) in ends.iter().enumerate() {
            for piece in field.audited_pieces() {
                bench.plain(piece, &mut plain)?;
                moved |= !is_same(&mut whole[size], field, piece, &plain)?;
            }
        }
        if detector.access() != Access::Control && !moved {
            return Err(Status::Degenerate {
                reason: "its scores do not depend on the reward, which is all that is planted",
            }
            .into());
        }
        for reach in Reach::ALL {
            if !bench.half_alone(reach, &mut fit)? {
                continue;
            }
            bench.local = Some((reach, bench.fit(0)?));
            let mut same = true;
            let tried = bench.score(0, &planting, &mut |size, piece, _, scores| {
                same &= is_same(&mut whole[size], field, piece, scores)?;
                Ok(())
            });
            match tried {
                Ok(()) if same => return Ok(bench),
                Err(Stop::Failure(failure)) => return Err(failure.into()),
                _ => {}
            }
        }
        bench.local = None;
        Ok(bench)
    }

    /// Scores the log as it is, and keeps the scores of the audited rows.
    fn score_plain(&mut self, fit: &mut Fit) -> Result<(), Stop> {
        fit.restart();
        for piece in self.field.pieces() {
            let scores = fit.score_next(&self.field.read(piece)?)?;
            if scores.values().len() != piece.judged.len() {
                return Err(
                    Status::Undefined { reason: "the detector does not give one score a rollout" }.into()
                );
            }
            if piece.judged.start >= self.field.audited().start {
                self.plain.push(scores.values())?;
            }
        }
        Ok(())
    }

    /// The scores of an audited piece as it is.
    fn plain(&mut self, piece: &Piece, scores: &mut Vec<f64>) -> Result<(), Stop> {
        Ok(self.plain.read(place(self.field, piece), scores)?)
    }

    /// Whether every second row, group or step scores without the others as it does with them.
    fn half_alone(&mut self, reach: Reach, fit: &mut Fit) -> Result<bool, Stop> {
        let mut plain = Vec::new();
        for piece in self.field.audited_pieces() {
            let batch = self.field.read(piece)?;
            let half = reach.every_second(&batch);
            if half.is_empty() {
                continue;
            }
            self.plain(piece, &mut plain)?;
            let same = fit.score(&batch.select(&half)).is_ok_and(|scores| {
                scores.values().len() == half.len()
                    && half.iter().zip(scores.values()).all(|(row, score)| plain[*row] == *score)
            });
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fit(&self, repeat: u64) -> Result<Fit, Status> {
        Fit::of(self.detector, self.stream, self.field.calibration(), &SeedTree::new(self.seed, repeat))
    }

    /// Hands the scores of the audited rows under exploits of each size to `each`.
    pub fn score(&mut self, repeat: u64, planting: &Planting, each: &mut Each<'_>) -> Result<(), Stop> {
        match self.local.take() {
            Some((reach, mut fit)) => {
                let done = self.score_local(reach, &mut fit, planting, each);
                self.local = Some((reach, fit));
                done
            }
            None => self.score_whole(repeat, planting, each),
        }
    }

    /// Scores the changed rows and those whose scores may depend on them, and nothing else.
    fn score_local(
        &mut self,
        reach: Reach,
        fit: &mut Fit,
        planting: &Planting,
        each: &mut Each<'_>,
    ) -> Result<(), Stop> {
        let (field, mut scores) = (self.field, Vec::new());
        for piece in field.audited_pieces() {
            self.plain(piece, &mut scores)?;
            if !field.changes(piece, planting) {
                for size in 0..planting.sizes().len() {
                    each(size, piece, &[], &scores)?;
                }
                continue;
            }
            let planted = field.plant(piece, planting)?;
            let rows = reach.of(&planted.batch, &planted.changed);
            let mut batch = planted.batch.select(&rows);
            let places: Vec<usize> =
                planted.changed.iter().filter_map(|row| rows.binary_search(row).ok()).collect();
            for size in 0..planting.sizes().len() {
                if !rows.is_empty() {
                    for (place, proxy) in places.iter().zip(planted.proxies(size)) {
                        batch.proxy[*place] = proxy;
                    }
                    let own = fit.score(&batch)?;
                    rows.iter().zip(own.values()).for_each(|(row, score)| scores[*row] = *score);
                }
                each(size, piece, &planted.exploits, &scores)?;
            }
        }
        Ok(())
    }

    fn score_whole(&self, repeat: u64, planting: &Planting, each: &mut Each<'_>) -> Result<(), Stop> {
        let field = self.field;
        let mut fit = self.fit(repeat)?;
        for size in 0..planting.sizes().len() {
            fit.restart();
            for piece in field.pieces() {
                let planted = field.plant(piece, planting)?;
                let proxies = planted.proxies(size);
                let mut batch = planted.batch;
                for (row, proxy) in planted.changed.iter().zip(proxies) {
                    batch.proxy[*row] = proxy;
                }
                let scores = fit.score_next(&batch)?;
                if piece.judged.start >= field.audited().start {
                    each(size, piece, &planted.exploits, scores.values())?;
                }
            }
        }
        Ok(())
    }
}

/// Where the scores of an audited piece lie among all.
fn place(field: &Field<'_>, piece: &Piece) -> std::ops::Range<usize> {
    let first = field.audited().start;
    piece.judged.start - first..piece.judged.end - first
}

/// Whether a column holds these scores of a piece.
fn is_same(column: &mut Spilled, field: &Field<'_>, piece: &Piece, scores: &[f64]) -> Result<bool, Stop> {
    let mut known = Vec::new();
    column.read(place(field, piece), &mut known)?;
    Ok(known == scores)
}

#[cfg(test)]
mod tests {
    use super::super::Reference;
    use super::super::tests::{log, named, plan};
    use super::*;
    use crate::detectors::{Fitted, Scorer};
    use crate::record::Observed;

    /// What is scored again in part equals what is scored as a whole, and the trial finds out how small the part may be.
    #[test]
    fn scores_of_parts_are_those_of_the_whole_log() {
        let log = log(100, 8, 5);
        let log = Observed { group: (0..800).map(|row| row / 4).collect(), ..log };
        for relative in [false, true] {
            let plan = Plan { relative, ..plan() };
            let field = Field::new(&log, &Reference::all(&log), &plan).unwrap();
            let by_name = ["robust_z", "gpd_tail", "top_reward"].map(|name| (named(name), Some(Reach::Row)));
            for (spec, reach) in by_name {
                let mut bench = Bench::new(&field, &spec, &plan).unwrap();
                assert_eq!(bench.local.as_ref().map(|local| local.0), reach, "{spec:?}");
                agree(&mut bench);
            }
        }
    }

    /// The same where the log is read in several pieces, some of them a single step.
    #[test]
    fn scores_of_several_pieces_are_those_of_the_whole_log() {
        for (steps, width) in [(5_000, 8), (2, 20_000)] {
            let log = log(steps, width, 5);
            let log = Observed { group: (0..log.len() as u64).map(|row| row / 4).collect(), ..log };
            let (plan, robust) = (Plan { onset: 0, audited_from: 0, ..plan() }, named("robust_z"));
            let field = Field::new(&log, &Reference::all(&log), &plan).unwrap();
            assert!(field.pieces().len() > 1);
            let mut bench = Bench::new(&field, &robust, &plan).unwrap();
            assert!(bench.local.is_some());
            agree(&mut bench);
        }
    }

    fn all(bench: &mut Bench<'_>, planting: &Planting) -> Vec<Vec<f64>> {
        let mut all = vec![Vec::new(); planting.sizes().len()];
        let mut keep = |size: usize, _: &Piece, _: &[usize], scores: &[f64]| {
            all[size].extend_from_slice(scores);
            Ok(())
        };
        bench.score(7, planting, &mut keep).unwrap();
        all
    }

    fn agree(bench: &mut Bench<'_>) {
        let planting = bench.field.planting(1, 7, 0.2, &[1.0, 9.0]).unwrap();
        let quick = all(bench, &planting);
        let local = bench.local.take();
        assert_eq!(all(bench, &planting), quick);
        bench.local = local;
    }

    /// Scores that depend on the mean of a group or of a step, or on all steps before.
    #[derive(Debug)]
    enum Mean {
        Group,
        Step,
        Running,
    }

    impl Detector for Mean {
        fn access(&self) -> Access {
            Access::Reward
        }
        fn fit(&self, _: &Observed, _: &mut crate::foundation::rng::Stream) -> Fitted {
            Fitted::Ready(Box::new(match self {
                Self::Group => Centred(|batch, row| {
                    (0..batch.len()).filter(|i| batch.group[*i] == batch.group[row]).collect()
                }),
                Self::Step => Centred(|batch, row| {
                    (0..batch.len()).filter(|i| batch.step[*i] == batch.step[row]).collect()
                }),
                Self::Running => Centred(|_, row| (0..=row).collect()),
            }))
        }
    }

    struct Centred(fn(&Observed, usize) -> Vec<usize>);

    impl Scorer for Centred {
        fn score(&mut self, batch: &Observed) -> Result<crate::record::Scores, Status> {
            let score = |row: usize| {
                let rows = (self.0)(batch, row);
                batch.proxy[row] - rows.iter().map(|i| batch.proxy[*i]).sum::<f64>() / rows.len() as f64
            };
            Ok(crate::record::Scores::new((0..batch.len()).map(score).collect()).unwrap())
        }
        fn explain(&self, _: &Observed, _: usize) -> String {
            String::new()
        }
    }

    #[test]
    fn the_trial_finds_how_far_a_score_reaches() {
        let log = Observed { group: (0..320).map(|row| row / 4).collect(), ..log(40, 8, 5) };
        let plan = plan();
        let field = Field::new(&log, &Reference::all(&log), &plan).unwrap();
        for (detector, reach) in
            [(Mean::Group, Some(Reach::Group)), (Mean::Step, Some(Reach::Step)), (Mean::Running, None)]
        {
            let mut bench = Bench::of(&field, &detector, 0, &plan).unwrap();
            assert_eq!(bench.local.as_ref().map(|local| local.0), reach, "{detector:?}");
            agree(&mut bench);
        }
    }

    #[test]
    fn a_control_may_be_blind_and_another_detector_may_not() {
        let log = log(40, 8, 6);
        let field = Field::new(&log, &Reference::all(&log), &plan()).unwrap();
        assert!(Bench::new(&field, &named("random"), &plan()).is_ok());
        let with = Observed { advantage: Some(log.proxy.clone()), ..log };
        let field = Field::new(&with, &Reference::all(&with), &plan()).unwrap();
        let blind = Bench::new(&field, &named("influence"), &plan()).err();
        assert!(matches!(blind, Some(Stop::Status(Status::Degenerate { .. }))), "{blind:?}");
        let lacking = Bench::new(&field, &named("log_ratio"), &plan()).err();
        assert!(matches!(lacking, Some(Stop::Status(Status::Missing { .. }))), "{lacking:?}");
    }
}
