//! What the video shows: a gradient and panes of glass that stand still, and a ball, a clock and a
//! progress bar that move over them.
//!
//! Little moves, because every macroblock that changes is stored uncompressed (`h264.rs`). All of
//! it follows from the spec; nothing is kept between frames.

use std::f64::consts::TAU;

use super::VideoSpec;
use super::frame_image::{Blocks, Paint, Picture, Ramp, Ycc};

const WHITE: Ycc = Ycc { y: 235, cb: 128, cr: 128 };
const BLACK: Ycc = Ycc { y: 16, cb: 128, cr: 128 };
/// Largest radius of the ball and largest dot of a letter, in pixels: what moves costs bytes.
const MAX_RADIUS: f64 = 36.0;
const MAX_SCALE: i64 = 4;

/// A scene, ready to draw any of its frames.
pub(super) struct Scene {
    width: i64,
    height: i64,
    fps: u32,
    frames: u32,
    sky: Ramp,
    panes: [Ramp; 2],
    discs: [(f64, f64, f64); 5],
    accent: Ycc,
    ball: Ball,
    label: [String; 2],
}

/// A disc on a path: centre and reach (parts of the picture's sides), swings per second, phase.
struct Ball {
    colour: Ycc,
    radius: f64,
    centre: (f64, f64),
    reach: (f64, f64),
    speed: (f64, f64),
    phase: f64,
}

/// A line of text: where it starts, and what it says.
struct Line {
    x: i64,
    y: i64,
    text: String,
}

impl Scene {
    pub(super) fn new(spec: &VideoSpec) -> Self {
        let (width, height) = (spec.width as usize, spec.height as usize);
        let side = f64::from(spec.width.min(spec.height));
        let mut random = SplitMix64(spec.seed);
        // From cyan towards magenta or back: the part of the wheel whose dark shades still appear
        // bright.
        let turn = random.within(0.08, 0.16);
        let (hue, turn) = if random.next() & 1 == 0 {
            (random.within(0.5, 0.6), turn)
        } else {
            (random.within(0.8, 0.92), -turn)
        };
        let slope = random.within(80.0, 200.0) as usize;
        let stops = |shift: f64, s: f64, v: [f64; 3]| {
            [0.0, 1.0, 2.0].map(|i| hsv(hue + shift + turn * i, s, v[i as usize]))
        };
        let discs = [0.30, 0.22, 0.16, 0.12, 0.09].map(|radius| {
            let (x, y) = (random.within(0.1, 0.9), random.within(0.15, 0.75));
            (x * f64::from(spec.width), y * f64::from(spec.height), radius * side)
        });
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
            discs,
            accent: Ycc::from_rgb(hsv(hue + 0.5, 0.55, 0.95)),
            ball: Ball {
                colour: Ycc::from_rgb(hsv(hue + 0.5, 0.35, 1.0)),
                radius: (side * 0.05).min(MAX_RADIUS),
                centre: (random.within(0.4, 0.6), random.within(0.35, 0.55)),
                reach: (random.within(0.15, 0.35), random.within(0.1, 0.25)),
                speed: (random.within(0.05, 0.12), random.within(0.06, 0.14)),
                phase: random.within(0.0, 1.0),
            },
            label: [
                "SIMULATED VIDEO".to_owned(),
                format!("{}x{} {} fps seed {:x}", spec.width, spec.height, spec.fps, spec.seed),
            ],
        }
    }

    /// What stands still: everything but the ball, the clock and the bar.
    pub(super) fn base(&self) -> Picture {
        let mut picture = Picture::new(self.width as usize, self.height as usize);
        picture.rect(0, 0, i64::MAX, i64::MAX, Paint::Ramp(&self.sky));
        let edge = (self.width.min(self.height) as f64 / 360.0).max(0.5);
        for (i, &(x, y, radius)) in self.discs.iter().enumerate() {
            picture.disc(x, y, radius + edge, Paint::Flat(self.accent));
            picture.disc(x, y, radius, Paint::Ramp(&self.panes[i % 2]));
        }
        let (left, right) = self.bar();
        let top = self.bar_top();
        picture.rect(left, top, right, top + self.bar_height(), Paint::Flat(BLACK));
        if self.has_text() {
            let margin = self.margin();
            self.write(&mut picture, margin, margin, &self.label[0]);
            self.write(&mut picture, margin, margin + 11 * self.scale(), &self.label[1]);
        }
        picture
    }

    /// Draws what moves, as it is in frame `frame` (the first is 0), over the base.
    pub(super) fn draw_moving(&self, frame: u32, picture: &mut Picture) {
        let (x, y) = self.ball_at(frame);
        picture.disc(x, y, self.ball.radius, Paint::Flat(self.ball.colour));
        let (left, top) = (self.bar().0, self.bar_top());
        picture.rect(left, top, self.bar_end(frame), top + self.bar_height(), Paint::Flat(WHITE));
        for line in self.lines(frame) {
            self.write(picture, line.x, line.y, &line.text);
        }
    }

    /// Where the ball, the clock and the end of the bar are in frame `frame`. Two frames in a row
    /// differ only where either of them has something of that.
    pub(super) fn moving(&self, frame: u32) -> Vec<Blocks> {
        let at = |x0: i64, y0: i64, x1: i64, y1: i64| {
            let range = |from: i64, to: i64, side: i64| {
                let clip = |at: i64| at.clamp(0, side) as usize;
                (clip(from) / 16, clip(to).div_ceil(16))
            };
            Blocks { columns: range(x0, x1, self.width), rows: range(y0, y1, self.height) }
        };
        let (x, y) = self.ball_at(frame);
        let reach = self.ball.radius + 2.0;
        let ball = at((x - reach) as i64, (y - reach) as i64, (x + reach) as i64, (y + reach) as i64);
        let top = self.bar_top();
        let grown = self.bar_end(frame.saturating_sub(1));
        let bar = at(grown, top, self.bar_end(frame), top + self.bar_height());
        let scale = self.scale();
        let lines = self.lines(frame).into_iter().map(|line| {
            at(line.x, line.y, line.x + scale * (8 * line.text.len() as i64 + 1), line.y + 9 * scale)
        });
        [ball, bar].into_iter().chain(lines).collect()
    }

    fn ball_at(&self, frame: u32) -> (f64, f64) {
        let seconds = f64::from(frame) / f64::from(self.fps);
        let swing = |speed: f64| (TAU * (speed * seconds + self.ball.phase)).sin();
        (
            self.width as f64 * (self.ball.centre.0 + self.ball.reach.0 * swing(self.ball.speed.0)),
            self.height as f64 * (self.ball.centre.1 + self.ball.reach.1 * swing(self.ball.speed.1)),
        )
    }

    /// The clock and the frame counter. A tiny picture has no room for them: there the bar and the
    /// ball show that time passes.
    fn lines(&self, frame: u32) -> Vec<Line> {
        if !self.has_text() {
            return Vec::new();
        }
        let y = self.bar_top() - 12 * self.scale();
        let clock = format!("{} / {}", self.time(frame), self.time(self.frames));
        let count = format!("{}/{}", frame + 1, self.frames);
        let right = self.bar().1 - 8 * self.scale() * count.len() as i64;
        vec![Line { x: self.bar().0, y, text: clock }, Line { x: right, y, text: count }]
    }

    fn write(&self, picture: &mut Picture, x: i64, y: i64, text: &str) {
        let scale = self.scale();
        picture.text(x + scale, y + scale, scale, text, BLACK);
        picture.text(x, y, scale, text, WHITE);
    }

    fn has_text(&self) -> bool {
        self.width >= 200 && self.height >= 100
    }

    fn scale(&self) -> i64 {
        (self.width.min(self.height) / 240).clamp(1, MAX_SCALE)
    }

    fn margin(&self) -> i64 {
        (self.width.min(self.height) / 24).max(1)
    }

    fn bar(&self) -> (i64, i64) {
        (self.margin(), self.width - self.margin())
    }

    fn bar_top(&self) -> i64 {
        self.height - self.margin() - self.bar_height()
    }

    fn bar_height(&self) -> i64 {
        4 * self.scale()
    }

    fn bar_end(&self, frame: u32) -> i64 {
        let (left, right) = self.bar();
        left + (right - left) * i64::from(frame + 1) / i64::from(self.frames)
    }

    /// Minutes, seconds and tenths at which a frame starts.
    fn time(&self, frame: u32) -> String {
        let tenths = u64::from(frame) * 10 / u64::from(self.fps);
        format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
    }
}

