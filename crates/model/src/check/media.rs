//! Media facts against the limits: format, bytes, sides, shape, area, frame rate, coding, seconds
//! of each and in sum.

use super::media_address::{Address, article};
use super::media_url;
use super::pointer::Pointer;
use super::report::Sink;
use super::rules::{Known, Rules};
use super::{MediaFacts, MediaFormat, MediaKind};
use crate::ContentItem;
use crate::catalog::{Cell, InputSeconds, Span, StringSet};
use crate::check::Severity;
use crate::generated::Field;

pub(crate) fn check(rules: &Rules<'_>, sink: &mut Sink) {
    let mut sums = [Sum::default(), Sum::default()];
    for (index, facts) in rules.facts.iter() {
        let Some((kind, url)) = rules.request.content.get(index).and_then(ContentItem::media) else {
            continue;
        };
        let mut item = Item { rules, facts, address: Address { index, kind, url }, sink };
        if let Some(why) = &facts.unusable {
            item.unusable(why);
            continue;
        }
        if facts.kind != kind {
            item.kind();
            continue;
        }
        item.doubts();
        item.format();
        item.bytes();
        item.picture();
        item.coding();
        item.seconds();
        let sum = match kind {
            MediaKind::Video => &mut sums[0],
            MediaKind::Audio => &mut sums[1],
            MediaKind::Image => continue,
        };
        sum.add(index, facts.seconds);
    }
    if let Some(known) = &rules.known {
        for (kind, sum) in [(MediaKind::Video, &sums[0]), (MediaKind::Audio, &sums[1])] {
            total(rules, known, kind, sum, sink);
        }
    }
}

/// The seconds of all items of a kind that are known.
#[derive(Default)]
struct Sum {
    seconds: f64,
    items: usize,
    last: usize,
}

impl Sum {
    fn add(&mut self, index: usize, seconds: Option<f64>) {
        if let Some(seconds) = seconds {
            self.seconds += seconds;
            self.items += 1;
            self.last = index;
        }
    }
}

struct Item<'a, 's> {
    rules: &'a Rules<'a>,
    facts: &'a MediaFacts,
    address: Address<'a>,
    sink: &'s mut Sink,
}

fn limits<'a>(known: &Known<'a>, kind: MediaKind) -> &'a Cell<Option<InputSeconds>> {
    match kind {
        MediaKind::Audio => &known.family.input_audio_seconds,
        _ => &known.family.input_video_seconds,
    }
}

fn grace<'a>(rules: &Rules<'a>, kind: MediaKind) -> &'a Cell<f64> {
    match kind {
        MediaKind::Audio => &rules.catalog.media.audio.seconds_grace,
        _ => &rules.catalog.media.video.seconds_grace,
    }
}

impl Item<'_, '_> {
    fn push<T>(
        &mut self,
        rule: &'static str,
        message: String,
        advice: &'static str,
        cell: &Cell<T>,
        strength: Severity,
    ) {
        let finding = self.sink.push(rule, self.address.pointer(), message).advice(advice);
        finding.from(cell).strength(strength).of_known_models();
    }

    /// The bytes are no medium; said once, where the address is not wrong already.
    fn unusable(&mut self, why: &str) {
        let pointer = self.address.pointer();
        if self.sink.refuses(pointer) {
            return;
        }
        let message = format!("The bytes are not {}: {why}.", article(self.address.kind));
        let finding = self.sink.push("media-content", pointer, message);
        finding.advice("Send the file itself, in a format that the service reads.");
        if self.address.kind == MediaKind::Image {
            finding.code("InvalidImageURL.InvalidFormat");
        }
    }

    fn doubts(&mut self) {
        for doubt in &self.facts.doubts {
            let message = format!("Its header is not reliable: {doubt}.");
            let finding = self.sink.push("media-doubt", self.address.pointer(), message);
            finding.advice("Rewrite it, for example with `ffmpeg -i IN -c copy OUT`.");
            finding.strength(Severity::Warning).silent().written_in("derived", "2026-11");
        }
    }

