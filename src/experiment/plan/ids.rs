//! Identities: what decides the numbers of a run is in them, and nothing else.

use super::id::Id;
use crate::config::{DeploymentSection, Document, bytes_of};
use crate::detectors::DetectorSpec;
use crate::foundation::presence::is_absence;
use crate::policies::Backend;
use crate::reward::{RewardSection, Twin};
use serde::ser::Error as _;
use std::fs;
use std::path::Path;

/// Version of the meaning of numbers; bumped when the same config gives other numbers, or a default changes.
pub const SEMANTICS: u32 = 9;

/// What decides the numbers of an arm's training runs, beside the replicate: written out once for all replicates.
#[derive(Debug, Clone)]
pub struct Runs {
    before: Prefix,
    /// What comes after the replicate, each part with its length.
    after: Vec<u8>,
}

/// The beginning of what is hashed.
#[derive(Debug, Clone)]
struct Prefix(blake3::Hasher);

/// Identity of one training run: environment (with the contents of files that it names), reward, policy, trainer, deployment, seed,
/// replicate, and the backend, on which the last digits depend. The clean twin is simply the
/// run of another reward section; the swapped one and the placebo are marked, because their section is the same. Of the deployment, only what
/// its steps do to the run has a part in it.
///
/// # Errors
/// A section that cannot be written as JSON, which no loaded config holds; a file that is there and cannot be read.
pub fn train_id(
    document: &Document,
    replicate: u64,
    twin: Twin,
    backend: &Backend,
) -> Result<Id, serde_json::Error> {
    Ok(Runs::trained(document, twin, backend)?.id(replicate))
}

impl Runs {
    /// Those of the runs, as [`train_id`] tells.
    ///
    /// # Errors
    /// As [`train_id`].
    pub fn trained(document: &Document, twin: Twin, backend: &Backend) -> Result<Self, serde_json::Error> {
        let deployment = document.deployment.as_ref().and_then(DeploymentSection::of_the_run);
        Self::of("train", &Document { deployment, ..document.clone() }, twin, backend)
    }

    /// Those of the policies that such runs have trained, whatever becomes of them at deployment.
    ///
    /// # Errors
    /// As [`train_id`].
    pub fn policies(document: &Document, twin: Twin, backend: &Backend) -> Result<Self, serde_json::Error> {
        // An audit that acts is planned for the steps of the deployment too.
        let acts = document.audit.response.acts() && twin == Twin::Itself;
        let steps = document.deployment.as_ref().map_or(0, |own| own.steps);
        let kind =
            if acts && steps > 0 { format!("policy, {steps} steps deployed") } else { "policy".to_owned() };
        Self::of(&kind, &Document { deployment: None, ..document.clone() }, twin, backend)
    }

    fn of(kind: &str, document: &Document, twin: Twin, backend: &Backend) -> Result<Self, serde_json::Error> {
        let reward = match twin {
            Twin::Clean => document.reward.clean(),
            Twin::Itself | Twin::Swapped | Twin::Placebo => {
                RewardSection { swap_twin: false, ..document.reward.clone() }
            }
        };
        let trained = Document { reward, ..document.clone() };
        let decisive =
            bytes_of(&trained, &["environment", "reward", "policy", "trainer", "deployment", "seed"])?;
        // A file that is not there stops the run when its table is made; here it only has no contents.
        let contents = |path: &Path| match fs::read(path) {
            Err(problem) if !is_absence(&problem) => {
                Err(serde_json::Error::custom(format!("cannot read {}: {problem}", path.display())))
            }
            read => Ok(*blake3::hash(&read.unwrap_or_default()).as_bytes()),
        };
        let files = document.environment.part().files().into_iter().map(contents);
        let files = files.collect::<Result<Vec<_>, _>>()?.concat();
        let version = match twin {
            Twin::Itself | Twin::Clean => 0,
            Twin::Swapped => 1,
            Twin::Placebo => 2,
        };
        let flags = vec![version, u8::from(document.record.activations)];
        // An audit decides the run's numbers only where it acts on the run itself.
        let acting = match document.audit.response.acts() && twin == Twin::Itself {
            true => {
                let first = document.detectors.get(..1).unwrap_or_default().to_vec();
                let alone = Document { detectors: first, ..document.clone() };
                bytes_of(&alone, &["detectors", "calibration", "audit"])?
            }
            false => Vec::new(),
        };
        let computed = [backend.device_name(), backend.kernels().name()].map(|name| name.as_bytes().to_vec());
        let [device, kernels] = computed;
        let mut after = Vec::new();
        for part in [flags, files, device, kernels, acting] {
            after.extend((part.len() as u64).to_le_bytes());
            after.extend(part);
        }
        Ok(Self { before: Prefix::new(kind).and(&decisive), after })
    }

