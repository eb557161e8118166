//! Scores of a log with exploits in it, made without scoring all of it again where the detector allows that.

use super::Plan;
use super::plant::{Field, Planting, Reach};
use crate::detectors::{Access, Detector, DetectorSpec, Fit};
use crate::foundation::failure::Status;
use crate::foundation::rng::SeedTree;
use crate::record::Observed;

/// One detector, ready to score the log under one planting after the other.
pub(super) struct Bench<'a> {
    field: &'a Field,
    detector: &'a dyn Detector,
    stream: u64,
    seed: u64,
    /// The log, its rewards replaced for as long as it is scored.
    work: Observed,
    /// Where a row's score depends on few others.
    local: Option<Local>,
}

struct Local {
    /// On which.
    reach: Reach,
    fit: Fit,
    /// Scores without exploits.
    plain: Vec<f64>,
    /// The same, but for the rows that are being tried.
    scores: Vec<f64>,
}

impl<'a> Bench<'a> {
    /// Fits the detector, and finds out by trial on how many rows a score depends.
    ///
    /// # Errors
    /// The detector's refusal; [`Status::Degenerate`] where exploits change no score, so that chance alone would catch
    /// them (a control may be asked for just that).
    pub fn new(field: &'a Field, spec: &'a DetectorSpec, plan: &Plan) -> Result<Self, Status> {
        Self::of(field, spec.part(), spec.stream(), plan)
    }

    fn of(field: &'a Field, detector: &'a dyn Detector, stream: u64, plan: &Plan) -> Result<Self, Status> {
        let work = field.log().clone();
        let mut bench = Self { field, detector, stream, seed: plan.seed, work, local: None };
        let plain = bench.fit(0)?.score(field.log())?.values().to_vec();
        if plain.len() != field.log().len() {
            return Err(Status::Undefined { reason: "the detector does not give one score a rollout" });
        }
        let largest = plan.masses.last().copied().unwrap_or_default();
        let mut planting = field.planting(&field.draws(plan.seed, 0), largest);
        if planting.exploits().is_empty() {
            planting = field.planting_of(vec![field.any_row()]);
        }
        let ends: Vec<f64> = plan.sizes.first().into_iter().chain(plan.sizes.last()).copied().collect();
        let whole = bench.all(0, &planting, &ends)?;
        if detector.access() != Access::Control && whole.iter().all(|scores| *scores == plain) {
            return Err(Status::Degenerate {
                reason: "its scores do not depend on the reward, which is all that is planted",
            });
        }
        for reach in Reach::ALL {
            let (fit, plain) = (bench.fit(0)?, plain.clone());
            bench.local = Some(Local { reach, fit, scores: plain.clone(), plain });
            if bench.half_alone() && bench.all(0, &planting, &ends).as_ref() == Ok(&whole) {
                return Ok(bench);
            }
        }
        bench.local = None;
        Ok(bench)
    }

    /// Whether every second row, group or step scores without the others as it does with them.
    fn half_alone(&mut self) -> bool {
        let Some(Local { reach, fit, plain, .. }) = &mut self.local else { return false };
        let half = self.field.every_second(*reach);
        let alone = fit.score(&self.field.log().select(&half));
        alone.is_ok_and(|scores| {
            scores.values().len() == half.len()
                && half.iter().zip(scores.values()).all(|(row, score)| plain[*row] == *score)
        })
    }

    fn all(&mut self, repeat: u64, planting: &Planting<'_>, sizes: &[f64]) -> Result<Vec<Vec<f64>>, Status> {
        let mut all = Vec::with_capacity(sizes.len());
        self.score(repeat, planting, sizes, |scores| {
            all.push(scores.to_vec());
            Ok(())
        })?;
        Ok(all)
    }

    fn fit(&self, repeat: u64) -> Result<Fit, Status> {
        Fit::of(self.detector, self.stream, self.field.calibration(), &SeedTree::new(self.seed, repeat))
    }

