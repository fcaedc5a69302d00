//! Lists as people write them, and what is said of them.

use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{After, Amount, Link, Planned};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x20\0\0\x02\x58\x08\x02\0\0\0";
const HEAD: &str =
    "[defaults]\nmodel = 'doubao-seedance-2-0-260128'\nduration = 5\nresolution = '720p'\nratio = '16:9'\n";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/examples/batches")
}

fn report(text: &str) -> ListReport {
    ListReport::of_text(text.as_bytes(), "list.toml", Path::new(""), Catalog::builtin())
}

/// The shots behind the usual defaults.
fn with_defaults(shots: &str) -> ListReport {
    report(&format!("{HEAD}{shots}"))
}

fn said(report: &ListReport) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}

fn planned(report: ListReport) -> ShotList {
    match report.into_list() {
        Ok(list) => list,
        Err(report) => panic!("{:#?}", said(&report)),
    }
}

#[test]
fn the_example_is_the_same_list_in_all_three_forms() {
    let read = |name: &str| planned(ListReport::read(&examples().join(name), Catalog::builtin()).unwrap());
    let list = read("harbour.toml");
    assert_eq!((list.batch.as_str(), list.len(), list.caps.len()), ("harbour", 15, 3));
    let jobs: Vec<Planned> = list.jobs().collect();
    for other in ["harbour.json", "harbour.jsonl"].map(read) {
        assert_eq!((&other.batch, &other.caps), (&list.batch, &list.caps));
        assert_eq!(other.jobs().collect::<Vec<_>>(), jobs);
    }
    let job = |name: &str| jobs.iter().find(|job| job.name == name).unwrap();
    assert_eq!(job("net#8").request["seed"], 8);
    assert_eq!(job("rope#2").request["seed"], 2);
    assert!(job("net#8").output.ends_with("videos/net-8.mp4"));
    assert!(job("title").output.ends_with("videos/titles/0014-title.mp4"));
    assert_eq!(job("title").priority, 9);
    let after = After { job: "storm-draft".into(), link: Link::Draft, approve: true };
    assert_eq!(job("storm").after, Some(after));
    // What a final has from its draft is not sent again, although the defaults have it.
    let members: Vec<&String> = job("storm").request.as_object().unwrap().keys().collect();
    assert_eq!(members, ["content", "model", "resolution"]);
    assert_eq!(job("cat").inputs[0].content, 2);
    assert_eq!(job("cat").inputs[0].sha256, job("street").inputs[0].sha256);
}

#[test]
fn a_final_is_estimated_with_the_length_of_its_draft() {
    let list = planned(ListReport::read(&examples().join("harbour.toml"), Catalog::builtin()).unwrap());
    let jobs: Vec<Planned> = list.jobs().collect();
    let job = |name: &str| jobs.iter().find(|job| job.name == name).unwrap();
    // 5 seconds at 1080p 16:9 is known to the token; alone, a final may be 4 to 30 seconds long in
    // any ratio.
    assert_eq!(job("storm").estimate.as_ref().unwrap().tokens, 245_025);
    assert_eq!(job("harbour").estimate.as_ref().unwrap().tokens, 108_900);
}

#[test]
fn everything_is_said_at_once_with_file_line_and_shot() {
    let report = with_defaults(
        "\n[[shots]]\nname = 'a'\nprompt = 'x'\nduratoin = 9\n\n[[shots]]\nname = 'A'\nprompt = 1\n\n[[shots]]\nname = 'b'\nafter = { shot = 'c', link = 'last_frame' }\nfirst_frame = 'none.png'\n\n[[shots]]\nname = '../x'\nprompt = 'y'\nresolution = '9k'\n",
    );
    assert!(report.refused);
    let found: Vec<(Option<usize>, Option<&str>, &str, &str)> = report
        .findings
        .iter()
        .map(|f| (f.line, f.shot.as_deref(), f.member.as_str(), f.rule.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Some(10), Some("a"), "duratoin", "unknown-member"),
            (Some(14), Some("A"), "prompt", "type"),
            (Some(13), Some("A"), "name", "name"),
            (Some(19), Some("b"), "first_frame", "media"),
            (Some(18), Some("b"), "after.shot", "after"),
            (Some(24), Some("../x"), "resolution", "resolution"),
            (Some(22), Some("../x"), "name", "name"),
        ],
        "{:#?}",
        said(&report)
    );
    let shots: Vec<(&str, bool)> =
        report.shots.iter().map(|shot| (shot.name.as_str(), shot.refused)).collect();
    assert_eq!(shots, [("a", true), ("A", true), ("b", true), ("../x", true)]);
}

