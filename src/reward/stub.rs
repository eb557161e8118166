//! stub
use super::*;
use crate::environments::{Move, Process, State};
pub const MOST_TRAJECTORIES: usize = 100_000;
#[derive(Debug)]
pub struct SequenceModel;
impl SequenceModel {
    pub fn process(&self) -> &dyn Process {
        todo!()
    }
}
pub struct Walk;
pub struct Scored {
    pub trajectory: u64,
    pub utility: f64,
    pub error: f64,
    pub class: u32,
    pub hack: bool,
}
impl Walk {
    pub fn start(_: &SequenceModel, _: usize) -> Self {
        todo!()
    }
    pub fn state(&self) -> State {
        todo!()
    }
    pub fn ended(&self, _: &SequenceModel) -> bool {
        todo!()
    }
    pub fn act(&mut self, _: &SequenceModel, _: usize, _: f64, _: &mut Vec<Move>) {
        todo!()
    }
    pub fn finish(&self, _: &SequenceModel, _: u64, _: Phase) -> Scored {
        todo!()
    }
}
#[derive(Debug, Clone, Copy)]
pub struct Propagated {
    pub utility: f64,
    pub kl: f64,
    pub entropy: f64,
    pub p_hack: Option<f64>,
}
pub fn propagate(
    _: &SequenceModel,
    _: usize,
    _: &mut dyn FnMut(usize, &[(usize, usize)], &mut Vec<f32>),
) -> Option<Propagated> {
    None
}
