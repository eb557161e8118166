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
    /// Where a row's score depends on that row alone: the scorer, and the scores without exploits.
    by_row: Option<(Box<dyn Scorer>, Vec<f64>)>,
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
        let whole = bench.score(0, &planting, &ends)?;
        if detector.access() != Access::Control && whole.iter().all(|scores| *scores == plain) {
            return Err(Status::Degenerate {
                reason: "its scores do not depend on the reward, which is all that is planted",
            });
        }
        // The same scorer twice: one that remembers would give itself away.
        bench.by_row = Some((bench.fit(0)?, plain));
        if (0..2).any(|_| bench.score(0, &planting, &ends).as_ref() != Ok(&whole)) {
            bench.by_row = None;
        }
        Ok(bench)
    }

    fn fit(&self, repeat: u64) -> Result<Box<dyn Scorer>, Status> {
        let mut rng = SeedTree::new(self.seed, repeat).stream(Purpose::Detector, self.number);
        match self.detector.fit(self.field.calibration(), &mut rng) {
            Fitted::Ready(scorer) => Ok(scorer),
            Fitted::Refused(status) => Err(status),
        }
    }

    /// Scores of all rows under exploits of each size.
    pub fn score(
        &mut self,
        repeat: u64,
        planting: &Planting<'_>,
        sizes: &[f64],
    ) -> Result<Vec<Vec<f64>>, Status> {
        let changed = planting.changed();
        if let Some((scorer, plain)) = &mut self.by_row {
            let mut rows = self.field.log().select(changed);
            return sizes
                .iter()
                .map(|size| {
                    let mut scores = plain.clone();
                    if !changed.is_empty() {
                        rows.proxy = planting.proxies(*size);
                        let own = scorer.score(&rows)?;
                        changed.iter().zip(own.values()).for_each(|(row, score)| scores[*row] = *score);
                    }
                    Ok(scores)
                })
                .collect();
        }
        let scored = sizes.iter().map(|size| {
            for (row, proxy) in changed.iter().zip(planting.proxies(*size)) {
                self.work.proxy[*row] = proxy;
            }
            Ok(self.fit(repeat)?.score(&self.work)?.values().to_vec())
        });
        let scored = scored.collect();
        changed.iter().for_each(|row| self.work.proxy[*row] = self.field.log().proxy[*row]);
        scored
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
                let quick = bench.score(7, &planting, &[1.0, 9.0]).unwrap();
                bench.by_row = None;
                assert_eq!(bench.score(7, &planting, &[1.0, 9.0]).unwrap(), quick, "{name} {relative}");
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
