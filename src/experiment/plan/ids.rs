//! Identities: what decides the numbers of a run is in them, and nothing else.

use crate::config::{DeploymentSection, Document, bytes_of};
use crate::detectors::DetectorSpec;
use crate::policies::Backend;
use crate::reward::{RewardSection, Twin};

/// Version of the meaning of numbers; bumped when the same config gives other numbers, or a default changes.
pub const SEMANTICS: u32 = 9;

/// Identity of one training run: environment (with the contents of files that it names), reward, policy, trainer, deployment, seed,
/// replicate, and the backend, on which the last digits depend. The clean twin is simply the
/// run of another reward section; the swapped one and the placebo are marked, because their section is the same. Of the deployment, only what
/// its steps do to the run has a part in it.
pub fn train_id(
    document: &Document,
    replicate: u64,
    twin: Twin,
    backend: &Backend,
) -> Result<String, serde_json::Error> {
    let deployment = document.deployment.as_ref().and_then(DeploymentSection::of_the_run);
    run_hash("train", &Document { deployment, ..document.clone() }, replicate, twin, backend)
}

/// Identity of the policy that such a run has trained, whatever becomes of it at deployment.
pub fn policy_id(
    document: &Document,
    replicate: u64,
    twin: Twin,
    backend: &Backend,
) -> Result<String, serde_json::Error> {
    // An audit that acts is planned for the steps of the deployment too.
    let acts = document.audit.response.acts() && twin == Twin::Itself;
    let steps = document.deployment.as_ref().map_or(0, |own| own.steps);
    let kind =
        if acts && steps > 0 { format!("policy, {steps} steps deployed") } else { "policy".to_owned() };
    run_hash(&kind, &Document { deployment: None, ..document.clone() }, replicate, twin, backend)
}

/// Identities of what each monitor of the deployed policy tells: the shift, the samples, its own settings, the trusted rollouts, and the
/// policies that it watches.
pub fn deploy_ids(document: &Document, policies: [&str; 2]) -> Result<Vec<String>, serde_json::Error> {
    let Some(section) = &document.deployment else { return Ok(Vec::new()) };
    let of = |monitor| {
        let alone = Document { deployment: Some(section.of_a_monitor(monitor)), ..document.clone() };
        let settings = bytes_of(&alone, &["deployment", "calibration"])?;
        Ok(hash("deploy", &[&settings, policies[0].as_bytes(), policies[1].as_bytes()]))
    };
    section.monitors.iter().map(of).collect()
}

fn run_hash(
    kind: &str,
    document: &Document,
    replicate: u64,
    twin: Twin,
    backend: &Backend,
) -> Result<String, serde_json::Error> {
    let reward = match twin {
        Twin::Clean => document.reward.clean(),
        Twin::Itself | Twin::Swapped | Twin::Placebo => {
            RewardSection { swap_twin: false, ..document.reward.clone() }
        }
    };
    let trained = Document { reward, ..document.clone() };
    let decisive = bytes_of(&trained, &["environment", "reward", "policy", "trainer", "deployment", "seed"])?;
    // A file that cannot be read stops the run when its table is made; here it only has no contents.
    let files: Vec<u8> = (document.environment.part().files().iter())
        .flat_map(|path| *blake3::hash(&std::fs::read(path).unwrap_or_default()).as_bytes())
        .collect();
    let version = match twin {
        Twin::Itself | Twin::Clean => 0,
        Twin::Swapped => 1,
        Twin::Placebo => 2,
    };
    let flags = [version, u8::from(document.record.activations)];
    // An audit decides the run's numbers only where it acts on the run itself.
    let acting = match document.audit.response.acts() && twin == Twin::Itself {
        true => {
            let first = document.detectors.get(..1).unwrap_or_default().to_vec();
            let alone = Document { detectors: first, ..document.clone() };
            bytes_of(&alone, &["detectors", "calibration", "audit"])?
        }
        false => Vec::new(),
    };
    let computed = [backend.device_name(), backend.kernels().name()].map(str::as_bytes);
    Ok(hash(kind, &[&decisive, &replicate.to_le_bytes(), &flags, &files, computed[0], computed[1], &acting]))
}

/// What decides the judgements of an arm's runs, beside the runs: written out once for all replicates.
#[derive(Debug, Clone)]
pub struct Judges {
    /// Settings of the first detector, whose audit the run's own row tells of.
    first: Vec<u8>,
    /// Settings of each detector, in the order of the config.
    each: Vec<Vec<u8>>,
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
        let each = document.detectors.chunks(1).map(decisive).collect::<Result<_, _>>()?;
        let first = decisive(document.detectors.get(..1).unwrap_or_default())?;
        Ok(Self { first, each, swap_twin: document.reward.swap_twin })
    }

    /// Identity of the run's own record: its row, its steps beside the clean twin's, its curves and the oracle.
    pub fn run_id(&self, train_id: &str) -> String {
        self.id("run", &self.first, train_id)
    }

    /// Identity of each detector's judgement: that of another detector has no part in it, nor has the order.
    pub fn judge_ids(&self, train_id: &str) -> Vec<String> {
        self.each.iter().map(|settings| self.id("judge", settings, train_id)).collect()
    }

    fn id(&self, kind: &str, settings: &[u8], train_id: &str) -> String {
        hash(kind, &[settings, train_id.as_bytes(), &[u8::from(self.swap_twin)]])
    }
}

/// A short name of everything in `parts`.
fn hash(kind: &str, parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    hasher.update(&SEMANTICS.to_le_bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
