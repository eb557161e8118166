use super::*;
#[derive(Clone, Copy, Debug)]
pub enum Divergence {
    Kl,
    ChiSquared,
    Mixed { weight: f64 },
}
pub fn best_of_n(_: &Outcomes, _: f64) -> Result<Reweighting, TheoryError> {
    todo!()
}
pub fn quantilizer(_: &Outcomes, _: f64) -> Result<Reweighting, TheoryError> {
    todo!()
}
pub fn condition(_: &Outcomes, _: f64) -> Result<Reweighting, TheoryError> {
    todo!()
}
pub fn construction(_: &Outcomes, _: f64, _: f64) -> Result<Reweighting, TheoryError> {
    todo!()
}
pub fn penalised(_: &Outcomes, _: Divergence, _: f64) -> Result<Reweighting, TheoryError> {
    todo!()
}
pub fn penalised_at(_: &Outcomes, _: Divergence, _: f64) -> Result<Reweighting, TheoryError> {
    todo!()
}
