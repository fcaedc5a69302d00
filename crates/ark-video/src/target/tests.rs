//! What is in the way of a result, kind by kind: known before anything is paid for, and the check
//! leaves nothing behind.

use std::fs;

use serde_json::json;

use super::*;
use crate::provenance::FileFacts;

/// A folder as a case finds it.
type Scene = fn(&Path);
/// The target of a case.
type Aim = fn(&Path) -> Target;

fn plain(folder: &Path) -> Target {
    Target::new(folder.join("a.mp4")).shown_from(folder)
}

fn sidecar(progress: Progress, simulated: bool) -> Sidecar {
    Sidecar::new(progress).intent(Some(Intent::new("hash").shot("night/a"))).simulated(simulated)
}

fn saved(path: &Path, simulated: bool) {
    fs::write(path, "video").unwrap();
    sidecar(Progress::Downloaded, simulated).write(path).unwrap();
}

fn nothing(_: &Path) {}

const CASES: [(&str, Scene, Aim, Option<TargetFault>); 45] = [
    ("a free name", nothing, plain, None),
    ("a file", |at| fs::write(at.join("a.mp4"), "x").unwrap(), plain, Some(TargetFault::Exists)),
    (
        "a file to replace",
        |at| fs::write(at.join("a.mp4"), "x").unwrap(),
        |at| plain(at).overwrite(true),
        None,
    ),
    (
        "a file that may be ours",
        |at| fs::write(at.join("a.mp4"), "x").unwrap(),
        |at| plain(at).adopts(true),
        None,
    ),
    ("a folder", |at| fs::create_dir(at.join("a.mp4")).unwrap(), plain, Some(TargetFault::Folder)),
    (
        "a folder to replace",
        |at| fs::create_dir(at.join("a.mp4")).unwrap(),
        |at| plain(at).overwrite(true),
        Some(TargetFault::Folder),
    ),
    (
        "a name like a folder's",
        nothing,
        |at| Target::new(format!("{}/b/", at.display())),
        Some(TargetFault::Folder),
    ),
    ("a name that is none", nothing, |at| Target::new(at.join("..")), Some(TargetFault::Folder)),
    ("standard output", nothing, |_| Target::new("-"), Some(TargetFault::NotAName)),
    ("a missing folder", nothing, |at| Target::new(at.join("b/a.mp4")), Some(TargetFault::FolderMissing)),
    (
        "a missing folder that is made",
        nothing,
        |at| Target::new(at.join("b/c/a.mp4")).makes_folder(true),
        None,
    ),
    (
        "a folder that is a file",
        |at| fs::write(at.join("b"), "x").unwrap(),
        |at| Target::new(at.join("b/a.mp4")),
        Some(TargetFault::FolderIsNone),
    ),
    (
        "a folder above that is a file",
        |at| fs::write(at.join("b"), "x").unwrap(),
        |at| Target::new(at.join("b/c/a.mp4")).makes_folder(true),
        Some(TargetFault::FolderIsNone),
    ),
    (
        "a foreign part",
        |at| fs::write(at.join("a.mp4.part"), "x").unwrap(),
        plain,
        Some(TargetFault::ForeignPart),
    ),
    (
        "a part of ours",
        |at| {
            fs::write(at.join("a.mp4.part"), "x").unwrap();
            fs::write(at.join("a.mp4.part.json"), "{}").unwrap();
        },
        plain,
        None,
    ),
    ("an empty part", |at| fs::write(at.join("a.mp4.part"), "").unwrap(), plain, None),
    (
        "a part that is a folder",
        |at| fs::create_dir(at.join("a.mp4.part")).unwrap(),
        |at| plain(at).overwrite(true),
        Some(TargetFault::ForeignPart),
    ),
    (
        "a part's state that is a folder",
        |at| fs::create_dir(at.join("a.mp4.part.json")).unwrap(),
        plain,
        Some(TargetFault::ForeignPart),
    ),
    (
        "a sidecar that is a folder",
        |at| fs::create_dir(at.join("a.mp4.ark-video.json")).unwrap(),
        |at| plain(at).overwrite(true),
        Some(TargetFault::ForeignSidecar),
    ),
    (
        "a sidecar that is none",
        |at| fs::write(at.join("a.mp4.ark-video.json"), "x").unwrap(),
        plain,
        Some(TargetFault::ForeignSidecar),
    ),
    (
        "a sidecar that is none, not written",
        |at| fs::write(at.join("a.mp4.ark-video.json"), "x").unwrap(),
        |at| plain(at).sidecar(false),
        None,
    ),
    (
        "an unfinished run",
        |at| sidecar(Progress::Submitted, false).write(&at.join("a.mp4")).unwrap(),
        plain,
        Some(TargetFault::Unfinished),
    ),
    (
        "an unfinished run that is ours",
        |at| sidecar(Progress::Submitted, false).write(&at.join("a.mp4")).unwrap(),
        |at| plain(at).intent(Intent::new("hash")),
        None,
    ),
    (
        "an unfinished run to forget",
        |at| sidecar(Progress::Unknown, false).write(&at.join("a.mp4")).unwrap(),
        |at| plain(at).overwrite(true),
        None,
    ),
    (
        "a run that sent nothing",
        |at| sidecar(Progress::Prepared, false).write(&at.join("a.mp4")).unwrap(),
        plain,
        None,
    ),
    (
        "a video of this intent",
        |at| saved(&at.join("a.mp4"), false),
        |at| plain(at).intent(Intent::new("hash")).passes_own_video(true),
        None,
    ),
    (
        "a video of this shot",
        |at| saved(&at.join("a.mp4"), false),
        |at| plain(at).intent(Intent::new("other").shot("night/a")).passes_own_video(true),
        None,
    ),
    (
        "a video of another shot",
        |at| saved(&at.join("a.mp4"), false),
        |at| plain(at).intent(Intent::new("other").shot("night/b")).passes_own_video(true),
        Some(TargetFault::Exists),
    ),
    (
        "a video of this intent, right before a create",
        |at| saved(&at.join("a.mp4"), false),
        |at| plain(at).intent(Intent::new("hash")),
        Some(TargetFault::Exists),
    ),
    (
        "a rehearsal's video of this intent",
        |at| saved(&at.join("a.mp4"), true),
        |at| plain(at).intent(Intent::new("hash")).passes_own_video(true),
        Some(TargetFault::Exists),
    ),
    (
        "a rehearsal's video in a rehearsal",
        |at| saved(&at.join("a.mp4"), true),
        |at| plain(at).rehearsal(true),
        None,
    ),
    (
        "a real video in a rehearsal",
        |at| saved(&at.join("a.mp4"), false),
        |at| plain(at).rehearsal(true),
        Some(TargetFault::Exists),
    ),
    (
        "a last frame",
        |at| fs::write(at.join("a.last.png"), "x").unwrap(),
        |at| plain(at).last_frame(true),
        Some(TargetFault::LastFrameExists),
    ),
    (
        "a last frame as JPEG",
        |at| fs::write(at.join("a.last.jpeg"), "x").unwrap(),
        |at| plain(at).last_frame(true),
        Some(TargetFault::LastFrameExists),
    ),
    ("a last frame that is not asked for", |at| fs::write(at.join("a.last.png"), "x").unwrap(), plain, None),
    (
        "a last frame that is a folder",
        |at| fs::create_dir(at.join("a.last.png")).unwrap(),
        |at| plain(at).last_frame(true).overwrite(true),
        Some(TargetFault::LastFrameExists),
    ),
    (
        "an input",
        |at| fs::write(at.join("a.mp4"), "x").unwrap(),
        |at| plain(at).overwrite(true).inputs(InputFiles::from_iter([at.join("a.mp4")])),
        Some(TargetFault::IsAnInput),
    ),
    (
        "an input by another path",
        |at| {
            fs::create_dir(at.join("b")).unwrap();
            fs::write(at.join("a.mp4"), "x").unwrap();
        },
        |at| plain(at).overwrite(true).inputs(InputFiles::from_iter([at.join("b/../a.mp4")])),
        Some(TargetFault::IsAnInput),
    ),
    (
        "an input that is a hard link",
        |at| {
            fs::write(at.join("in.mp4"), "x").unwrap();
            fs::hard_link(at.join("in.mp4"), at.join("a.mp4")).unwrap();
        },
        |at| plain(at).overwrite(true).inputs(InputFiles::from_iter([at.join("in.mp4")])),
        Some(TargetFault::IsAnInput),
    ),
    (
        "an input where the last frame goes",
        |at| fs::write(at.join("a.last.png"), "x").unwrap(),
        |at| {
            plain(at).overwrite(true).last_frame(true).inputs(InputFiles::from_iter([at.join("a.last.png")]))
        },
        Some(TargetFault::IsAnInput),
    ),
    (
        "an input where the sidecar goes",
        |at| sidecar(Progress::Downloaded, false).write(&at.join("a.mp4")).unwrap(),
        |at| plain(at).overwrite(true).inputs(InputFiles::from_iter([at.join("a.mp4.ark-video.json")])),
        Some(TargetFault::IsAnInput),
    ),
    ("the longest name", nothing, |at| Target::new(at.join("a".repeat(240))), None),
    (
        "a name too long for its sidecar",
        nothing,
        |at| Target::new(at.join("a".repeat(241))),
        Some(TargetFault::NameTooLong),
    ),
    (
        "a name too long in a folder that is made",
        nothing,
        |at| Target::new(at.join("b").join("a".repeat(241))).makes_folder(true),
        Some(TargetFault::NameTooLong),
    ),
    (
        "a folder's name that is too long",
        nothing,
        |at| Target::new(at.join("b".repeat(256)).join("a.mp4")).makes_folder(true),
        Some(TargetFault::NameTooLong),
    ),
];

