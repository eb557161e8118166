//! Which column of a log means what.

use super::bookkeeping::{is_bookkeeping, is_id, is_value, may_be_guessed};
use super::cell::{Column, Kind};
use super::error::Error;
use super::names::{
    ADVANTAGE, GROUP, LENGTH, LOG_PROB, PROMPT, PROXY, REF_LOG_PROB, RUN, STEP, counts_within, episode,
    has_outcome, is_named, monitor, outcome, pick, pick_number,
};
use super::names::{COMPLETION, completion, may_be_completions};
use super::no_reward::is_truth;
use super::options::LogOptions;
use super::present::Present;
use super::reward::RewardSpec;
use serde::Serialize;
use std::path::Path;

/// The columns of a log, by what they mean; `None` where the log has no such column.
///
/// | role | names that are recognised, in this order; in any letters |
/// |---|---|
/// | reward | `proxy`, `reward`, `score`, `rewards`, `total_reward`, `reward_total`, `episode_reward`, `return`, `episode_return`, `r` beside `l` and `t`, numbers or truth values; else the only numeric column that has no other role and is no index, counter, clock or setting, if its name speaks of a reward, a score, a value or the like |
/// | step | `step`, `global_step`, `progress/step`, `train_step`, `training_step`, `iteration`, `_step`, `gen_step`, `current_steps`, `iter`, `timesteps`, `total_timesteps`, `tail_version` … , also as the last key of a name as `train/global_step`; else numbers in the paths (`step_12/`, `12.jsonl`), else the order of the files |
/// | run | `train_id`, `run_id`, `run`, `run_name`, `exp_name`, `experiment_id`, `experiment_name`, `experiment`, unless every row has its own; `seed`, `model`, `model_name`, `algo`, `algorithm` where the steps begin anew in each of a few values; else folders, or files of one folder, that hold the same steps |
/// | prompt | `prompt`, `input`, `question`, `query`, `prompt_id`, `prompt_idx`, `prompts`, `problem`, `instruction`, `question_id`, `problem_id`, `instance_id`, `task_id`, `input_prompt` … |
/// | completion | `completion`, `output`, `response`, `generation`, `model_output`, `model_response`, `generated_text`, `output_response`, `solution_str`, `completions`, `responses`, `outputs`, `resps`, `content` …; else `generated`, `text`, `prediction`, `pred`, and `answer` or `solution` where they differ between the rollouts of a prompt. What all rollouts of a prompt share gives way to another |
/// | group | `group`, `group_id`, `uid`, `group/id`, `group_idx`, `prompt_uid`, unless nearly every rollout has its own; else the prompt within the step |
/// | outcome | `outcome`, unless it is a truth value or of few words; else prompt and completion |
/// | length | `length`, `completion_length`, `response_length`, `completion_tokens`, `response_tokens`, `num_tokens`; else characters of the completion |
/// | log_prob | `log_prob`, `logprob`, `logp`, `log_probs`, `logprobs`, `old_log_prob` |
/// | ref_log_prob | `ref_log_prob`, `ref_logprob`, `ref_logp`, `ref_log_probs`, `ref_logprobs`, `reference_log_prob` |
/// | advantage | `advantage`, `advantages`, `adv` |
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Roles {
    /// Training step.
    pub step: Option<String>,
    /// Which of several runs.
    pub run: Option<String>,
    /// Prompt.
    pub prompt: Option<String>,
    /// Completion.
    pub completion: Option<String>,
    /// Rollouts compared with each other.
    pub group: Option<String>,
    /// What was sampled.
    pub outcome: Option<String>,
    /// Length of the completion.
    pub length: Option<String>,
    /// ln π.
    pub log_prob: Option<String>,
    /// ln π₀.
    pub ref_log_prob: Option<String>,
    /// Advantage.
    pub advantage: Option<String>,
    /// Shaped reward, beside a `proxy`.
    pub shaped_reward: Option<String>,
}

