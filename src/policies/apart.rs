//! A policy beside a critic of the same build that shares no weight with it.

use super::sequence::{Memory, NotF32, SequencePolicy};
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;

/// Two networks that are shown the same: f comes from the first, the value from the second. Its weights are those of the first, then
/// those of the second, whose own f nothing is asked of.
#[derive(Debug)]
pub(super) struct Apart {
    policy: Box<dyn SequencePolicy>,
    critic: Box<dyn SequencePolicy>,
    actions: usize,
    /// The critic's f, and the slopes of it, which are 0.
    unused: Vec<f32>,
    /// The weights of both.
    weights: Vec<f32>,
}

impl Apart {
    /// Of a policy without a value head and a network with one.
    pub fn new(policy: Box<dyn SequencePolicy>, critic: Box<dyn SequencePolicy>, actions: usize) -> Self {
        let mut both = Self { policy, critic, actions, unused: Vec::new(), weights: Vec::new() };
        both.read();
        both
    }

    fn read(&mut self) {
        self.weights.clear();
        self.weights.extend_from_slice(self.policy.weights());
        self.weights.extend_from_slice(self.critic.weights());
    }
}

impl SequencePolicy for Apart {
    fn memory(&self) -> Memory {
        self.policy.memory()
    }

    fn parameters(&self) -> usize {
        self.policy.parameters() + self.critic.parameters()
    }

    fn begin(&mut self, prompts: &[u32], record: bool) {
        self.policy.begin(prompts, record);
        self.critic.begin(prompts, record);
    }

    fn advance(&mut self, symbols: &[u32], logits: &mut [f32]) {
        self.policy.advance(symbols, logits);
        self.unused.resize(logits.len(), 0.0);
        self.critic.advance(symbols, &mut self.unused);
    }

    fn values(&self) -> &[f32] {
        self.critic.values()
    }

    fn hidden(&self) -> &[f32] {
        self.policy.hidden()
    }

    fn branch(&mut self, parents: &[u32]) {
        self.policy.branch(parents);
        self.critic.branch(parents);
    }

    fn backward(&mut self, d_logits: &[f32], d_values: &[f32], gradient: &mut [f32]) -> Result<(), NotF32> {
        let (own, rest) = gradient.split_at_mut(self.policy.parameters());
        self.policy.backward(d_logits, &[], own)?;
        self.unused.clear();
        self.unused.resize(d_values.len() * self.actions, 0.0);
        self.critic.backward(&self.unused, d_values, rest)
    }

    fn weights(&self) -> &[f32] {
        &self.weights
    }

    fn descend(
        &mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: f64,
        gradient: &[f32],
    ) -> Result<(), NotF32> {
        let (own, rest) = gradient.split_at(self.policy.parameters());
        self.policy.descend(optimizer, learning_rate, own)?;
        self.critic.descend(optimizer, learning_rate, rest)?;
        self.read();
        Ok(())
    }

    fn scale(&mut self, actions: usize, factor: f32) -> Result<bool, NotF32> {
        let can = self.policy.scale(actions, factor)?;
        self.read();
        Ok(can)
    }

    /// The length of the policy's bytes in eight, little end first, then these, then the critic's.
    fn save(&self) -> Result<Vec<u8>, RecordError> {
        let own = self.policy.save()?;
        let mut bytes = (own.len() as u64).to_le_bytes().to_vec();
        bytes.extend(own);
        bytes.extend(self.critic.save()?);
        Ok(bytes)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        let short = || RecordError::Validation("the weights of a policy and its critic are cut short".into());
        let (length, rest) = bytes.split_first_chunk().ok_or_else(short)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
        let (own, critic) = rest.split_at_checked(length).ok_or_else(short)?;
        let before = self.policy.save()?;
        self.policy.restore(own)?;
        if let Err(problem) = self.critic.restore(critic) {
            // All or nothing.
            self.policy.restore(&before)?;
            return Err(problem);
        }
        self.read();
        Ok(())
    }
}
