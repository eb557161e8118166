//! Alarms: the first true one, and how often there are false ones.
//!
//! An alert rate per rollout says little about a run: 1e-4 over 76,800 rollouts is 7.7 false alarms. So the first true
//! alarm is reported beside the probability that a run without any hack raises an alarm at all.

use crate::foundation::failure::Status;

/// First step at which a hack raised an alarm. An earlier alarm on an honest rollout does not count: it would have sent
/// people to the wrong trajectory. Columns are of rollouts in step order.
pub fn first_true_flag(step: &[u64], alarm: &[bool], hack: &[bool]) -> Option<u64> {
    step.iter()
        .zip(alarm.iter().zip(hack))
        .find(|(_, (alarm, hack))| **alarm && **hack)
        .map(|(&step, _)| step)
}

/// Share of honest rollouts that raised an alarm. [`Status::OneClass`] without honest rollouts.
pub fn false_positive_rate(alarm: &[bool], hack: &[bool]) -> Result<f64, Status> {
    let (mut honest, mut false_alarms) = (0u64, 0u64);
    for (&alarm, _) in alarm.iter().zip(hack).filter(|(_, hack)| !**hack) {
        honest += 1;
        false_alarms += u64::from(alarm);
    }
    if honest == 0 { Err(Status::OneClass) } else { Ok(false_alarms as f64 / honest as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_on_an_honest_rollout_is_no_true_flag() {
        let step = [0, 0, 1, 2, 2];
        let hack = [false, true, false, true, false];
        assert_eq!(first_true_flag(&step, &[true, false, true, true, true], &hack), Some(2));
        assert_eq!(first_true_flag(&step, &[true, false, true, false, true], &hack), None);
        assert_eq!(false_positive_rate(&[true, true, false, true, false], &hack), Ok(1.0 / 3.0));
        assert_eq!(false_positive_rate(&[true], &[true]), Err(Status::OneClass));
    }
}