#[test]
fn a_prompt_is_not_the_name_of_a_file() {
    let refused =
        |prompt: &str| said(&with_defaults(&format!("[[shots]]\nname = 'a'\nprompt = '{prompt}'\n")));
    for file in ["@boat.txt", "@-", "@"] {
        assert!(refused(file).iter().any(|line| line.ends_with("[prompt-file]")), "{file}");
    }
    for text in [" @boat.txt", "@harbour at dawn", "mail me @ home"] {
        assert_eq!(refused(text), [""; 0], "{text}");
    }
}

#[test]
fn links_have_to_lead_somewhere() {
    let one = |after: &str, more: &str| {
        let text = format!(
            "[[shots]]\nname = 'a'\nprompt = 'x'\n{more}\n[[shots]]\nname = 'b'\nprompt = 'y'\nafter = {after}\n"
        );
        said(&with_defaults(&text)).join("\n")
    };
    let link = |link: &str| format!("{{ shot = 'a', link = '{link}' }}");
    assert!(
        one(&link("last_frame"), "")
            .contains("b: after: a does not deliver its last frame. Set return_last_frame = true on a.")
    );
    assert_eq!(one(&link("last_frame"), "return_last_frame = true"), "");
    assert!(one(&link("draft"), "").contains("a is not a draft"), "{}", one(&link("draft"), ""));
    assert!(one("{ shot = 'b', link = 'extend' }", "").contains("follows itself"));
    assert!(one("{ shot = 'Aa', link = 'extend' }", "").contains("No shot is called `Aa`."));
    assert!(one("{ shot = 'a', link = 'next' }", "").contains("`after` must be an object with"));
    assert!(one(&link("extend"), "seeds = [1, 2]").contains("Name one of them, such as a#1."));
    assert!(!one("{ shot = 'a#2', link = 'extend' }", "seeds = [1, 2]").contains("[after]"));
    assert!(
        one(&link("last_frame"), "after = { shot = 'b', link = 'last_frame' }").contains("Break the circle.")
    );
}

#[test]
fn films_never_meet_in_one_place() {
    let report = with_defaults(
        "[[shots]]\nname = 'a'\nprompt = 'x'\n[[shots]]\nname = 'b'\nprompt = 'x'\noutput = 'A.MP4'\n[[shots]]\nname = 'c'\nprompt = 'x'\nvariants = 2\noutput = '{name}.mp4'\n[[shots]]\nname = 'd'\nprompt = 'x'\noutput = '../d.mp4'\n",
    );
    let all = said(&report).join("\n");
    assert!(all.contains("b: output: a goes to the same place, A.MP4."), "{all}");
    assert!(all.contains("c: output: c#1 goes to the same place, c.mp4."), "{all}");
    assert!(all.contains("d: output: It begins with a dot"), "{all}");
}

#[test]
fn what_the_defaults_have_wrong_is_said_once() {
    let report = report(
        "[defaults]\nmodel = 'doubao-seedance-2-0-260128'\nduration = 99\n[[shots]]\nname = 'a'\nprompt = 'x'\n[[shots]]\nname = 'b'\nprompt = 'y'\n[[shots]]\nname = 'c'\nprompt = 'z'\n",
    );
    assert_eq!(report.findings.len(), 1, "{:#?}", said(&report));
    let finding = &report.findings[0];
    assert_eq!(
        (finding.line, finding.member.as_str(), finding.more_shots),
        (Some(3), "defaults.duration", 2)
    );
}

