//! Several detectors in one: the mean of their ranks.

use super::Members;
use crate::detectors::input::{digits, scores};
use crate::detectors::policy::LogRatio;
use crate::detectors::reward::{LengthResidual, RobustZ, WithinPrompt};
use crate::detectors::{Access, Detector, DetectorSpec, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::sorted;
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::record::{Observed, Scores};
use rand::Rng as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The mean over members of the share of calibration scores below a score: conformal ranks (Vovk, Gammerman & Shafer 2005),
/// so that units do not matter and nothing is taken from the run.
///
/// With n calibration rollouts a rank is #{calibration < s}/(n + 1); beyond the largest calibration score m the last
/// 1/(n + 1) is filled as x/(1 + x), x = (s − m)/(m − median) or s − m where these are equal, so that the far tail stays
/// ordered. A mean of ranks finds what several members find middling; one that is sure is diluted by those that know nothing. Members that are
/// the same thing in other units (`robust_z` and `gpd_tail`, mostly) count double.
///
/// Members that refuse the calibration, or cannot score it, are left out, and explanations name them. Refuses with
/// [`Status::NoMember`] where none is left. A member that cannot score a batch is that batch's status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankMean {
    /// The detectors, by name or as tables.
    pub members: Members,
}

impl Default for RankMean {
    /// The reward as it is, for its prompt and for its length, and what the policy has learned to do.
    fn default() -> Self {
        Self {
            members: Members::known(vec![
                DetectorSpec::RobustZ(RobustZ {}),
                DetectorSpec::WithinPrompt(WithinPrompt {}),
                DetectorSpec::LengthResidual(LengthResidual {}),
                DetectorSpec::LogRatio(LogRatio {}),
            ]),
        }
    }
}

impl Detector for RankMean {
    /// That of the member that sees most.
    fn access(&self) -> Access {
        let of_members = self.members.get().iter().map(|member| member.part().access());
        of_members.max_by_key(|access| access.width()).unwrap_or(Access::Control)
    }
    /// What all members need: one that lacks something is left out.
    fn needs(&self) -> Vec<String> {
        let mut members = self.members.get().iter().map(|member| member.part().needs());
        let first = members.next().unwrap_or_default();
        members.fold(first, |common, own| common.into_iter().filter(|name| own.contains(name)).collect())
    }
    fn fit(&self, calibration: &Observed, rng: &mut Stream) -> Fitted {
        let seed = rng.next_u64();
        let mut panel = Panel { seats: Vec::new(), left_out: Vec::new(), past: Past::default() };
        for member in self.members.get() {
            let mut rng = SeedTree::new(seed, 0).stream(Purpose::Detector, member.stream());
            match Seat::of(member, calibration, &mut rng) {
                Ok(seat) => panel.seats.push(seat),
                Err(status) => panel.left_out.push((member.name(), status)),
            }
        }
        if panel.seats.is_empty() {
            return Fitted::Refused(Status::NoMember { reasons: panel.absentees() });
        }
        Fitted::Ready(Box::new(panel))
    }
}

/// A member with the scores that it gave the calibration rollouts.
struct Seat {
    name: &'static str,
    scorer: Box<dyn Scorer>,
    ascending: Vec<f64>,
    /// m, and the half of what x is measured in.
    largest: f64,
    spread: f64,
}

impl Seat {
    fn of(member: &DetectorSpec, calibration: &Observed, rng: &mut Stream) -> Result<Self, Status> {
        let mut scorer = match member.part().fit(calibration, rng) {
            Fitted::Ready(scorer) => scorer,
            Fitted::Refused(status) => return Err(status),
        };
        let ascending = sorted(scorer.score(calibration)?.values());
        scorer.restart();
        let middle = ascending.get(ascending.len() / 2).copied();
        let (Some(middle), Some(&largest)) = (middle, ascending.last()) else {
            return Err(Status::TooFew { what: "calibration rollouts", have: 0, need: 1 });
        };
        let spread = 0.5 * largest - 0.5 * middle;
        let spread = if spread > 0.0 { spread } else { 0.5 };
        Ok(Self { name: member.name(), scorer, largest, spread, ascending })
    }

