//! Small media of every format. Pictures are files in `encoded/`, written by the `image` crate 0.25
//! (codecs that only wrote them would be a tenth of the build); videos, HEIF and sounds are put
//! together box by box, because only so can every field be chosen.

use std::path::Path;
use std::sync::LazyLock;

/// A box: its length, its name, its content.
pub(crate) fn boxed(kind: &[u8; 4], content: &[Vec<u8>]) -> Vec<u8> {
    let content = content.concat();
    let mut out = u32::try_from(content.len() + 8).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend(content);
    out
}

/// A box that begins with a version and flags.
pub(crate) fn full(kind: &[u8; 4], version: u8, flags: u32, content: &[Vec<u8>]) -> Vec<u8> {
    let head = u32::from(version) << 24 | flags;
    boxed(kind, &[be32(&[head]), content.concat()])
}

pub(crate) fn be32(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

pub(crate) fn be16(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

pub(crate) fn le32(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn le16(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn zeros(count: usize) -> Vec<u8> {
    vec![0; count]
}

/// A picture as an encoder writes it: `encoded/NAME`.
pub(crate) fn picture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/encoded");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The matrix of a track that is shown as it is stored.
pub(crate) const UPRIGHT: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
/// Turned by 90 degrees, as telephones write it.
pub(crate) const TURNED: [u32; 9] = [0, 0x1_0000, 0, 0xFFFF_0000, 0, 0, 0, 0, 0x4000_0000];

/// One movie, field by field.
#[derive(Clone)]
pub(crate) struct Movie {
    pub(crate) brand: [u8; 4],
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) matrix: [u32; 9],
    pub(crate) frames: u32,
    /// Units a second and units a frame.
    pub(crate) rate: (u32, u32),
    pub(crate) codec: [u8; 4],
    /// The sample entry of a sound track, if there is one.
    pub(crate) sound: Option<Vec<u8>>,
    /// 64-bit times in every header.
    pub(crate) wide: bool,
    pub(crate) fragmented: bool,
    pub(crate) media_first: bool,
    /// With a 64-bit size.
    pub(crate) media_len: usize,
}

impl Default for Movie {
    fn default() -> Self {
        Self {
            brand: *b"isom",
            width: 1280,
            height: 720,
            matrix: UPRIGHT,
            frames: 121,
            rate: (24, 1),
            codec: *b"avc1",
            sound: None,
            wide: false,
            fragmented: false,
            media_first: false,
            media_len: 32,
        }
    }
}

impl Movie {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut ftyp = self.brand.to_vec();
        ftyp.extend(be32(&[512]));
        ftyp.extend(self.brand);
        let ftyp = boxed(b"ftyp", &[ftyp]);
        let mut mdat = be32(&[1]);
        mdat.extend(b"mdat");
        mdat.extend((self.media_len as u64 + 16).to_be_bytes());
        mdat.extend(zeros(self.media_len));
        let moov = self.moov();
        if self.media_first { [ftyp, mdat, moov].concat() } else { [ftyp, moov, mdat].concat() }
    }

    pub(crate) fn moov(&self) -> Vec<u8> {
        let duration = if self.fragmented { 0 } else { self.frames * self.rate.1 };
        let mut parts = vec![self.times(b"mvhd", duration, &zeros(80)), self.track(duration)];
        if let Some(entry) = &self.sound {
            parts.push(self.sound_track(entry, duration));
        }
        if self.fragmented {
            parts.push(boxed(b"mvex", &[full(b"trex", 0, 0, &[be32(&[1, 1, 0, 0, 0])])]));
        }
        boxed(b"moov", &parts)
    }

    /// Two times, the scale, the duration; what follows differs.
    fn times(&self, kind: &[u8; 4], duration: u32, rest: &[u8]) -> Vec<u8> {
        let scale = self.rate.0;
        if self.wide {
            let fields = be32(&[0, 0, 0, 0, scale, 0, duration]);
            full(kind, 1, 0, &[fields, rest.to_vec()])
        } else {
            full(kind, 0, 0, &[be32(&[0, 0, scale, duration]), rest.to_vec()])
        }
    }

    fn track(&self, duration: u32) -> Vec<u8> {
        let times =
            if self.wide { be32(&[0, 0, 0, 0, 1, 0, 0, duration]) } else { be32(&[0, 0, 1, 0, duration]) };
        let sides = be32(&[u32::from(self.width) << 16, u32::from(self.height) << 16]);
        let tkhd = full(b"tkhd", u8::from(self.wide), 3, &[times, zeros(16), be32(&self.matrix), sides]);
        let mut entry = zeros(6);
        entry.extend(be16(&[1]));
        entry.extend(zeros(16));
        entry.extend(be16(&[self.width, self.height]));
        entry.extend(zeros(50));
        let samples = if self.fragmented { 0 } else { self.frames };
        let stbl = boxed(
            b"stbl",
            &[
                full(b"stsd", 0, 0, &[be32(&[1]), boxed(&self.codec, &[entry])]),
                full(b"stts", 0, 0, &[be32(&[1, samples, self.rate.1])]),
                full(b"stsz", 0, 0, &[be32(&[9, samples])]),
            ],
        );
        self.media(*b"vide", tkhd, stbl, duration)
    }

    fn sound_track(&self, entry: &[u8], duration: u32) -> Vec<u8> {
        let tkhd = full(b"tkhd", 0, 3, &[be32(&[0, 0, 2, 0, duration]), zeros(16), be32(&UPRIGHT), zeros(8)]);
        let stsd = full(b"stsd", 0, 0, &[be32(&[1]), entry.to_vec()]);
        self.media(*b"soun", tkhd, boxed(b"stbl", &[stsd]), duration)
    }

    fn media(&self, handler: [u8; 4], tkhd: Vec<u8>, stbl: Vec<u8>, duration: u32) -> Vec<u8> {
        let hdlr = full(b"hdlr", 0, 0, &[zeros(4), handler.to_vec(), zeros(13)]);
        let mdhd = self.times(b"mdhd", duration, &zeros(4));
        boxed(b"trak", &[tkhd, boxed(b"mdia", &[mdhd, hdlr, boxed(b"minf", &[stbl])])])
    }
}

/// A sound's sample entry, plain (`version` 0) or as QuickTime has it (1), with what follows the
/// fields.
pub(crate) fn sound_entry(kind: &[u8; 4], version: u16, children: &[Vec<u8>]) -> Vec<u8> {
    let mut entry = zeros(6);
    entry.extend(be16(&[1, version]));
    entry.extend(zeros(18));
    if version == 1 {
        entry.extend(zeros(16));
    }
    entry.extend(children.concat());
    boxed(kind, &[entry])
}

/// An elementary stream descriptor of that object type.
pub(crate) fn esds(object_type: u8) -> Vec<u8> {
    full(b"esds", 0, 0, &[vec![3, 0x80, 0x80, 25, 0, 1, 0, 4, 17, object_type, 0x15], zeros(20)])
}

/// A HEIC of one picture in tiles, with a thumbnail before it; turned by so many quarters.
pub(crate) fn heic(major: &[u8; 4], width: u32, height: u32, quarters: u8) -> Vec<u8> {
    let mut brands = major.to_vec();
    brands.extend(be32(&[0]));
    brands.extend(b"mif1heic");
    let size = |width, height| full(b"ispe", 0, 0, &[be32(&[width, height])]);
    let properties = boxed(
        b"ipco",
        &[size(512, 512), size(320, 240), size(width, height), boxed(b"irot", &[vec![quarters]])],
    );
    // Item 1 is a tile, 2 the thumbnail, 3 the picture: its size and its rotation.
    let mut lists = be32(&[3]);
    for (item, of_item) in [(1, &[1_u8][..]), (2, &[2]), (3, &[0x83, 0x84])] {
        lists.extend(be16(&[item]));
        lists.push(u8::try_from(of_item.len()).unwrap());
        lists.extend(of_item);
    }
    let iprp = boxed(b"iprp", &[properties, full(b"ipma", 0, 0, &[lists])]);
    let hdlr = full(b"hdlr", 0, 0, &[zeros(4), b"pict".to_vec(), zeros(13)]);
    let meta = full(b"meta", 0, 0, &[hdlr, full(b"pitm", 0, 0, &[be16(&[3])]), iprp]);
    [boxed(b"ftyp", &[brands]), meta, boxed(b"mdat", &[zeros(64)])].concat()
}

/// A RIFF chunk, padded to an even length.
pub(crate) fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = kind.to_vec();
    out.extend(le32(&[u32::try_from(content.len()).unwrap()]));
    out.extend(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
    out
}

/// A RIFF file of that form.
pub(crate) fn riff(form: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    let mut out = b"RIFF".to_vec();
    out.extend(le32(&[u32::try_from(content.len() + 4).unwrap()]));
    out.extend(form);
    out.extend(content);
    out
}

/// The content of chunk `fmt `: stereo, 16 bits.
pub(crate) fn wave_format(tag: u16, rate: u32) -> Vec<u8> {
    [le16(&[tag, 2]), le32(&[rate, rate * 4]), le16(&[4, 16])].concat()
}

pub(crate) fn wav(seconds: u32) -> Vec<u8> {
    riff(
        b"WAVE",
        &[
            chunk(b"LIST", b"INFOISFT\x05\0\0\0odd!\0"),
            chunk(b"fmt ", &wave_format(1, 8000)),
            chunk(b"data", &zeros(seconds as usize * 32_000)),
        ],
    )
}

/// An MPEG frame, version 1, layer 3, 44.1 kHz, stereo, of a bit rate by its number (9 is 128
/// kbit/s).
pub(crate) fn frame(kbits: u8) -> Vec<u8> {
    let rate = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320][usize::from(kbits)];
    let mut out = vec![0xFF, 0xFB, kbits << 4, 0];
    out.resize(if rate == 0 { 400 } else { 144 * rate * 1000 / 44_100 }, 0x55);
    out
}

/// A tag of ID3v2 with so many bytes of content.
pub(crate) fn id3(len: usize) -> Vec<u8> {
    let mut out = b"ID3\x04\0\0".to_vec();
    out.extend([0, (len >> 14) as u8 & 0x7F, (len >> 7) as u8 & 0x7F, len as u8 & 0x7F]);
    out.extend(zeros(len));
    out
}

/// A frame that carries a count of frames in front of the music.
pub(crate) fn counting(name: &[u8; 4], frames: u32) -> Vec<u8> {
    let mut out = frame(9);
    out[36..40].copy_from_slice(name);
    if name == b"VBRI" {
        out[50..54].copy_from_slice(&frames.to_be_bytes());
    } else {
        out[40..44].copy_from_slice(&[0, 0, 0, 1]);
        out[44..48].copy_from_slice(&frames.to_be_bytes());
    }
    out
}

/// One or two media of every kind, by name.
pub(crate) fn all() -> &'static [(&'static str, Vec<u8>)] {
    static ALL: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(make_all);
    &ALL
}

