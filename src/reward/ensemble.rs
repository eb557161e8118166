//! Ensembles of reward models: members that err apart, and what is optimised of them.

use super::coupling::at_score;
use crate::distributions::{Distribution, Normal};
use crate::foundation::rng::{Family, Purpose, SeedTree, trajectory_hash};
use crate::foundation::scalar::{NonNegative, Probability};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `[reward.ensemble]`: several reward models U_j = V + X_j whose frozen errors have the law of `reward.error` each, joined by a
/// one-factor Gaussian copula. A planted exploit is one of all members alike.
///
/// Under a Pareto tail of index α the mean keeps α. The worst of m members has the index α·m/(1 + (m − 1)ρ), as long as ρ < 1.
/// The mean less λ standard deviations turns against a trajectory that one member alone overrates where λ > 1/√m.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ensemble {
    /// Members m; 1 is no ensemble, to the last bit.
    pub members: NonZeroU32,
    /// The proxy that is made of theirs.
    pub combine: Combine,
    /// Correlation ρ of the normal scores of two members' errors: 0 errs independently, 1 errs as one.
    pub correlation: Probability,
}

impl Default for Ensemble {
    fn default() -> Self {
        Self {
            members: NonZeroU32::MIN.saturating_add(4),
            combine: Combine::Mean,
            correlation: Probability::known(0.0),
        }
    }
}

/// One proxy out of several (Coste et al. 2024; Eisenstein et al. 2023).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Combine {
    /// The members' mean.
    Mean,
    /// The least of the members (worst-case optimisation).
    Worst,
    /// The mean less `lambda` standard deviations over the members (Coste et al. subtract the variance, which is in other units
    /// than the reward).
    MeanMinus {
        /// Weight λ of the standard deviation.
        lambda: NonNegative,
    },
}

/// What an ensemble says of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Draw {
    /// Combined error X: the combined proxy less V.
    pub error: f64,
    /// Standard deviation over the members (denominator m − 1); 0 for a single one.
    pub disagreement: f64,
}

/// The members of one replicate.
#[derive(Debug)]
pub(super) struct Members {
    settings: Ensemble,
    standard: Normal,
    apart: Family,
}

impl Members {
    /// `None` where there is one member.
    pub fn new(settings: &Ensemble, seeds: &SeedTree) -> Option<Self> {
        (settings.members.get() > 1).then(|| Self {
            settings: settings.clone(),
            standard: Normal::default(),
            apart: seeds.family(Purpose::Member),
        })
    }

    /// The draw of a trajectory; `common` is the uniform number that belongs to it, for what all members share.
    pub fn draw(&self, law: &dyn Distribution, key: u64, common: f64) -> Draw {
        let shared = self.settings.correlation.get();
        let (together, apart) = (shared.sqrt(), (1.0 - shared).sqrt());
        let factor = together * self.standard.quantile(common);
        let (mut mean, mut squares, mut least) = (0.0, 0.0, f64::INFINITY);
        for member in 0..self.settings.members.get() {
            let uniform = self.apart.at(trajectory_hash(&[u64::from(member), key])).open_unit();
            let error = at_score(law, factor + apart * self.standard.quantile(uniform));
            // Welford's update: mean and sum of squares about it, without a second pass.
            let off = error - mean;
            mean += off / f64::from(member + 1);
            squares += off * (error - mean);
            least = least.min(error);
        }
        let disagreement = (squares / f64::from(self.settings.members.get() - 1)).sqrt();
        let error = match self.settings.combine {
            Combine::Mean => mean,
            Combine::Worst => least,
            Combine::MeanMinus { lambda } => mean - lambda.get() * disagreement,
        };
        Draw { error, disagreement }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::{DistributionSpec, Standardize, Standardized};
    use crate::foundation::numeric::{mean, variance};
    use crate::foundation::order::quantile;

    fn draws(law: &str, members: u32, combine: Combine, correlation: f64) -> Vec<Draw> {
        let law: DistributionSpec = law.parse().unwrap();
        let law = Standardized::new(law, Standardize::None).unwrap();
        let seeds = SeedTree::new(5, 0);
        let settings = Ensemble {
            members: NonZeroU32::new(members).unwrap(),
            combine,
            correlation: Probability::known(correlation),
        };
        let (ensemble, common) = (Members::new(&settings, &seeds).unwrap(), seeds.family(Purpose::Error));
        (0..20_000).map(|key| ensemble.draw(&law, key, common.at(key).open_unit())).collect()
    }

    fn errors(law: &str, members: u32, combine: Combine, correlation: f64) -> Vec<f64> {
        draws(law, members, combine, correlation).iter().map(|d| d.error).collect()
    }

    #[test]
    fn the_mean_of_correlated_normals_has_the_variance_that_it_must() {
        for (rho, disagreement) in [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)] {
            let found = draws("normal", 4, Combine::Mean, rho);
            let errors: Vec<f64> = found.iter().map(|d| d.error).collect();
            let expected = rho + (1.0 - rho) / 4.0;
            // A variance of 20,000 draws is known to 1%, four standard errors.
            let measured = variance(&errors).unwrap();
            assert!((measured / expected - 1.0).abs() < 0.04, "{rho}: {measured} against {expected}");
            let spread = mean(&found.iter().map(|d| d.disagreement.powi(2)).collect::<Vec<_>>()).unwrap();
            assert!((spread - disagreement).abs() < 0.03, "{rho}: {spread} against {disagreement}");
        }
    }

    #[test]
    fn the_worst_of_members_has_the_quantiles_of_a_least_order_statistic() {
        // P(all of 3 independent ones above x) = S(x)³, so the upper tenth begins where S = 0.1^(1/3).
        let found = quantile(&errors("student_t:df=2", 3, Combine::Worst, 0.0), 0.9).unwrap();
        let law: DistributionSpec = "student_t:df=2".parse().unwrap();
        let expected = law.part().upper_quantile(0.1f64.powf(1.0 / 3.0));
        assert!((found - expected).abs() < 0.03, "{found} against {expected}");
    }

    #[test]
    fn one_member_alone_cannot_raise_the_mean_less_enough_deviations() {
        // λ = 1 > 1/√5: the largest of 20,000 is not one member's mistake; the mean has an error of t2's own size.
        let lambda = NonNegative::known(1.0);
        let top =
            |combine| errors("student_t:df=2", 5, combine, 0.0).into_iter().fold(f64::NEG_INFINITY, f64::max);
        let (less, mean) = (top(Combine::MeanMinus { lambda }), top(Combine::Mean));
        assert!(less < 4.0 && mean > 20.0, "{less}, {mean}");
    }

    #[test]
    fn members_that_err_as_one_are_one_model_in_law() {
        let found = draws("student_t:df=2", 5, Combine::Worst, 1.0);
        assert!(found.iter().all(|d| d.disagreement < 1e-6 * (1.0 + d.error.abs())));
        let law: DistributionSpec = "student_t:df=2".parse().unwrap();
        let errors: Vec<f64> = found.iter().map(|d| d.error).collect();
        for p in [0.05, 0.5, 0.95] {
            let share = law.part().cdf(quantile(&errors, p).unwrap());
            assert!((share - p).abs() < 0.01, "{p}: {share}");
        }
    }
}
