//! When a run went wrong, from its own series.

use crate::experiment::training::trained::Trained;
use crate::foundation::failure::Status;
use crate::foundation::numeric::sum;
use crate::foundation::scalar::Positive;
use crate::metrics::harm::Goodhart;
use crate::metrics::timeline::{Reference, Window, beyond, damage, learned, onset, takeover};
use crate::record::tables::StepBody;

/// Steps of onset, damage, learning and exploit dominance, each `None` where it never came; and what hacks cost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Timeline {
    pub onset: Option<u64>,
    pub damage: Option<u64>,
    pub learned: Option<u64>,
    pub takeover: Option<u64>,
    /// Damage by placebos, which there must not be.
    pub placebo_damage: Option<u64>,
    /// The attributable loss summed over the steps.
    pub loss_sum: f64,
    /// Whether the final policy has won proxy and next to no utility.
    pub goodharted: Option<bool>,
    last: u64,
}

impl Timeline {
    /// Reads the series; the entry after the last step is the final policy. Of the clean twin only its gain counts.
    pub fn of(trained: &Trained, clean: &Trained) -> Result<Self, Status> {
        if !has_time(trained.steps.len() as u64) {
            return Ok(Self::default());
        }
        let last = &trained.last;
        let utility = series(trained, |row| row.utility, last.policy.utility);
        let proxy = series(trained, |row| row.proxy, last.policy.proxy());
        let p_hack = series(trained, |row| row.p_hack, last.policy.p_hack);
        let supplied = series(trained, |row| row.proxy_from_hacks, last.policy.proxy_from_hacks);
        // Where nothing but hacks is left, the reference says what a policy without them would earn.
        let stand_in = |utility: f64| last.reference_utility - utility;
        let filled = |column: fn(&StepBody) -> Option<f64>, end: Option<f64>| -> Vec<f64> {
            let rows = trained.steps.iter().map(|row| column(row).or(row.utility.map(stand_in)));
            rows.chain([end.or(Some(stand_in(last.policy.utility)))]).map(|x| x.unwrap_or(f64::NAN)).collect()
        };
        let loss = filled(|row| row.attributable_loss, last.policy.loss);
        let clean_gain = clean.last.policy.utility - clean.last.reference_utility;
        let steps = trained.steps.len();
        let mut own = Self {
            takeover: takeover(&p_hack),
            loss_sum: sum(loss[..steps].iter().copied()),
            last: steps as u64,
            ..Self::default()
        };
        // Without spread under the reference there is no unit to measure harm in: no onset, no damage.
        let sd = |spread: f64| Positive::new(spread).ok();
        if let Some((utility_sd, proxy_sd)) = sd(last.reference_utility_spread).zip(sd(last.reference_spread))
        {
            let reference = Reference {
                utility: last.reference_utility,
                utility_sd,
                proxy: last.reference_proxy,
                proxy_sd,
            };
            own.onset = onset(&proxy, &utility, &reference)?;
            own.damage = damage(&beyond(&loss, last.reference_loss), clean_gain, &reference);
            own.learned = learned(&proxy, &supplied, last.reference_proxy_from_hacks, &reference)?;
            if last.policy.placebo_loss.is_some() {
                let loss = filled(|row| row.placebo_loss, last.policy.placebo_loss);
                let loss = beyond(&loss, last.reference_placebo_loss);
                own.placebo_damage = damage(&loss, clean_gain, &reference);
            }
            own.goodharted = goodhart(trained)
                .map(|run| run.is_goodharted(last.policy.proxy() - last.reference_proxy, proxy_sd.get()));
        }
        Ok(own)
    }

    /// From the first sighting to exploit dominance.
    pub fn window(&self, first_sighting: Option<u64>) -> Window {
        Window::new(first_sighting, self.takeover, self.last)
    }
}

/// What the final policy's KL could have bought, and what it did; `None` without a table.
pub fn goodhart(run: &Trained) -> Option<Goodhart> {
    let last = &run.last;
    Some(Goodhart {
        best: last.best_utility?,
        utility: last.policy.utility,
        reference: last.reference_utility,
    })
}

/// Whether a run of so many steps has a before and an after; the exact optimum is one batch and has none.
pub fn has_time(steps: u64) -> bool {
    steps > 1
}

fn series(run: &Trained, column: fn(&StepBody) -> Option<f64>, last: f64) -> Vec<f64> {
    run.steps.iter().map(|row| column(row).unwrap_or(f64::NAN)).chain([last]).collect()
}
