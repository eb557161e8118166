//! Four closed forms that size an audit before anything is trained: how large an exploit must be to matter, whether reading the top rewards
//! holds it, what reading every new high score costs, and what a jump at deployment would show.
//!
//! `cargo run --release --example plan_an_audit`

use tailcatch::theory::frontier::t_star;
use tailcatch::theory::power::{Auditor, Plan};
use tailcatch::theory::records::{Records, looked_at};
use tailcatch::theory::zero_shot::Jump;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mass, kl, rollouts) = (1.0 / 3000.0, 0.5, 50_000_u64);

    let matters = t_star(mass, kl)?;
    println!("At KL {kl} an exploit of mass 1/3000 matters from {:.1} standard deviations on.", matters.size);

    let plan = Plan {
        mass,
        proxy: matters.size,
        rollouts: rollouts as f64,
        noise: Some("student_t:df=4".parse()?),
        rounds: 1,
        sensitivity: 1.0,
        specificity: 1.0,
    };
    let audit = Auditor::new(plan)?.power(25)?;
    println!("25 audits of the highest of {rollouts} rewards hold it with probability {:.3}.", audit.p_flag);

    let records = Records::new(rollouts, 1_000, true)?;
    let places = records.whole_places(20.0)?;
    println!(
        "Reading what enters the {places} highest so far costs {:.1} benign looks; what one honest rollout in 10,000 exceeds \
         is read at rollout 5,000 with probability {:.3}.",
        records.looks(places).expected,
        looked_at(places, 5_000, 1e-4)?
    );

    let jump = Jump {
        mass,
        mass_after: 0.01,
        training_rollouts: rollouts as f64,
        confidence: 0.95,
        trigger_frequency: 1.0,
    };
    println!(
        "If the deployed policy takes it once in a hundred samples, it comes within {:.0} with probability .95.",
        jump.answer()?.samples_to_first
    );
    Ok(())
}
