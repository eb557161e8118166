//! A job for Slurm: an array of shards that put themselves back into the queue, and the merge after it.
//!
//! Slurm is at-least-once at best: a node that dies is requeued, a task that fails is not, and a controller that dies may forget an
//! array or run its tasks twice. So a task is a shard of the plan that skips what is there, asks to be requeued a bounded number of times,
//! and may run twice at once.

use crate::config::SlurmSection;
use crate::foundation::format::{is_hidden, visible};
use std::fmt::Write as _;
use std::num::NonZeroUsize;

/// Most tasks of an array where a site has not changed `MaxArraySize`.
pub const MOST_SHARDS: usize = 1001;

/// What the array runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Name of the experiment.
    pub name: String,
    /// The program.
    pub program: String,
    /// Config and what overrides it, as arguments of `run`.
    pub run: Vec<String>,
    /// Run folder.
    pub out: String,
    /// Whether records of several kinds of processor may stand together.
    pub allow_mixed: bool,
    /// Tasks of the array.
    pub shards: NonZeroUsize,
}

/// Why there is no script.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlurmError {
    /// More tasks than an array may have.
    #[error(
        "{shards} shards are more than the {MOST_SHARDS} tasks that an array has unless a site allows more; give a smaller --shards"
    )]
    Shards {
        /// How many were asked for.
        shards: usize,
    },
    /// Something other than a time, or an amount of memory.
    #[error("slurm.{key}: `{value}` is {problem}")]
    Amount {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A character that is not seen, in a word of the script.
    #[error(
        "`{}` holds a character that is not seen, and would stand in a script; rename the file, or leave the character out",
        visible(text)
    )]
    Hidden {
        /// The word.
        text: String,
    },
    /// A value that `sbatch` would take for something else.
    #[error(
        "slurm.{key}: `{value}` is no value for sbatch; use letters, digits and the marks . _ - + , : / = @ % alone"
    )]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
    },
}

/// The script of an array, ready for `sbatch`. Unless `TAILCATCH_MERGE=no` stands in its environment, its first task submits the merge,
/// which begins when all tasks have ended, however they did.
///
/// # Errors
/// Too many shards; a value that is no single word.
pub fn script(job: &Job, asked: &SlurmSection) -> Result<String, SlurmError> {
    let shards = job.shards.get();
    if shards > MOST_SHARDS {
        return Err(SlurmError::Shards { shards });
    }
    let words = job.run.iter().chain([&job.program, &job.out]);
    if let Some(text) = words.into_iter().find(|word| word.contains(is_hidden)) {
        return Err(SlurmError::Hidden { text: text.clone() });
    }
    let amount = |key, value: &Option<String>, is: fn(&str) -> bool, problem| match value {
        Some(value) if !is(value) => Err(SlurmError::Amount { key, value: value.clone(), problem }),
        _ => Ok(()),
    };
    let mut text = String::from("#!/bin/bash\n");
    let mut ask = |option: &str, key: &'static str, value: Option<&str>| {
        let Some(value) = value else { return Ok(()) };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-+,:/=@%".contains(c);
        if value.is_empty() || !value.chars().all(plain) {
            return Err(SlurmError::Value { key, value: value.to_owned() });
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#SBATCH {option}{value}");
        Ok(())
    };
    ask("--job-name=", "name", Some(&word(&job.name)))?;
    ask("--array=", "shards", Some(&format!("0-{}", shards - 1)))?;
    ask("--output=", "name", Some(&format!("slurm-{}-%A_%a.log", word(&job.name))))?;
    ask("--cpus-per-task=", "cpus", Some(&asked.cpus.to_string()))?;
    ask("--mem=", "memory", asked.memory.as_deref())?;
    ask("--time=", "time", asked.time.as_deref())?;
    ask("--partition=", "partition", asked.partition.as_deref())?;
    ask("--account=", "account", asked.account.as_deref())?;
    for option in &asked.options {
        ask("", "options", Some(option))?;
    }
    amount(
        "memory",
        &asked.memory,
        is_memory,
        "no amount of memory; write a whole number of MB, or one with K, M, G or T: 4G",
    )?;
    amount(
        "time",
        &asked.time,
        is_time,
        "no time; write minutes, hours:minutes:seconds or days-hours: 04:00:00",
    )?;
    text += "#SBATCH --ntasks=1\n#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --signal=B:TERM@60\n";
    let mixed = if job.allow_mixed { " --allow-mixed" } else { "" };
    let run: String = job.run.iter().map(|argument| format!(" {}", quoted(argument))).collect();
    let (program, out) = (quoted(&job.program), quoted(&job.out));
    let merge = format!("{program} merge {out}{mixed}");
    let asked_for = [
        ("partition", &asked.partition),
        ("account", &asked.account),
        ("time", &asked.time),
        ("mem", &asked.memory),
    ];
    let same =
        asked_for.iter().filter_map(|(option, value)| Some(format!(" --{option}={}", value.as_deref()?)));
    let same: String = same.chain(asked.options.iter().map(|option| format!(" {option}"))).collect();
    let _ = write!(
        text,
        r#"
# The first task submits the merge at its first start; it begins when every task has ended.
if [ "$SLURM_ARRAY_TASK_ID" = 0 ] && [ "${{SLURM_RESTART_COUNT:-0}}" = 0 ] && [ "${{TAILCATCH_MERGE:-}}" != no ]; then
    sbatch --job-name={name}-merge --output=slurm-{name}-merge-%j.log --dependency=afterany:"$SLURM_ARRAY_JOB_ID"{same} \
        --wrap={wrapped} ||
        echo "the merge could not be submitted; give {merge_shown} when the array has ended" >&2
fi

# A signal goes on to the program, which finishes or drops the run in hand and keeps all others.
run=
trap '[ -z "$run" ] || kill -TERM "$run" 2>/dev/null' TERM INT
{program} run{run} --out {out} --shard "$SLURM_ARRAY_TASK_ID/{shards}" --threads {cpus}{mixed} &
run=$!
wait "$run"
while kill -0 "$run" 2>/dev/null; do wait "$run"; done
# A wait that a signal ends tells of the signal; this one tells of the program.
wait "$run"
code=$?

# Slurm requeues when a node dies, and not when a task is stopped or killed. What fails for good (1, 2) is mended by no repetition.
if [ "$code" != 0 ] && [ "$code" != 1 ] && [ "$code" != 2 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {requeues} ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID" && sleep 60
fi
exit "$code"
"#,
        name = word(&job.name),
        wrapped = quoted(&merge),
        merge_shown = merge.replace(['"', '$', '`', '\\'], "?"),
        cpus = asked.cpus,
        requeues = asked.requeues,
    );
    Ok(text)
}

/// A whole number of digits alone.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Memory as `sbatch` reads it: MB, or with a unit.
fn is_memory(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_uppercase();
    is_number(digits) && ["", "K", "M", "G", "T", "KB", "MB", "GB", "TB"].contains(&unit.as_str())
}

/// Time as `sbatch` reads it: minutes, minutes:seconds, hours:minutes:seconds, and the same of hours after days and a dash.
fn is_time(text: &str) -> bool {
    if ["UNLIMITED", "INFINITE"].iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return true;
    }
    let (days, clock) = text.split_once('-').map_or((None, text), |(days, clock)| (Some(days), clock));
    days.is_none_or(is_number) && clock.split(':').count() <= 3 && clock.split(':').all(is_number)
}