impl Roles {
    pub(super) fn of(present: &Present, reward: &RewardSpec, options: &LogOptions) -> Self {
        // What is null wherever one looks means nothing.
        let filled: Vec<Column> = present.columns.iter().filter(|c| c.kind != Kind::Empty).cloned().collect();
        let columns = &filled;
        let is_proxy = matches!(reward, RewardSpec::Column(name) if name == PROXY[0]);
        let is_reward = |name: &String| reward.terms(Some(present)).iter().any(|term| term.column == name);
        // Beside one element of a list stand its own prompt and completion, else those of the whole.
        let terms = reward.terms(Some(present));
        let below = terms.iter().find_map(|term| Some(term.column.split_once("/*/")?.0));
        let own = |names: &[&str]| {
            let list = below?;
            names.iter().map(|name| format!("{list}/*/{name}")).find(|name| present.has(name))
        };
        let given = |name: &Option<String>| name.clone().filter(|name| present.has(name));
        Self {
            step: match &options.step {
                Some(_) => given(&options.step),
                // What counts an episode's steps is no training step.
                None => pick(&without(columns, &options.no_steps), STEP, true)
                    .filter(|name| !(is_reward(name) || counts_within(name) && episode(columns).is_some())),
            },
            run: pick(columns, RUN, false),
            prompt: match &options.prompt {
                Some(_) => given(&options.prompt),
                None => own(PROMPT).or_else(|| pick(columns, PROMPT, true)).filter(|name| !is_reward(name)),
            },
            completion: match &options.completion {
                Some(_) => given(&options.completion),
                None => own(COMPLETION)
                    .or_else(|| completion(columns, &options.no_completions))
                    .filter(|name| !is_reward(name)),
            },
            group: match &options.group {
                Some(_) => given(&options.group),
                None => pick(&without(columns, &options.no_groups), GROUP, false),
            },
            outcome: outcome(columns),
            length: pick_number(columns, LENGTH).or_else(|| monitor(columns).map(|_| "l".to_owned())),
            log_prob: pick_number(columns, LOG_PROB),
            ref_log_prob: pick_number(columns, REF_LOG_PROB),
            advantage: pick_number(columns, ADVANTAGE),
            shaped_reward: if is_proxy { pick_number(columns, &["reward"]) } else { None },
        }
    }
}

impl Roles {
    /// Text without a role, of which some may be what the model wrote; with `own`, what is named like it alone.
    pub(super) fn other_texts(&self, present: &Present, own: bool) -> Vec<String> {
        let named = may_be_completions(&present.columns);
        let roles = [&self.step, &self.run, &self.prompt, &self.completion, &self.group];
        let fits = |c: &&Column| {
            let named = named.contains(&c.name);
            let taken = roles.iter().any(|role| role.as_ref() == Some(&c.name));
            let may_be = named || c.kind == Kind::Other && !is_bookkeeping(&c.name);
            !taken && if own { named } else { may_be && !is_truth(&c.name) }
        };
        present.columns.iter().filter(fits).map(|c| c.name.clone()).collect()
    }

    /// Text without a role that is named like the truth.
    pub(super) fn truths(&self, present: &Present) -> Vec<String> {
        let taken =
            |name: &String| [&self.prompt, &self.group].iter().any(|role| role.as_ref() == Some(name));
        let fits = |c: &&Column| c.kind == Kind::Other && is_truth(&c.name) && !taken(&c.name);
        present.columns.iter().filter(fits).map(|c| c.name.clone()).collect()
    }
}

/// The columns but these.
fn without(columns: &[Column], names: &[String]) -> Vec<Column> {
    columns.iter().filter(|column| !names.contains(&column.name)).cloned().collect()
}

/// How sure a guess is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Guess {
    /// By its name.
    Known(String),
    /// As the only candidate.
    Only(String),
    /// Not at all: the candidates.
    Unclear(Vec<String>),
}