#[test]
fn a_list_that_cannot_be_parsed_is_refused_in_words() {
    for (text, says) in [
        ("", "There are no shots in the list."),
        ("shots = 3", "There are no shots in the list."),
        ("batch = 3\n[[shots]]\nname = 'a'", "`batch` must be a string."),
        ("batch = 'a/b'\n[[shots]]\nname = 'a'", "The batch cannot be called `a/b`."),
        ("defaults = 3\n[[shots]]\nname = 'a'", "`defaults` must be an object."),
        ("[defaults]\nname = 'x'\n[[shots]]\nname = 'a'", "`name` is each shot's own."),
        ("caps = { batch = 'lots' }\n[[shots]]\nname = 'a'", "This is not a valid amount."),
        ("caps = { month = '1CNY' }\n[[shots]]\nname = 'a'", "`caps` may hold"),
        ("shot = 1\n[[shots]]\nname = 'a'", "`shot` is not a field of a list."),
        ("[[shots]]\nname = 'a'\nseeds = [1, 1]", "A seed stands twice"),
        ("[[shots]]\nname = 'a'\nseeds = []", "`seeds` must hold 1 to 10000 seeds."),
        ("[[shots]]\nname = 'a'\nseeds = [-1]", "A seed must be an integer from 0"),
        ("[[shots]]\nname = 'a'\nvariants = 4000000000", "`variants` must be an integer"),
        ("[[shots]]\nname = 'a'\nvariants = 2\nseeds = [1]", "say the same"),
        ("[[shots]]\nname = 'a'\nseed = 2\nseeds = [1]", "say the same"),
        ("[[shots]]\nname = 'a'\nprompt = 'x'\ncontent = []", "`content` is the whole input"),
        ("[[shots]]\nname = 'a'\nprompt = 'x'", "Name the model in the shot, or in `defaults` for all."),
        ("[[shots]]\nprompt = 'x'", "The shot has no `name`."),
        ("[[shots]]\nname = 'a'\ntags = ['']", "A tag is 1 to 100 visible characters."),
        ("[[shots]]\nname = 'a'\nextra_body = { content = [] }", "`content` has its own field in a shot."),
    ] {
        let report = report(text);
        let all = said(&report).join("\n");
        assert!(report.refused && all.contains(says), "{text}: {all}");
        assert!(report.into_list().is_err());
    }
    let report = ListReport::of_text(b"name = '\xff'", "l.toml", Path::new(""), Catalog::builtin());
    assert_eq!(
        said(&report),
        [
            "l.toml:1:9: refused: This is not UTF-8: byte 9 belongs to no character of a text; save it as UTF-8. [syntax]"
        ]
    );
}

#[test]
fn files_are_hashed_and_a_changed_one_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cat.png");
    fs::write(&path, PNG).unwrap();
    let text =
        format!("{HEAD}[[shots]]\nname = 'a'\nprompt = 'x'\nfirst_frame = 'cat.png'\nratio = 'adaptive'\n");
    let read = || planned(ListReport::of_text(text.as_bytes(), "l.toml", folder.path(), Catalog::builtin()));
    let list = read();
    let job = &list.jobs().next().unwrap();
    assert_eq!((job.inputs[0].content, job.inputs[0].bytes), (1, PNG.len() as u64));
    assert_eq!(job.request["content"][1]["image_url"]["url"], path.to_str().unwrap());
    let (request, files) = attach(job, None, false).unwrap();
    let body = serde_json::to_value(&request).unwrap();
    let url = body["content"][1]["image_url"]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("data:image/png;base64,") && files.of(&url).is_some(), "{url}");
    let mut other = PNG.to_vec();
    other.extend(b"more");
    fs::write(&path, &other).unwrap();
    let error = attach(job, None, false).unwrap_err().to_string();
    assert!(error.contains("cat.png is not what it was when the list was read"), "{error}");
    assert_ne!(read().jobs().next().unwrap().request_hash, job.request_hash);
}

#[test]
fn what_the_job_before_delivers_takes_its_place() {
    let list = planned(ListReport::read(&examples().join("harbour.toml"), Catalog::builtin()).unwrap());
    let jobs: Vec<Planned> = list.jobs().collect();
    let job = |name: &str| jobs.iter().find(|job| job.name == name).unwrap();
    let sent = |name: &str, before: &str| {
        let (request, _) = attach(job(name), Some(before), false).unwrap();
        serde_json::to_value(&request).unwrap()["content"].clone()
    };
    let frame = sent("harbour-close", "https://h/last.png");
    assert_eq!(
        frame[1],
        json!({ "type": "image_url", "image_url": { "url": "https://h/last.png" }, "role": "first_frame" })
    );
    assert_eq!(sent("storm", "cgt-1"), json!([{ "type": "draft_task", "draft_task": { "id": "cgt-1" } }]));
    assert_eq!(sent("storm-after", "https://h/f.mp4")[1]["video_url"]["url"], "https://h/f.mp4");
    for nothing in [None, Some("")] {
        let error = attach(job("storm"), nothing, false).unwrap_err().to_string();
        assert!(error.contains("the id of the draft's task"), "{error}");
    }
}