    fn rank(&self, score: f64) -> f64 {
        let below = self.ascending.partition_point(|x| *x < score) as f64;
        let cells = (self.ascending.len() + 1) as f64;
        // Halves, as the difference of two huge scores may be too large a number.
        let beyond = (0.5 * score - 0.5 * self.largest).max(0.0);
        (below + beyond / (beyond + self.spread)) / cells
    }
}

/// The members that are left.
struct Panel {
    seats: Vec<Seat>,
    left_out: Vec<(&'static str, Status)>,
    past: Past,
}

/// What explanations of this run look up.
#[derive(Default)]
struct Past {
    step: Vec<u64>,
    trajectory: Vec<u64>,
    proxy: Vec<f64>,
    /// Ranks, member by member for each row.
    ranks: Vec<f32>,
}

impl Past {
    /// The ranks of a row of `batch`, if that row was scored in this run.
    fn ranks(&self, batch: &Observed, row: usize, members: usize) -> Option<&[f32]> {
        let (step, trajectory) = (batch.step.get(row)?, batch.trajectory.get(row)?);
        let proxy = batch.proxy.get(row)?;
        let rows = self.step.partition_point(|s| s < step)..self.step.partition_point(|s| s <= step);
        let same =
            |i: &usize| self.trajectory.get(*i) == Some(trajectory) && self.proxy.get(*i) == Some(proxy);
        let found = rows.into_iter().find(same)?;
        self.ranks.get(found * members..(found + 1) * members)
    }
}

impl Panel {
    fn absentees(&self) -> String {
        let each = |(name, status): &(&str, Status)| format!("{name} ({status})");
        self.left_out.iter().map(each).collect::<Vec<_>>().join(", ")
    }

    /// Remembers the ranks, where rows can be told apart.
    fn remember(&mut self, batch: &Observed, ranks: &[Vec<f64>]) {
        let past = &mut self.past;
        if batch.step.len() != batch.len() || batch.trajectory.len() != batch.len() {
            return;
        }
        if batch.step.first().zip(past.step.last()).is_some_and(|(first, last)| first <= last) {
            *past = Past::default();
        }
        past.step.extend(&batch.step);
        past.trajectory.extend(&batch.trajectory);
        past.proxy.extend(&batch.proxy);
        for row in 0..batch.len() {
            past.ranks.extend(ranks.iter().filter_map(|own| own.get(row)).map(|rank| *rank as f32));
        }
    }
}

impl Scorer for Panel {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let mut ranks = Vec::with_capacity(self.seats.len());
        for seat in &mut self.seats {
            let made = seat.scorer.score(batch)?;
            ranks.push(made.values().iter().map(|score| seat.rank(*score)).collect::<Vec<f64>>());
        }
        self.remember(batch, &ranks);
        let members = ranks.len() as f64;
        let mean = |row| ranks.iter().filter_map(|own| own.get(row)).sum::<f64>() / members;
        scores((0..batch.len()).map(mean).collect())
    }

