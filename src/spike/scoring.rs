//! Scores of a log with exploits in it, made without scoring all of it again where the detector allows that.

use super::Plan;
use super::plant::{Field, Planting};
use crate::detectors::{Access, Detector, DetectorSpec, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::record::Observed;

/// One detector, ready to score the log under one planting after the other.
pub(super) struct Bench<'a> {
    field: &'a Field,
    detector: &'a dyn Detector,
    number: u64,
    seed: u64,
    /// The log, its rewards replaced for as long as it is scored.
    work: Observed,
    /// Where a row's score depends on that row alone.
    by_row: Option<ByRow>,
}

struct ByRow {
    scorer: Box<dyn Scorer>,
    /// Scores without exploits.
    plain: Vec<f64>,
    /// The same, but for the rows that are being tried.
    scores: Vec<f64>,
}

impl<'a> Bench<'a> {
    /// Fits the detector, and tries on the plan's largest exploits whether a score depends on its own row alone.
    ///
    /// # Errors
    /// The detector's refusal; [`Status::Degenerate`] where exploits change no score, so that chance alone would catch
    /// them (a control may be asked for just that).
    pub fn new(field: &'a Field, spec: &'a DetectorSpec, number: u64, plan: &Plan) -> Result<Self, Status> {
        let (detector, work) = (spec.part(), field.log().clone());
        let mut bench = Self { field, detector, number, seed: plan.seed, work, by_row: None };
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
        // The same scorer twice: one that remembers would give itself away.
        bench.by_row = Some(ByRow { scorer: bench.fit(0)?, scores: plain.clone(), plain });
        if (0..2).any(|_| bench.all(0, &planting, &ends).as_ref() != Ok(&whole)) {
            bench.by_row = None;
        }
        Ok(bench)
    }

    fn all(&mut self, repeat: u64, planting: &Planting<'_>, sizes: &[f64]) -> Result<Vec<Vec<f64>>, Status> {
        let mut all = Vec::with_capacity(sizes.len());
        self.score(repeat, planting, sizes, |scores| {
            all.push(scores.to_vec());
            Ok(())
        })?;
        Ok(all)
    }

    fn fit(&self, repeat: u64) -> Result<Box<dyn Scorer>, Status> {
        let mut rng = SeedTree::new(self.seed, repeat).stream(Purpose::Detector, self.number);
        match self.detector.fit(self.field.calibration(), &mut rng) {
            Fitted::Ready(scorer) => Ok(scorer),
            Fitted::Refused(status) => Err(status),
        }
    }

    /// Hands the scores of all rows under exploits of each size to `each`, in the order of the sizes.
    pub fn score(
        &mut self,
        repeat: u64,
        planting: &Planting<'_>,
        sizes: &[f64],
        each: impl FnMut(&[f64]) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let done = if self.by_row.is_some() {
            self.score_changed(planting, sizes, each)
        } else {
            self.score_whole(repeat, planting, sizes, each)
        };
        for &row in planting.changed() {
            self.work.proxy[row] = self.field.log().proxy[row];
            if let Some(ByRow { plain, scores, .. }) = &mut self.by_row {
                scores[row] = plain[row];
            }
        }
        done
    }

    fn score_changed(
        &mut self,
        planting: &Planting<'_>,
        sizes: &[f64],
        mut each: impl FnMut(&[f64]) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let Some(ByRow { scorer, scores, .. }) = &mut self.by_row else { return Ok(()) };
        let changed = planting.changed();
        let mut rows = self.field.log().select(changed);
        for size in sizes {
            if !changed.is_empty() {
                rows.proxy = planting.proxies(*size);
                let own = scorer.score(&rows)?;
                changed.iter().zip(own.values()).for_each(|(row, score)| scores[*row] = *score);
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
        for size in sizes {
            for (row, proxy) in planting.changed().iter().zip(planting.proxies(*size)) {
                self.work.proxy[*row] = proxy;
            }
            each(self.fit(repeat)?.score(&self.work)?.values())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{log, named, plan};
    use super::*;

    #[test]
    fn scores_by_row_are_those_of_the_whole_log() {
        let log = log(100, 8, 5);
        for relative in [false, true] {
            let plan = Plan { relative, ..plan() };
            let field = Field::new(&log, &log, &plan).unwrap();
            for name in ["robust_z", "gpd_tail", "top_reward"] {
                let spec = named(name);
                let mut bench = Bench::new(&field, &spec, 0, &plan).unwrap();
                assert!(bench.by_row.is_some(), "{name}");
                let planting = field.planting(&field.draws(1, 7), 0.2);
                let quick = bench.all(7, &planting, &[1.0, 9.0]).unwrap();
                bench.by_row = None;
                assert_eq!(bench.all(7, &planting, &[1.0, 9.0]).unwrap(), quick, "{name} {relative}");
                assert_eq!(bench.work.proxy, field.log().proxy);
            }
        }
    }

    #[test]
    fn a_control_may_be_blind_and_another_detector_may_not() {
        let log = log(40, 8, 6);
        let field = Field::new(&log, &log, &plan()).unwrap();
        assert!(Bench::new(&field, &named("random"), 0, &plan()).is_ok());
        let with = Observed { advantage: Some(log.proxy.clone()), ..log };
        let field = Field::new(&with, &with, &plan()).unwrap();
        let blind = Bench::new(&field, &named("influence"), 0, &plan()).err();
        assert!(matches!(blind, Some(Status::Degenerate { .. })), "{blind:?}");
        let lacking = Bench::new(&field, &named("log_ratio"), 0, &plan()).err();
        assert!(matches!(lacking, Some(Status::Missing { .. })), "{lacking:?}");
    }
}
