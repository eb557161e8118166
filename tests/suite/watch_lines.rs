//! `watch -`: what is answered to lines that come again, late, or cannot be read.

use crate::cli::tailcatch;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

/// The code, and the answers to these lines, of which the last is the verdict.
fn watch(input: &[u8]) -> (i32, Vec<Value>, String) {
    let mut command = tailcatch();
    let command = command.args(["watch", "-", "--steps", "30"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may have ended.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let answers = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), answers, String::from_utf8(output.stderr).unwrap())
}

fn rewards(step: u64) -> Vec<Value> {
    (0..16u64).map(|i| json!(((step * 31 + i) * 2_654_435_761 % 9973) as f64 / 9973.0)).collect()
}

fn step(step: u64) -> Value {
    json!({"step": step, "rewards": rewards(step), "completions": (0..16).map(|i| format!("text {step} {i}")).collect::<Vec<_>>()})
}

fn steps(answers: &[Value]) -> Vec<&Value> {
    answers.iter().filter(|answer| answer.get("entries").is_some()).collect()
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_the_next_is_read() {
    let mut input: Vec<u8> = format!("\u{feff}{}\r\n\n{}\n", step(0), step(1)).into_bytes();
    let bad: [(&[u8], &str); 9] = [
        (b"loading the model\n", "expected value at column 1"),
        (b"{\"step\": 2, \"rewards\": [1, 2\n", "EOF while parsing a list at column"),
        (b"{\"step\": 2}\n", "missing field `rewards`"),
        (b"{\"rewards\": [1]}\n", "missing field `step`"),
        (b"{\"step\": 2, \"rewards\": [1, Infinity]}\n", "reward 1 is inf"),
        (
            b"{\"step\": 2, \"rewards\": [1, 2], \"completions\": [\"a\"]}\n",
            "`completions` has 1 elements, `rewards` has 2",
        ),
        (b"{\"step\": 2, \"rewards\": [1], \"texts\": [\"a\"]}\n", "unknown field `texts`"),
        (b"{\"step\": -2, \"rewards\": [1]}\n", "step -2 is not a whole number"),
        (b"{\"step\": 2, \"rewards\": [\"\xff\"]}\n", "the text is not UTF-8"),
    ];
    for (line, _) in bad {
        input.extend_from_slice(line);
    }
    for at in 2..30 {
        input.extend_from_slice(format!("{}\n", step(at)).as_bytes());
    }
    let (code, answers, stderr) = watch(&input);
    assert_eq!(code, 0, "{stderr}");
    let errors: Vec<&Value> = answers.iter().filter(|answer| answer.get("error").is_some()).collect();
    assert_eq!((errors.len(), steps(&answers).len()), (bad.len(), 30), "{stderr}");
    for (at, ((_, problem), error)) in bad.iter().zip(errors).enumerate() {
        let said = error["error"].as_str().unwrap();
        assert!(said.starts_with(&format!("line {}: ", at + 4)) && said.contains(problem), "{said}");
        assert_eq!(error["line"], at + 4);
        assert!(!said.contains("at line 1"), "{said}");
    }
    let verdict = answers.last().unwrap();
    assert_eq!((&verdict["verdict"], &verdict["lines_left_out"]), (&json!("not_judged"), &json!(9)));
    assert_eq!(verdict["first_lines_left_out"][0]["line"], 4);
    let said = verdict["verdict_text"].as_str().unwrap();
    assert!(said.starts_with("9 of the lines could not be read (line 4: expected value"), "{said}");
    // Whoever writes something else is told at once.
    let (code, answers, stderr) = watch(b"loading the model\n");
    assert!((code, answers.len()) == (2, 0) && stderr.contains("line 1: expected value"), "{stderr}");
    // A flagged log says it too.
    let mut all: Vec<Value> = (0..30).map(step).collect();
    all[20]["rewards"][3] = json!(500.0);
    all[21]["rewards"][3] = json!(500.0);
    let mut text: String = all.iter().map(|step| format!("{step}\n")).collect();
    text.push_str("{\n");
    let (_, answers, _) = watch(text.as_bytes());
    let verdict = answers.last().unwrap();
    assert_eq!(verdict["verdict"], "flagged");
    assert!(
        verdict["cautions"].to_string().contains("1 of the lines could not be read (line 31: "),
        "{verdict}"
    );
}

#[test]
fn a_step_that_comes_again_or_late_is_told_and_is_no_further_one() {
    // Each step in two lines of eight rollouts: the reference is three steps, and not three lines.
    let half = |at: u64, half: usize| {
        let cut = |list: &Value| list.as_array().unwrap()[8 * half..8 * half + 8].to_vec();
        let whole = step(at);
        json!({"step": at, "rewards": cut(&whole["rewards"]), "completions": cut(&whole["completions"])})
    };
    let input: String =
        (0..30).flat_map(|at| [half(at, 0), half(at, 1)]).map(|line| format!("{line}\n")).collect();
    let (_, answers, stderr) = watch(input.as_bytes());
    let all = steps(&answers);
    let references = all.iter().filter(|answer| answer["reference"] == true).count();
    assert_eq!((all.len(), references), (60, 6), "{stderr}");
    assert!(all[1]["notes"][0].as_str().unwrap().starts_with("step 0 came before"), "{}", all[1]);
    assert!(all[0].get("notes").is_none() && all[2].get("notes").is_none());
    let verdict = answers.last().unwrap();
    assert_eq!(verdict["assumptions"]["reference"], "the first 3 steps (48 rollouts)");
    // The same line again counts once, and one that is late is judged where it comes.
    let order = [0, 1, 2, 3, 5, 6, 4, 7, 7];
    let input: String = order.iter().map(|at| format!("{}\n", step(*at))).collect();
    let (_, answers, _) = watch(input.as_bytes());
    let all = steps(&answers);
    assert!(all[6]["notes"][0].as_str().unwrap().starts_with("step 4 comes after step 6"), "{}", all[6]);
    let again = all[8]["notes"].to_string();
    assert!(again.contains("16 of 16 rollouts were there before, and count once"), "{again}");
    let assumed = &answers.last().unwrap()["assumptions"];
    assert_eq!((&assumed["rows"], &assumed["duplicates"]), (&json!(128), &json!(16)));
}

#[test]
fn rollouts_without_a_reward_are_counted_and_told() {
    let mut second = step(1);
    second["rewards"][0] = Value::Null;
    let nan = second.to_string().replace("null", "NaN");
    let mut none = step(2);
    none["rewards"] = json!(vec![Value::Null; 16]);
    let empty = json!({"step": 3, "rewards": []});
    let (code, answers, stderr) =
        watch(format!("{}\n{nan}\n{none}\n{empty}\n{}\n", step(0), step(4)).as_bytes());
    assert_eq!(code, 0, "{stderr}");
    let all = steps(&answers);
    assert_eq!(all.iter().map(|answer| &answer["rollouts"]).collect::<Vec<_>>(), [16, 15, 0, 0, 16]);
    assert_eq!(all[1]["notes"][0], "1 of 16 rollouts have no reward, and are left out");
    assert_eq!(all[2]["notes"][0], "16 of 16 rollouts have no reward, and are left out");
    assert_eq!(all[3]["notes"][0], "no rollout came with it");
    assert_eq!(answers.last().unwrap()["assumptions"]["rows_left_out"], 17);
}
