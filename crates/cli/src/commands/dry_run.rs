//! `generate --dry-run`: findings, cost, and the exact body.

use std::io::{self, Write};

use ark_video::Attachments;
use ark_video::model::{ContentItem, CreateTaskRequest, estimate::Estimate};
use ark_video::transport::RequestBody;

use crate::api_failure;
use crate::checking::{Checked, estimate_text};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::DryRun;
use crate::output::{Form, Output};
use crate::request::RequestInput;
use crate::session::Session;

/// The body goes to standard output: the exact bytes for programs, formatted and with media
/// shortened on a terminal. The rest goes to standard error, or with `--json` into one document
/// with the body.
pub(crate) fn show(
    session: &Session,
    parsed: &RequestInput,
    checked: &Checked,
    estimate: &Estimate,
    videos: usize,
) -> Result<(), Failure> {
    let output = &session.output;
    let bare = without_uploads(&parsed.request, &parsed.files);
    let body = parsed.files.body(&bare).map_err(|error| api_failure::of(&error, "ark-video"))?;
    if session.flags.json {
        let report = checked.document();
        let estimate = estimate.into();
        let head = DryRun { report, estimate, videos, body_bytes: body.length(), body: None };
        let head = serde_json::to_string(&head).map_err(|error| {
            Failure::new(Exit::Internal, format!("cannot write the report as JSON: {error}"))
        })?;
        output.json_text(&format!("{},\"body\":", head.trim_end_matches('}')));
        write(output, &body)?;
        output.raw("}\n");
        return Ok(());
    }
    output.note(checked.text());
    output.note(estimate_text(estimate));
    if videos > 1 {
        output
            .note(format_args!("videos   {videos}: this is the estimate of all, and the body of the first"));
    }
    if output.form == Form::Text {
        let text = serde_json::to_string_pretty(&shortened(&bare)).unwrap_or_default();
        output.json_text(&format!("{text}\n"));
    } else {
        write(output, &body)?;
        output.raw("\n");
    }
    output.note(format_args!("{} bytes, not sent", body.length()));
    Ok(())
}

/// Writes the body as it would be sent, a piece at a time.
fn write(output: &Output, body: &RequestBody) -> Result<(), Failure> {
    body.write_to(&mut Pieces(output)).map_err(|error| {
        Failure::new(Exit::Input, format!("cannot read the body: {error}")).hint("nothing was sent")
    })
}

struct Pieces<'o>(&'o Output);

impl Write for Pieces<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.bytes(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The request with a name in place of each URL that is signed after the upload.
fn without_uploads(request: &CreateTaskRequest, files: &Attachments) -> CreateTaskRequest {
    let mut bare = request.clone();
    let uploads = files.uploads_of(request);
    for (index, name) in uploads {
        let url = match bare.content.get_mut(index) {
            Some(ContentItem::Image(image)) => &mut image.image_url.url,
            Some(ContentItem::Audio(audio)) => &mut audio.audio_url.url,
            Some(ContentItem::Video(video)) => &mut video.video_url.url,
            _ => continue,
        };
        *url = format!("(signed URL of {name})");
    }
    bare
}

fn shortened(request: &CreateTaskRequest) -> CreateTaskRequest {
    let mut shown = request.clone();
    for item in &mut shown.content {
        match item {
            ContentItem::Image(image) => shorten(&mut image.image_url.url),
            ContentItem::Audio(audio) => shorten(&mut audio.audio_url.url),
            ContentItem::Video(video) => shorten(&mut video.video_url.url),
            _ => {}
        }
    }
    shown
}

fn shorten(url: &mut String) {
    if let Some((head, data)) = url.split_once(";base64,")
        && data.len() > 32
    {
        *url = format!("{head};base64,…");
    }
}
