//! What becomes of a trained policy when it is deployed: distribution shifts that training never showed.

mod jump;
mod shift;

pub use jump::Jump;
pub use shift::Shift;

crate::registry! {
    /// `deployment.shift`.
    pub enum ShiftSpec => dyn Shift {
        "jump" => Jump: "the policy jumps zero-shot to the hacks", "Hubinger et al. 2019, Risks from Learned Optimization, section 4";
    }
}
