//! `tailcatch slurm`: what it prints, and, with a queue of this folder's own making, what it sees through.

use crate::bound::{Place, TINY, contents};
use crate::cli::{json, outcome};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Runs the tasks of an array one after another, as `sbatch` would; the first time task 1 gets lost, as with a controller that dies.
const SBATCH: &str = r#"#!/bin/bash
[ "$1" = --version ] && exit
for script; do :; done
last=$(sed -n 's/^#SBATCH --array=0-//p' "$script")
round=$(cat "$QUEUE/round" 2>/dev/null || echo 0)
echo $((round + 1)) > "$QUEUE/round"
echo "$round: $((last + 1)) tasks: $*" >> "$QUEUE/told"
cp "$script" "$QUEUE/script$round"
for task in $(seq 0 "$last"); do
    [ "$round" = 0 ] && [ "$task" = 1 ] && continue
    TAILCATCH_MERGE=no SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_JOB_ID=7 SLURM_RESTART_COUNT=9 bash "$script" >> "$QUEUE/log" 2>&1
done
echo 7
"#;

const SQUEUE: &str = "#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2\nexit 1\n";

/// A folder with the two programs; gives the path to search.
fn queue(place: &Place, sbatch: &str, squeue: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = place.path("queue");
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in [("sbatch", sbatch), ("squeue", squeue)] {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn with_queue(place: &Place, folder: &PathBuf, arguments: &str) -> Command {
    let mut command = place.command(arguments);
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("QUEUE", folder);
    command
}

#[test]
fn a_script_is_printed_and_nothing_is_touched() {
    let place =
        Place::new(&format!("{TINY}[slurm]\nmemory = \"2G\"\ncpus = 2\noptions = [\"--qos=long\"]\n"));
    let before = contents(place.folder.path());
    let script = place.done("slurm tiny.toml --time 01:00:00 --shards 2 --out runs/x");
    assert!(before == contents(place.folder.path()));
    for line in [
        "#!/bin/bash",
        "#SBATCH --array=0-1",
        "#SBATCH --mem=2G",
        "#SBATCH --time=01:00:00",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --qos=long",
    ] {
        assert!(script.contains(line), "{line}\n{script}");
    }
    fs::write(place.path("job.sh"), &script).unwrap();
    let (code, _, stderr) = outcome(Command::new("bash").arg("-n").arg(place.path("job.sh")));
    assert_eq!(code, 0, "{stderr}");
    // More shards than runs are not asked for by default; more than an array has are refused.
    assert_eq!(json(&mut place.command("slurm tiny.toml"), 0)["shards"], 1);
    for (arguments, told) in [("--shards 1002", "1001"), ("--partition a;b", "slurm.partition")] {
        let (code, _, stderr) = place.call(&format!("slurm tiny.toml {arguments}"));
        assert!(code == 2 && stderr.contains(told), "{code} {stderr}");
    }
}

#[test]
fn the_tasks_of_a_script_are_the_shards_and_bad_calls_are_not_requeued() {
    let place = Place::new(TINY);
    let folder = queue(&place, "#!/bin/sh\necho \"$*\" >> \"$QUEUE/merge\"\n", SQUEUE);
    fs::write(folder.join("scontrol"), "#!/bin/sh\necho \"$*\" >> \"$QUEUE/requeued\"\nexit 1\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder.join("scontrol"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(place.path("job.sh"), place.done("slurm tiny.toml --shards 2 --out out")).unwrap();
    let task = |number: &str, restarts: &str| {
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.current_dir(place.folder.path()).arg("job.sh").env("PATH", path).env("QUEUE", &folder);
        command
            .env("SLURM_ARRAY_TASK_ID", number)
            .env("SLURM_ARRAY_JOB_ID", "7")
            .env("SLURM_RESTART_COUNT", restarts);
        outcome(&mut command).0
    };
    assert_eq!((task("0", "0"), task("1", "0")), (0, 0));
    let merge = fs::read_to_string(folder.join("merge")).unwrap();
    assert!(
        merge.lines().count() == 1
            && merge.contains("--dependency=afterany:7")
            && merge.contains("merge out"),
        "{merge}"
    );
    assert_eq!(json(&mut place.command("status out"), 0)["tables"], "none");
    place.done("merge out");
    assert!(!folder.join("requeued").exists());
    // What fails for good is not put back, and a restart submits no other merge.
    fs::remove_dir_all(place.path("out")).unwrap();
    fs::write(place.path("out"), "a file").unwrap();
    assert_eq!((task("1", "0"), task("0", "1")), (1, 1));
    fs::write(place.path("tiny.toml"), "nonsense").unwrap();
    assert_eq!(task("1", "0"), 2);
    assert!(!folder.join("requeued").exists());
    assert_eq!(fs::read_to_string(folder.join("merge")).unwrap().lines().count(), 1);
    // What is stopped or killed is put back three times.
    let script = fs::read_to_string(place.path("job.sh")).unwrap();
    for code in [75, 137] {
        let line = script.lines().find(|line| line.contains(" run tiny.toml")).unwrap();
        fs::write(place.path("job.sh"), script.replace(line, &format!("sh -c 'exit {code}' &"))).unwrap();
        assert_eq!((task("1", "0"), task("1", "2"), task("1", "3")), (code, code, code));
    }
    assert_eq!(fs::read_to_string(folder.join("requeued")).unwrap(), "requeue 7_1\n".repeat(4));
}

#[test]
fn what_an_array_left_is_submitted_again_and_nothing_else() {
    let place = Place::new(&TINY.replace("replicates = 2", "replicates = 6"));
    let folder = queue(&place, SBATCH, SQUEUE);
    let told = json(&mut with_queue(&place, &folder, "slurm tiny.toml --shards 3 --out out --submit"), 0);
    assert_eq!((&told["runs"], &told["finished"]), (&6.into(), &6.into()));
    let rounds = fs::read_to_string(folder.join("told")).unwrap();
    assert_eq!(rounds.lines().count(), 2, "{rounds}");
    // Runs 1 and 4 were the lost task's.
    assert!(rounds.contains("0: 3 tasks") && rounds.contains("1: 2 tasks"), "{rounds}");
    assert_eq!(fs::read_to_string(place.path("out/missing.ids")).unwrap().lines().count(), 2);
    assert!(fs::read_to_string(folder.join("script1")).unwrap().contains("--ids out/missing.ids"));
    place.done("run tiny.toml --out local");
    for table in ["summary.csv", "replicates.csv", "steps.csv"] {
        assert!(
            fs::read(place.path("out").join(table)).unwrap()
                == fs::read(place.path("local").join(table)).unwrap()
        );
    }
    // All is there: nothing is submitted.
    outcome(&mut with_queue(&place, &folder, "slurm tiny.toml --shards 3 --out out --submit"));
    assert_eq!(fs::read_to_string(folder.join("told")).unwrap().lines().count(), 2);
}

#[test]
fn a_queue_that_refuses_is_told() {
    let place = Place::new(TINY);
    let folder = queue(&place, "#!/bin/sh\necho 'invalid partition' >&2\nexit 1\n", SQUEUE);
    let (code, _, stderr) = outcome(&mut with_queue(&place, &folder, "slurm tiny.toml --out out --submit"));
    assert!(
        code == 1 && stderr.contains("sbatch") && stderr.contains("invalid partition"),
        "{code} {stderr}"
    );
    // A finished experiment is not given up for another, neither by parts nor for a queue.
    place.done("run tiny.toml --out kept");
    place.done("run tiny.toml --out part --set seed=8 --shard 0/2");
    place.done("run tiny.toml --out part --set seed=8 --shard 1/2");
    let before = contents(&place.path("kept"));
    for arguments in [
        "slurm tiny.toml --out kept --set seed=8 --submit",
        "run tiny.toml --out kept --set seed=8 --shard 0/2",
        "merge part --out kept",
    ] {
        let (code, _, stderr) = outcome(&mut with_queue(&place, &folder, arguments));
        assert!(code == 2 && stderr.contains("holds another experiment"), "{arguments}: {code} {stderr}");
        assert!(before == contents(&place.path("kept")), "{arguments}");
    }
}