#[test]
fn each_kind_of_obstacle_is_found_and_the_check_leaves_nothing_behind() {
    for (what, scene, aim, expected) in CASES {
        let folder = tempfile::tempdir().unwrap();
        scene(folder.path());
        let names = || {
            let mut names: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = names();
        let found = aim(folder.path()).check();
        assert_eq!(found.as_ref().err().map(|error| error.fault), expected, "{what}: {found:?}");
        assert_eq!(names(), before, "{what}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_seen_through_where_they_lead_and_not_written_through() {
    use std::os::unix::fs::symlink;
    let cases: [(&str, Scene, Aim, Option<TargetFault>); 8] = [
        (
            "a link that leads nowhere",
            |at| symlink("none", at.join("a.mp4")).unwrap(),
            plain,
            Some(TargetFault::DanglingLink),
        ),
        (
            "a link to a file",
            |at| {
                fs::write(at.join("b"), "x").unwrap();
                symlink("b", at.join("a.mp4")).unwrap();
            },
            plain,
            Some(TargetFault::Exists),
        ),
        (
            "a link to a folder",
            |at| {
                fs::create_dir(at.join("b")).unwrap();
                symlink("b", at.join("a.mp4")).unwrap();
            },
            |at| plain(at).overwrite(true),
            Some(TargetFault::Folder),
        ),
        (
            "a folder that is a link to nowhere",
            |at| symlink("none", at.join("b")).unwrap(),
            |at| Target::new(at.join("b/a.mp4")).makes_folder(true),
            Some(TargetFault::FolderIsNone),
        ),
        (
            "a folder that is a link to a folder",
            |at| {
                fs::create_dir(at.join("c")).unwrap();
                symlink("c", at.join("b")).unwrap();
            },
            |at| Target::new(at.join("b/a.mp4")),
            None,
        ),
        (
            "a part that is a link",
            |at| symlink("none", at.join("a.mp4.part")).unwrap(),
            plain,
            Some(TargetFault::ForeignPart),
        ),
        (
            "a sidecar that is a link",
            |at| symlink("none", at.join("a.mp4.ark-video.json")).unwrap(),
            plain,
            Some(TargetFault::ForeignSidecar),
        ),
        (
            "an input by a link",
            |at| {
                fs::write(at.join("in.mp4"), "x").unwrap();
                symlink("in.mp4", at.join("a.mp4")).unwrap();
            },
            |at| plain(at).overwrite(true).inputs(InputFiles::from_iter([at.join("in.mp4")])),
            Some(TargetFault::IsAnInput),
        ),
    ];
    for (what, scene, aim, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        scene(folder.path());
        let found = aim(folder.path()).check();
        assert_eq!(found.as_ref().err().map(|error| error.fault), expected, "{what}: {found:?}");
    }
}

#[test]
fn a_device_is_not_written_to() {
    if cfg!(unix) {
        let found = Target::new("/dev/null").overwrite(true).sidecar(false).check().unwrap_err();
        assert!(matches!(found.fault, TargetFault::NotAFile | TargetFault::FolderReadOnly), "{found:?}");
    }
}

#[test]
fn messages_name_paths_as_the_user_wrote_them_and_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.mp4"), "x").unwrap();
    let said = |target: Target| {
        let error = target.check().unwrap_err();
        format!("{error}; {}", error.advice)
    };
    assert_eq!(said(plain(folder.path())), "a.mp4 already exists; choose another name, or say --overwrite");
    let input =
        plain(folder.path()).overwrite(true).inputs(InputFiles::from_iter([folder.path().join("a.mp4")]));
    assert_eq!(
        said(input),
        "a.mp4 goes into a request, and would be replaced by what comes of it; choose another name"
    );
    let long = said(Target::new(folder.path().join("a".repeat(250))).shown_from(folder.path()));
    assert!(long.contains("265 bytes, and at most 255") && long.ends_with("at most 240 bytes"), "{long}");
}

#[test]
fn an_earlier_versions_sidecar_is_known_by_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(&path, "x").unwrap();
    let request = json!({"model": "m", "content": [{"type": "text", "text": "A boat."}]});
    let old = json!({"ark_video": "0.0.9", "progress": "downloaded", "task_id": "cgt-1",
        "provenance": {"request": request}, "file": FileFacts::new("a.mp4", 1, "00", 0)});
    fs::write(Sidecar::path_of(&path), old.to_string()).unwrap();
    let own = |request: &serde_json::Value| {
        Intent::new(crate::provenance::intent_hash_of(request, &BTreeMap::new(), None))
    };
    assert_eq!(Target::new(&path).intent(own(&request)).passes_own_video(true).check(), Ok(()));
    let other = json!({"model": "m", "content": [{"type": "text", "text": "A bird."}]});
    assert!(Target::new(&path).intent(own(&other)).passes_own_video(true).check().is_err());
}
