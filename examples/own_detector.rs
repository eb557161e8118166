//! A detector of one's own: what is normal, a score for each rollout, and why.
//!
//! This one holds a reward against the largest of the calibration rollouts, in units of their range.
//!
//! `cargo run --release --example own_detector`

use tailcatch::detectors::{Access, Detector, Fitted, Scorer};
use tailcatch::foundation::failure::Status;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::record::{LogOptions, Observed, Scores, read_log};

/// (U − largest)/(largest − smallest), of the calibration rollouts.
#[derive(Debug)]
struct BeyondRange;

impl Detector for BeyondRange {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        let fold = |start, pick: fn(f64, f64) -> f64| calibration.proxy.iter().copied().fold(start, pick);
        let (low, high) = (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max));
        if calibration.is_empty() {
            return Fitted::Refused(Status::TooFew { what: "calibration rollouts", have: 0, need: 2 });
        }
        // No spread is a status and no number.
        if low == high {
            Fitted::Refused(Status::AllTied)
        } else {
            Fitted::Ready(Box::new(Range { low, high }))
        }
    }
}

struct Range {
    low: f64,
    high: f64,
}

impl Range {
    fn beyond(&self, reward: f64) -> f64 {
        (reward - self.high) / (self.high - self.low)
    }
}

impl Scorer for Range {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let scores = batch.proxy.iter().map(|&reward| self.beyond(reward)).collect();
        Scores::new(scores).map_err(|_| Status::Undefined { reason: "a reward is no finite number" })
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let reward = batch.proxy[row];
        let (beyond, high) = (self.beyond(reward), self.high);
        format!("{reward:.3} is {beyond:.2} ranges above {high:.3}, the largest of the calibration rollouts")
    }
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let log = read_log(&["examples/rollouts.csv".into()], &LogOptions::default())?;
    let rollouts = log.rollouts.observed;
    // The first five steps are taken for normal.
    let (normal, later): (Vec<usize>, Vec<usize>) =
        (0..rollouts.len()).partition(|&row| rollouts.step[row] <= 5);
    let mut rng = SeedTree::new(1, 0).stream(Purpose::Detector, 0);
    let mut scorer = match BeyondRange.fit(&rollouts.select(&normal), &mut rng) {
        Fitted::Ready(scorer) => scorer,
        Fitted::Refused(status) => return Err(status.to_string().into()),
    };
    let judged = rollouts.select(&later);
    let scores = scorer.score(&judged).map_err(|status| status.to_string())?;
    let mut order: Vec<usize> = (0..judged.len()).collect();
    order.sort_by(|&a, &b| scores.values()[b].total_cmp(&scores.values()[a]));
    for &row in order.iter().take(5) {
        println!(
            "step {:2}, row {:3}: {}",
            judged.step[row],
            judged.trajectory[row],
            scorer.explain(&judged, row)
        );
    }
    Ok(())
}