/// Numbers from a seed: the same on every machine and in every version, which no general crate
/// promises.
pub(super) struct SplitMix64(pub(super) u64);

impl SplitMix64 {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
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

    fn frame(scene: &Scene, frame: u32) -> Picture {
        let mut picture = scene.base();
        scene.draw_moving(frame, &mut picture);
        picture
    }

    #[test]
    fn every_frame_differs_from_the_one_before() {
        let spec = VideoSpec { width: 320, height: 180, frames: 49, ..VideoSpec::default() };
        let scene = Scene::new(&spec);
        for at in 1..spec.frames {
            assert_ne!(frame(&scene, at - 1).luma, frame(&scene, at).luma, "frame {at} stands still");
        }
    }

    #[test]
    fn what_differs_between_frames_lies_in_the_areas_that_are_said_to_move() {
        for (width, height, seed) in [(320, 180, 0), (640, 640, 9), (416, 960, 3), (32, 16, 1)] {
            let spec = VideoSpec { width, height, frames: 49, seed, ..VideoSpec::default() };
            let scene = Scene::new(&spec);
            for at in 1..spec.frames {
                let (before, now) = (frame(&scene, at - 1), frame(&scene, at));
                let moving = [scene.moving(at - 1), scene.moving(at)].concat();
                for (x, y) in now.all_blocks().each().filter(|&(x, y)| !now.same_block(&before, x, y)) {
                    let inside = |b: &Blocks| {
                        (b.columns.0..b.columns.1).contains(&x) && (b.rows.0..b.rows.1).contains(&y)
                    };
                    assert!(moving.iter().any(inside), "{width}x{height} frame {at}, block {x},{y}");
                }
            }
        }
    }

    #[test]
    fn the_clock_reads_in_minutes_seconds_and_tenths() {
        let scene = Scene::new(&VideoSpec { frames: 1801, ..VideoSpec::default() });
        assert_eq!([0, 84, 1801].map(|f| scene.time(f)), ["00:00.0", "00:03.5", "01:15.0"]);
    }
}
