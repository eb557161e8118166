//! The reading list inside a program that trains: a step of rewards in, the rollouts that are worth reading out, before the update.
//!
//! `cargo run --release --example reading_list`

use tailcatch::monitor::{ListSettings, ReadingList, StepRows};
use tailcatch::record::{LogOptions, read_log};

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A log stands in for the program that trains: it has 12 steps of 32 rollouts.
    let log = read_log(&["examples/rollouts.csv".into()], &LogOptions::default())?;
    let rollouts = &log.rollouts.observed;

    // Three honest rollouts are to be expected on the list, whatever the law of their rewards; the first two steps are the reference.
    let settings = ListSettings {
        benign: 3.0,
        rollouts: Some(rollouts.len() as u64),
        reference_steps: 2,
        ..ListSettings::default()
    };
    let mut list = ReadingList::new(settings);
    let mut first = 0;
    for steps in rollouts.step.chunk_by(|a, b| a == b) {
        let rows = first..first + steps.len();
        first = rows.end;
        let batch =
            StepRows { rewards: &rollouts.proxy[rows.clone()], groups: &rollouts.group[rows], outcomes: &[] };
        for entry in list.see(steps[0], &batch) {
            let found = entry.rollout;
            println!(
                "step {:2}, row {:3}: reward {:6.3}, {:.3} above its group, rank {} of {}",
                found.step,
                found.row,
                found.reward,
                found.score(),
                entry.rank,
                entry.of
            );
        }
    }
    println!("places: {}; honest rollouts expected: {:.1}", list.places(), list.expected_benign());
    Ok(())
}
