//! Generalised advantage estimation (Schulman et al. 2016, eq. 16): Aₜ = δₜ + γλ·Aₜ₊₁ within an episode, with
//! δₜ = rₜ + γ·Vₜ₊₁ − Vₜ.

/// Advantages of consecutive steps, with discount `gamma` (γ) and trace decay `lambda` (λ). All slices have one entry a
/// step; `done[t]` says that the episode ends after step t, and `bootstrap` is the value of the state after the last
/// step, where the episode goes on. The λ-return is the advantage plus the value; a one-step episode has A = r − V.
pub fn gae(
    rewards: &[f64],
    values: &[f64],
    done: &[bool],
    bootstrap: f64,
    gamma: f64,
    lambda: f64,
) -> Vec<f64> {
    let (mut next, mut carried) = (bootstrap, 0.0);
    let mut advantages: Vec<f64> = rewards
        .iter()
        .zip(values)
        .zip(done)
        .rev()
        .map(|((reward, value), done)| {
            let goes_on = if *done { 0.0 } else { gamma };
            carried = reward + goes_on * next - value + goes_on * lambda * carried;
            next = *value;
            carried
        })
        .collect();
    advantages.reverse();
    advantages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_step_episode_has_its_reward_less_its_value() {
        assert_eq!(gae(&[1.0, 4.0], &[0.5, 1.0], &[true, true], 9.0, 0.9, 0.8), vec![0.5, 3.0]);
    }

    #[test]
    fn lambda_goes_from_the_temporal_difference_to_the_return() {
        let (rewards, values, done) = ([1.0, 2.0, 3.0], [0.5, -1.0, 2.0], [false; 3]);
        assert_eq!(gae(&rewards, &values, &done, 4.0, 0.5, 0.0), vec![0.0, 4.0, 3.0]);
        assert_eq!(gae(&rewards, &values, &done, 4.0, 1.0, 1.0), vec![9.5, 10.0, 5.0]);
    }
}