/// The reward that no one named.
pub(super) fn guess(present: &Present) -> Guess {
    let columns = &present.columns;
    let of_kind = |flags: bool| -> Vec<Column> {
        let fits = |c: &&Column| c.kind != Kind::Other && (c.kind == Kind::Flag) == flags;
        columns.iter().filter(fits).cloned().collect()
    };
    let named = pick(&of_kind(false), PROXY, false).or_else(|| pick(&of_kind(true), PROXY, false));
    let named = named.or_else(|| Some(monitor(columns)?.name.clone()));
    if let Some(name) = named {
        // A truth value whose name comes first is as good a candidate as a number.
        let place = |name: &str| PROXY.iter().position(|known| name.trim().eq_ignore_ascii_case(known));
        let flag = pick(&of_kind(true), PROXY.get(1..).unwrap_or_default(), false);
        let flag = flag.filter(|flag| place(flag) < place(&name));
        return match flag {
            Some(flag) => Guess::Unclear(vec![flag, name]),
            None => Guess::Known(name),
        };
    }
    // A table of one column has nothing else to offer.
    if let [only] = columns.as_slice()
        && only.kind == Kind::Number
        && !STEP.contains(&only.name.as_str())
        && !is_id(&only.name)
        && !only.name.contains('/')
    {
        return Guess::Only(only.name.clone());
    }
    let of = |kinds: &[Kind]| -> Vec<String> {
        let fits = |c: &&Column| kinds.contains(&c.kind) && !is_bookkeeping(&c.name);
        columns.iter().filter(fits).map(|c| c.name.clone()).collect()
    };
    let (candidates, flags) = (of(&[Kind::Number, Kind::List]), of(&[Kind::Flag]));
    // Truth values that speak of a reward are as good a candidate as a number that does.
    let said: Vec<String> = flags.iter().filter(|name| may_be_guessed(name)).cloned().collect();
    let critic = |name: &str| is_value(name) && has_outcome(columns);
    match (candidates.as_slice(), said.as_slice()) {
        ([one], []) if may_be_guessed(one) && !critic(one) => Guess::Only(one.clone()),
        ([], [one]) => Guess::Only(one.clone()),
        ([], []) => Guess::Unclear(flags),
        _ => Guess::Unclear(candidates.into_iter().chain(said).collect()),
    }
}

/// The column of text that is named like a reward and comes before what is guessed to be one.
pub(super) fn text_before(present: &Present, guess: &Guess) -> Option<String> {
    // A proxy may be one of the network.
    let names = PROXY.get(1..).unwrap_or_default();
    let text: Vec<Column> = present.columns.iter().filter(|c| c.kind == Kind::Other).cloned().collect();
    let column = pick(&text, names, false)?;
    let place = |column: &str| PROXY.iter().position(|name| is_named(column, name));
    match guess {
        Guess::Known(known) => {
            place(known).is_none_or(|known| Some(known) > place(&column)).then_some(column)
        }
        Guess::Only(_) | Guess::Unclear(_) => Some(column),
    }
}

/// The numbers that have no other role.
pub(super) fn numeric(present: &Present) -> Vec<String> {
    let fits =
        |c: &&Column| matches!(c.kind, Kind::Number | Kind::Flag | Kind::List) && !is_bookkeeping(&c.name);
    present.columns.iter().filter(fits).map(|c| c.name.clone()).collect()
}

impl Guess {
    /// The error that lists the candidates, those apart of which `counts` says that they go up from row to row.
    pub fn refused(self, path: &Path, present: &Present, counts: impl Fn(&[String]) -> Vec<bool>) -> Error {
        let all = match self {
            Self::Known(name) | Self::Only(name) => vec![name],
            Self::Unclear(candidates) => candidates,
        };
        let whole = |name: &String| {
            !may_be_guessed(name) && present.columns.iter().any(|c| c.name == *name && c.whole)
        };
        let (whole, mut candidates): (Vec<String>, Vec<String>) = all.iter().cloned().partition(whole);
        let counting = if all.len() > 1 && !whole.is_empty() { counts(&whole) } else { Vec::new() };
        let mut counters = Vec::new();
        for (at, name) in whole.into_iter().enumerate() {
            let list = if counting.get(at) == Some(&true) { &mut counters } else { &mut candidates };
            list.push(name);
        }
        // In the order of the file; a log of nothing but counters has no better candidate.
        candidates.sort_by_key(|name| all.iter().position(|known| known == name));
        if candidates.is_empty() {
            candidates = std::mem::take(&mut counters);
        }
        let columns = present.columns.iter().map(|c| c.name.clone()).collect();
        Error::WhichColumn { path: path.to_owned(), candidates, counters, columns }
    }
}

