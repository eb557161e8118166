//! What a KL budget buys on a table of one's own, and how much of that is error: the exact optimum of E[U] − β·KL.
//!
//! `cargo run --release --example exact_tilt`

use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::Outcomes;
use tailcatch::theory::tilt::Tilter;

/// Equally likely outcomes with standard normal utility and an error of this law.
fn table(outcomes: usize, error: &DistributionSpec) -> Outcomes {
    let seeds = SeedTree::new(1, 0);
    let mut columns = [vec![0.0; outcomes], vec![0.0; outcomes]];
    let normal = DistributionSpec::Normal(Default::default());
    normal.part().fill(&mut columns[0], &mut seeds.stream(Purpose::Utility, 0));
    error.part().fill(&mut columns[1], &mut seeds.stream(Purpose::Error, 0));
    let [utility, error] = columns;
    Outcomes {
        prompts: 1,
        outcomes,
        ref_log_prob: vec![-(outcomes as f64).ln(); outcomes],
        utility,
        error,
        class: vec![0; outcomes],
        hack: vec![false; outcomes],
    }
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:>14}  {:>5}  {:>8}  {:>8}  {:>8}", "error", "KL", "E[U]", "E[V]", "E[X]");
    for law in ["normal", "student_t:df=3", "student_t:df=1.5"] {
        let table = table(10_000, &law.parse()?);
        let tilter = Tilter::new(&table);
        for budget in [0.1, 1.0] {
            let tilt = tilter.at_budget(budget)?;
            println!(
                "{law:>14}  {:>5.2}  {:>8.3}  {:>8.3}  {:>8.3}",
                tilt.kl, tilt.proxy, tilt.utility, tilt.error
            );
        }
    }
    Ok(())
}