fn make_all() -> Vec<(&'static str, Vec<u8>)> {
    let movie = Movie { sound: Some(sound_entry(b"mp4a", 0, &[esds(0x40)])), ..Movie::default() };
    let mov = Movie {
        brand: *b"qt  ",
        codec: *b"hvc1",
        wide: true,
        media_first: true,
        sound: Some(sound_entry(b"mp4a", 1, &[boxed(b"wave", &[esds(0x6B)])])),
        ..movie.clone()
    };
    vec![
        ("png", picture("64x40.png")),
        ("jpeg", super::pictures::with_exif(&picture("64x40.jpg"), true, 6)),
        ("gif", picture("64x40.gif")),
        ("webp", picture("64x40.webp")),
        ("webp lossy", super::pictures::lossy_webp(64, 40)),
        ("bmp", picture("64x40.bmp")),
        ("tiff", picture("64x40.tiff")),
        ("heic", heic(b"heic", 4032, 3024, 1)),
        ("mp4", movie.bytes()),
        ("mov", mov.bytes()),
        ("fragmented", Movie { fragmented: true, ..movie }.bytes()),
        ("wav", wav(1)),
        ("mp3 counted", [id3(300), counting(b"Xing", 383), frame(9).repeat(4)].concat()),
        ("mp3 constant", frame(9).repeat(8)),
    ]
}
