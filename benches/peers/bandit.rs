//! Our side of `bandit.sh`: so many steps of the bare learner.

mod job;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let steps: u64 = std::env::args().nth(1).ok_or("usage: bandit STEPS")?.parse()?;
    let mut job = job::Job::new()?;
    for _ in 0..steps {
        job.step()?;
    }
    Ok(())
}
