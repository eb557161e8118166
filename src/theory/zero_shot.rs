use super::TheoryError;
pub fn jump_kl(q: f64, p: f64) -> Result<f64, TheoryError> {
    Ok(p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln())
}
