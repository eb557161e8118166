//! `tailcatch detect --observer`: a frozen policy is watched by its actions or log-probabilities, and by no reward.

use crate::cli::{file, json, outcome, tailcatch};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::monitor::{Blind, Calibrate, Verdict, Watch, observe};
use tailcatch::record::{LogOptions, RewardSpec, open_log};

/// Completions of the policy as it should be, the first the most frequent.
const HONEST: u64 = 400;

/// What a deployment does beside what it should.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deployed {
    /// Nothing.
    Unchanged,
    /// One of five completions that the trusted policy never gives, with this probability.
    Jump(f64),
}

fn normal(stream: &mut Stream) -> f64 {
    (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0
}

/// A log of samples: ln(π/π₀) is N(1, 2), of a jump 16 nats.
fn log(rows: u64, deployed: Deployed, reward: bool, stream: &mut Stream) -> String {
    let mut text = "prompt,completion,log_prob,ref_log_prob".to_owned();
    text.push_str(if reward { ",reward\n" } else { "\n" });
    for _ in 0..rows {
        let jumps = matches!(deployed, Deployed::Jump(p) if stream.open_unit() < p);
        let (completion, ratio) = match jumps {
            true => (HONEST + stream.below(5), 16.0),
            false => {
                let unit = stream.open_unit();
                ((unit * unit * HONEST as f64) as u64, 1.0 + 2f64.sqrt() * normal(stream))
            }
        };
        let reference = -30.0 + normal(stream);
        let _ = write!(text, "p,text number {completion},{},{reference}", reference + ratio);
        text.push_str(if reward { ",1e9\n" } else { "\n" });
    }
    text
}

fn watch(trusted: &Path, deployed: &Path, blind: Blind) -> Watch {
    let open = |path: &Path| {
        let options = LogOptions { reward: Some(RewardSpec::Unseen), ..LogOptions::default() };
        open_log(&[path.to_owned()], &options).unwrap()
    };
    let calibrate = Calibrate::Log { path: trusted.to_owned(), log: Box::new(open(trusted)) };
    observe(&open(deployed), &calibrate, blind).unwrap()
}

/// Of 100 deployments, how many are flagged; and the samples to the alarm.
fn flagged(blind: Blind, deployed: Deployed, rows: u64) -> (usize, Vec<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let (trusted, now) = (folder.path().join("trusted.csv"), folder.path().join("now.csv"));
    let mut samples = Vec::new();
    let count = (0..100).filter(|seed| {
        let mut stream = SeedTree::new(92, *seed).stream(Purpose::Action, 0);
        std::fs::write(&trusted, log(4000, Deployed::Unchanged, false, &mut stream)).unwrap();
        std::fs::write(&now, log(rows, deployed, false, &mut stream)).unwrap();
        let watch = watch(&trusted, &now, blind);
        assert_eq!((watch.trusted, watch.samples), (4000, rows as usize));
        assert!(watch.verdict() != Verdict::NotJudged, "{watch:?}");
        let raised = watch.monitors.iter().filter_map(|own| own.answer.clone().unwrap());
        samples.extend(raised.map(|raised| raised.sample));
        watch.verdict() == Verdict::Flagged
    });
    (count.count(), samples)
}

#[test]
fn an_unchanged_policy_is_flagged_no_more_often_than_the_level() {
    // 5% of 100, and three standard errors of it.
    for (blind, rows) in [(Blind::LogProbs, 80), (Blind::Actions, 300)] {
        let (count, _) = flagged(blind, Deployed::Unchanged, rows);
        assert!(count <= 11, "{blind:?}: {count} of 100");
    }
}

#[test]
fn a_jump_is_told_about_as_soon_as_the_closed_forms_say() {
    // Of 80 samples at 5% the first comes with 98.3%; of five outcomes at 5%, two or three times each within 300 samples with more.
    for (blind, rows) in [(Blind::LogProbs, 80), (Blind::Actions, 300)] {
        let (count, samples) = flagged(blind, Deployed::Jump(0.05), rows);
        assert!(count >= 93, "{blind:?}: {count} of 100");
        let early = samples.iter().filter(|sample| **sample <= 60).count();
        assert!(blind == Blind::Actions || early >= 85, "{blind:?}: {early}");
    }
}

/// A trusted log of 4,000 and a deployment of 80 samples, written to a folder.
fn written(deployed: Deployed, reward: bool) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let mut stream = SeedTree::new(93, 0).stream(Purpose::Action, 0);
    let folder = tempfile::tempdir().unwrap();
    let (trusted, now) = (folder.path().join("trusted.csv"), folder.path().join("now.csv"));
    std::fs::write(&trusted, log(4000, Deployed::Unchanged, reward, &mut stream)).unwrap();
    std::fs::write(&now, log(80, deployed, reward, &mut stream)).unwrap();
    (folder, trusted, now)
}

