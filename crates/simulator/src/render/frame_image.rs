//! One picture in the form that video encoders take (YCbCr 4:2:0, BT.709, limited range) and the
//! few ways to paint on it.
//!
//! Painting works by runs of pixels that are filled or copied whole, so that drawing stays far
//! cheaper than encoding even in an unoptimised build. Everything clips; no coordinate can be out
//! of range. What is painted is `scene`'s affair.

/// A colour, as stored: luma, blue difference, red difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ycc {
    pub(super) y: u8,
    pub(super) cb: u8,
    pub(super) cr: u8,
}

impl Ycc {
    /// From RGB, each 0.0 to 1.0.
    pub(super) fn from_rgb([r, g, b]: [f64; 3]) -> Self {
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        Self {
            y: (16.0 + 219.0 * y).round() as u8,
            cb: (128.0 + 224.0 * (b - y) / 1.8556).round() as u8,
            cr: (128.0 + 224.0 * (r - y) / 1.5748).round() as u8,
        }
    }

    /// To RGB, each 0 to 255 (fixed point, 16 fraction bits).
    pub(super) fn to_rgb(self) -> [u8; 3] {
        let (y, cb, cr) =
            ((i32::from(self.y) - 16) * 76_309, i32::from(self.cb) - 128, i32::from(self.cr) - 128);
        let part = |v: i32| ((v + 32_768) >> 16).clamp(0, 255) as u8;
        [part(y + 117_489 * cr), part(y - 13_975 * cb - 34_925 * cr), part(y + 138_438 * cb)]
    }
}

/// A diagonal gradient over the whole picture, kept as one line that is copied with a shift per
/// row.
pub(super) struct Ramp {
    luma: Vec<u8>,
    cb: Vec<u8>,
    cr: Vec<u8>,
    /// How far the gradient moves to the side per row, in 1/256 pixel.
    slope: usize,
    /// The shift of the last row when the gradient leans the other way.
    lean_from: Option<usize>,
}

impl Ramp {
    /// A gradient through the `stops` (at least one), leaning left or right.
    pub(super) fn new(
        width: usize,
        height: usize,
        stops: &[[f64; 3]],
        slope: usize,
        lean_left: bool,
    ) -> Self {
        let reach = Self::shift_of(height, slope);
        let len = width + reach + 2;
        let colour = |i: usize| {
            let at = i as f64 / len as f64 * (stops.len().saturating_sub(1)) as f64;
            let (from, part) = (at.floor() as usize, at.fract());
            let a = stops.get(from).copied().unwrap_or_default();
            let b = stops.get(from + 1).copied().unwrap_or(a);
            Ycc::from_rgb([0, 1, 2].map(|c| a[c] + (b[c] - a[c]) * part))
        };
        let line: Vec<Ycc> = (0..len).map(colour).collect();
        Self {
            luma: line.iter().map(|c| c.y).collect(),
            cb: line.iter().step_by(2).map(|c| c.cb).collect(),
            cr: line.iter().step_by(2).map(|c| c.cr).collect(),
            slope,
            lean_from: lean_left.then_some(reach),
        }
    }

    /// Even, and equal for the two luma rows that share a chroma row.
    fn shift_of(row: usize, slope: usize) -> usize {
        ((row / 2 * slope) >> 8) * 2
    }

    fn shift(&self, row: usize) -> usize {
        let shift = Self::shift_of(row, self.slope);
        self.lean_from.map_or(shift, |from| from - shift)
    }
}

/// What a run of pixels is painted with.
#[derive(Clone, Copy)]
pub(super) enum Paint<'a> {
    Flat(Ycc),
    Ramp(&'a Ramp),
}

/// A range of macroblocks (16x16 pixels): first column and row, and the ones behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    pub(super) columns: (usize, usize),
    pub(super) rows: (usize, usize),
}

impl Blocks {
    pub(super) const fn one(x: usize, y: usize) -> Self {
        Self { columns: (x, x + 1), rows: (y, y + 1) }
    }

    /// Their places, row by row.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (columns, rows) = (self.columns, self.rows);
        (rows.0..rows.1).flat_map(move |y| (columns.0..columns.1).map(move |x| (x, y)))
    }
}

/// A picture; both sides are even.
#[derive(PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<u8>,
    pub(super) cb: Vec<u8>,
    pub(super) cr: Vec<u8>,
}

