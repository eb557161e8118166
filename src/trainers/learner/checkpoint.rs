//! What learners remember, as bytes.

use crate::trainers::error::TrainerError;

/// What every learner remembers beside its own weights.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::trainers) struct Memory {
    /// Weights and the names under which the optimizer knows them.
    pub network: Vec<u8>,
    /// The optimizer's moments.
    pub optimizer: Vec<u8>,
    /// The KL coefficient in force.
    pub coefficient: f64,
    /// Steps taken.
    pub step: u64,
    /// Whether the early stop has come.
    pub stopped: bool,
}

/// Why bytes could not be used.
pub(in crate::trainers) fn unusable(problem: impl ToString) -> TrainerError {
    TrainerError::Checkpoint(problem.to_string())
}

impl Memory {
    /// Lengths and words, little endian: network, optimizer, coefficient, step, stopped.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.network.len() + self.optimizer.len() + 33);
        for part in [&self.network, &self.optimizer] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        bytes.extend(self.coefficient.to_le_bytes());
        bytes.extend(self.step.to_le_bytes());
        bytes.push(u8::from(self.stopped));
        bytes
    }

    /// Reads what [`Memory::to_bytes`] wrote.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, TrainerError> {
        let short = || unusable("it is too short");
        let word = |bytes: &mut &[u8]| {
            let (head, rest) = bytes.split_first_chunk::<8>()?;
            *bytes = rest;
            Some(*head)
        };
        let part = |bytes: &mut &[u8]| {
            let length = usize::try_from(u64::from_le_bytes(word(bytes)?)).ok()?;
            let (head, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Some(head.to_vec())
        };
        let network = part(&mut bytes).ok_or_else(short)?;
        let optimizer = part(&mut bytes).ok_or_else(short)?;
        let coefficient = f64::from_le_bytes(word(&mut bytes).ok_or_else(short)?);
        let step = u64::from_le_bytes(word(&mut bytes).ok_or_else(short)?);
        match bytes {
            [stopped @ (0 | 1)] => Ok(Self { network, optimizer, coefficient, step, stopped: *stopped == 1 }),
            _ => Err(short()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_truncation_is_noticed() {
        let memory = Memory {
            network: vec![1, 2, 3],
            optimizer: Vec::new(),
            coefficient: 0.1,
            step: 7,
            stopped: true,
        };
        let bytes = memory.to_bytes();
        assert_eq!(Memory::from_bytes(&bytes).unwrap(), memory);
        for length in 0..bytes.len() {
            assert!(Memory::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
    }
}
