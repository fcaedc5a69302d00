//! What the film shows: a gradient, panes of glass that drift over it, a ball, and a clock with a progress bar.
//!
//! Everything that moves is opaque and what lies under and inside it stands still, so an encoder skips most of every frame:
//! that keeps rendering fast and files small. All of it follows from the spec; nothing is kept between frames.

use std::f64::consts::TAU;

use super::VideoSpec;
use super::picture::{Paint, Picture, Ramp, Ycc};

/// A scene, ready to draw any of its frames.
pub(super) struct Scene {
    width: f64,
    height: f64,
    fps: u32,
    frames: u32,
    sky: Ramp,
    panes: [Ramp; 2],
    drifts: Vec<Drift>,
    ball: Ycc,
    accent: Ycc,
    label: [String; 2],
}

/// A circle on a path: centre, reach, radius (parts of the picture's sides), turns per second, phase.
struct Drift {
    centre: (f64, f64),
    reach: (f64, f64),
    radius: f64,
    speed: (f64, f64),
    phase: f64,
}

impl Drift {
    fn at(&self, seconds: f64, width: f64, height: f64) -> (f64, f64) {
        let swing = |speed: f64| (TAU * (speed * seconds + self.phase)).sin();
        (
            width * (self.centre.0 + self.reach.0 * swing(self.speed.0)),
            height * (self.centre.1 + self.reach.1 * swing(self.speed.1)),
        )
    }
}

impl Scene {
    pub(super) fn new(spec: &VideoSpec) -> Self {
        let (width, height) = (spec.width as usize, spec.height as usize);
        let mut dice = Dice(spec.seed);
        // From cyan towards magenta or back: the part of the wheel whose dark shades look like light, not like mud.
        let turn = dice.within(0.08, 0.16);
        let (hue, turn) = if dice.roll() & 1 == 0 {
            (dice.within(0.5, 0.6), turn)
        } else {
            (dice.within(0.8, 0.92), -turn)
        };
        let slope = dice.within(80.0, 200.0) as usize;
        let stops = |shift: f64, s: f64, v: [f64; 3]| {
            [0.0, 1.0, 2.0].map(|i| hsv(hue + shift + turn * i, s, v[i as usize]))
        };
        let drifts = (0..6)
            .map(|i| Drift {
                centre: (dice.within(0.25, 0.75), dice.within(0.3, 0.6)),
                reach: (dice.within(0.15, 0.35), dice.within(0.1, 0.3)),
                radius: [0.30, 0.22, 0.16, 0.12, 0.09, 0.05][i],
                speed: (dice.within(0.05, 0.12), dice.within(0.06, 0.14)),
                phase: dice.within(0.0, 1.0),
            })
            .collect();
        Self {
            width: spec.width.into(),
            height: spec.height.into(),
            fps: spec.fps,
            frames: spec.frames,
            sky: Ramp::new(width, height, &stops(0.0, 0.75, [0.16, 0.34, 0.62]), slope, false),
            panes: [
                Ramp::new(width, height, &stops(turn, 0.6, [0.75, 0.5, 0.35]), slope, true),
                Ramp::new(width, height, &stops(turn * 2.0, 0.5, [0.45, 0.7, 0.95]), slope, true),
            ],
            drifts,
            ball: Ycc::from_rgb(hsv(hue + 0.5, 0.35, 1.0)),
            accent: Ycc::from_rgb(hsv(hue + 0.5, 0.55, 0.95)),
            label: ["SIMULATED VIDEO".to_owned(), label(spec)],
        }
    }

    /// Draws frame `frame` (the first is 0) over all of `picture`, which must have the scene's size.
    pub(super) fn draw(&self, frame: u32, picture: &mut Picture) {
        let seconds = f64::from(frame) / f64::from(self.fps);
        let side = self.width.min(self.height);
        picture.rect(0, 0, i64::MAX, i64::MAX, Paint::Ramp(&self.sky));
        for (i, drift) in self.drifts.iter().enumerate() {
            let (x, y) = drift.at(seconds, self.width, self.height);
            let radius = drift.radius * side;
            let paint = if i + 1 == self.drifts.len() {
                Paint::Flat(self.ball)
            } else {
                picture.disc(x, y, radius + (side / 360.0).max(0.5), Paint::Flat(self.accent));
                Paint::Ramp(&self.panes[i % 2])
            };
            picture.disc(x, y, radius, paint);
        }
        self.draw_progress(frame, picture);
    }

    /// The bar needs no letters, so that even a tiny picture shows that time passes.
    fn draw_progress(&self, frame: u32, picture: &mut Picture) {
        const WHITE: Ycc = Ycc { y: 235, cb: 128, cr: 128 };
        const BLACK: Ycc = Ycc { y: 16, cb: 128, cr: 128 };
        let (width, height) = (self.width as i64, self.height as i64);
        let scale = (width.min(height) / 240).max(1);
        let margin = (width.min(height) / 24).max(1);
        let (left, right) = (margin, width - margin);
        let top = height - margin - 4 * scale;
        let done = left + (right - left) * i64::from(frame + 1) / i64::from(self.frames);
        picture.rect(left, top, right, top + 4 * scale, Paint::Flat(BLACK));
        picture.rect(left, top, done, top + 4 * scale, Paint::Flat(WHITE));
        if width < 200 || height < 100 {
            return;
        }
        let clock = format!("{} / {}", self.time(frame), self.time(self.frames));
        let count = format!("{}/{}", frame + 1, self.frames);
        let line = top - 12 * scale;
        let count_left = right - 8 * scale * count.len() as i64;
        let lines = [
            (left, margin, self.label[0].as_str()),
            (left, margin + 11 * scale, self.label[1].as_str()),
            (left, line, clock.as_str()),
            (count_left, line, count.as_str()),
        ];
        for (x, y, text) in lines {
            picture.text(x + scale, y + scale, scale, text, BLACK);
            picture.text(x, y, scale, text, WHITE);
        }
    }

    /// Minutes, seconds and tenths at which a frame begins.
    fn time(&self, frame: u32) -> String {
        let tenths = u64::from(frame) * 10 / u64::from(self.fps);
        format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
    }
}

/// Size, rate, and the seed where the picture is of this seed alone.
fn label(spec: &VideoSpec) -> String {
    let mut label = format!("{}x{} {} fps", spec.width, spec.height, spec.fps);
    if !spec.shares_picture() {
        label.push_str(&format!(" seed {:x}", spec.seed));
    }
    label
}

/// Numbers from a seed (SplitMix64): the same on every machine and in every version, which no general crate promises.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// RGB of a hue (turns of the colour wheel), saturation and value (0.0 to 1.0).
fn hsv(hue: f64, saturation: f64, value: f64) -> [f64; 3] {
    [5.0, 3.0, 1.0].map(|n| {
        let k = (n + hue.rem_euclid(1.0) * 6.0) % 6.0;
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_differs_from_the_one_before() {
        let spec = VideoSpec { width: 320, height: 180, frames: 49, ..VideoSpec::default() };
        let scene = Scene::new(&spec);
        let mut last = Vec::new();
        for frame in 0..spec.frames {
            let mut picture = Picture::new(320, 180);
            scene.draw(frame, &mut picture);
            assert_ne!(picture.luma, last, "frame {frame} stands still");
            last = picture.luma;
        }
    }

    #[test]
    fn the_clock_reads_in_minutes_seconds_and_tenths() {
        let scene = Scene::new(&VideoSpec { frames: 1801, ..VideoSpec::default() });
        assert_eq!([0, 84, 1801].map(|f| scene.time(f)), ["00:00.0", "00:03.5", "01:15.0"]);
    }
}
