//! The verdict on a log that is seen step by step.

use super::rows::Facts;
use super::step::{Stage, Watch};
use crate::foundation::format::count;
use crate::monitor::reading::{
    Assumptions, ListEntry, Passes, Reading, Rest, Verdict, conclude, left_open, not_judged, shared,
};

impl Watch {
    /// The verdict on all that was seen, as [`detect`](crate::monitor::detect) gives it; what the texts share, and what of
    /// them came since the reference, rests on a sample.
    pub fn reading(&self, facts: &Facts) -> Reading {
        let mut whole = self.clone();
        let steps = whole.settings.reference().min(whole.steps);
        let ended = whole.is_learning();
        if ended {
            whole.begin(facts);
        }
        let noun = whole.noun();
        if self.steps > 1 && self.rows == self.steps {
            let why = "each step has one rollout, which has nothing to be compared with: `tailcatch detect` judges such a log in blocks, or \
                       give steps of several rollouts";
            return not_judged(why.to_owned(), self.assumptions(facts, noun, 0, 0.0));
        }
        whole.take(facts);
        let last = whole.last_step().unwrap_or_default();
        let Self { stage, passes, keep, since, spread, list, of_jumps, .. } = whole;
        let Stage::Later(gathering) = stage else {
            return not_judged("no rollout came".to_owned(), self.assumptions(facts, noun, 0, 0.0));
        };
        // A prompt that fails again has no jump any more.
        let stands = |(prompt, entry): (u64, ListEntry)| {
            passes.as_ref().is_some_and(|passes| passes.has_jumped(prompt)).then_some(entry)
        };
        let of_jumps: Vec<ListEntry> = of_jumps.into_iter().filter_map(stands).collect();
        let (places, expected) = (gathering.places(), gathering.expected_benign());
        let mut gathered = gathering.finish(Vec::new(), noun);
        let above = gathered.above();
        let paid = above.filter(|_| passes.is_some());
        // Levels that only later rollouts show: what passed was not counted from the first on.
        let unseen = above.is_some() && paid.is_none();
        if unseen {
            (gathered.tested.apart, gathered.unlike) = (None, None);
        }
        let pass_rate = passes.filter(|_| paid.is_some()).map(Passes::finish);
        let reference =
            if steps == 1 { "the first step".to_owned() } else { format!("the first {steps} steps") };
        let named = reference.clone();
        let mut reading = conclude(
            gathered,
            Rest {
                list,
                shared: shared(keep.samples(paid.is_some())),
                pass_rate,
                nothing_after: match (ended, unseen) {
                    (true, _) => Some(format!(
                        "the log ends at step {last}, inside the reference: wait for more of the log"
                    )),
                    (false, true) => Some(
                        "the rewards lie on two levels, which the reference alone does not show: `tailcatch detect` judges the log by its \
                         pass rate"
                            .to_owned(),
                    ),
                    (false, false) => None,
                },
                assumptions: self.assumptions(facts, noun, places, expected),
                reference,
            },
        );
        if reading.judgement.verdict != Verdict::Flagged {
            let found = since.new_texts(paid, &facts.files);
            let before = left_open(&found, reading.judgement.verdict)
                .and_then(|open| spread.paid(open, &reading.levels));
            if let Some(text) = before.or(found.into_iter().next()) {
                text.say(&mut reading.judgement, &named);
                reading.new_text = Some(text);
            }
        }
        if !of_jumps.is_empty() {
            reading.list.extend(of_jumps);
            reading.list.sort_by_key(|entry| (!entry.reference, entry.step));
        }
        reading
    }

    fn assumptions(&self, facts: &Facts, noun: &str, places: usize, expected: f64) -> Assumptions {
        let steps = self.settings.reference().min(self.steps);
        let rollouts = match &self.stage {
            Stage::Reference(_) => self.rows as usize,
            Stage::Later(gathering) => gathering.reference(),
        };
        let name = if steps == 1 { "the first step".to_owned() } else { format!("the first {steps} steps") };
        Assumptions {
            reward: facts.reward.clone(),
            step: facts.step.clone(),
            group: facts.group.clone(),
            texts: facts.texts.clone(),
            centre: noun.to_owned(),
            reference: format!("{name} ({} rollouts)", count(rollouts)),
            rows: self.rows as usize,
            rows_left_out: facts.rows_left_out,
            files: facts.files.len(),
            files_left_out: facts.files_left_out.clone(),
            duplicates: facts.duplicates + self.duplicates,
            places,
            expected_benign: expected,
            power: Vec::new(),
        }
    }
}
