//! What is checked before anything is sent, in every mode: each obstacle is put in the way, the
//! command is run against the simulator, and where it refuses, nothing was created. The table is
//! `docs/reference/checked-before-sending.md`; `cargo xtask checked` writes it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use ark_video_simulator::Simulator;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::cli::Shell;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/checked-before-sending.md");
/// `write` replaces the page; anything else compares. Set by `cargo xtask checked`.
const HOW: &str = "ARK_VIDEO_CHECKED";

/// How a request gets on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Generate,
    Resume,
    BatchCheck,
    BatchRun,
    Rehearsal,
}

const MODES: [Mode; 5] = [Mode::Generate, Mode::Resume, Mode::BatchCheck, Mode::BatchRun, Mode::Rehearsal];

/// An obstacle.
struct Row {
    what: &'static str,
    /// Puts it in the way; the video of all modes is `a.mp4`.
    scene: fn(&Path),
    /// Extra arguments of `generate`; `None` if the row does not apply to it.
    generate: Option<&'static [&'static str]>,
    /// What the list says beside the usual; `None` where the row has no meaning for it.
    list: Option<fn(&mut Value)>,
    /// Extra arguments of `batch run`.
    run: &'static [&'static str],
    /// The environment lacks this variable.
    without: Option<&'static str>,
}

const USUAL: Row =
    Row { what: "", scene: |_| {}, generate: Some(&[]), list: Some(|_| {}), run: &[], without: None };

fn touch(at: &Path, name: &str) {
    fs::write(at.join(name), "x").unwrap();
}

fn folder(at: &Path, name: &str) {
    fs::create_dir(at.join(name)).unwrap();
}

fn shot(list: &mut Value, field: &str, value: Value) {
    list["shots"][0][field] = value;
}

/// A picture that the checks take.
fn picture(at: &Path, name: &str) {
    let png = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/examples/batches/street.png");
    fs::copy(png, at.join(name)).unwrap();
}

fn unfinished(at: &Path) {
    let sidecar = json!({"ark_video": "0.1.0", "progress": "submitted", "task_id": "cgt-1"});
    fs::write(at.join("a.mp4.ark-video.json"), sidecar.to_string()).unwrap();
}

fn rows() -> Vec<Row> {
    let place = |what, scene| Row { what, scene, ..USUAL };
    vec![
        Row { what: "nothing is in the way", ..USUAL },
        place("the file exists", |at| touch(at, "a.mp4")),
        place("a video of a simulated run has the name", |at| {
            touch(at, "a.mp4");
            let sidecar = json!({"ark_video": "0.1.0", "progress": "downloaded", "simulated": true});
            fs::write(at.join("a.mp4.ark-video.json"), sidecar.to_string()).unwrap();
        }),
        place("a folder has the name", |at| folder(at, "a.mp4")),
        place("a link that leads nowhere has the name", |at| symlink("none", at.join("a.mp4")).unwrap()),
        Row {
            what: "the folder does not exist",
            generate: Some(&["-o", "b/a.mp4"]),
            list: Some(|list| list["output_dir"] = "b".into()),
            ..USUAL
        },
        Row {
            what: "the folder is a file",
            scene: |at| touch(at, "b"),
            generate: Some(&["-o", "b/a.mp4"]),
            list: Some(|list| list["output_dir"] = "b".into()),
            ..USUAL
        },
        Row {
            what: "nothing can be written into the folder",
            generate: Some(&["-o", "/proc/a.mp4"]),
            list: Some(|list| list["output_dir"] = "/proc".into()),
            ..USUAL
        },
        place("a partial file that is not ours", |at| touch(at, "a.mp4.part")),
        place("a folder where the sidecar goes", |at| folder(at, "a.mp4.ark-video.json")),
        place("an earlier run with the name is unfinished", unfinished),
        Row {
            what: "the last frame's name is taken",
            scene: |at| touch(at, "a.last.png"),
            generate: Some(&["--return-last-frame"]),
            list: Some(|list| shot(list, "return_last_frame", true.into())),
            ..USUAL
        },
        Row {
            what: "the name is too long for its sidecar",
            generate: Some(&["-o", LONG]),
            list: Some(|list| list["output_dir"] = LONG.into()),
            ..USUAL
        },
        Row {
            what: "the video would replace an input (with --overwrite)",
            scene: |at| {
                picture(at, "in.png");
                fs::hard_link(at.join("in.png"), at.join("a.mp4")).unwrap();
            },
            generate: Some(&["--first-frame", "in.png", "--overwrite"]),
            list: Some(|list| shot(list, "first_frame", "in.png".into())),
            run: &["--overwrite"],
            ..USUAL
        },
        Row {
            what: "two shots have one place",
            generate: None,
            list: Some(|list| {
                let mut other = list["shots"][0].clone();
                other["name"] = "b".into();
                other["output"] = "A.mp4".into();
                list["shots"].as_array_mut().unwrap().push(other);
            }),
            ..USUAL
        },
        Row {
            what: "our checks refuse the request",
            generate: Some(&["-d", "99"]),
            list: Some(|list| shot(list, "duration", 99.into())),
            ..USUAL
        },
        Row {
            what: "an input file is missing",
            generate: Some(&["--first-frame", "none.png"]),
            list: Some(|list| shot(list, "first_frame", "none.png".into())),
            ..USUAL
        },
        Row {
            what: "it may cost more than allowed (--max-cost)",
            generate: Some(&["--max-cost", "1tokens"]),
            list: None,
            ..USUAL
        },
        Row { what: "there is no key", without: Some("ARK_API_KEY"), ..USUAL },
        Row {
            what: "there is no place for the record (no -o)",
            generate: Some(&["--output-dir", "."]),
            list: None,
            without: Some("ARK_STATE_DIR"),
            ..USUAL
        },
    ]
}

