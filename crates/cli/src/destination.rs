//! Output paths, and whether they can be written: checked before anything is billed.
//! `ark_video::provenance::Target` does the checks.

use std::path::{Path, PathBuf};

use ark_video::{
    IfExists,
    download::file_stem,
    error::{TargetError, TargetFault},
    provenance::{InputFiles, Intent, Target},
};

use crate::args::SaveArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// The output paths of one task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Destination {
    /// The file that was named; without it, the name follows from the task's id.
    file: Option<PathBuf>,
    /// The folder as the user wrote it; empty is the current one.
    folder: PathBuf,
    ending: &'static str,
    pub(crate) overwrite: bool,
    /// Existing files may be those of an earlier run.
    pub(crate) resume: bool,
    /// The selected record, if there are several.
    pub(crate) resume_id: Option<String>,
    pub(crate) sidecar: bool,
    /// Local input files: none of them is overwritten.
    pub(crate) inputs: InputFiles,
    cwd: PathBuf,
}

impl Destination {
    /// From the flags; `ending` is the extension, `mp4` or `mov`.
    pub(crate) fn new(args: &SaveArgs, ending: &'static str, cwd: &Path) -> Self {
        let folder = match (&args.output, &args.output_dir) {
            (Some(file), _) => file.parent().unwrap_or(Path::new("")).to_owned(),
            (None, Some(folder)) => folder.clone(),
            (None, None) => PathBuf::new(),
        };
        Self {
            file: args.output.clone(),
            folder,
            ending,
            overwrite: args.overwrite,
            resume: args.resume.is_some(),
            resume_id: args.resume.clone().filter(|id| !id.is_empty()),
            sidecar: !args.no_sidecar,
            inputs: InputFiles::default(),
            cwd: cwd.to_owned(),
        }
    }