    /// Hands the scores of all rows under exploits of each size to `each`, in the order of the sizes.
    pub fn score(
        &mut self,
        repeat: u64,
        planting: &Planting<'_>,
        sizes: &[f64],
        each: impl FnMut(&[f64]) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let rows = self.local.as_ref().map(|local| self.field.reached(planting.changed(), local.reach));
        let done = match &rows {
            Some(rows) => self.score_local(planting, rows, sizes, each),
            None => self.score_whole(repeat, planting, sizes, each),
        };
        for &row in planting.changed() {
            self.work.proxy[row] = self.field.log().proxy[row];
        }
        if let (Some(Local { plain, scores, .. }), Some(rows)) = (&mut self.local, &rows) {
            rows.iter().for_each(|&row| scores[row] = plain[row]);
        }
        done
    }

    /// Scores `rows` alone: the changed ones and those whose scores may depend on them, in ascending order.
    fn score_local(
        &mut self,
        planting: &Planting<'_>,
        rows: &[usize],
        sizes: &[f64],
        mut each: impl FnMut(&[f64]) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let Some(Local { fit, scores, .. }) = &mut self.local else { return Ok(()) };
        let mut batch = self.field.log().select(rows);
        let places: Vec<usize> =
            planting.changed().iter().filter_map(|row| rows.binary_search(row).ok()).collect();
        for size in sizes {
            if !rows.is_empty() {
                for (place, proxy) in places.iter().zip(planting.proxies(*size)) {
                    batch.proxy[*place] = proxy;
                }
                let own = fit.score(&batch)?;
                rows.iter().zip(own.values()).for_each(|(row, score)| scores[*row] = *score);
            }
            each(scores)?;
        }
        Ok(())
    }

    fn score_whole(
        &mut self,
        repeat: u64,
        planting: &Planting<'_>,
        sizes: &[f64],
        mut each: impl FnMut(&[f64]) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let mut fit = self.fit(repeat)?;
        for size in sizes {
            for (row, proxy) in planting.changed().iter().zip(planting.proxies(*size)) {
                self.work.proxy[*row] = proxy;
            }
            each(fit.score(&self.work)?.values())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{log, named, plan};
    use super::*;
    use crate::detectors::{Fitted, Scorer};

    /// What is scored again in part equals what is scored as a whole, and the trial finds out how small the part may be.
    #[test]
    fn scores_of_parts_are_those_of_the_whole_log() {
        let log = log(100, 8, 5);
        let log = Observed { group: (0..800).map(|row| row / 4).collect(), ..log };
        for relative in [false, true] {
            let plan = Plan { relative, ..plan() };
            let field = Field::new(&log, &log, &plan).unwrap();
            let by_name = ["robust_z", "gpd_tail", "top_reward"].map(|name| (named(name), Some(Reach::Row)));
            for (spec, reach) in by_name {
                let mut bench = Bench::new(&field, &spec, &plan).unwrap();
                assert_eq!(bench.local.as_ref().map(|local| local.reach), reach, "{spec:?}");
                agree(&mut bench);
            }
        }
    }

    fn agree(bench: &mut Bench<'_>) {
        let planting = bench.field.planting(&bench.field.draws(1, 7), 0.2);
        let quick = bench.all(7, &planting, &[1.0, 9.0]).unwrap();
        let local = bench.local.take();
        assert_eq!(bench.all(7, &planting, &[1.0, 9.0]).unwrap(), quick);
        assert_eq!(bench.work.proxy, bench.field.log().proxy);
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
        let field = Field::new(&log, &log, &plan).unwrap();
        for (detector, reach) in
            [(Mean::Group, Some(Reach::Group)), (Mean::Step, Some(Reach::Step)), (Mean::Running, None)]
        {
            let mut bench = Bench::of(&field, &detector, 0, &plan).unwrap();
            assert_eq!(bench.local.as_ref().map(|local| local.reach), reach, "{detector:?}");
            agree(&mut bench);
        }
    }

    #[test]
    fn a_control_may_be_blind_and_another_detector_may_not() {
        let log = log(40, 8, 6);
        let field = Field::new(&log, &log, &plan()).unwrap();
        assert!(Bench::new(&field, &named("random"), &plan()).is_ok());
        let with = Observed { advantage: Some(log.proxy.clone()), ..log };
        let field = Field::new(&with, &with, &plan()).unwrap();
        let blind = Bench::new(&field, &named("influence"), &plan()).err();
        assert!(matches!(blind, Some(Status::Degenerate { .. })), "{blind:?}");
        let lacking = Bench::new(&field, &named("log_ratio"), &plan()).err();
        assert!(matches!(lacking, Some(Status::Missing { .. })), "{lacking:?}");
    }
}
