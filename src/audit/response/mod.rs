//! What is done about a confirmed hack, in the run in which it was found. Pure: a response says what changes, others change it.

mod class;
mod clip;
mod contract;
mod ignore;
mod neighbourhood;
mod relabel;
mod remove;
mod roll_back;
mod stop;

pub use class::Class;
pub use clip::Clip;
pub use contract::{Finding, Findings, Response, Shown, Treatment};
pub use ignore::Ignore;
pub use neighbourhood::{Neighbourhood, hidden_columns};
pub use relabel::Relabel;
pub use remove::Remove;
pub use roll_back::RollBack;
pub use stop::Stop;

crate::registry! {
    /// `audit.response`: what is done about a confirmed hack, `delay` steps after the look that confirmed it.
    pub enum ResponseSpec => dyn Response {
        "none" => Ignore: "nothing: the audit only watches", "none: the run as it is";
        "remove" => Remove: "later visits of a confirmed outcome do not count in the update", "none: deletion";
        "relabel" => Relabel: "later visits of a confirmed outcome are paid its true utility", "none: relabelling";
        "clip" => Clip: "rewards are clipped at the reference's largest from the first confirmation on", "Dixon 1960, Ann. Math. Stat. 31:385";
        "neighbourhood" => Neighbourhood: "rollouts near a confirmed hack in the policy's features do not count", "Cover & Hart 1967";
        "class" => Class: "the whole class of a confirmed hack does not count (bound: it knows the class)", "none: an upper bound";
        "stop" => Stop: "the policy is no longer updated", "Prechelt 1998, early stopping";
        "roll_back" => RollBack: "the policy goes back to before the first sighting, and the outcome is removed", "none: restoring a checkpoint";
    }
}

impl ResponseSpec {
    /// Whether it changes anything at all.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Ignore(_))
    }
}

impl Default for ResponseSpec {
    fn default() -> Self {
        Self::Ignore(Ignore {})
    }
}
