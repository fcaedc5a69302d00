//! Whether the videos of jobs can be saved where they are to go, all of them and together: before a
//! list is run, before a run's first create, and before each create. What can be known of one name
//! is `ark_video::provenance::Target`'s to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark_video::{
    error::TargetError,
    provenance::{InputFiles, Intent, Target, TargetFolders},
};

use crate::Planned;

/// How a run treats what is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TargetPolicy {
    /// It is replaced.
    pub(crate) overwrite: bool,
    /// What a rehearsal left is replaced.
    pub(crate) rehearsal: bool,
    /// Nothing is made in the place of a video that is a job's own.
    pub(crate) passes_own_video: bool,
}

/// Which intent a job is: by its sidecar the video can be known again without the journal.
pub(crate) fn intent_of(batch: &str, planned: &Planned) -> Intent {
    Intent::new(planned.request_hash.as_str()).shot(format!("{batch}/{}", planned.name))
}

/// Where one job's video goes.
pub(crate) fn target_of(batch: &str, planned: &Planned, policy: TargetPolicy) -> Target {
    Target::new(&planned.output)
        .makes_folder(true)
        .overwrite(policy.overwrite)
        .rehearsal(policy.rehearsal)
        .last_frame(planned.wants_last_frame())
        .intent(intent_of(batch, planned))
        .passes_own_video(policy.passes_own_video)
        .inputs(planned.inputs.iter().map(|input| input.path.clone()).collect::<InputFiles>())
}

/// Checks the targets of many jobs, one after the other and against each other.
pub(crate) struct TargetCheck {
    policy: TargetPolicy,
    base: PathBuf,
    inputs: Arc<InputFiles>,
    folders: TargetFolders,
    taken: BTreeMap<PathBuf, String>,
}

impl TargetCheck {
    /// `inputs` are the files of all jobs: a video must not replace what goes into another job
    /// either.
    pub(crate) fn new(base: &Path, policy: TargetPolicy, inputs: impl Iterator<Item = PathBuf>) -> Self {
        let (folders, taken) = (TargetFolders::default(), BTreeMap::new());
        Self { policy, base: base.to_owned(), inputs: Arc::new(inputs.collect()), folders, taken }
    }

    /// Why this job's video cannot be saved, if it cannot.
    pub(crate) fn obstacle(&mut self, batch: &str, job: &Planned) -> Option<Obstacle> {
        let target = target_of(batch, job, self.policy).shown_from(&self.base).inputs(self.inputs.clone());
        if let Err(error) = target.check_among(&mut self.folders) {
            return Some(Obstacle::Target(error));
        }
        self.taken.insert(place(&job.output), job.name.clone()).map(Obstacle::Twice)
    }
}

/// Why a job's video cannot be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obstacle {
    Target(TargetError),
    /// The job of this name has the same place, by whatever links.
    Twice(String),
}

impl Obstacle {
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Target(error) => error.message.clone(),
            Self::Twice(first) => format!("it goes to the same place as {first}"),
        }
    }

    pub(crate) fn advice(&self) -> String {
        match self {
            Self::Target(error) => error.advice.clone(),
            Self::Twice(_) => "choose another name".to_owned(),
        }
    }
}

/// Where a video really lies, without its extension, as a disk that knows no case sees it.
fn place(output: &Path) -> PathBuf {
    let folder = output.parent().unwrap_or(Path::new(""));
    let real = folder.ancestors().find_map(|above| {
        let rest = folder.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(rest))
    });
    let stem = output.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let folder = real.unwrap_or_else(|| folder.to_owned()).to_string_lossy().to_lowercase();
    Path::new(&folder).join(stem)
}