#[test]
fn caps_that_will_be_met_are_told() {
    let report = report(&format!(
        "caps = {{ batch = '6CNY', day = '1CNY', tags = {{ hero = '1tokens', none = '1CNY' }} }}\n{HEAD}[[shots]]\nname = 'a'\nprompt = 'x'\nvariants = 2\ntags = ['hero']\n"
    ));
    let caps: Vec<String> = said(&report).into_iter().filter(|said| said.contains("[caps]")).collect();
    assert_eq!(
        caps,
        [
            "list.toml:1:18: warning: caps.batch: The cap of 6.00 CNY will be met: it may cost up to 10.02 CNY. What does not fit is left unsent. [caps]",
            "list.toml:1:56: warning: caps.tags.hero: The cap of 1 tokens will be met: it may cost up to 217,800 tokens. What does not fit is left unsent. [caps]",
            "list.toml:1:74: warning: caps.tags.none: No shot has this tag. [caps]",
        ]
    );
    assert_eq!(report.caps()[0].amount, Amount::Money { micros: 6_000_000, currency: "CNY".into() });
    assert_eq!(report.totals.all.jobs, 2);
}

#[test]
fn only_what_makes_the_film_makes_the_intent() {
    let hash = |shot: &str| {
        planned(with_defaults(&format!("[[shots]]\nname = 'a'\n{shot}"))).jobs().next().unwrap().request_hash
    };
    let one = hash("prompt = 'x'\nseed = 5\n");
    assert_eq!(one, hash("seed = 5\noutput = 'b.mp4'\ntags = ['t']\nprompt = \"x\"\n"));
    assert_ne!(one, hash("prompt = 'x'\nseed = 6\n"));
}

#[test]
fn nothing_secret_is_in_a_finding() {
    let report = with_defaults(
        "[[shots]]\nname = 'a'\nprompt = ['SECRET']\nfirst_frame = 'https://h/SECRETa.mp4?sig=SECRET'\n[[shots]]\nname = 'b'\nprompt = 'SECRET --rs SECRET'\nreferences = ['data:image/png;base64,SECRET']\ntags = 'SECRET'\n",
    );
    let all = said(&report).join("\n");
    assert!(report.refused && !all.contains("SECRET"), "{all}");
}

fn any_list() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("name".to_owned()),
        Just("shots".to_owned()),
        Just("defaults".to_owned()),
        Just("after".to_owned()),
        Just("seeds".to_owned()),
        Just("output".to_owned()),
        Just("content".to_owned()),
        Just("prompt".to_owned()),
        Just("first_frame".to_owned()),
        Just("references".to_owned()),
        Just("extra_body".to_owned()),
        Just("caps".to_owned()),
        Just("$schema".to_owned()),
        "[a-z/~.#@]{0,4}",
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        "\\PC{0,6}".prop_map(|s| json!(s)),
        Just(json!("a")),
        Just(json!("{seed}.mp4")),
    ];
    let value = leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|items| json!(items)),
            proptest::collection::btree_map(word.clone(), inner, 0..6).prop_map(|members| json!(members)),
        ]
    });
    proptest::collection::vec(value, 0..4).prop_map(|shots| {
        json!({ "defaults": { "model": "doubao-seedance-2-0-260128" }, "shots": shots }).to_string()
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}|[\\[\\]{}\"'=:,a-z\\n0-9]{0,60}", name in "(l.toml|l.json|l.jsonl|-)") {
        let report = ListReport::of_text(text.as_bytes(), &name, Path::new("/nowhere"), Catalog::builtin());
        prop_assert_eq!(report.refused, report.refusals().next().is_some());
    }

    #[test]
    fn no_list_makes_it_panic(text in any_list(), lines in any::<bool>()) {
        let name = if lines { "l.jsonl" } else { "l.json" };
        let report = ListReport::of_text(text.as_bytes(), name, Path::new("/nowhere"), Catalog::builtin());
        for finding in &report.findings {
            prop_assert!(finding.line.is_some_and(|line| line >= 1), "{}", finding);
        }
        prop_assert!(serde_json::to_string(&report).is_ok());
        let (refused, shots) = (report.refused, report.shots.len());
        match report.into_list() {
            // What was checked can be planned, whole.
            Ok(list) => prop_assert!(!refused && list.len() >= shots && list.jobs().count() == list.len()),
            Err(_) => prop_assert!(refused),
        }
    }
}