    fn kind(&mut self) {
        // The declared type of a data URL has been held against the item.
        if self.sink.refuses(self.address.pointer()) {
            return;
        }
        let message = format!("This is {} data in an item for {} data.", self.facts.kind, self.address.kind);
        self.sink
            .push("media-kind", self.address.pointer(), message)
            .advice("Put it into an item of its own kind.");
    }

    fn format(&mut self) {
        let format = self.facts.format.as_str();
        // A format that nobody recognised is no statement.
        if !format.is_empty() {
            media_url::format(&self.address, format, self.rules, self.sink);
        }
    }

    fn bytes(&mut self) {
        let Some(bytes) = self.facts.bytes else { return };
        let kind = self.address.kind;
        let cell = media_url::max_bytes(self.rules.catalog, kind);
        let over = |limit: i64| i64::try_from(bytes).map_or(true, |bytes| bytes > limit);
        // The length of a data URL has been looked at already, unless it stands for a file.
        let said = self.address.url.starts_with("data:") && media_url::left_out(self.address.url, bytes) == 0;
        if over(cell.value) && !said {
            let message = format!("The file has {bytes} bytes, and may have {}.", cell.value);
            self.push("media-bytes", message, "Make it smaller.", cell, self.rules.catalog.strength_of(cell));
        } else if kind == MediaKind::Video {
            let older = &self.rules.catalog.media.video.max_bytes_older;
            if over(older.value) {
                let message = format!("The file has {bytes} bytes; older pages stop at {}.", older.value);
                self.push(
                    "media-bytes",
                    message,
                    "Make it smaller if it is refused.",
                    older,
                    self.rules.catalog.strength_of(older),
                );
            }
        }
    }

    fn picture(&mut self) {
        let (Some(width), Some(height)) = (self.facts.width, self.facts.height) else { return };
        let media = &self.rules.catalog.media;
        let (sides, shape) = match self.address.kind {
            MediaKind::Image => (&media.image.side_pixels, &media.image.aspect_ratio),
            MediaKind::Video => (&media.video.side_pixels, &media.video.aspect_ratio),
            MediaKind::Audio => return,
        };
        let size = format!("{width}x{height}");
        for side in [width, height] {
            if let Some(strength) = self.within(i64::from(side), sides) {
                let message = format!("A side of {size} pixels has {side}; each may have {}.", sides.value);
                self.push("media-sides", message, "Scale or crop it.", sides, strength);
                break;
            }
        }
        let ratio = f64::from(width) / f64::from(height.max(1));
        if let Some(strength) = self.within(ratio, shape) {
            let message = format!("{size} is {ratio:.3} wide to high; it may be {}.", shape.value);
            self.push("media-ratio", message, "Crop it.", shape, strength);
        }
        if self.address.kind == MediaKind::Video {
            let (area, cell, older) = (
                i64::from(width) * i64::from(height),
                &media.video.area_pixels,
                &media.video.area_pixels_older,
            );
            if let Some(strength) = self.within(area, cell) {
                let message = format!("{size} has {area} pixels; it may have {}.", cell.value);
                self.push("media-area", message, "Scale it.", cell, strength);
            } else if !older.value.contains(&area) {
                let message = format!("{size} has {area} pixels; older pages allow {}.", older.value);
                self.push(
                    "media-area",
                    message,
                    "Scale it if it is refused.",
                    older,
                    self.rules.catalog.strength_of(older),
                );
            }
        }
    }

    /// How strongly a value is reported: refused outside; on an end, whatever the switch of the
    /// ends says.
    fn within<T: PartialOrd>(&self, value: T, cell: &Cell<Span<T>>) -> Option<Severity> {
        let Span { min, max } = &cell.value;
        if !cell.value.contains(&value) {
            return Some(Severity::Error);
        }
        (value == *min || value == *max)
            .then(|| cell.switch.as_deref().map(|switch| self.rules.catalog.strength(switch)))?
    }

