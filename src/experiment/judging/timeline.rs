//! When a run went wrong, from its exact series and its clean twin's.

use crate::experiment::training::trained::Trained;
use crate::foundation::failure::Status;
use crate::foundation::scalar::Positive;
use crate::metrics::timeline::{Reference, Window, damage, onset, takeover};

/// Steps of onset, damage and exploit dominance; each `None` where it never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    pub onset: Option<u64>,
    pub damage: Option<u64>,
    pub takeover: Option<u64>,
    last: u64,
}

impl Timeline {
    /// Reads the series; the entry after the last step is the final policy.
    pub fn of(trained: &Trained, clean: &Trained) -> Result<Self, Status> {
        if !has_time(trained.steps.len() as u64) {
            return Ok(Self { onset: None, damage: None, takeover: None, last: 0 });
        }
        let utility = series(trained, |row| row.utility, trained.last.policy.utility);
        let twin = series(clean, |row| row.utility, clean.last.policy.utility);
        let proxy = series(trained, |row| row.proxy, trained.last.policy.utility + trained.last.policy.error);
        let p_hack = series(trained, |row| row.p_hack, trained.last.policy.p_hack);
        let sd = |spread: f64| Positive::new(spread).ok();
        let reference = sd(trained.last.reference_utility_spread).zip(sd(trained.last.reference_spread)).map(
            |(utility_sd, proxy_sd)| Reference {
                utility: trained.last.reference_utility,
                utility_sd,
                proxy: trained.last.reference_proxy,
                proxy_sd,
            },
        );
        // Without spread under the reference there is no unit to measure harm in: no onset, no damage.
        let (onset, damage) = match reference {
            Some(r) => (onset(&proxy, &utility, &r)?, damage(&utility, &twin, &r)?),
            None => (None, None),
        };
        Ok(Self { onset, damage, takeover: takeover(&p_hack), last: trained.steps.len() as u64 })
    }

    /// From the first sighting to exploit dominance.
    pub fn window(&self, first_sighting: Option<u64>) -> Window {
        Window::new(first_sighting, self.takeover, self.last)
    }
}

/// Whether a run of so many steps has a before and an after; the exact optimum is one batch and has none.
pub fn has_time(steps: u64) -> bool {
    steps > 1
}

fn series(run: &Trained, column: fn(&crate::record::tables::StepBody) -> Option<f64>, last: f64) -> Vec<f64> {
    run.steps.iter().map(|row| column(row).unwrap_or(f64::NAN)).chain([last]).collect()
}
