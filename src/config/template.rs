//! The commented configuration that `tailcatch init` writes.

/// A configuration with every key explained in one line; `name` is the file's name without `.toml`.
///
/// It loads as it stands.
pub fn template(name: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    let stem = name.strip_suffix(".toml").unwrap_or(&name);
    let stem = if stem.is_empty() { "experiment" } else { stem };
    let words = stem.rsplit(['/', '\\']).next().unwrap_or(stem).replace(['_', '-', '"'], " ");
    include_str!("template.toml")
        .replace("{file}", &format!("{stem}.toml"))
        .replace("{question}", &format!("{}: does the true utility stop rising?", words.trim()))
}

/// Trainers that [`tailored`] can start with.
pub const TRAINERS: [&str; 5] = ["reinforce", "rloo", "grpo", "ppo", "exact"];
/// What it can sweep.
pub const SWEEPS: [&str; 3] = ["kl", "tail", "outcomes"];

/// What a configuration is to start with beside what [`template`] has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// One of [`TRAINERS`].
    pub trainer: Option<String>,
    /// The law of the error, as TOML: `{ student_t = { df = 3 } }`.
    pub error: Option<String>,
    /// Some of [`SWEEPS`]; what [`template`] sweeps where there is none and nothing else is wished.
    pub sweeps: Vec<String>,
}

/// [`template`] with some sections in place of its own. Whether it holds is for [`super::from_bytes`] to say.
pub fn tailored(name: &str, wishes: &Wishes) -> String {
    let mut text = template(name);
    if *wishes == Wishes::default() {
        return text;
    }
    let trainer = wishes.trainer.as_deref().unwrap_or("reinforce");
    if trainer != "reinforce"
        && let (Some(start), Some(end)) = (text.find("[trainer.reinforce]"), text.find("[[detectors]]"))
    {
        text.replace_range(start..end, &format!("{}\n", section(trainer)));
    }
    if let Some(error) = &wishes.error
        && let (Some(start), Some(end)) = (text.find("error       ="), text.find("standardize"))
    {
        let line = format!(
            "error       = {error} # law of the error X; `tailcatch list distributions` names the others\n"
        );
        text.replace_range(start..end, &line);
    }
    let own: Vec<&str> = match wishes.sweeps.as_slice() {
        [] if wishes.error.is_some() => vec!["kl"],
        [] => vec!["tail", "kl"],
        sweeps => sweeps.iter().map(String::as_str).collect(),
    };
    if let Some(start) = text.find("\"reward.error\" = [{ normal") {
        text.truncate(start);
        text.extend(own.iter().map(|sweep| format!("{}\n", values(sweep, trainer))));
    }
    text
}

/// The section of a trainer, with what most want to change.
fn section(trainer: &str) -> String {
    if trainer == "exact" {
        return "[trainer.exact]                       # the optimum itself, without sampling\n\
                kl = { coefficient = 0.5 }            # the penalty for leaving the reference; or { budget = 0.1 }, in nats\n"
            .to_owned();
    }
    let group = if trainer == "ppo" {
        ""
    } else {
        "group     = 8                         # rollouts of a prompt that are compared\n"
    };
    format!(
        "[trainer.{trainer}]                        # `tailcatch list trainers` describes it; `tailcatch schema` has every key\n\
         batch     = 256                       # rollouts a step\n{group}\
         steps     = 300                       # steps of a run\n\
         optimizer = {{ sgd = {{ learning_rate = 12.8 }} }}  # or {{ adam = {{ learning_rate = 0.05 }} }}\n\n\
         [trainer.{trainer}.kl]                     # the penalty for leaving the reference\n\
         coefficient = 0.5                     # β, in units of reward per nat\n"
    )
}

/// One key of the sweep.
fn values(sweep: &str, trainer: &str) -> String {
    match sweep {
        "tail" => {
            "\"reward.error\" = [{ normal = {} }, { student_t = { df = 5 } }, { student_t = { df = 2 } }]"
                .to_owned()
        }
        "outcomes" => "\"environment.bandit.outcomes\" = [1_000, 10_000]".to_owned(),
        _ => format!("\"trainer.{trainer}.kl.coefficient\" = [0.1, 0.5, 2.0]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_bytes;

    #[test]
    fn every_trainer_and_every_sweep_loads() {
        for trainer in TRAINERS {
            for sweep in SWEEPS {
                let wishes = Wishes {
                    trainer: Some(trainer.to_owned()),
                    error: Some("{ student_t = { df = 3 } }".to_owned()),
                    sweeps: vec![sweep.to_owned()],
                };
                let text = tailored("mine", &wishes);
                let loaded = from_bytes("mine.toml", text.as_bytes(), &[]);
                let loaded = loaded.unwrap_or_else(|error| panic!("{trainer} {sweep}: {error}\n{text}"));
                assert!(loaded.arms.len() > 1, "{trainer} {sweep}");
                assert!(
                    text.contains("student_t = { df = 3 }") && text.contains(&format!("[trainer.{trainer}]"))
                );
            }
        }
        assert_eq!(tailored("mine", &Wishes::default()), template("mine"));
    }
}