    /// The file that was named, as the user would write it.
    pub(crate) fn named(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What to do with existing files.
    pub(crate) fn existing(&self) -> IfExists {
        match (self.overwrite, self.resume) {
            (true, _) => IfExists::Replace,
            (false, true) => IfExists::Keep,
            (false, false) => IfExists::Fail,
        }
    }

    /// Checks that files can be written. With `id`, also that names after the task id are free.
    /// With `--resume`, existing files may be an earlier run's.
    pub(crate) fn check(&self, id: Option<&str>, last_frame: bool) -> Result<(), Failure> {
        self.check_names(id, last_frame, self.resume, None)
    }

    /// As [`Destination::check`], right before the create of this intent: no existing file is its
    /// result, and its record is known to be unsent.
    pub(crate) fn check_new(&self, last_frame: bool, intent: Option<Intent>) -> Result<(), Failure> {
        self.check_names(None, last_frame, false, intent)
    }

    fn check_names(
        &self,
        id: Option<&str>,
        last_frame: bool,
        adopts: bool,
        own: Option<Intent>,
    ) -> Result<(), Failure> {
        let video = self.file.clone().or_else(|| id.map(|id| self.video(id)));
        let target = |path: &Path| {
            Target::new(self.real(path)).shown_from(&self.cwd).overwrite(self.overwrite).adopts(adopts)
        };
        let Some(video) = video else {
            return target(&self.folder.join("video")).check_only_folder().map_err(unwritable);
        };
        let target = id.into_iter().fold(target(&video), Target::task);
        let target = own.into_iter().fold(target, Target::intent);
        let target = target.sidecar(self.sidecar).last_frame(last_frame).inputs(self.inputs.clone());
        target.check().map_err(|error| match (error.fault, &self.file) {
            (TargetFault::Folder, Some(file)) => Failure::new(Exit::Output, error.message).hint(format!(
                "name a file, such as -o {}, or use --output-dir {}",
                file.join("video.mp4").display(),
                file.display()
            )),
            _ => unwritable(error),
        })
    }

    /// The video's path as the user would write it.
    pub(crate) fn video(&self, id: &str) -> PathBuf {
        self.file.clone().unwrap_or_else(|| self.folder.join(format!("{}.{}", file_stem(id), self.ending)))
    }

    /// The last frame's path beside the video; `start` are its first bytes.
    pub(crate) fn last_frame(video: &Path, start: &[u8]) -> PathBuf {
        let ending = match start {
            [0x89, b'P', b'N', b'G', ..] => "png",
            [0xff, 0xd8, ..] => "jpeg",
            _ => "image",
        };
        beside(video, ending)
    }

    /// A real path as the user would write it.
    pub(crate) fn shown(&self, real: &Path) -> PathBuf {
        real.strip_prefix(&self.cwd).unwrap_or(real).to_owned()
    }

    /// The absolute path.
    pub(crate) fn real(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }
}

/// `tea.mp4` to `tea.last.png`.
pub(crate) fn beside(video: &Path, ending: &str) -> PathBuf {
    let mut name = video.file_stem().unwrap_or_default().to_os_string();
    name.push(format!(".last.{ending}"));
    video.with_file_name(name)
}

fn unwritable(error: TargetError) -> Failure {
    match error.fault {
        TargetFault::NoRoom => Failure::new(Exit::DiskFull, error.message).hint(error.advice),
        TargetFault::Unfinished => not_ended(error.message),
        _ => Failure::new(Exit::Output, error.message).hint(error.advice),
    }
}

/// An earlier run may have been billed.
pub(crate) fn not_ended(message: String) -> Failure {
    Failure::new(Exit::Output, message)
        .hint("add --resume to continue it; nothing is created twice")
        .hint("or use --overwrite to discard it; its task, if there is one, continues and is billed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(output: Option<&str>, output_dir: Option<&str>, overwrite: bool, cwd: &Path) -> Destination {
        let args = SaveArgs {
            output: output.map(Into::into),
            output_dir: output_dir.map(Into::into),
            overwrite,
            ..SaveArgs::default()
        };
        Destination::new(&args, "mp4", cwd)
    }

    fn refusal(output: Option<&str>, output_dir: Option<&str>, cwd: &Path) -> String {
        let failure = at(output, output_dir, false, cwd).check(Some("cgt-1"), true).unwrap_err();
        assert_eq!(failure.exit, Exit::Output);
        failure.message
    }

    #[test]
    fn names_follow_from_flags_or_from_the_task() {
        let cwd = Path::new("/x");
        assert_eq!(at(Some("a/tea.mp4"), None, false, cwd).video("cgt-1"), Path::new("a/tea.mp4"));
        assert_eq!(at(None, Some("out"), false, cwd).video("cgt-1"), Path::new("out/cgt-1.mp4"));
        assert_eq!(at(None, None, false, cwd).video("../evil/.id"), Path::new("___evil__id.mp4"));
        assert_eq!(Destination::last_frame(Path::new("a/tea.mp4"), b"\x89PNG"), Path::new("a/tea.last.png"));
        assert_eq!(
            Destination::last_frame(Path::new("cgt-1"), b"\xff\xd8\xff"),
            Path::new("cgt-1.last.jpeg")
        );
    }

    #[test]
    fn what_cannot_be_written_is_known_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let cwd = folder.path();
        for name in ["taken.mp4", "free.last.jpeg", "cgt-1.mp4"] {
            std::fs::write(cwd.join(name), "x").unwrap();
        }
        std::fs::create_dir(cwd.join("sub")).unwrap();
        insta::assert_snapshot!(refusal(Some("sub"), None, cwd), @"sub is a folder, not a file");
        insta::assert_snapshot!(refusal(Some("new/"), None, cwd), @"new is a folder, not a file");
        insta::assert_snapshot!(refusal(Some("none/a.mp4"), None, cwd), @"the folder none does not exist");
        insta::assert_snapshot!(refusal(None, Some("taken.mp4"), cwd), @"the folder taken.mp4 is not a folder");
        insta::assert_snapshot!(refusal(Some("taken.mp4"), None, cwd), @"taken.mp4 already exists");
        insta::assert_snapshot!(refusal(Some("free.mp4"), None, cwd), @"free.last.jpeg already exists");
        insta::assert_snapshot!(refusal(None, None, cwd), @"cgt-1.mp4 already exists");
        insta::assert_snapshot!(refusal(Some("-"), None, cwd), @"- is not the name of a file");
        assert_eq!(at(Some("taken.mp4"), None, true, cwd).check(None, true), Ok(()));
        assert_eq!(at(None, Some("sub"), false, cwd).check(Some("cgt-1"), true), Ok(()));
        assert_eq!(std::fs::read_dir(cwd.join("sub")).unwrap().count(), 0, "the check leaves nothing behind");
    }
}
