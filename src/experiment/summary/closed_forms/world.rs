//! The settings of an arm as closed forms need them.

use crate::config::Document;
use crate::distributions::{Distribution, DistributionSpec, Standardized};
use crate::environments::{EnvironmentSpec, Reference};
use crate::reward::{Combine, Exploit, HackRule, Mode};
use crate::theory::TheoryError;

/// What a form says of a number: nothing, or its value.
pub(super) type Answer = Option<Result<f64, TheoryError>>;

/// A table of independent outcomes with a uniform reference, before exploits.
pub(super) struct World<'a> {
    pub document: &'a Document,
    /// Outcomes K.
    pub outcomes: f64,
    /// Law of V.
    pub utility: &'a DistributionSpec,
    /// Law of X, as standardised; `None` where the proxy is the utility.
    pub error: Option<Standardized>,
    /// The one planted class, where it is what counts as a hack.
    pub exploit: Option<&'a Exploit>,
}

impl<'a> World<'a> {
    /// `None` for what no form covers: a process, several prompts, a baseline, a reference from a file, several exploits.
    pub fn of(document: &'a Document) -> Option<Self> {
        let EnvironmentSpec::Bandit(bandit) = &document.environment else { return None };
        let plain = bandit.contexts.get() == 1
            && bandit.baseline.is_none()
            && bandit.reference == Reference::Uniform
            && document.reward.exploits.len() <= 1;
        if !plain {
            return None;
        }
        let planted = document.reward.hack_rule() == HackRule::Planted;
        let law = document.reward.error.clone();
        Some(Self {
            document,
            outcomes: f64::from(bandit.outcomes.get()),
            utility: &bandit.utility,
            error: law.map(|law| Standardized::new(law, document.reward.standardize)).transpose().ok()?,
            exploit: document.reward.exploits.first().filter(|_| planted),
        })
    }

    /// Whether nothing is planted.
    pub fn bare(&self) -> bool {
        self.document.reward.exploits.is_empty()
    }

    /// The laws of V and X where X is frozen and independent of V, and nothing is planted.
    pub fn independent(&self) -> Option<(&dyn Distribution, &dyn Distribution)> {
        let reward = &self.document.reward;
        let apart = self.bare()
            && reward.mode == Mode::Frozen
            && reward.correlation.get() == 0.0
            && reward.ensemble.is_none();
        apart.then_some((self.utility.part(), self.error.as_ref()? as &dyn Distribution))
    }

    /// Mean and standard deviation of V where it is normal.
    pub fn normal_utility(&self) -> Option<(f64, f64)> {
        moments(self.utility)
    }

    /// Mean and standard deviation of X where it is normal, as the mean over an ensemble is too; (0, 0) where there is no error.
    pub fn normal_error(&self) -> Option<(f64, f64)> {
        let Some(law) = &self.error else { return Some((0.0, 0.0)) };
        let normal = matches!(self.document.reward.error, Some(DistributionSpec::Normal(_)));
        let shrunk = match &self.document.reward.ensemble {
            None => 1.0,
            Some(ensemble) if ensemble.combine == Combine::Mean => {
                let rho = ensemble.correlation.get();
                (rho + (1.0 - rho) / f64::from(ensemble.members.get())).sqrt()
            }
            Some(_) => return None,
        };
        (normal).then_some((law.mean()?, law.variance()?.sqrt() * shrunk))
    }
}

fn moments(law: &DistributionSpec) -> Option<(f64, f64)> {
    let normal = matches!(law, DistributionSpec::Normal(_));
    normal.then_some((law.part().mean()?, law.part().variance()?.sqrt()))
}
