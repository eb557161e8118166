//! Policies: burn modules whose weights come from our own streams.

mod burn;
mod native;
mod part;
mod sequence;
mod snapshot;
#[cfg(test)]
mod trials;
mod weights;

pub use self::burn::{Tabular, TabularPolicy, TabularValue};
pub use native::{Gru, Mlp, Product, Transformer};
pub use part::PolicyPart;
pub use sequence::{Memory, NotF32, SequencePolicy, Shape};
pub use snapshot::{Row, Snapshot};

crate::registry! {
    /// The `[policy.…]` section.
    pub enum PolicySpec => dyn PolicyPart {
        "tabular" => Tabular: "one logit per outcome and prompt, starting at the reference", "Sutton & Barto 2018, section 2.8 (gradient bandit)";
        "product" => Product: "an independent softmax per prompt and position", "Williams 1992, section 6 (independent units)";
        "mlp" => Mlp: "tanh layers on the last symbols and the position", "Rumelhart, Hinton & Williams 1986";
        "gru" => Gru: "a gated recurrent unit over the symbols shown so far", "Cho et al. 2014";
        "transformer" => Transformer: "causal attention over the symbols shown so far", "Vaswani et al. 2017; Xiong et al. 2020 (pre-norm)";
    }
}

impl Default for PolicySpec {
    fn default() -> Self {
        Self::Tabular(Tabular {})
    }
}
