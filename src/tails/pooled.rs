//! Is the pooled sample one law at all? A diagnosis of a whole log, which a shift or a mixture refuses.

use super::diagnosis::of_descending;
use super::{Diagnosis, GpdFit, MIN_EXCESSES, Shift, StabilityPoint, Verdict, apart, fit_gpd};
use crate::foundation::failure::Status;

/// How often the number of excesses is halved to see whether the fit depends on the threshold.
const HALVINGS: u32 = 3;
/// Fewest excesses of a fit that may contradict another.
const MIN_CONTRADICTING: usize = 30;
/// Most of the largest values that are left out to see what a verdict rests on.
const MOST_RESTED_ON: usize = 2;
/// Half a 99.9% interval by half a 95% one, both normal.
const WIDER: f64 = 3.290_526_731_491_9 / super::Z95;

/// Estimates the tail index of a whole log, as [`super::diagnose`] does, where the log is one law.
///
/// `descending` holds the values, the largest first, none of them NaN. Where the top has moved (`shift`), or the largest values
/// stand apart ([`apart`]; above `threshold` alone where that is given), each estimator and the verdict hold that status. Where the
/// fit above a higher threshold says the opposite of that in use (99.9% interval), the verdict is [`Verdict::Unstable`].
///
/// # Errors
/// As [`super::diagnose`].
pub fn diagnose_log(
    descending: &[f64],
    threshold: Option<f64>,
    shift: Option<&Shift>,
) -> Result<Diagnosis, Status> {
    let diagnosis = of_descending(descending, threshold)?;
    if let Verdict::NotIdentifiable(Status::Discrete { .. }) = diagnosis.verdict {
        return Ok(diagnosis);
    }
    if let Some(Shift { before, after }) = shift {
        return Ok(diagnosis.with(Status::Shifted {
            steps: [before.first, before.last],
            level: before.level,
            later_steps: [after.first, after.last],
            later_level: after.level,
        }));
    }
    if let Verdict::NotIdentifiable(_) = diagnosis.verdict {
        return Ok(diagnosis);
    }
    match apart(descending, threshold.map(|_| diagnosis.k)) {
        Some(found) => {
            Ok(diagnosis.with(Status::Mixture { from: found.from, count: found.count, below: found.below }))
        }
        None => {
            let verdict = contradicted(&diagnosis.verdict, &thresholds(descending, diagnosis.k));
            Ok(Diagnosis { verdict: verdict.unwrap_or(diagnosis.verdict), ..diagnosis })
        }
    }
}

/// Fits above the thresholds that leave a half, a quarter and an eighth of `k` excesses of `descending` values, as far as these are
/// enough. Where the tail is generalised Pareto, ξ is the same for all.
pub fn thresholds(descending: &[f64], k: usize) -> Vec<StabilityPoint> {
    let counts = (1..=HALVINGS).map(|halvings| k >> halvings).filter(|k| *k >= MIN_EXCESSES);
    let fit = |k: usize| {
        let threshold = *descending.get(k)?;
        let above = descending.partition_point(|x| *x > threshold);
        let tail = &descending[..above];
        let fit = super::support::check_tail(descending, above).and_then(|()| fit_gpd(tail, threshold));
        Some(StabilityPoint { threshold, k: above, fit })
    };
    counts.filter_map(fit).collect()
}

/// How many of the largest values a [`Verdict::Heavy`] rests on: one or two, without which the fit would allow ξ = 0.
pub fn rests_on(descending: &[f64], diagnosis: &Diagnosis) -> Option<usize> {
    let tail = descending.get(..diagnosis.k).filter(|_| diagnosis.verdict == Verdict::Heavy)?;
    (1..=MOST_RESTED_ON).find(|m| {
        let fit = tail.get(*m..).map(|rest| fit_gpd(rest, diagnosis.threshold));
        fit.is_some_and(|fit| fit.is_ok_and(|fit| fit.ci_low <= 0.0))
    })
}

