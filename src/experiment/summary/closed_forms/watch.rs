//! A deployed policy under monitors: every sample is a hack with the same probability.

use super::jump::{mass_after, none};
use super::world::{Answer, World};
use crate::experiment::summary::quantities::WAIT;
use crate::monitor::deployed::WatchSpec;
use crate::record::metric::{DEPLOYED, Metric, SAMPLES_TO_ALARM, SAMPLES_TO_HACK};

/// The formula, in Markdown.
pub(super) const FORMULA: &str = "\
Each sample of the deployed policy is a hack with probability p; where a trigger is present in a share f of the samples, p is f·p + (1 − f)·q, q the mass of the exploit. A random audit reads a share r, and who looks at all has r = 1:\n\n\
- samples until a hack is read with probability .95 = ⌈ln .05/ln(1 − r·p)⌉";

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    let deployment = world.document.deployment.as_ref().filter(|own| own.samples.is_some())?;
    let mass = mass_after(&deployment.shift, world.exploit, &world.document.trainer)?;
    let rate = match (metric.name, metric.by) {
        (SAMPLES_TO_HACK, None) => 1.0,
        (SAMPLES_TO_ALARM, Some((label, DEPLOYED))) => {
            let named = deployment.monitors.iter().find(|monitor| monitor.label() == label);
            let Some(WatchSpec::RandomAudit(audit)) = named else { return None };
            audit.rate.get()
        }
        _ => return None,
    };
    let target = (-WAIT.get()).ln_1p();
    Some(Ok((target / none(rate * mass)).ceil()))
}
