//! A job's card on the page: video and cost first, then what a reader does about it. Every text in
//! it came from outside and is escaped by the template. Reads no journal and decodes no video.

use std::borrow::Cow;

use maud::{Markup, html};
use serde_json::Value;

use super::group::Group;
use super::media::{Embed, address, inline};
use super::options::{CommandCost, NextCommand, PageOptions};
use crate::{Amount, Cost, Job, State};

/// A job's card. The browser shows a frame of the video; nothing is decoded here.
pub(super) fn card(position: usize, job: &Job, tags: &[String], options: &PageOptions<'_>) -> Markup {
    let group = Group::of(job.state);
    let mut class = group.class().to_owned();
    for tag in &job.planned.tags {
        if let Some(at) = tags.iter().position(|known| known == tag) {
            class.push_str(&format!(" t{at}"));
        }
    }
    let video = job.files.first().filter(|_| group == Group::Done);
    let source = video.and_then(|video| match options.embed {
        Embed::Videos => inline(&video.path),
        Embed::Links => video.path.exists().then(|| address(&video.path, &options.folder)),
    });
    let (reason, request_id) = split_request_id(job.reason.as_deref().unwrap_or_default());
    html! {
        article id={ "s" (position) } class=(class) data-state=(job.state.as_str()) data-name=(job.planned.name) {
            @if let Some(source) = &source {
                // Requested when in sight; the time makes a browser show that frame.
                video.player controls loop loading="lazy" preload="metadata" src={ (source) "#t=0.1" } {}
            }
            div {
                p.cost { (cost(job)) }
                h2 { span class={ "state " (group.class()) } { (label(job)) } (job.planned.name) }
                @if !reason.is_empty() { p.reason { (reason) } }
                @if video.is_some() && source.is_none() {
                    p.reason { "The video is no longer where it was saved." }
                }
                p.prompt { (prompt(&job.planned.request)) }
                p.soft { (job.model()) @for tag in &job.planned.tags { " · #" (tag) } }
                @for command in (options.commands)(job) { (next(&command)) }
                @if job.task_id.is_some() || request_id.is_some() {
                    details {
                        summary { "ids" }
                        @if let Some(id) = &job.task_id { p { "task " code { (id) } } }
                        @if let Some(id) = request_id { p { "request " code { (id) } } }
                    }
                }
            }
        }
    }
}

/// A command, and above it what it costs.
pub(super) fn next(command: &NextCommand) -> Markup {
    let (class, cost) = match &command.cost {
        CommandCost::Free => ("free", "free".to_owned()),
        CommandCost::Bill(cost) => (
            "bill",
            format!("a new bill of at most {}", cost.as_ref().map_or("an unknown price".to_owned(), money)),
        ),
    };
    html! {
        figure {
            figcaption { (command.effect) " · " span class=(class) { (cost) } }
            code { (command.line) }
        }
    }
}

/// What a job costs, as far as it is known.
fn cost(job: &Job) -> Markup {
    let earlier: Vec<&Cost> =
        job.earlier.iter().map(|spent| &spent.cost).filter(|cost| cost.tokens > 0).collect();
    let settled = job.settled.as_ref().filter(|cost| cost.tokens > 0 || cost.micros > 0);
    html! {
        @if let Some(cost) = settled {
            (money(cost)) span.soft { " · " (cost.tokens) " tokens" }
            @if job.unmetered { span.soft { " (estimated: the service gave no usable usage)" } }
        } @else if let Some(reserved) = job.attempt.as_ref().map(|attempt| &attempt.reserved).filter(|_| job.state.holds_reservation()) {
            "at most " (money(reserved)) span.soft { " reserved" }
        } @else if job.state == State::Gone { "perhaps billed" }
        @else if job.state.is_final() || job.state == State::Rejected { "not billed" }
        @else if let Some(cost) = &job.planned.estimate { "at most " (money(cost)) span.soft { " if it is sent" } }
        @for cost in earlier { span.soft { " + " (money(cost)) " for an earlier attempt" } }
    }
}

/// A state for people.
pub(super) fn label(job: &Job) -> &'static str {
    match job.state {
        _ if job.superseded => "earlier version",
        State::Intent => "not sent yet",
        State::NeedsApproval => "needs approval",
        State::OverBudget => "over budget",
        State::Submitting => "being sent",
        State::Unknown => "outcome unknown",
        State::Held => "needs a decision",
        State::Submitted => "running",
        State::Finished => "to be fetched",
        State::Downloaded | State::Settled => "done",
        State::Rejected => "rejected",
        State::Failed => "failed",
        State::Gone => "video lost",
        State::Dropped => "dropped",
    }
}

fn money(cost: &Cost) -> String {
    if cost.currency.is_empty() {
        return format!("{} tokens at an unknown price", cost.tokens);
    }
    Amount::in_unit(&cost.currency, cost.micros).to_string()
}

/// The service's id of a request, which only its support needs, apart from the reason.
pub(super) fn split_request_id(reason: &str) -> (Cow<'_, str>, Option<&str>) {
    const MARK: &str = "Request id: ";
    let Some((before, rest)) = reason.split_once(MARK) else { return (Cow::Borrowed(reason), None) };
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
    let (id, after) = rest.split_at(end);
    let text = format!("{} {}", before.trim_end(), after.trim_start_matches(['.', ' ']));
    (Cow::Owned(text.trim().to_owned()), Some(id))
}

/// The prompt: the texts of a request, without its media.
fn prompt(request: &Value) -> String {
    let texts = request.get("content").and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(|item| item.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
}