fn contradicted(verdict: &Verdict, points: &[StabilityPoint]) -> Option<Verdict> {
    let opposite = |fit: &GpdFit| match verdict {
        Verdict::Heavy => fit.xi + WIDER * (fit.ci_high - fit.xi) < 0.0,
        Verdict::Light => fit.xi - WIDER * (fit.xi - fit.ci_low) > 0.0,
        _ => false,
    };
    let fits = points.iter().filter_map(|point| point.fit.as_ref().ok());
    let found = fits.filter(|fit| fit.k >= MIN_CONTRADICTING).find(|fit| opposite(fit))?;
    Some(Verdict::Unstable { threshold: found.threshold, xi: found.xi })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::order;
    use crate::tails::Level;

    fn quantiles(n: usize, of: impl Fn(f64) -> f64) -> Vec<f64> {
        (1..=n).map(|i| of((i as f64 - 0.5) / n as f64)).collect()
    }

    fn verdict(values: &[f64]) -> Verdict {
        diagnose_log(&order::descending(values), None, None).unwrap().verdict
    }

    #[test]
    fn one_law_keeps_its_verdict_and_a_cluster_or_a_shift_takes_it() {
        let mut light = quantiles(4000, |p| -p.powf(0.5));
        assert_eq!(verdict(&light), Verdict::Light);
        assert_eq!(verdict(&quantiles(4000, |p| p.powf(-0.5))), Verdict::Heavy);
        let at = |level| Level { first: 1, last: 9, level };
        let shift = Shift { before: at(1.0), after: Level { first: 10, last: 19, level: 20.0 } };
        let shifted = diagnose_log(&order::descending(&light), None, Some(&shift)).unwrap();
        assert_eq!(
            shifted.verdict.to_string(),
            "Shifted: the top 5% began at 1.000 in steps 1–9 and is at 20.00 in 10–19: pooled, the tail is that of the \
             later policy."
        );
        assert!(matches!(shifted.gpd, Err(Status::Shifted { .. })) && shifted.k == 200);
        light[..40].iter_mut().for_each(|x| *x += 20.0);
        assert!(matches!(verdict(&light), Verdict::NotIdentifiable(Status::Mixture { count: 40, .. })));
        // A threshold of one's own asks for the tail above it, and nothing else.
        light[..400].iter_mut().for_each(|x| *x = x.abs() + 20.0);
        let own = diagnose_log(&order::descending(&light), Some(20.0), None).unwrap();
        assert!(own.gpd.is_ok() && own.k == 400, "{own:?}");
        // What is discrete stays so.
        let coin: Vec<f64> = (0..4000).map(|i| f64::from(i % 2)).collect();
        let coin = diagnose_log(&order::descending(&coin), None, Some(&shift)).unwrap();
        assert!(matches!(coin.verdict, Verdict::NotIdentifiable(Status::Discrete { .. })));
    }

    #[test]
    fn a_verdict_that_rests_on_a_few_values_says_so() {
        let mut values = quantiles(1000, |p| -p.ln());
        values[0] = 20.0;
        let descending = order::descending(&values);
        let diagnosis = diagnose_log(&descending, None, None).unwrap();
        assert_eq!((&diagnosis.verdict, rests_on(&descending, &diagnosis)), (&Verdict::Heavy, Some(1)));
        let heavy = quantiles(20_000, |p| p.powf(-0.5));
        let descending = order::descending(&heavy);
        assert_eq!(rests_on(&descending, &diagnose_log(&descending, None, None).unwrap()), None);
    }

    #[test]
    fn fits_that_contradict_each_other_claim_nothing() {
        // A bounded bulk of excesses on which a shoulder sits: heavy from the 5% on, and it ends early.
        let point = |xi: f64, half: f64, k| StabilityPoint {
            threshold: 3.0,
            k,
            fit: Ok(GpdFit {
                xi,
                ci_low: xi - half,
                ci_high: xi + half,
                k,
                scale: 1.0,
                threshold: 3.0,
                log_likelihood: 0.0,
            }),
        };
        let against = |verdict, point| contradicted(&verdict, &[point]);
        assert_eq!(
            against(Verdict::Heavy, point(-0.5, 0.2, 100)),
            Some(Verdict::Unstable { threshold: 3.0, xi: -0.5 })
        );
        assert_eq!(against(Verdict::Heavy, point(-0.5, 0.4, 100)), None);
        assert_eq!(against(Verdict::Heavy, point(-0.5, 0.2, 20)), None);
        assert!(against(Verdict::Light, point(0.5, 0.2, 100)).is_some());
        assert_eq!(thresholds(&quantiles(100, |p| 1.0 - p), 79).len(), 2);
    }
}
