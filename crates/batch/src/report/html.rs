//! The page that a person reads in the morning: one card per job, in one file without scripts.
//! Writes card by card, so that the page of ten thousand jobs needs no more memory than that of
//! ten. Every text in it came from outside and is escaped by the template; what would turn or hide
//! text there is written out.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use maud::{DOCTYPE, PreEscaped, html};
use serde_json::Value;

use super::media::{Embed, address, inline};
use super::unfinished::Reasons;
use crate::{Amount, Cost, Job, JobFilter, Journal, JournalError, Scope, State, TOKENS, visible};

/// What stands at the top of the page.
#[derive(Debug, Clone)]
pub struct Head {
    /// The batch's name.
    pub title: String,
    /// When the page was made, for people.
    pub made: String,
    /// Jobs by state.
    pub counts: BTreeMap<State, u64>,
    /// What was billed, by currency.
    pub settled: Vec<Cost>,
}

/// How the page is made.
pub struct PageOptions<'a> {
    /// The folder that the page will be in: videos are named as seen from there.
    pub folder: PathBuf,
    /// Whether videos go into the page.
    pub embed: Embed,
    /// The command that makes a job once more, as a person would type it.
    pub repeat: &'a (dyn Fn(&Job) -> String + Sync),
}

/// A page under construction.
pub struct Page<'a, W: Write> {
    out: W,
    options: PageOptions<'a>,
}

impl<'a, W: Write> Page<'a, W> {
    /// Writes the top.
    ///
    /// # Errors
    /// `out` cannot be written to.
    pub fn begin(mut out: W, head: &Head, options: PageOptions<'a>) -> io::Result<Self> {
        let total: u64 = head.counts.values().sum();
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Nothing from elsewhere, and no script at all.
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data: file: 'self'";
                    title { (head.title) }
                    style { (PreEscaped(include_str!("page.css"))) }
                }
            }
        };
        // The rest of the page follows piece by piece: the browser closes what the template would.
        let text = visible(&markup.into_string()).into_owned();
        out.write_all(text.strip_suffix("</html>").unwrap_or(&text).as_bytes())?;
        let top = html! {
            header { h1 { (head.title) } span.soft { (total) " shots · " (head.made) } }
            dl {
                @for (state, count) in head.counts.iter().filter(|(_, count)| **count > 0) {
                    div { dt { (label(*state)) } dd { (count) } }
                }
                @for cost in &head.settled {
                    div { dt { "billed" } dd { (money(cost)) } }
                    div { dt { "tokens" } dd { (cost.tokens) } }
                }
            }
        };
        write!(out, "<body>{}<main>", visible(&top.into_string()))?;
        Ok(Self { out, options })
    }

    /// Writes one job's card. The browser shows a frame of the video; nothing is decoded here.
    ///
    /// # Errors
    /// The page cannot be written to. A video that cannot be read is said so on its card.
    pub fn card(&mut self, job: &Job) -> io::Result<()> {
        let video = job.files.first().filter(|_| matches!(job.state, State::Downloaded | State::Settled));
        let markup = html! {
            article data-state=(job.state.as_str()) data-name=(job.planned.name) {
                @if let Some(video) = video {
                    @let source = match self.options.embed {
                        Embed::Videos => inline(&video.path),
                        Embed::Links => video.path.exists().then(|| address(&video.path, &self.options.folder)),
                    };
                    @if let Some(source) = source {
                        // The time makes a browser show that frame before anybody plays.
                        video.player controls loop preload="metadata" src={ (source) "#t=0.1" } {}
                    } @else {
                        div.player {}
                    }
                }
                div {
                    h2 { span class={ "state " (job.state.as_str()) } { (label(job.state)) } (job.planned.name) }
                    @if let Some(reason) = &job.reason { p.reason { (reason) } }
                    @if video.is_some_and(|video| !video.path.exists()) {
                        p.reason { "The video is no longer where it was saved." }
                    }
                    p.prompt { (prompt(&job.planned.request)) }
                    p.soft {
                        (job.model())
                        @if let Some(cost) = job.settled.as_ref().filter(|cost| cost.tokens > 0) {
                            " · " (money(cost)) " · " (cost.tokens) " tokens"
                            @if job.unmetered { " (estimated: the service gave no usable usage)" }
                        } @else if job.state.is_final() || job.state == State::Rejected { " · not billed" }
                        @else if let Some(cost) = &job.planned.estimate { " · at most " (money(cost)) " estimated" }
                        @for tag in &job.planned.tags { " · #" (tag) }
                    }
                    @if let Some(id) = &job.task_id { code { (id) } }
                    code { ((self.options.repeat)(job)) }
                }
            }
        };
        self.out.write_all(visible(&markup.into_string()).as_bytes())
    }

    /// Writes the end.
    ///
    /// # Errors
    /// `out` cannot be written to.
    pub fn end(mut self) -> io::Result<W> {
        self.out.write_all(b"</main></body></html>\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl Journal {
    /// Writes the page of a batch, job by job as they are read.
    ///
    /// # Errors
    /// The journal cannot be read, or `out` cannot be written to.
    pub async fn write_report<W: Write + Send>(
        &self,
        batch: &str,
        made: &str,
        out: W,
        options: PageOptions<'_>,
    ) -> Result<W, ReportError> {
        let scope = Scope::Batch(batch.to_owned());
        let budgets: Vec<_> =
            self.budgets().await?.into_iter().filter(|budget| budget.scope == scope).collect();
        let tokens = budgets.iter().find(|budget| budget.unit == TOKENS).map_or(0, |budget| budget.settled);
        let money = budgets.into_iter().filter(|budget| budget.unit != TOKENS);
        let head = Head {
            title: batch.to_owned(),
            made: made.to_owned(),
            counts: self.counts(Some(batch)).await?,
            settled: money
                .map(|budget| Cost { tokens, micros: budget.settled, currency: budget.unit })
                .collect(),
        };
        let reasons = Reasons::read(self, batch).await?;
        let mut page = Page::begin(out, &head, options)?;
        let mut pages = self.pages(JobFilter { batch: Some(batch.to_owned()), ..JobFilter::default() });
        while let Some(jobs) = pages.next().await? {
            for mut job in jobs {
                job.reason = reasons.of(&job).or(job.reason);
                page.card(&job)?;
            }
        }
        Ok(page.end()?)
    }
}

/// Why the page of a batch was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The page cannot be written.
    #[error("the page cannot be written")]
    Page(#[from] io::Error),
}

/// A state for people.
fn label(state: State) -> &'static str {
    match state {
        State::Intent => "not sent yet",
        State::NeedsApproval => "needs approval",
        State::OverBudget => "over budget",
        State::Submitting => "being sent",
        State::Unknown => "outcome unknown",
        State::Held => "held for a person",
        State::Submitted => "running",
        State::Finished => "to be fetched",
        State::Downloaded | State::Settled => "done",
        State::Rejected => "refused",
        State::Failed => "failed",
        State::Gone => "gone",
        State::Dropped => "dropped",
    }
}

