//! Shot lists as CSV and as plain text: what they hold, what is wrong with them and where, and the
//! example that `batch init` writes.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use serde_json::{Value, json};

use crate::cli::{Ran, Shell};

/// Checks a list of this name and content.
async fn check(shell: &Shell, name: &str, text: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    std::fs::write(shell.folder.path().join(name), text).unwrap();
    Box::pin(shell.run(&[&["batch", "check", name], more].concat())).await
}

const TABLE: &str = "name,prompt,model,resolution,ratio,duration,watermark,tags,seeds,after.shot,after.link,return_last_frame\n\
    a,\"A \"\"boat\"\", and\na gull.\",doubao-seedance-1-0-pro-250528,480p,1:1,5,TRUE,sea|dawn,,,,true\n\
    ,,,,,,,,,,,\n\
    b,It sails on.,doubao-seedance-1-0-pro-250528,480p,adaptive,,,,,a,last_frame,\n\
    c,A bird.,doubao-seedance-1-0-pro-250528,480p,1:1,5,,,7|8,,,\n";

#[tokio::test]
async fn a_table_is_the_same_list_whatever_program_wrote_it() {
    let shell = Shell::new();
    let report = check(&shell, "l.csv", TABLE, &[]).await;
    assert_eq!(report.code, 0, "{}{}", report.stdout, report.stderr);
    let expected = report.json();
    let shots = expected["shots"].as_array().unwrap();
    let of = |field: &str| shots.iter().map(|shot| shot[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("line"), [2, 5, 6]);
    assert_eq!(of("jobs"), [json!(["a"]), json!(["b"]), json!(["c#7", "c#8"])]);
    assert_eq!(of("after"), [Value::Null, json!("a"), Value::Null]);
    assert_eq!(shots[0]["tags"], json!(["sea", "dawn"]));
    let crlf = TABLE.replace('\n', "\r\n");
    let mark = format!("\u{feff}{crlf}");
    let wide: Vec<u8> = mark.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, text) in [
        ("CRLF", crlf.clone().into_bytes()),
        ("a byte order mark", mark.clone().into_bytes()),
        ("UTF-16", wide),
        ("blank lines", TABLE.replace("\nb,", "\n\n\nb,").into_bytes()),
        ("no line break at the end", TABLE.trim_end().as_bytes().to_vec()),
    ] {
        let ran = check(&shell, "l.csv", text, &[]).await;
        assert_eq!(ran.code, 0, "{what}: {}{}", ran.stdout, ran.stderr);
        let report = ran.json();
        assert_eq!(report["totals"], expected["totals"], "{what}");
        assert_eq!(report["shots"][2]["jobs"], expected["shots"][2]["jobs"], "{what}");
    }
    for (separator, name) in [(";", "l.csv"), ("\t", "l.tsv")] {
        let text = "name,prompt,model\na,A boat.,doubao-seedance-1-0-pro-250528\n".replace(',', separator);
        let ran = check(&shell, name, text, &[]).await;
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_table_is_named_by_line_and_column() {
    let shell = Shell::new();
    let good = "doubao-seedance-1-0-pro-250528";
    let mut said = String::new();
    for text in [
        format!("name,promt,model\na,A boat.,{good}\n"),
        format!("id,prompt,model\na,A boat.,{good}\n"),
        format!("name,prompt,model,aspect_ratio\na,A boat.,{good},16:9\n"),
        format!("name,prompt,model,mood\na,A boat.,{good},calm\n"),
        format!("name,prompt,model,prompt\na,A boat.,{good},x\n"),
        format!("name,prompt,model,duration\na,A boat.,{good},five\n"),
        format!("name,prompt,model,watermark\na,A boat.,{good},yes\n"),
        format!("name,prompt,model\na,A boat.,{good}\nb,A bird, flying.,{good}\n"),
        format!("name,prompt,model\na,A boat.,{good}\nb,\"A bird.,{good}\nc,A cat.,{good}\n"),
        format!("name,prompt,model\na,A boat.,{good}\na,A bird.,{good}\n"),
        format!("name,prompt,model\na,A boat.,{good}\nb,A 5\" bird.,{good}\n"),
        format!("name,prompt,model,seeds\na,A boat.,{good},1|x\n"),
        "name,prompt,model\n".to_owned(),
        String::new(),
    ] {
        let ran = check(&shell, "l.csv", &text, &["-q"]).await;
        assert_eq!(ran.code, 4, "{text}{}{}", ran.stdout, ran.stderr);
        let reasons = ran.stderr.lines().filter(|line| line.starts_with("  ")).collect::<Vec<_>>().join("\n");
        said.push_str(&format!("{reasons}\n"));
    }
    insta::assert_snapshot!(said, @r#"
    l.csv:1:6: refused: promt: The column `promt` is neither a field of a shot nor of the API. Did you mean `prompt`? [unknown-member]
    l.csv:1:1: refused: id: The column `id` is neither a field of a shot nor of the API. Did you mean `name`? [unknown-member]
    l.csv:1:19: refused: aspect_ratio: The column `aspect_ratio` is neither a field of a shot nor of the API. Write `ratio`. [unknown-member]
    l.csv:1:19: refused: mood: The column `mood` is neither a field of a shot nor of the API. Rename or remove the column; fields that only you know go into `extra_body`. [unknown-member]
    l.csv:1:6: refused: prompt: `prompt` stands twice: only one of them would count. [twice]
    l.csv:2:42: refused: a: duration: `duration` is a string, and must be an integer. Change its type. [type; D-create 2026-10; the service: InvalidParameter]
    l.csv:2:42: refused: a: watermark: `watermark` is a string, and must be true or false. Change its type. [type; D-create 2026-10; the service: InvalidParameter]
    l.csv:3:1: refused: This record has 4 cells, and the header has 3. Put a cell with commas in quotes. [syntax]
    l.csv:3:1: refused: A quote is not closed. Put a cell with quotes, commas or line breaks in quotes, and double the quotes in it. [syntax]
    l.csv:3:1: refused: a: name: Another shot has this name. Rename one of them. [name]
    l.csv:3:1: refused: A quote is not closed. Put a cell with quotes, commas or line breaks in quotes, and double the quotes in it. [syntax]
    l.csv:2:42: refused: a: seeds[1]: `seeds` must be a list of integers from 0 to 4294967295. [type]
    l.csv:1:1: refused: shots: There are no shots in the list. Write [[shots]] in TOML, "shots": [...] in JSON, one shot a line in JSON Lines, one a record in CSV, or one prompt a line in plain text. [shots]
    l.csv:1:1: refused: shots: There are no shots in the list. Write [[shots]] in TOML, "shots": [...] in JSON, one shot a line in JSON Lines, one a record in CSV, or one prompt a line in plain text. [shots]
    "#);
}

#[tokio::test]
async fn a_text_has_a_prompt_a_line_and_names_that_stay() {
    let shell = Shell::new();
    let set = ["--set", "duration=5", "--set", "resolution=480p", "--set", "ratio=1:1"];
    let names = async |text: &str| {
        let ran = check(&shell, "p.txt", text, &set).await;
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        let report = ran.json();
        let names =
            report["shots"].as_array().unwrap().iter().map(|shot| shot["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), report)
    };
    let (two, report) = names("# Boats\n\nA paper boat drifts.\r\n  一只纸船。  \n").await;
    assert!(two[0].starts_with("a-paper-boat-drifts-") && two[1].starts_with("shot-"), "{two:?}");
    assert_eq!(report["shots"][0]["line"], 3);
    assert_eq!(report["shots"][0]["model"], "doubao-seedance-2-0-260128", "that of the configuration");
    assert_eq!(
        report["shots"][0]["estimate"]["tokens"]["min"],
        report["shots"][0]["estimate"]["tokens"]["max"]
    );
    let (more, _) = names("A new one.\nA paper boat drifts.\n一只纸船。\nA paper boat drifts.\n").await;
    assert_eq!((&more[1], &more[2]), (&two[0], &two[1]), "lines may be added before others");
    assert_eq!(more[3], format!("{}-2", two[0]));

    let wrong = shell.run(&["batch", "check", "p.txt", "--set", "duraton=5"]).await;
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    let empty = check(&shell, "p.txt", "# nothing\n", &[]).await;
    assert_eq!(empty.code, 4, "{}", empty.stderr);
}

#[tokio::test]
async fn the_format_flag_overrides_the_extension() {
    let shell = Shell::new();
    let text = "name,prompt,model\na,A boat.,doubao-seedance-1-0-pro-250528\n";
    let ran = check(&shell, "list.dat", text, &["--list-format", "csv"]).await;
    assert_eq!((ran.code, &ran.json()["format"]), (0, &json!("csv")), "{}", ran.stderr);
    let ran = check(&shell, "list.csv", "A boat, and a gull.\n", &["--list-format", "text"]).await;
    assert_eq!((ran.code, ran.json()["shots"].as_array().unwrap().len()), (0, 1), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_every_format_run() {
    let shell = Shell::new();
    let row = "name,prompt,model,resolution,ratio,duration\na,A boat.,doubao-seedance-1-0-pro-fast-251015,480p,1:1,2\n";
    std::fs::write(shell.folder.path().join("t.csv"), row).unwrap();
    std::fs::write(shell.folder.path().join("p.txt"), "A paper boat.\n").unwrap();
    for line in [
        &["batch", "run", "t.csv", "--simulate"][..],
        &[
            "batch",
            "run",
            "p.txt",
            "--simulate",
            "--set",
            "model=doubao-seedance-1-0-pro-fast-251015",
            "--set",
            "resolution=480p",
            "--set",
            "ratio=1:1",
            "--set",
            "duration=2",
        ],
    ] {
        let ran = Box::pin(shell.run(line)).await;
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    }
    assert!(shell.folder.path().join("simulated/a.mp4").exists());
}

#[tokio::test]
async fn the_example_of_init_passes_its_own_check() {
    let shell = Shell::new();
    for name in ["shots.toml", "shots.csv", "shots.txt"] {
        let ran = shell.run(&["batch", "init", name]).await;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let ran = shell.run(&["batch", "check", name, "--text"]).await;
        assert_eq!((ran.code, ran.stdout.contains("warning")), (0, false), "{}{}", ran.stdout, ran.stderr);
        let again = shell.run(&["batch", "init", name]).await;
        assert_eq!((again.code, again.stderr.contains("already exists")), (6, true), "{}", again.stderr);
    }
    let default = Shell::new().run(&["batch", "init", "-q"]).await;
    assert_eq!((default.code, default.stdout.as_str()), (0, "shots.toml\n"), "{}", default.stderr);
    assert_eq!(shell.run(&["batch", "init", "shots.xlsx"]).await.code, 2);
}