    fn restart(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.scorer.restart());
        self.past = Past::default();
    }

    fn explain(&self, batch: &Observed, row: usize) -> String {
        let ranks = self.past.ranks(batch, row, self.seats.len());
        let members = self.seats.iter().enumerate().map(|(i, seat)| {
            let rank = ranks.and_then(|own| own.get(i)).map(|r| format!(" rank {}", digits(f64::from(*r))));
            format!("{}{}: {}", seat.name, rank.unwrap_or_default(), seat.scorer.explain(batch, row))
        });
        let members = members.collect::<Vec<_>>().join("; ");
        let without = if self.left_out.is_empty() {
            String::new()
        } else {
            format!("; left out: {}", self.absentees())
        };
        format!("mean rank of {}: {members}{without}", self.seats.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(n: u64) -> Observed {
        let mut rng = SeedTree::new(4, 0).stream(Purpose::Calibration, 0);
        let proxy: Vec<f64> = (0..n).map(|_| rng.open_unit()).collect();
        Observed {
            proxy,
            step: (0..n).map(|i| i / 10).collect(),
            trajectory: (0..n).collect(),
            ..Observed::default()
        }
    }

    fn fit(members: &str, calibration: &Observed) -> Fitted {
        let spec: RankMean = serde_json::from_value(serde_json::json!({ "members": members })).unwrap();
        spec.fit(calibration, &mut SeedTree::new(1, 0).stream(Purpose::Detector, 0))
    }

    fn ready(members: &str, calibration: &Observed) -> Box<dyn Scorer> {
        match fit(members, calibration) {
            Fitted::Ready(scorer) => scorer,
            Fitted::Refused(status) => panic!("{status}"),
        }
    }

    #[test]
    fn ranks_are_conformal_and_ordered_beyond_the_calibration() {
        let calibration = Observed { proxy: vec![1.0, 2.0, 3.0, 4.0], ..Observed::default() };
        let mut scorer = ready("top_reward", &calibration);
        let batch = Observed { proxy: vec![0.0, 1.0, 2.5, 4.0, 5.0, f64::INFINITY], ..Observed::default() };
        let made = scorer.score(&batch).unwrap();
        // The median taken is 3, so 5 lies one spread beyond the largest.
        for (ours, theirs) in made.values().iter().zip([0.0, 0.0, 0.4, 0.6, 0.9, 1.0]) {
            assert!((ours - theirs).abs() < 1e-15, "{ours} {theirs}");
        }
    }

    #[test]
    fn a_calibration_without_spread_still_orders_what_lies_beyond() {
        let calibration = Observed { proxy: vec![2.0; 9], ..Observed::default() };
        let batch = Observed { proxy: vec![2.0, 3.0, 5.0], ..Observed::default() };
        let made = ready("top_reward", &calibration).score(&batch).unwrap();
        assert_eq!(made.values(), [0.0, 0.95, 0.975]);
    }

    #[test]
    fn members_that_refuse_are_left_out_by_name() {
        let calibration = log(100);
        let mut both = ready("robust_z+log_ratio", &calibration);
        let mut one = ready("robust_z", &calibration);
        let scores = both.score(&calibration).unwrap();
        assert_eq!(scores, one.score(&calibration).unwrap());
        let why = both.explain(&calibration, 7);
        assert!(
            why.starts_with("mean rank of 1: robust_z rank 0.")
                && why.ends_with("left out: log_ratio (needs log_prob)"),
            "{why}"
        );
        // A row that was never scored has a reason without a rank.
        assert!(both.explain(&log(200), 150).contains("robust_z: proxy"));
        // Influence is ready for anything but cannot score a calibration without advantages.
        let Fitted::Refused(status) = fit("log_ratio+influence", &calibration) else {
            panic!("no member is left")
        };
        assert_eq!(
            status.to_string(),
            "no member is left: log_ratio (needs log_prob), influence (needs advantage)"
        );
    }

    #[test]
    fn it_sees_what_its_widest_member_sees() {
        let access = |members: &[&str]| {
            let spec: RankMean = serde_json::from_value(serde_json::json!({ "members": members })).unwrap();
            spec.access()
        };
        assert_eq!(access(&["robust_z", "log_ratio", "random"]), Access::Policy);
        assert_eq!(access(&["random", "gpd_tail"]), Access::Reward);
        assert_eq!(access(&["random"]), Access::Control);
    }

    #[test]
    fn the_calibration_is_no_part_of_the_run() {
        // A CUSUM that went on from the calibration's last step would not start at 0.
        let calibration = log(2000);
        let mut run = log(500);
        run.step.iter_mut().for_each(|step| *step += 1000);
        let settings = crate::detectors::reward::TailCusum::default();
        let mut rng = SeedTree::new(1, 0).stream(Purpose::Detector, 0);
        let Fitted::Ready(mut alone) = settings.fit(&calibration, &mut rng) else { panic!("refused") };
        let usual = sorted(alone.score(&calibration).unwrap().values());
        alone.restart();
        let cusum = alone.score(&run).unwrap();
        let made = ready("tail_cusum", &calibration).score(&run).unwrap();
        for (rank, score) in made.values().iter().zip(cusum.values()) {
            let below = usual.partition_point(|x| x < score) as f64 / 2001.0;
            assert!(*rank >= below && *rank < below + 1.0 / 2000.0, "{rank} {below}");
        }
    }
}
