//! What a config may well ask, and will not get.

use crate::config::Loaded;
use std::fmt;

/// A key whose value leaves something without a number.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Caution {
    /// Dotted key.
    pub key: &'static str,
    /// What will be missing, and why.
    pub problem: String,
    /// What to set.
    pub remedy: String,
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.problem, self.remedy)
    }
}

/// Cautions of a config, each once, however many arms it concerns: alarm rates below what the calibration rollouts can tell apart.
pub fn cautions(loaded: &Loaded) -> Vec<Caution> {
    let mut found: Vec<Caution> = Vec::new();
    for arm in &loaded.arms {
        let document = &arm.document;
        let (rate, rollouts) =
            (document.audit.alarm_rate.get(), f64::from(document.calibration.rollouts.get()));
        // As the quantile of the calibration scores is taken: n + 1 ≥ 1/rate, with a margin for rounding.
        if document.detectors.is_empty() || (rollouts + 1.0) * rate * (1.0 + 1e-12) >= 1.0 {
            continue;
        }
        let caution = Caution {
            key: "audit.alarm_rate",
            problem: format!(
                "{rollouts} calibration rollouts cannot tell a rate of {rate} from 0: no detector has an alarm threshold, so that \
                 first_true_flag, false_positive_rate, honest_flag_rate and clean_alarm stay empty"
            ),
            remedy: format!(
                "raise calibration.rollouts to {} or audit.alarm_rate to {}",
                (1.0 / rate * (1.0 - 1e-12)).ceil(),
                above(1.0 / rollouts)
            ),
        };
        if !found.contains(&caution) {
            found.push(caution);
        }
    }
    found
}

/// The next number of two digits that is not below a positive one.
fn above(number: f64) -> f64 {
    let exponent = number.log10().floor() as i32 - 1;
    let digits = (number / 10f64.powi(exponent) * (1.0 - 1e-12)).ceil();
    format!("{digits}e{exponent}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_bytes;

    fn of(sections: &str) -> Vec<Caution> {
        let text = format!(
            "question = '?'\nenvironment = {{ bandit = {{}} }}\ntrainer = {{ exact = {{ kl = {{ budget = 1 }} }} }}\n{sections}"
        );
        cautions(&from_bytes("test.toml", text.as_bytes(), &[]).unwrap())
    }

    #[test]
    fn an_alarm_rate_that_the_calibration_cannot_hold_is_said_with_what_would() {
        assert_eq!(of(""), []);
        let found = of("calibration = { rollouts = 2000 }\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].remedy, "raise calibration.rollouts to 10000 or audit.alarm_rate to 0.0005");
        assert!(
            found[0].problem.starts_with("2000 calibration rollouts cannot tell a rate of 0.0001 from 0")
        );
        for held in
            ["rollouts = 2000 }\naudit = { alarm_rate = 5e-4", "rollouts = 10_000", "rollouts = 9_999"]
        {
            assert_eq!(of(&format!("calibration = {{ {held} }}\n")), [], "{held}");
        }
        assert_eq!(of("calibration = { rollouts = 2000 }\ndetectors = []\n"), []);
        assert!(of("calibration = { rollouts = 3000 }\n")[0].remedy.ends_with("audit.alarm_rate to 0.00034"));
        let swept = of("[sweep]\n'calibration.rollouts' = [100, 1000, 10_000]\n");
        assert_eq!(swept.len(), 2);
    }
}
