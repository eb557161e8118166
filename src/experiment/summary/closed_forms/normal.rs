//! The tilt of a joint normal: V and X normal with correlation ρ, U = V + X with variance s².
//!
//! π ∝ π₀·exp(U/β) shifts U by s²/β at KL = (s/β)²/2, so at a budget by s·√(2·KL); V follows by Cov(V, U)/s² of it.

use super::world::{Answer, World};
use crate::record::metric::{KL, Metric, PROXY, UTILITY};
use crate::reward::Mode;
use crate::theory::TheoryError;
use crate::trainers::{Exact, ExactKl, Penalty, Shaping, TrainerSpec};

/// How far a tilt must stay below the largest outcome, in standard deviations.
const MARGIN: f64 = 1.5;

/// The formula, in Markdown.
pub(super) const FORMULA: &str = "\
Where V is N(m, s_V²) and X is N(m_X, s_X²) with correlation ρ, U = V + X is normal with variance s² = s_V² + 2ρ·s_V·s_X + s_X², and \
Cov(V, U) = c = s_V² + ρ·s_V·s_X. The tilt π ∝ π₀·exp(U/β) moves U by z of its standard deviations: z = s/β at a coefficient β, z = √(2ε) at a KL budget ε. Then\n\n\
- KL = z²/2\n\
- E[U] = m + m_X + s·z\n\
- E[V] = m + (c/s)·z\n\n\
A table of K outcomes ends near √(2·ln K) standard deviations, so that the form answers for z ≤ √(2·ln K) − 1.5 alone. At a budget the KL is the budget, whatever the laws.";

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    let TrainerSpec::Exact(exact) = &world.document.trainer else { return None };
    if metric.of.is_some() || !world.bare() {
        return None;
    }
    // At a budget the KL is what was asked for, under every penalty and law.
    if let (KL, ExactKl::Budget(budget)) = (metric.name, exact.kl) {
        return Some(Ok(budget.get()));
    }
    // A budget is met by the same policy in whatever units the reward is.
    let plain = match exact.kl {
        ExactKl::Budget(_) => matches!(exact.shaping, Shaping::None | Shaping::Whiten),
        ExactKl::Coefficient(_) => exact.shaping == Shaping::None,
    };
    if !plain || exact.penalty != Penalty::Kl || world.document.reward.mode == Mode::Fresh {
        return None;
    }
    let ((mean, sd), (error_mean, error_sd)) = (world.normal_utility()?, world.normal_error()?);
    let rho = world.document.reward.correlation.get();
    let covariance = sd * sd + rho * sd * error_sd;
    let spread = (covariance + error_sd * error_sd + rho * sd * error_sd).sqrt();
    if spread == 0.0 {
        return None;
    }
    let tilts = tilt(exact, spread);
    // The largest of K normals lies at √(2·ln K): a tilt that comes near it sees the table and not the law.
    let farthest = (2.0 * world.outcomes.ln()).sqrt() - MARGIN;
    if matches!(metric.name, KL | UTILITY | PROXY) && tilts > farthest {
        let range = format!("a tilt of at most {farthest:.2} standard deviations, for a table of this size,");
        return Some(Err(TheoryError::argument("the shift of U", tilts, range)));
    }
    Some(Ok(match metric.name {
        KL => 0.5 * tilts * tilts,
        UTILITY => mean + covariance / spread * tilts,
        PROXY => mean + error_mean + spread * tilts,
        _ => return None,
    }))
}

/// Shift of U in units of its standard deviation.
fn tilt(exact: &Exact, spread: f64) -> f64 {
    match exact.kl {
        ExactKl::Budget(budget) => (2.0 * budget.get()).sqrt(),
        ExactKl::Coefficient(beta) => spread / beta.get(),
    }
}
