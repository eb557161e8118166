//! Training: from a setting to what a run leaves, alone or under several audits at once.

use super::checkpoint::{Checkpoints, Partial};
use super::error::TrainError;
use super::responding::Responder;
use super::setting::{Audited, Setting};
use super::sighting::{Sighting, Way};
use super::track::Track;
use super::trained::Trained;

/// Trains one run. With `checkpoints` it goes on from what is kept there, and is kept there every so many steps: the result has
/// the same bytes as that of a run without interruption.
pub fn train(setting: Setting<'_>, checkpoints: Option<&Checkpoints<'_>>) -> Result<Trained, TrainError> {
    let run = checkpoints.map(Checkpoints::load).transpose()?.flatten().unwrap_or_default();
    let mut done = Done::default();
    whole(setting, &[(0, setting.audit)], checkpoints, run, &mut done)?;
    match done.lost.pop() {
        Some((_, problem)) => Err(problem),
        None => Ok(done.courses.pop().map(|course| course.trained).unwrap_or_default()),
    }
}

/// Trains a run under each of several audits: what is the same for some of them, up to a step or to the end, is trained once.
/// Each comes to the same bytes as alone.
///
/// # Errors
/// As [`train`]; an audit that cannot act on the run is among those lost, and fails no other.
pub fn train_under<'a>(setting: Setting<'a>, audits: &[Audited<'a>]) -> Result<Done<'a>, TrainError> {
    let numbered: Vec<(usize, Option<Audited<'a>>)> =
        audits.iter().map(|audited| Some(*audited)).enumerate().collect();
    let mut done = Done::default();
    whole(setting, &numbered, None, Partial::default(), &mut done)?;
    Ok(done)
}

/// What training under several audits came to: each audit is in one course, or lost.
#[derive(Default)]
pub struct Done<'a> {
    /// The courses that training took.
    pub courses: Vec<Course<'a>>,
    /// Audits that cannot act on the run, by their place among those asked for, and why.
    pub lost: Vec<(usize, TrainError)>,
}

/// A course through training, to its end.
pub struct Course<'a> {
    /// What it leaves.
    pub trained: Trained,
    /// The audits under which it is the same, by their place among those asked for.
    pub audits: Vec<(usize, Responder<'a>)>,
}

/// Trains from where a run is, on the way to a first sighting where the reward asks for one.
fn whole<'a>(
    setting: Setting<'a>,
    audits: &[(usize, Option<Audited<'a>>)],
    checkpoints: Option<&Checkpoints<'_>>,
    run: Partial,
    done: &mut Done<'a>,
) -> Result<(), TrainError> {
    let way = match (setting.model.to_sight(), run.so_far.last.sighting) {
        (None, _) => Way::Free,
        (Some(_), Some(known)) => Way::To(known),
        (Some(_), None) => {
            // An auditor that errs may act before any hack is sampled: the chance of one is that of the run under its audit.
            let away = Way::Away(Vec::new());
            for track in course(setting, audits, None, Partial::default(), away, done)? {
                let sighting = Sighting::draw(track.unseen(), &setting.seeds)?;
                let mut run = Partial::default();
                run.so_far.last.sighting = Some(sighting);
                let own: Vec<_> = audits.iter().filter(|(number, _)| track.is_of(*number)).copied().collect();
                whole(setting, &own, checkpoints, run, done)?;
            }
            return Ok(());
        }
    };
    for track in course(setting, audits, checkpoints, run, way, done)? {
        let (trained, audits) = track.finish()?;
        done.courses.push(Course { trained, audits });
    }
    Ok(())
}

/// All tracks from a run's place to their last step.
fn course<'a>(
    setting: Setting<'a>,
    audits: &[(usize, Option<Audited<'a>>)],
    checkpoints: Option<&Checkpoints<'_>>,
    run: Partial,
    way: Way,
    done: &mut Done<'a>,
) -> Result<Vec<Track<'a>>, TrainError> {
    let steps = if matches!(way, Way::Away(_)) { setting.trainer.part().steps() } else { setting.steps() };
    let first = run.so_far.steps.len() as u64;
    let mut tracks = vec![Track::start(setting, audits, run, way, &mut done.lost)?];
    for step in first..steps {
        let mut split = Vec::new();
        for track in &mut tracks {
            split.extend(track.step(step, &mut done.lost)?);
        }
        tracks.extend(split);
        tracks.retain(|track| !track.is_over());
        if tracks.is_empty() {
            break;
        }
        let Some(checkpoints) = checkpoints.filter(|_| step + 1 < steps) else { continue };
        if checkpoints.due(step + 1) {
            for track in &mut tracks {
                track.keep(checkpoints, step)?;
            }
        }
        if checkpoints.stopped() {
            return Err(TrainError::Stopped { step });
        }
    }
    Ok(tracks)
}
