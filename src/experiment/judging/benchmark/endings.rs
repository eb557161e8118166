//! One run under a programme, or one of its twins: how it ended.

use super::programmes::Programme;
use super::trial::Cell;
use crate::config::Document;
use crate::experiment::judging::error::JudgeError;
use crate::experiment::judging::subject::Subject;
use crate::experiment::judging::timeline::Timeline;
use crate::experiment::training::error::TrainError;
use crate::experiment::training::setting::{Audited, Setting};
use crate::experiment::training::train::{train, train_under};
use crate::experiment::training::trained::Trained;
use crate::foundation::scalar::{Finite, OpenProbability, Probability};
use crate::metrics::catch::Sampled;
use crate::metrics::kl_target::KlStatus;
use crate::record::endpoint::{EndingRow, NONE, PLACEBO, PROGRAMME, SWAP};
use crate::reward::{HackRule, Placebo, RewardModel, RewardSection, Twin};

/// What a run of the endpoint is: nobody audits, a twin, or an audit that is acted upon.
#[derive(Debug, Clone)]
pub(in crate::experiment::judging) enum Role {
    None,
    Placebo,
    Swap,
    Programme(Box<Programme>),
}

impl Role {
    /// All rows of an arm, in the order of the table, with the programmes of the benchmark.
    pub fn all(document: &Document) -> Vec<Self> {
        Self::with(document, Programme::all(document))
    }

    /// The same with these programmes.
    pub fn with(document: &Document, programmes: Vec<Programme>) -> Vec<Self> {
        let mut all = vec![Self::None];
        all.extend(programmes.into_iter().map(|one| Self::Programme(Box::new(one))));
        all.push(Self::Placebo);
        if document.reward.swap_twin {
            all.push(Self::Swap);
        }
        all
    }

    /// The config of the run.
    pub fn document(&self, arm: &Document) -> Document {
        match self {
            Self::None | Self::Swap => arm.clone(),
            Self::Placebo => Document { reward: placebo(&arm.reward), ..arm.clone() },
            Self::Programme(programme) => programme.document(arm),
        }
    }

    /// Which version of it is trained.
    pub fn twin(&self, arm: &Document) -> Twin {
        match self {
            Self::None | Self::Programme(_) => Twin::Itself,
            Self::Swap => Twin::Swapped,
            Self::Placebo if arm.reward.is_bare() => Twin::Itself,
            Self::Placebo => Twin::Placebo,
        }
    }
}

/// The reward under which a placebo is planted: where nothing is, one outcome that is honestly bad, beside the clean reward.
///
/// As they come: nobody can be made to sight what is no hack.
fn placebo(section: &RewardSection) -> RewardSection {
    if !section.is_bare() {
        return RewardSection { condition: None, ..section.clone() };
    }
    let honest = Placebo {
        mass: OpenProbability::known(2e-4),
        outcomes: None,
        proxy: Finite::known(-1.0),
        contexts: Probability::known(1.0),
    };
    RewardSection { placebos: vec![honest], hack: Some(HackRule::Planted), ..RewardSection::default() }
}

/// Trains what is not there yet and says how each of the roles ended, in their order.
pub(in crate::experiment::judging) fn endings(
    subject: &Subject<'_>,
    cell: Cell<'_>,
    roles: &[Role],
) -> Result<Vec<EndingRow>, JudgeError> {
    let audited = under(subject, cell, roles)?;
    let ending = |(role, audited): (&Role, Option<EndingRow>)| match audited {
        Some(row) => Ok(row),
        None => alone(subject, blank(cell, role, subject.document), role),
    };
    roles.iter().zip(audited).map(ending).collect()
}

/// A row of nothing but names.
fn blank(cell: Cell<'_>, role: &Role, arm: &Document) -> EndingRow {
    let mut row = EndingRow {
        scenario: cell.scenario.to_owned(),
        arm: cell.arm.to_owned(),
        replicate: cell.replicate,
        role: NONE.to_owned(),
        auditor: String::new(),
        detector: String::new(),
        response: String::new(),
        delay: None,
        sightings: 0,
        first_sighting: None,
        first_catch: None,
        damage_step: None,
        learned_step: None,
        utility: None,
        clean_utility: None,
        p_hack: None,
        loss_sum: None,
        loss_end: None,
        goodharted: None,
        kl: None,
        kl_status: String::new(),
        p_seen: None,
        looks: None,
        benign_looks: None,
        removed: 0,
        status: "ok".to_owned(),
    };
    match role {
        Role::None => {}
        Role::Swap => row.role = SWAP.to_owned(),
        Role::Placebo => row.role = PLACEBO.to_owned(),
        Role::Programme(programme) => {
            row.role = PROGRAMME.to_owned();
            row.auditor = programme.auditor.name().to_owned();
            row.detector = programme.detector_name().to_owned();
            row.response = programme.response.name().to_owned();
            row.delay = Some(programme.document(arm).audit.delay());
        }
    }
    row
}

