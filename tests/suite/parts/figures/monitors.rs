//! A monitor by its alarms, on scores like the reference's and on scores of which some become larger.

use super::{chart, curve};
use crate::monitors::{RATE, STEP, STEPS, alarms, monitor, scores, start};
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;

pub fn figure(name: &str) -> Chart {
    let spec = monitor(name);
    let (reference, honest) = scores(7);
    let mut changed = honest.clone();
    // From the middle on every twentieth score is three standard deviations larger.
    for row in (STEP * STEPS / 2..STEP * STEPS).step_by(20) {
        changed[row] += 3.0;
    }
    let so_far = |run: &[f64]| {
        let rows: Vec<usize> =
            alarms(start(&spec, &reference).as_mut(), run, STEP).into_iter().map(|(row, _)| row).collect();
        let by = move |end: usize| (end as f64, rows.iter().filter(|row| **row < end).count() as f64);
        (0..=STEPS).map(|step| by(step * STEP)).collect::<Vec<_>>()
    };
    chart(
        format!("Alarms of {name}"),
        &format!(
            "Alarms so far at a nominal rate of {RATE}, by rollout, with the settings by default: on scores like those of the reference, and on the same \
             with every twentieth 3 standard deviations larger from rollout {} on.",
            STEP * STEPS / 2
        ),
        ("Rollout", Kind::Linear),
        ("Alarms so far", Kind::Linear),
        vec![curve("changed", so_far(&changed)), curve("unchanged", so_far(&honest))],
    )
}
