//! The template of the page that a person reads in the morning: one file without scripts, decisions
//! and failures first, then a card per job in the order of the list. Every text in it came from
//! outside and is escaped by the template; what would turn or hide text there is written out. Reads
//! no journal and decodes no video.

use std::borrow::Cow;
use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::card::{card, label, next, split_request_id};
use super::group::Group;
use super::options::PageOptions;
use crate::{Amount, Budget, Job, TOKENS, visible};

/// Tags that can be chosen on the page.
pub(super) const TAGS: usize = 60;

/// What is at the top of the page.
pub(super) struct Head {
    pub(super) title: String,
    /// When the page was made, for people.
    pub(super) made: String,
    /// Jobs by group, in the order of [`Group::ALL`].
    pub(super) counts: [u64; 5],
    /// The budgets of the batch: what is billed and reserved.
    pub(super) budgets: Vec<Budget>,
    /// Tasks that were billed in addition to those of the jobs.
    pub(super) extra_bills: Vec<String>,
    pub(super) tags: Vec<String>,
    /// Jobs that need the user, with their position in the list, up to a limit.
    pub(super) urgent: Vec<(usize, Job)>,
}

/// A page under construction.
pub(super) struct Page<'a, W: Write> {
    out: W,
    options: &'a PageOptions<'a>,
    tags: Vec<String>,
}