fn money(cost: &Cost) -> String {
    if cost.currency.is_empty() {
        return "unknown price".to_owned();
    }
    Amount::in_unit(&cost.currency, cost.micros).to_string()
}

/// The prompt: the texts of a request, without its media.
fn prompt(request: &Value) -> String {
    let texts = request.get("content").and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(|item| item.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{FileAt, Planned};

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
        let repeat = |job: &Job| format!("ark-video batch retry list.toml --shot '{}'", job.planned.name);
        let head = Head {
            title: "night <1>".to_owned(),
            made: "2026-11-23".to_owned(),
            counts: BTreeMap::from([(State::Settled, 1), (State::Failed, 1)]),
            settled: vec![Cost { tokens: 90, micros: 3_150_000, currency: "CNY".to_owned() }],
        };
        let options = PageOptions { folder: PathBuf::new(), embed: Embed::Links, repeat: &repeat };
        let mut page = Page::begin(Vec::new(), &head, options).unwrap();
        jobs.iter().for_each(|job| page.card(job).unwrap());
        String::from_utf8(page.end().unwrap()).unwrap()
    }

    #[test]
    fn a_card_says_what_became_of_a_shot_and_escapes_it() {
        let failed =
            Job { reason: Some("the \"picture\" <was> refused".to_owned()), ..job("a'b", State::Failed) };
        let page = page(&[failed]);
        assert!(page.contains("A &lt;b&gt;boat&lt;/b&gt; &amp; a'b"), "{page}");
        assert!(page.contains("the &quot;picture&quot; &lt;was&gt; refused"), "{page}");
        assert!(page.contains("<title>night &lt;1&gt;</title>"), "{page}");
        assert!(page.contains("not billed · #night"), "{page}");
        assert!(page.contains("batch retry list.toml"), "{page}");
        assert!(page.contains("<dd>3.15 CNY</dd>"), "{page}");
        assert!(!page.contains("<video"), "{page}");
        assert!(!page.contains("<script"), "{page}");
        assert!(page.ends_with("</main></body></html>\n"), "{page}");
        assert_eq!(page.matches("<html").count(), 1);
    }

    #[test]
    fn a_film_is_named_where_it_is_and_its_absence_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mp4");
        std::fs::write(&path, b"not a video").unwrap();
        let files = vec![FileAt { path: path.clone(), bytes: 14, sha256: String::new() }];
        let done = Job { files, ..job("x", State::Settled) };
        let there = page(std::slice::from_ref(&done));
        assert!(there.contains("<video"), "{there}");
        assert!(there.contains("x.mp4#t=0.1\""), "{there}");
        std::fs::remove_file(path).unwrap();
        let gone = page(&[done]);
        assert!(!gone.contains("<video") && gone.contains("no longer where it was saved"), "{gone}");
    }
}