    fn coding(&mut self) {
        if self.address.kind != MediaKind::Video {
            return;
        }
        let video = &self.rules.catalog.media.video;
        let sounds = match self.facts.format {
            MediaFormat::Mov => &video.sound_codecs_mov,
            _ => &video.sound_codecs_mp4,
        };
        let known = |cell: &Cell<Option<StringSet>>, word: &str| {
            cell.value.as_ref().is_none_or(|values| values.contains(word))
        };
        if let Some(codec) = self.facts.video_codec.as_deref().filter(|codec| !known(&video.codecs, codec)) {
            let message = format!("The video codec is {codec}; expected one of {}.", values(&video.codecs));
            self.push("media-codec", message, "Convert it to H.264.", &video.codecs, Severity::Error);
        }
        if let Some(codec) = self.facts.audio_codec.as_deref().filter(|codec| !known(sounds, codec)) {
            let message = format!("The audio codec is {codec}; expected one of {}.", values(sounds));
            self.push("media-sound", message, "Convert it to AAC.", sounds, Severity::Error);
        }
        let Some(rate) = self.facts.frames_per_second else { return };
        let (cell, floor) = (&video.frames_per_second, &video.frames_per_second_floor);
        // Files count in other units than seconds: 24 frames per second come out a hair off.
        const HAIR: f64 = 0.005;
        let Span { min, max } = cell.value;
        if rate < floor.value - HAIR || rate > max + HAIR {
            let message = format!("The video has {rate:.2} frames per second; it may have {}.", cell.value);
            self.push("media-frame-rate", message, "Convert it to 24 or 30.", cell, Severity::Error);
        } else if rate < min - HAIR {
            let message =
                format!("The video has {rate:.2} frames per second; documented are {}.", cell.value);
            self.push(
                "media-frame-rate",
                message,
                "Convert it to 24 if it is refused.",
                cell,
                self.rules.catalog.strength_of(cell),
            );
        }
    }

    fn seconds(&mut self) {
        let (Some(seconds), Some(known)) = (self.facts.seconds, &self.rules.known) else { return };
        let kind = self.address.kind;
        let cell = limits(known, kind);
        let Some(allowed) = cell.value.filter(|_| kind != MediaKind::Image) else { return };
        let Some(strength) = longer(seconds, allowed.each_max, self.rules, kind)
            .or((seconds < allowed.each_min).then_some(Severity::Error))
        else {
            return;
        };
        let message = format!(
            "This has {seconds:.1} seconds; {known} takes {} to {} of each.",
            allowed.each_min, allowed.each_max
        );
        self.push("media-seconds", message, "Cut it to that length.", cell, strength);
    }
}

fn values(cell: &Cell<Option<StringSet>>) -> String {
    cell.value.as_ref().map(StringSet::to_string).unwrap_or_default()
}

/// How strongly too many seconds are reported: a little too many, whatever the switch of the grace
/// says.
fn longer(seconds: f64, most: f64, rules: &Rules<'_>, kind: MediaKind) -> Option<Severity> {
    let grace = grace(rules, kind);
    match seconds {
        fits if fits <= most => None,
        close if close <= most + grace.value => Some(rules.catalog.strength_of(grace)),
        _ => Some(Severity::Error),
    }
}

fn total(rules: &Rules<'_>, known: &Known<'_>, kind: MediaKind, sum: &Sum, sink: &mut Sink) {
    let cell = limits(known, kind);
    let Some(allowed) = cell.value.filter(|_| sum.items > 1) else { return };
    let Some(strength) = longer(sum.seconds, allowed.total_max, rules, kind) else { return };
    let rest = if kind == MediaKind::Video { "/video_url/url" } else { "/audio_url/url" };
    let message = format!(
        "All {kind} items together have {:.1} seconds; {known} takes {}.",
        sum.seconds, allowed.total_max
    );
    let pointer = Pointer::Entry(Field::Content, sum.last, rest);
    sink.push("media-seconds-total", pointer, message)
        .advice("Cut or leave out some.")
        .from(cell)
        .strength(strength);
}

#[cfg(test)]
mod tests;