/// A name in which nothing has a meaning of its own.
fn word(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let shown: String = name.chars().map(plain).collect();
    if shown.is_empty() { "tailcatch".to_owned() } else { shown }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(shards: usize) -> Job {
        Job {
            name: "a b;c".to_owned(),
            program: "tailcatch".to_owned(),
            run: vec!["it's.toml".to_owned(), "--set".to_owned(), "question=\"$(rm x)?\"".to_owned()],
            out: "runs/a b".to_owned(),
            allow_mixed: false,
            shards: NonZeroUsize::new(shards).unwrap(),
        }
    }

    #[test]
    fn what_is_asked_for_stands_in_the_script_and_nothing_is_run_by_a_name() {
        let asked = SlurmSection {
            memory: Some("4G".to_owned()),
            options: vec!["--qos=long".to_owned()],
            ..SlurmSection::default()
        };
        let text = script(&job(16), &asked).unwrap();
        for line in [
            "#SBATCH --job-name=a_b_c\n",
            "#SBATCH --array=0-15\n",
            "#SBATCH --mem=4G\n",
            "#SBATCH --qos=long\n",
            "tailcatch run 'it'\\''s.toml' --set 'question=\"$(rm x)?\"' --out 'runs/a b' --shard \"$SLURM_ARRAY_TASK_ID/16\"",
            "--wrap='tailcatch merge '\\''runs/a b'\\'''",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn values_that_sbatch_would_misread_are_refused() {
        for bad in ["a b", "a\n#SBATCH --uid=0", "", "$(x)", "'"] {
            let asked = SlurmSection { partition: Some(bad.to_owned()), ..SlurmSection::default() };
            let error = script(&job(1), &asked).unwrap_err();
            assert!(matches!(error, SlurmError::Value { key: "partition", .. }), "{bad}");
        }
        let refused = |asked: &SlurmSection| script(&job(1), asked).unwrap_err().to_string();
        for bad in ["abc", "4:", "-1", "1-", "1-2:3:4:5", "1:2:3:4", "4h", "1.5"] {
            let asked = SlurmSection { time: Some(bad.to_owned()), ..SlurmSection::default() };
            assert!(refused(&asked).contains("slurm.time"), "{bad}");
        }
        for bad in ["banana", "G", "1.5G", "-4G", "4GG", "4B", "BB"] {
            let asked = SlurmSection { memory: Some(bad.to_owned()), ..SlurmSection::default() };
            assert!(refused(&asked).contains("slurm.memory"), "{bad}");
        }
        for time in ["30", "30:00", "04:00:00", "2-12", "2-12:30", "2-12:30:00", "unlimited"] {
            for memory in ["4000", "4G", "4GB", "512m", "0"] {
                let (time, memory) = (Some(time.to_owned()), Some(memory.to_owned()));
                let asked = SlurmSection { time, memory, ..SlurmSection::default() };
                assert!(script(&job(1), &asked).is_ok(), "{asked:?}");
            }
        }
        let hidden = Job { run: vec!["a\u{1b}b.toml".to_owned()], ..job(1) };
        let error = script(&hidden, &SlurmSection::default()).unwrap_err();
        assert!(error.to_string().contains("a\\u{1b}b.toml"), "{error}");
        assert_eq!(script(&job(1002), &SlurmSection::default()), Err(SlurmError::Shards { shards: 1002 }));
        assert!(script(&job(1001), &SlurmSection::default()).is_ok());
    }
}