impl<'a, W: Write> Page<'a, W> {
    /// Writes the top.
    pub(super) fn begin(mut out: W, head: Head, options: &'a PageOptions<'a>) -> io::Result<Self> {
        let top = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Nothing from elsewhere, and no script at all.
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data: file: 'self'";
                    title { (head.title) }
                    style { (PreEscaped(include_str!("page.css"))) (PreEscaped(tag_rules(head.tags.len()))) }
                }
            }
        };
        // The rest of the page follows piece by piece: the browser closes what the template would.
        let text = visible(&top.into_string()).into_owned();
        out.write_all(text.strip_suffix("</html>").unwrap_or(&text).as_bytes())?;
        write!(out, "<body>{}<main>", visible(&summary(&head, options).into_string()))?;
        Ok(Self { out, options, tags: head.tags })
    }

    /// Writes one job's card.
    pub(super) fn card(&mut self, position: usize, job: &Job) -> io::Result<()> {
        let markup = card(position, job, &self.tags, self.options);
        self.out.write_all(visible(&markup.into_string()).as_bytes())
    }

    /// Writes the end.
    pub(super) fn end(mut self) -> io::Result<W> {
        self.out.write_all(b"</main></body></html>\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Title, sums, what needs the user, and the filters.
fn summary(head: &Head, options: &PageOptions<'_>) -> Markup {
    let total: u64 = head.counts.iter().sum();
    let groups = || Group::ALL.into_iter().zip(head.counts).filter(|(_, count)| *count > 0);
    let urgent: u64 = groups().filter(|(group, _)| group.is_urgent()).map(|(_, count)| count).sum();
    html! {
        header { h1 { (head.title) } span.soft { (total) " shots · " (head.made) } }
        dl {
            @for budget in &head.budgets {
                (sum("billed", budget, budget.settled))
                @if budget.reserved > 0 { (sum("reserved", budget, budget.reserved)) }
                @if let Some(cap) = budget.cap { (sum("cap", budget, cap)) }
            }
            @for (group, count) in groups() { div { dt { (group.label()) } dd { (count) } } }
        }
        @if !(head.urgent.is_empty() && head.extra_bills.is_empty()) {
            section {
                h2 { "Needs you" }
                ul {
                    @for task in &head.extra_bills { li { "An additional task is billed: " code { (task) } } }
                    @for (position, job) in &head.urgent {
                        li {
                            a href={ "#s" (position) } { (job.planned.name) } " "
                            span class={ "state " (Group::of(job.state).class()) } { (label(job)) } " "
                            (split_request_id(job.reason.as_deref().unwrap_or_default()).0)
                            @if let Some(command) = (options.commands)(job).first() { (next(command)) }
                        }
                    }
                    @if urgent > head.urgent.len() as u64 { li { "and " (urgent - head.urgent.len() as u64) " more below" } }
                }
            }
        }
        form.filter {
            fieldset {
                legend { "State" }
                label { input type="radio" name="state" checked; "all " (total) }
                @for (group, count) in groups() {
                    label { input type="radio" name="state" id={ "only-" (group.class()) }; (group.label()) " " (count) }
                }
            }
            @if !head.tags.is_empty() {
                fieldset {
                    legend { "Tag" }
                    label { input type="radio" name="tag" checked; "all" }
                    @for (at, tag) in head.tags.iter().enumerate() {
                        label { input type="radio" name="tag" id={ "t" (at) }; (tag) }
                    }
                }
            }
        }
    }
}

/// A sum with its exact number for programs: tokens, or millionths of the currency's unit.
fn sum(name: &str, budget: &Budget, number: u64) -> Markup {
    let name = if budget.unit == TOKENS { Cow::Owned(format!("tokens {name}")) } else { Cow::Borrowed(name) };
    let text = if budget.unit == TOKENS {
        number.to_string()
    } else {
        Amount::in_unit(&budget.unit, number).to_string()
    };
    html! { div { dt { (name) } dd { data value=(number) { (text) } } } }
}

/// Hides the cards without a tag while that tag is chosen.
fn tag_rules(tags: usize) -> String {
    (0..tags)
        .map(|at| format!("body:has(#t{at}:checked) article:not(.t{at}) {{ display: none; }}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::super::options::{CommandCost, NextCommand};
    use super::*;
    use crate::{Attempt, Cost, Embed, FileAt, Planned, Scope, State};

    fn job(name: &str, state: State) -> Job {
        let planned = Planned {
            name: name.to_owned(),
            place: 0,
            request: json!({
                "model": "doubao-seedance-2-0-260128",
                "content": [{ "type": "text", "text": format!("A <b>boat</b> & {name}") }],
            }),
            request_hash: String::new(),
            inputs: Vec::new(),
            after: None,
            output: PathBuf::from(format!("{name}.mp4")),
            tags: vec!["night".to_owned()],
            priority: 0,
            estimate: Some(Cost { tokens: 100, micros: 3_500_000, currency: "CNY".to_owned() }),
        };
        Job {
            key: format!("b/{name}"),
            batch: "b".to_owned(),
            planned,
            revision: 1,
            state,
            seq: 1,
            changed_at: 0,
            attempt: None,
            task_id: None,
            created_at: None,
            task: None,
            settled: None,
            unmetered: false,
            earlier: Vec::new(),
            candidates: Vec::new(),
            files: Vec::new(),
            reason: None,
            approved: false,
            superseded: false,
            given_up: false,
        }
    }

    fn page(jobs: &[Job]) -> String {
        let retry = |job: &Job| {
            vec![NextCommand {
                line: format!("ark-video batch retry list.toml --shot '{}'", job.planned.name),
                effect: "Create it again",
                cost: CommandCost::Bill(job.planned.estimate.clone()),
            }]
        };
        let head = Head {
            title: "night <1>".to_owned(),
            made: "2026-11-23".to_owned(),
            counts: [0, 1, 0, 1, 0],
            budgets: vec![Budget {
                scope: Scope::Batch("b".to_owned()),
                unit: "CNY".to_owned(),
                reserved: 0,
                settled: 3_150_000,
                cap: None,
            }],
            extra_bills: Vec::new(),
            tags: vec!["day".to_owned(), "night".to_owned()],
            urgent: jobs
                .iter()
                .cloned()
                .enumerate()
                .filter(|(_, job)| Group::of(job.state).is_urgent())
                .collect(),
        };
        let options = PageOptions {
            made: String::new(),
            folder: PathBuf::new(),
            embed: Embed::Links,
            commands: &retry,
            redact: &str::to_owned,
        };
        let mut page = Page::begin(Vec::new(), head, &options).unwrap();
        jobs.iter().enumerate().for_each(|(at, job)| page.card(at, job).unwrap());
        String::from_utf8(page.end().unwrap()).unwrap()
    }

    #[test]
    fn a_card_says_what_became_of_a_shot_and_escapes_it() {
        let reason = "the \"picture\" <was> refused. Request id: 0217a. Try another".to_owned();
        let failed = Job { reason: Some(reason), ..job("a'b", State::Failed) };
        let page = page(&[job("first", State::Intent), failed]);
        assert!(page.contains("A &lt;b&gt;boat&lt;/b&gt; &amp; a'b"), "{page}");
        assert!(page.contains("the &quot;picture&quot; &lt;was&gt; refused. Try another</p>"), "{page}");
        assert!(page.contains("<details><summary>ids</summary><p>request <code>0217a</code>"), "{page}");
        assert!(page.contains("<title>night &lt;1&gt;</title>"), "{page}");
        assert!(page.contains(r#"<p class="cost">not billed</p>"#), "{page}");
        assert!(page.contains(r#"<data value="3150000">3.15 CNY</data>"#), "{page}");
        assert!(page.contains(r#"<span class="bill">a new bill of at most 3.50 CNY</span>"#), "{page}");
        assert!(!page.contains("<video") && !page.contains("<script"), "{page}");
        assert!(page.ends_with("</main></body></html>\n"), "{page}");
        assert_eq!(page.matches("<html").count(), 1);
    }

    #[test]
    fn what_needs_the_user_is_linked_first_and_tags_filter_by_css() {
        let page = page(&[job("first", State::Intent), job("second", State::Held)]);
        let top = page.split("<article").next().unwrap();
        assert!(top.contains(r##"<a href="#s1">second</a>"##) && !top.contains(">first<"), "{top}");
        assert!(top.contains(r#"<input type="radio" name="tag" id="t1">night"#), "{top}");
        assert!(top.contains("body:has(#t1:checked) article:not(.t1) { display: none; }"), "{top}");
        assert!(page.contains(r#"<article id="s1" class="decision t1""#), "{page}");
    }

    #[test]
    fn what_is_reserved_is_on_the_card() {
        let reserved = Cost { tokens: 9, micros: 1_000_000, currency: "CNY".to_owned() };
        let attempt = Some(Attempt { reserved, ..Attempt::default() });
        let page = page(&[Job { attempt, ..job("a", State::Submitted) }]);
        assert!(page.contains(r#"<p class="cost">at most 1.00 CNY<span class="soft"> reserved"#), "{page}");
    }

    #[test]
    fn a_video_is_linked_where_it_is_and_its_absence_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mp4");
        std::fs::write(&path, b"not a video").unwrap();
        let files = vec![FileAt { path: path.clone(), bytes: 14, sha256: String::new() }];
        let done = Job { files, ..job("x", State::Settled) };
        let there = page(std::slice::from_ref(&done));
        assert!(there.contains(r#"<video class="player" controls loop loading="lazy""#), "{there}");
        assert!(there.contains("x.mp4#t=0.1\""), "{there}");
        std::fs::remove_file(path).unwrap();
        let gone = page(&[done]);
        assert!(!gone.contains("<video") && gone.contains("no longer where it was saved"), "{gone}");
    }
}
