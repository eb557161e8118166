//! Faults between the audit and the rest.

use super::contradiction::Contradiction;
use crate::audit::response::ResponseSpec;
use crate::config::sections::Document;

/// What contradicts itself.
pub(super) fn audit(document: &Document) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let section = &document.audit;
    let planted = document.reward.exploits.len() + document.reward.triggers.len();
    for (who, reader) in [("reader", Some(section.reader)), ("screen", section.screen)] {
        let hard = reader.and_then(|own| own.hard).filter(|hard| hard.exploit as usize >= planted);
        if let Some(hard) = hard {
            found.push(Contradiction {
                path: format!("audit.{who}.hard.exploit"),
                message: format!(
                    "there is no exploit {}: {planted} are planted, counted from 0",
                    hard.exploit
                ),
                help: "name one of [[reward.exploits]] or [[reward.triggers]]".to_owned(),
            });
        }
    }
    if !section.response.acts() {
        return found;
    }
    let name = section.response.name();
    let mut say = |path: &str, message: String, help: &str| {
        found.push(Contradiction { path: path.to_owned(), message, help: help.to_owned() });
    };
    let trainer = document.trainer.name();
    if document.trainer.part().recipe().is_none() {
        say(
            "audit.response",
            format!("{name} acts on updates by what was sampled, and trainer.{trainer} makes none"),
            "use trainer.reinforce, rloo, grpo or ppo, or leave audit.response out",
        );
    }
    if document.detectors.is_empty() && !section.auditor.part().sees_truth() {
        say(
            "audit.response",
            format!("{name} follows the audit by the first detector's scores, and there is no detector"),
            "add [[detectors]], for example top_reward = {}",
        );
    }
    if section.response.part().needs_features() && !document.record.activations {
        say(
            "audit.response",
            format!("{name} measures distances between activations, and none are recorded"),
            "set record.activations = true, with a policy that has a hidden layer (mlp, gru, transformer)",
        );
    }
    if matches!(section.response, ResponseSpec::Class(_)) && !document.reward.plants_hacks() {
        say(
            "audit.response",
            "class removes a planted class, and nothing is planted".to_owned(),
            "add [[reward.exploits]] or [[reward.triggers]], or use remove",
        );
    }
    found
}