impl Picture {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let chroma = (width / 2) * (height / 2);
        Self { width, height, luma: vec![16; width * height], cb: vec![128; chroma], cr: vec![128; chroma] }
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        self.luma.copy_from_slice(&other.luma);
        self.cb.copy_from_slice(&other.cb);
        self.cr.copy_from_slice(&other.cr);
    }

    /// Every macroblock; those at the right and lower edge may reach beyond the picture.
    pub(super) fn all_blocks(&self) -> Blocks {
        Blocks { columns: (0, self.width.div_ceil(16)), rows: (0, self.height.div_ceil(16)) }
    }

    /// Copies macroblocks from a picture of the same size.
    pub(super) fn copy_blocks(&mut self, other: &Self, blocks: &Blocks) {
        let (width, height) = (self.width, self.height);
        let copy = |to: &mut [u8], from: &[u8], block: usize, width: usize, height: usize| {
            let (x0, x1) = (blocks.columns.0 * block, (blocks.columns.1 * block).min(width));
            for y in blocks.rows.0 * block..(blocks.rows.1 * block).min(height) {
                to[y * width + x0..y * width + x1].copy_from_slice(&from[y * width + x0..y * width + x1]);
            }
        };
        copy(&mut self.luma, &other.luma, 16, width, height);
        copy(&mut self.cb, &other.cb, 8, width / 2, height / 2);
        copy(&mut self.cr, &other.cr, 8, width / 2, height / 2);
    }

    /// Whether a macroblock is the same in a picture of the same size.
    pub(super) fn same_block(&self, other: &Self, x: usize, y: usize) -> bool {
        let same = |a: &[u8], b: &[u8], block: usize, width: usize, height: usize| {
            let (x0, x1) = (x * block, ((x + 1) * block).min(width));
            (y * block..((y + 1) * block).min(height))
                .all(|y| a[y * width + x0..y * width + x1] == b[y * width + x0..y * width + x1])
        };
        let (width, height) = (self.width, self.height);
        same(&self.luma, &other.luma, 16, width, height)
            && same(&self.cb, &other.cb, 8, width / 2, height / 2)
            && same(&self.cr, &other.cr, 8, width / 2, height / 2)
    }

    /// The samples of a macroblock as I_PCM stores them: 16 rows of luma, 8 of each chroma. What
    /// lies beyond the picture is black; decoders crop it.
    pub(super) fn block_rows(&self, x: usize, y: usize, mut visit: impl FnMut(&[u8])) {
        let mut plane = |samples: &[u8], block: usize, width: usize, height: usize, beyond: u8| {
            let (x0, x1) = (x * block, ((x + 1) * block).min(width));
            for y in y * block..(y + 1) * block {
                if y < height && x1 - x0 == block {
                    visit(&samples[y * width + x0..y * width + x1]);
                } else {
                    let mut row = [beyond; 16];
                    if y < height {
                        row[..x1 - x0].copy_from_slice(&samples[y * width + x0..y * width + x1]);
                    }
                    visit(&row[..block]);
                }
            }
        };
        let (width, height) = (self.width, self.height);
        plane(&self.luma, 16, width, height, 16);
        plane(&self.cb, 8, width / 2, height / 2, 128);
        plane(&self.cr, 8, width / 2, height / 2, 128);
    }

    /// The colour of a pixel that is inside the picture.
    pub(super) fn pixel(&self, x: usize, y: usize) -> Ycc {
        let chroma = (y / 2) * (self.width / 2) + x / 2;
        Ycc { y: self.luma[y * self.width + x], cb: self.cb[chroma], cr: self.cr[chroma] }
    }

    /// Paints the pixels `x0..x1` of row `y`.
    pub(super) fn run(&mut self, y: i64, x0: i64, x1: i64, paint: Paint<'_>) {
        let (width, Ok(row)) = (self.width as i64, usize::try_from(y)) else { return };
        let (x0, x1) = (x0.clamp(0, width) as usize, x1.clamp(0, width) as usize);
        if row >= self.height || x0 >= x1 {
            return;
        }
        let luma = &mut self.luma[row * self.width..][x0..x1];
        match paint {
            Paint::Flat(colour) => luma.fill(colour.y),
            Paint::Ramp(ramp) => luma.copy_from_slice(&ramp.luma[ramp.shift(row)..][x0..x1]),
        }
        let (c0, c1) = (x0.div_ceil(2), x1.div_ceil(2));
        if !row.is_multiple_of(2) || c0 >= c1 {
            return;
        }
        let start = row / 2 * (self.width / 2);
        let (cb, cr) = (&mut self.cb[start..][c0..c1], &mut self.cr[start..][c0..c1]);
        match paint {
            Paint::Flat(colour) => {
                cb.fill(colour.cb);
                cr.fill(colour.cr);
            }
            Paint::Ramp(ramp) => {
                let shift = ramp.shift(row) / 2;
                cb.copy_from_slice(&ramp.cb[shift..][c0..c1]);
                cr.copy_from_slice(&ramp.cr[shift..][c0..c1]);
            }
        }
    }

    /// Paints the pixels of `x0..x1` by `y0..y1`.
    pub(super) fn rect(&mut self, x0: i64, y0: i64, x1: i64, y1: i64, paint: Paint<'_>) {
        for y in y0.max(0)..y1.min(self.height as i64) {
            self.run(y, x0, x1, paint);
        }
    }

    /// Paints a disc with a smooth edge.
    pub(super) fn disc(&mut self, cx: f64, cy: f64, radius: f64, paint: Paint<'_>) {
        let (outer, inner) = (radius + 0.5, (radius - 0.5).max(0.0));
        let first = (cy - outer).floor().max(0.0) as i64;
        let last = ((cy + outer).ceil() as i64).min(self.height as i64);
        for y in first..last {
            let dy = y as f64 + 0.5 - cy;
            let half = |r: f64| (r * r - dy * dy).max(0.0).sqrt();
            let (out, full) = (half(outer), half(inner));
            let (x0, x1) = ((cx - full).ceil() as i64, (cx + full).floor() as i64);
            self.run(y, x0, x1, paint);
            let edge = ((cx - out).floor() as i64..x0).chain(x1.max(x0)..(cx + out).ceil() as i64);
            for x in edge {
                let away = (x as f64 + 0.5 - cx).hypot(dy);
                self.blend(x, y, (radius + 0.5 - away).clamp(0.0, 1.0), paint);
            }
        }
    }

    /// Mixes the luma of one pixel; the eye does not see the colour of an edge.
    fn blend(&mut self, x: i64, y: i64, part: f64, paint: Paint<'_>) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width || y >= self.height {
            return;
        }
        let new = match paint {
            Paint::Flat(colour) => colour.y,
            Paint::Ramp(ramp) => ramp.luma[ramp.shift(y) + x],
        };
        let old = &mut self.luma[y * self.width + x];
        *old = (f64::from(*old) + (f64::from(new) - f64::from(*old)) * part).round() as u8;
    }

    /// Writes ASCII text with its top left corner at (x, y), each dot of the 8x8 letters `scale`
    /// pixels wide.
    pub(super) fn text(&mut self, x: i64, y: i64, scale: i64, text: &str, colour: Ycc) {
        for (at, letter) in (0_i64..).zip(text.bytes()) {
            let glyph = font8x8::legacy::BASIC_LEGACY.get(usize::from(letter)).copied().unwrap_or_default();
            for (row, bits) in (0_i64..).zip(glyph) {
                let (mut left, top, mut bits) = (x + at * 8 * scale, y + row * scale, u16::from(bits));
                while bits != 0 {
                    left += i64::from(bits.trailing_zeros()) * scale;
                    bits >>= bits.trailing_zeros();
                    let right = left + i64::from(bits.trailing_ones()) * scale;
                    self.rect(left, top, right, top + scale, Paint::Flat(colour));
                    (left, bits) = (right, bits >> bits.trailing_ones());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_survive_the_way_to_video_and_back() {
        for rgb in [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.8, 0.2, 0.1], [0.1, 0.3, 0.9]] {
            for (was, is) in rgb.into_iter().zip(Ycc::from_rgb(rgb).to_rgb()) {
                assert!((was * 255.0 - f64::from(is)).abs() <= 2.5, "{rgb:?}: {was} became {is}");
            }
        }
    }

    #[test]
    fn painting_outside_the_picture_does_nothing() {
        let mut picture = Picture::new(16, 16);
        let white = Paint::Flat(Ycc::from_rgb([1.0; 3]));
        for (x, y) in [(-50.0, 8.0), (8.0, 900.0), (1e9, -1e9)] {
            picture.disc(x, y, 20.0, white);
        }
        picture.run(-1, 0, 16, white);
        picture.run(16, 0, 16, white);
        picture.rect(20, 20, 10, 10, white);
        picture.text(-400, -400, 3, "far away", Ycc::from_rgb([1.0; 3]));
        assert!(picture.luma.iter().all(|&y| y == 16));
    }
}