/// How a role ended that no audit acts on.
fn alone(subject: &Subject<'_>, row: EndingRow, role: &Role) -> Result<EndingRow, JudgeError> {
    match (role, subject.swapped) {
        (Role::Swap, Some(swapped)) => ended(subject, swapped, row),
        (Role::Swap, None) => Ok(EndingRow { status: "there is no swap twin".to_owned(), ..row }),
        (Role::Placebo, _) => {
            let document = role.document(subject.document);
            let twin = role.twin(subject.document);
            let model =
                RewardModel::build(document.environment.part(), &document.reward, &subject.seeds, twin)?;
            let trained = train(Setting { model: &model, audit: None, ..subject.setting() }, None)?;
            ended(subject, &trained, row)
        }
        (Role::None | Role::Programme(_), _) => ended(subject, subject.trained, row),
    }
}

/// How the roles ended whose audits act on the run: trained together, for many take the same course.
fn under(
    subject: &Subject<'_>,
    cell: Cell<'_>,
    roles: &[Role],
) -> Result<Vec<Option<EndingRow>>, JudgeError> {
    let documents: Vec<(usize, &Role, Document)> = roles
        .iter()
        .enumerate()
        .filter(|(_, role)| matches!(role, Role::Programme(_)))
        .map(|(place, role)| (place, role, role.document(subject.document)))
        .collect();
    let acting: Vec<(usize, &Role, Audited<'_>)> = documents
        .iter()
        .filter_map(|(place, role, document)| Some((*place, *role, Audited::of(document)?)))
        .collect();
    let mut rows: Vec<Option<EndingRow>> = vec![None; roles.len()];
    if acting.is_empty() {
        return Ok(rows);
    }
    let audits: Vec<Audited<'_>> = acting.iter().map(|(_, _, audited)| *audited).collect();
    let done = train_under(Setting { audit: None, ..subject.setting() }, &audits)?;
    for (number, problem) in done.lost {
        let (place, role, _) = &acting[number];
        // A detector that a world cannot carry has no row of numbers; a training run that fails is a failure.
        let TrainError::Audit { status, .. } = problem else { return Err(problem.into()) };
        rows[*place] = Some(EndingRow { status, ..blank(cell, role, subject.document) });
    }
    for course in done.courses {
        let common = ended(subject, &course.trained, blank(cell, &Role::None, subject.document))?;
        for (number, responder) in course.audits {
            let (place, role, _) = &acting[number];
            let EndingRow { role, auditor, detector, response, delay, .. } =
                blank(cell, role, subject.document);
            let (trail, benign) = responder.finish(&course.trained.truth.hack);
            rows[*place] = Some(EndingRow {
                role,
                auditor,
                detector,
                response,
                delay,
                first_catch: trail.first_catch,
                looks: Some(trail.looks()),
                benign_looks: Some(benign),
                ..common.clone()
            });
        }
    }
    Ok(rows)
}

/// Fills in how a run ended.
fn ended(subject: &Subject<'_>, trained: &Trained, row: EndingRow) -> Result<EndingRow, JudgeError> {
    let timeline = Timeline::of(trained, subject.clean).map_err(JudgeError::Columns)?;
    let sampled = Sampled::new(&trained.observed, &trained.truth).map_err(JudgeError::Columns)?;
    let target = subject.document.trainer.part().kl_target();
    let policy = &trained.last.policy;
    Ok(EndingRow {
        sightings: sampled.hacks,
        first_sighting: sampled.first_sighting,
        damage_step: timeline.damage.or(timeline.placebo_damage),
        learned_step: timeline.learned,
        utility: Some(policy.utility),
        clean_utility: Some(subject.clean.last.policy.utility),
        p_hack: Some(policy.p_hack),
        loss_sum: Some(timeline.loss_sum),
        loss_end: policy.loss,
        goodharted: timeline.goodharted,
        kl: Some(policy.kl),
        kl_status: target
            .map_or_else(String::new, |(_, target)| KlStatus::of(policy.kl, target).name().to_owned()),
        p_seen: trained.last.sighting.map(|sighting| sighting.p_seen),
        removed: trained.steps.iter().map(|step| step.removed).sum(),
        ..row
    })
}