const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

async fn cell(row: &Row, mode: Mode) -> String {
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let mut shell = Shell::at(&simulator);
    if let Some(name) = row.without {
        shell = shell.unset(name);
    }
    let at = shell.folder.path();
    (row.scene)(at);
    let mut list = json!({"batch": "night", "defaults": {"model": "doubao-seedance-2-0-260128",
        "resolution": "480p", "ratio": "16:9", "duration": 4}, "shots": [{"name": "a", "prompt": "A boat."}]});
    let line: Vec<&str> = match (mode, row.generate, row.list) {
        (Mode::Generate | Mode::Resume, Some(more), _) => {
            let resume: &[&str] = if mode == Mode::Resume { &["--resume"] } else { &[] };
            if mode == Mode::Resume && more.contains(&"--overwrite") {
                return "–".to_owned();
            }
            let has = |flags: &[&str]| more.iter().any(|word| flags.contains(word));
            let output: &[&str] = if has(&["-o", "--output-dir"]) { &[] } else { &["-o", "a.mp4"] };
            let duration: &[&str] = if has(&["-d"]) { &[] } else { &["-d", "4"] };
            [&["generate", "A boat.", "--resolution", "480p", "-r", "16:9"], output, duration, more, resume]
                .concat()
        }
        (Mode::BatchCheck, _, Some(edit)) => {
            edit(&mut list);
            [&["batch", "check", "night.json"], row.run].concat()
        }
        (Mode::BatchRun, _, Some(edit)) => {
            edit(&mut list);
            [&["batch", "run", "night.json"], row.run].concat()
        }
        (Mode::Rehearsal, _, Some(edit)) => {
            edit(&mut list);
            [&["batch", "run", "night.json", "--simulate"], row.run].concat()
        }
        _ => return "–".to_owned(),
    };
    fs::write(at.join("night.json"), list.to_string()).unwrap();
    let ran = shell.run(&line).await;
    let accepted = simulator.ledger().accepted;
    let about = format!("{} in {mode:?}: {} {}", row.what, ran.code, ran.stderr);
    match ran.code {
        0 => {
            let pays = !matches!(mode, Mode::BatchCheck | Mode::Rehearsal);
            assert_eq!(accepted, usize::from(pays), "{about}");
            "continues".to_owned()
        }
        // The task of that run is not one of the simulator's.
        7.. if mode == Mode::Resume && row.what.contains("is unfinished") => {
            assert_eq!(accepted, 0, "{about}");
            "continues that run".to_owned()
        }
        code => {
            assert_eq!(accepted, 0, "refused, and paid for: {about}");
            assert!(matches!(code, 2..=6), "{about}");
            format!("refused ({code})")
        }
    }
}

const HEAD: &str = "\
<!-- @generated by `cargo xtask checked` from tests/it/checked.rs; do not edit. -->

# What is checked before sending

Everything that can be known before a request is sent is checked before it is sent, in every mode. Each row puts one obstacle \
in the way of `a.mp4` and runs the command; where a cell says \"refused\", nothing was created, and the number is the exit code. \
A row that has no meaning in a mode is marked –.

- `generate --resume` continues an earlier run. Here there was none, unless the row says so: a video without a \
record is never paid for again.
- `batch run` checks all shots before the first create, and each once more right before its own; a shot whose place was taken \
meanwhile is not sent. It makes missing folders. Videos that an earlier run of the same list made are not in the way.
- A simulated run, `batch run --simulate`, writes into the folder `simulated` beside the list, so that what blocks the real \
videos does not block it.
- Names may have 255 bytes on most systems, the sidecar's `.ark-video.json` included.

| | generate | generate --resume | batch check | batch run | simulated run |
|---|---|---|---|---|---|
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_before_anything_is_created() {
    let rows = rows();
    // Side by side, because each waits most of the time.
    let lines = futures_util::stream::iter(&rows).map(async |row| {
        let cells = futures_util::future::join_all(MODES.map(|mode| Box::pin(cell(row, mode)))).await;
        format!("| {} | {} |\n", row.what, cells.join(" | "))
    });
    let page = HEAD.to_owned() + &lines.buffered(4).collect::<String>().await;
    if std::env::var(HOW).is_ok_and(|how| how == "write") {
        fs::write(PAGE, page).unwrap();
        return;
    }
    let committed = fs::read_to_string(PAGE).unwrap_or_default().replace("\r\n", "\n");
    for (line, ours) in committed.lines().zip(page.lines()) {
        assert_eq!(line, ours, "the page is stale: cargo xtask checked");
    }
    assert_eq!(committed, page, "the page is stale: cargo xtask checked");
}
