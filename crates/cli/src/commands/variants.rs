//! The videos of one `generate`: one, or several variants, each an intent of its own with its own
//! record, file and bill. Sends nothing.

use ark_video::model::{CreateTaskRequest, catalog::Catalog};
use ark_video::provenance::canonical_hash;
use serde_json::json;

use crate::args::{GenerateArgs, SaveArgs};
use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// What distinguishes a video from the others of the same command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// There are no others.
    Only,
    /// The same request again, from 1.
    Number(u32),
    /// The same request with this seed.
    Seed(u32),
}

/// The videos that the flags ask for.
pub(super) fn of(args: &GenerateArgs) -> Result<Vec<Variant>, Failure> {
    let variants: Vec<Variant> = match args.variants {
        Some(count) => (1..=count).map(Variant::Number).collect(),
        None if args.seeds.is_empty() => return Ok(vec![Variant::Only]),
        None => args.seeds.iter().copied().map(Variant::Seed).collect(),
    };
    let usage = |message: &str| Failure::new(Exit::Usage, message);
    let mut seeds = args.seeds.clone();
    seeds.sort_unstable();
    if seeds.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(usage("--seeds: a seed is given twice; nothing was sent"));
    }
    if args.save.resume.as_ref().is_some_and(|id| !id.is_empty()) {
        return Err(usage("--resume=ID selects one record, and there are several videos")
            .hint("--resume alone continues each of them"));
    }
    Ok(variants)
}

/// Whether a model takes seeds, as far as the catalog knows it.
pub(super) fn has_seeds(model: &str, catalog: &Catalog) -> Result<(), Failure> {
    match catalog.family_of(model) {
        Some(family) if family.seed.value == Some(false) => {
            let message =
                format!("--seeds: {} has no seeds; nothing was sent, nothing is billed", one_line(model));
            Err(Failure::new(Exit::Request, message)
                .hint("for several videos of the same request: --variants COUNT"))
        }
        _ => Ok(()),
    }
}

impl Variant {
    /// The request of this video.
    pub(super) fn request(self, request: &CreateTaskRequest) -> CreateTaskRequest {
        let mut request = request.clone();
        if let Self::Seed(seed) = self {
            request.seed = Some(seed.into());
        }
        request
    }

    /// The intent of this video: a repeated request is another intent.
    pub(super) fn intent(self, hash: String) -> String {
        match self {
            Self::Number(number) => canonical_hash(&json!({ "request": hash, "variant": number })),
            _ => hash,
        }
    }

    /// The flags with the file name of this video.
    pub(super) fn save(self, args: &SaveArgs) -> SaveArgs {
        let mut args = args.clone();
        let suffix = match self {
            Self::Only => return args,
            Self::Number(number) => format!("-{number}"),
            Self::Seed(seed) => format!("-seed{seed}"),
        };
        if let Some(file) = &mut args.output
            && let Some(stem) = file.file_stem()
        {
            let mut name = stem.to_owned();
            name.push(suffix);
            if let Some(extension) = file.extension() {
                name.push(".");
                name.push(extension);
            }
            file.set_file_name(name);
        }
        args
    }

    /// The start of a message about this video.
    pub(super) fn label(self) -> String {
        match self {
            Self::Only => String::new(),
            Self::Number(number) => format!("variant {number}: "),
            Self::Seed(seed) => format!("seed {seed}: "),
        }
    }
}

/// The failures among several videos; the worst one decides the exit code.
#[derive(Default)]
pub(super) struct Failures {
    count: usize,
    worst: Option<Failure>,
}

impl Failures {
    /// Adds a failure. The only one of a single video is reported by [`Failures::verdict`] alone.
    pub(super) fn add(&mut self, session: &Session, variant: Variant, mut failure: Failure) {
        self.count += 1;
        if variant != Variant::Only {
            failure.message = format!("{}{}", variant.label(), failure.message);
        }
        let shown = |failure: &Failure| session.output.warn(one_line(&failure.message));
        match &self.worst {
            Some(worst) if weight(worst.exit) >= weight(failure.exit) => shown(&failure),
            _ => {
                self.worst.iter().for_each(shown);
                self.worst = Some(failure);
            }
        }
    }

    /// Counts videos whose requests were not sent because of an earlier failure.
    pub(super) fn unsent(&mut self, session: &Session, count: usize) {
        self.count += count;
        if count > 0 {
            let are = if count == 1 { "video was" } else { "videos were" };
            session.output.warn(format_args!("{count} more {are} not sent"));
        }
    }

    pub(super) fn verdict(self, total: usize) -> Result<(), Failure> {
        let Some(mut worst) = self.worst else { return Ok(()) };
        if total > 1 {
            worst.message = format!("{} of {total} videos are missing; {}", self.count, worst.message);
        }
        Err(worst)
    }
}

/// A bill that may exist without its video outweighs everything; a task that made nothing weighs
/// least.
fn weight(exit: Exit) -> u8 {
    match exit {
        Exit::OutcomeUnknown => 6,
        Exit::Interrupted => 5,
        Exit::Result | Exit::Output | Exit::DiskFull => 4,
        Exit::StillRunning => 3,
        Exit::TaskEnded => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn each_video_has_its_own_file_and_intent() {
        let args = SaveArgs { output: Some(PathBuf::from("a.b/boat.v1.mp4")), ..SaveArgs::default() };
        let file = |variant: Variant| variant.save(&args).output.unwrap_or_default();
        assert_eq!(file(Variant::Only), Path::new("a.b/boat.v1.mp4"));
        assert_eq!(file(Variant::Number(2)), Path::new("a.b/boat.v1-2.mp4"));
        assert_eq!(file(Variant::Seed(42)), Path::new("a.b/boat.v1-seed42.mp4"));
        let intents = [Variant::Only, Variant::Number(1), Variant::Number(2)].map(|of| of.intent("h".into()));
        assert!(intents[0] == "h" && intents[1] != intents[0] && intents[1] != intents[2], "{intents:?}");
    }
}
