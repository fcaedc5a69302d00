//! Batches: what a run prints, what the journal keeps and shows again, and the page of the report.

use std::fs;

use super::answers::{Api, Schemas};
use super::service::{Reply, Request, Service};
use super::storage::Storage;
use super::{acts, each, is_hostile, run, shell};

const LIST: &str = "[defaults]\nmodel = \"doubao-seedance-2-0-260128\"\nduration = 4\nreturn_last_frame = true\n\
                    [[shots]]\nname = \"a\"\nprompt = \"A <b>kite</b>\u{202e}\"\n";

#[derive(Debug, Clone, Copy)]
enum Answers {
    Api(Api),
    Storage(Storage),
}

impl Answers {
    fn reply(self, schemas: &Schemas, request: &Request) -> Reply {
        match self {
            Self::Api(api) => api.reply(schemas, request),
            Self::Storage(storage) => storage.reply(schemas, request),
        }
    }
}

/// Answers after which a run ends by itself: a task that failed, a create that is refused, videos
/// that cannot be had. Each makes a journal, which takes its time.
const CASES: [Answers; 4] = [
    Answers::Api(Api::Tasks("failed")),
    Answers::Api(Api::LongCode),
    Answers::Storage(Storage::Xml(200)),
    Answers::Storage(Storage::BadLink),
];

const LINES: [&[&str]; 9] = [
    &["batch", "run", "l.toml"],
    &["batch", "status", "l.toml", "--all"],
    &["batch", "report", "l.toml"],
    &["batch", "export", "l.toml"],
    &["cost", "report", "l.toml"],
    &["batch", "assign", "l.toml", "a", "cgt-9"],
    &["batch", "resolve", "l.toml", "--shot", "a", "--resend"],
    &["batch", "cancel", "l.toml", "--queued"],
    &["batch", "retry", "l.toml", "--shot", "a"],
];

#[test]
fn a_batch_and_its_page_show_it_as_text() {
    let hostile: usize = each(CASES, async |answers| {
        let schemas = Schemas::read();
        let service = Service::start(100.0, move |request| answers.reply(&schemas, request)).await;
        let shell = shell(&service);
        fs::write(shell.folder.path().join("l.toml"), LIST).unwrap();
        let about = format!("{answers:?}");
        let mut hostile = 0;
        for line in LINES {
            for form in ["--text", "--json"] {
                hostile += usize::from(is_hostile(&run(&service, &shell, &about, line, form).await));
            }
            if line[1] == "status" {
                let page = ["batch", "report", "l.toml", "--html", "page.html", "--overwrite"];
                let page = run(&service, &shell, &about, &page, "--text").await;
                assert_eq!(page.code, 0, "{}", page.stderr);
                let html = fs::read_to_string(shell.folder.path().join("page.html")).unwrap();
                assert_eq!(html.chars().find(|c| acts(*c) && *c != '\t'), None, "{about}: raw in the page");
                let tags = ["<b onclick", "<b>kite"];
                assert!(!tags.iter().any(|tag| html.contains(tag)), "{about}: a tag in the page");
                assert!(html.contains("&lt;b&gt;kite"), "{about}");
            }
        }
        hostile
    })
    .into_iter()
    .sum();
    assert!(hostile >= 12, "hostile text is printed by {hostile} runs only");
}