/// The error for a name that no column answers to.
pub(super) fn missing(path: &Path, present: &Present, name: &str) -> Error {
    Error::MissingColumn {
        path: path.to_owned(),
        column: name.to_owned(),
        columns: present.columns.iter().map(|c| c.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read::cell::Counts;
    use crate::record::read::part::Extent;
    use crate::record::read::unfold::Unfold;

    fn present(names: &[&str]) -> Present {
        let column = |n: &&str| Column {
            name: (*n).to_owned(),
            kind: Kind::Number,
            whole: false,
            counts: Counts::Otherwise,
        };
        let columns = names.iter().map(column).collect();
        Present { columns, unfold: Unfold::One, means: false, extent: Extent::whole(0), decimal_comma: false }
    }

    #[test]
    fn the_reward_is_guessed_by_name_or_as_the_only_candidate() {
        let guess = |names: &[&str]| guess(&present(names));
        let known = |name: &str| Guess::Known(name.to_owned());
        let only = |name: &str| Guess::Only(name.to_owned());
        let unclear = |names: &[&str]| Guess::Unclear(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(guess(&["step", "reward", "proxy"]), known("proxy"));
        assert_eq!(guess(&["r", "l", "t"]), known("r"));
        let mut flag = present(&["step", "reward", "score"]);
        flag.columns[1].kind = Kind::Flag;
        assert_eq!(super::guess(&flag), unclear(&["reward", "score"]), "either");
        assert_eq!(guess(&["step", "quality", "optim/epoch", "loss"]), only("quality"));
        assert_eq!(guess(&["", "_runtime", "_timestamp", "_step", "train/reward"]), only("train/reward"));
        assert_eq!(guess(&["step", "r", "l"]), only("r"));
        assert_eq!(guess(&["Step", "Value"]), only("Value"));
        assert_eq!(guess(&["step", "prompt", "value"]), unclear(&["value"]), "a critic's");
        assert_eq!(guess(&["loss"]), only("loss"), "nothing else is there");
        assert_eq!(
            guess(&["step", "prompt", "hardness"]),
            unclear(&["hardness"]),
            "nothing says that it is one"
        );
        assert_eq!(guess(&["task/data/idx", "task/data/difficulty"]), unclear(&["task/data/difficulty"]));
        assert_eq!(guess(&["traces/*/rewards/correct/score"]), unclear(&["traces/*/rewards/correct/score"]));
        let names = ["step", "rm_reward", "format_reward"];
        let none = |names: &[String]| vec![false; names.len()];
        let error = guess(&names).refused(Path::new("x.csv"), &present(&names), none);
        assert!(error.help().is_some_and(|h| h.contains("rm_reward=1,format_reward=0.5")));
    }

    #[test]
    fn truth_values_are_a_reward_where_the_name_says_so() {
        let flags = |names: &[&str], flag: &str| {
            let mut present = present(names);
            let flagged = present.columns.iter_mut().filter(|column| column.name == flag);
            flagged.for_each(|column| column.kind = Kind::Flag);
            guess(&present)
        };
        assert_eq!(flags(&["step", "reward"], "reward"), Guess::Known("reward".to_owned()));
        assert_eq!(flags(&["step", "is_correct"], "is_correct"), Guess::Only("is_correct".to_owned()));
        assert_eq!(flags(&["step", "done"], "done"), Guess::Unclear(vec!["done".to_owned()]));
        let both = vec!["judge_out".to_owned(), "correct".to_owned()];
        assert_eq!(flags(&["step", "judge_out", "correct"], "correct"), Guess::Unclear(both));
        assert_eq!(
            flags(&["proxy", "reward"], "proxy"),
            Guess::Known("reward".to_owned()),
            "a proxy of the network"
        );
        assert_eq!(flags(&["step", "done", "reward"], "done"), Guess::Known("reward".to_owned()));
    }

    #[test]
    fn what_is_named_comes_first() {
        let names = present(&["step", "t", "uid", "who", "reward"]);
        let options =
            LogOptions { step: Some("t".into()), group: Some("who".into()), ..LogOptions::default() };
        let roles = Roles::of(&names, &RewardSpec::Column("reward".into()), &options);
        assert_eq!((roles.step.as_deref(), roles.group.as_deref()), (Some("t"), Some("who")));
        let roles = Roles::of(&names, &RewardSpec::Column("reward".into()), &LogOptions::default());
        assert_eq!((roles.step.as_deref(), roles.group.as_deref()), (Some("step"), Some("uid")));
        let of = |names: &[&str]| {
            Roles::of(&present(names), &RewardSpec::Column("reward".into()), &LogOptions::default()).step
        };
        assert_eq!(of(&["episode", "steps", "reward"]), None, "the length of an episode");
        assert_eq!(of(&["steps", "reward"]).as_deref(), Some("steps"));
    }
}