fn answer(trusted: &Path, now: &Path, observer: &str, code: i32) -> Value {
    let mut command = tailcatch();
    command.args(["detect", "--observer", observer, "--fail-on-flag", "--calibrate"]).arg(trusted).arg(now);
    json(&mut command, code)
}

#[test]
fn the_command_names_the_sample_and_the_reward_changes_nothing() {
    let (_folder, trusted, now) = written(Deployed::Jump(0.1), false);
    let found = answer(&trusted, &now, "log_probs", 3);
    assert_eq!(found["verdict"], "flagged");
    let alarm = &found["monitors"]["log_ratio"]["alarm"];
    let text = std::fs::read_to_string(&now).unwrap();
    let line = alarm["line"].as_u64().unwrap() as usize;
    let first = text.lines().position(|line| line.contains("text number 40")).unwrap() + 1;
    assert_eq!(line, first, "{alarm}");
    assert!(alarm["value"].as_f64().unwrap() > alarm["threshold"].as_f64().unwrap());
    // Rewards of a billion, which nobody looks at.
    let (_other, trusted, now) = written(Deployed::Unchanged, true);
    assert_eq!(answer(&trusted, &now, "log_probs", 0)["verdict"], "quiet");
    assert_eq!(answer(&trusted, &now, "actions", 0)["verdict"], "quiet");
}

#[test]
fn what_cannot_be_judged_is_said() {
    // No log-probabilities.
    let (_folder, path) = file("log.csv", "prompt,completion\na,b\na,c\n");
    let found = answer(&path, &path, "log_probs", 4);
    assert_eq!(found["verdict"], "not_judged");
    let reason = found["monitors"]["log_ratio"]["reason"].as_str().unwrap();
    assert!(reason.contains("`log_prob` and `ref_log_prob`"), "{reason}");
    // Neither completions nor outcomes.
    let (_folder, path) = file("log.csv", "prompt,log_prob,ref_log_prob\na,-1,-2\na,-1,-2\n");
    let found = answer(&path, &path, "actions", 4);
    assert!(found["monitors"]["two_sample"]["reason"].as_str().unwrap().contains("completion"), "{found}");
    // As many trusted rollouts as samples.
    let found = answer(&path, &path, "log_probs", 4);
    let reason = found["monitors"]["log_ratio"]["reason"].as_str().unwrap();
    assert!(reason.contains("2 trusted rollouts, 78 needed"), "{reason}");
    // Nobody to trust.
    let mut command = tailcatch();
    command.args(["detect", "--observer", "actions"]).arg(&path);
    let (code, _, err) = outcome(&mut command);
    assert_eq!(code, 2);
    assert!(err.contains("trusted") && err.contains("--calibrate-steps 0..10"), "{err}");
    // What looks at rewards has no place beside it.
    for flag in [["--reward", "x"], ["-d", "robust_z"], ["--group-by", "step"]] {
        let mut command = tailcatch();
        command.args(["detect", "--observer", "actions"]).args(flag).arg(&path);
        let (code, _, err) = outcome(&mut command);
        assert!(code == 2 && err.contains("cannot be used with"), "{flag:?}: {err}");
    }
}

#[test]
fn steps_of_the_log_may_be_trusted() {
    let mut stream = SeedTree::new(94, 0).stream(Purpose::Action, 0);
    let of = |rows, deployed, step: u64, stream: &mut Stream| -> String {
        log(rows, deployed, false, stream).lines().skip(1).map(|line| format!("{step},{line}\n")).collect()
    };
    let head = "step,prompt,completion,log_prob,ref_log_prob\n".to_owned();
    let text =
        head + &of(4000, Deployed::Unchanged, 0, &mut stream) + &of(80, Deployed::Jump(0.1), 1, &mut stream);
    let (_folder, path) = file("log.csv", text);
    let mut command = tailcatch();
    command.args(["detect", "--observer", "log_probs", "--calibrate-steps", "0..1"]).arg(&path);
    let found = json(&mut command, 0);
    assert_eq!(
        (&found["verdict"], &found["trusted"], &found["n"]),
        (&"flagged".into(), &4000.into(), &80.into())
    );
    assert_eq!(found["monitors"]["log_ratio"]["alarm"]["step"], 1);
}