    /// Identity of one of them.
    pub fn id(&self, replicate: u64) -> Id {
        let mut all = self.before.clone();
        all.add(&replicate.to_le_bytes());
        all.0.update(&self.after);
        all.name()
    }
}

/// What decides each monitor of an arm's deployed policies, beside the policies: the shift, the samples, its own settings, the trusted
/// rollouts.
#[derive(Debug, Clone)]
pub struct Monitors(Vec<Prefix>);

impl Monitors {
    /// Those of the document.
    ///
    /// # Errors
    /// As [`train_id`].
    pub fn of(document: &Document) -> Result<Self, serde_json::Error> {
        let Some(section) = &document.deployment else { return Ok(Self(Vec::new())) };
        let of = |monitor| {
            let alone = Document { deployment: Some(section.of_a_monitor(monitor)), ..document.clone() };
            Ok(Prefix::new("deploy").and(&bytes_of(&alone, &["deployment", "calibration"])?))
        };
        Ok(Self(section.monitors.iter().map(of).collect::<Result<_, _>>()?))
    }

    /// Identities of what they tell of these policies.
    pub fn ids(&self, policies: [&str; 2]) -> Vec<Id> {
        self.0.iter().map(|prefix| prefix.with(policies.map(str::as_bytes))).collect()
    }
}

/// What decides the judgements of an arm's runs, beside the runs: written out once for all replicates.
#[derive(Debug, Clone)]
pub struct Judges {
    /// Settings of the first detector, whose audit the run's own row tells of.
    first: Prefix,
    /// Settings of each detector, in the order of the config.
    each: Vec<Prefix>,
    swap_twin: bool,
}

impl Judges {
    /// What the document has of each detector, the calibration rollouts and the audit.
    ///
    /// # Errors
    /// Fails only where a section cannot be written as JSON, which no loaded config holds.
    pub fn of(document: &Document) -> Result<Self, serde_json::Error> {
        let decisive = |detectors: &[DetectorSpec]| {
            let alone = Document { detectors: detectors.to_vec(), ..document.clone() };
            bytes_of(&alone, &["detectors", "calibration", "audit"])
        };
        let judge = |detectors: &[DetectorSpec]| Ok(Prefix::new("judge").and(&decisive(detectors)?));
        let each = document.detectors.chunks(1).map(judge).collect::<Result<_, _>>()?;
        let first = Prefix::new("run").and(&decisive(document.detectors.get(..1).unwrap_or_default())?);
        Ok(Self { first, each, swap_twin: document.reward.swap_twin })
    }

    /// Identity of the run's own record: its row, its steps beside the clean twin's, its curves and the oracle.
    pub fn run_id(&self, train_id: &str) -> Id {
        self.id(&self.first, train_id)
    }

    /// Identity of each detector's judgement: that of another detector has no part in it, nor has the order.
    pub fn judge_ids(&self, train_id: &str) -> Vec<Id> {
        self.each.iter().map(|settings| self.id(settings, train_id)).collect()
    }

    fn id(&self, settings: &Prefix, train_id: &str) -> Id {
        settings.with([train_id.as_bytes(), &[u8::from(self.swap_twin)]])
    }
}

impl Prefix {
    fn new(kind: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(kind.as_bytes()).update(&SEMANTICS.to_le_bytes());
        Self(hasher)
    }

    /// With one more part.
    fn and(mut self, part: &[u8]) -> Self {
        self.add(part);
        self
    }

    fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes()).update(part);
    }

    /// A short name of it and two more parts. The hasher is large, and is copied once.
    fn with(&self, parts: [&[u8]; 2]) -> Id {
        let mut all = self.clone();
        parts.into_iter().for_each(|part| all.add(part));
        all.name()
    }

    /// A short name of everything.
    fn name(&self) -> Id {
        Id::of(&self.0.finalize())
    }
}
