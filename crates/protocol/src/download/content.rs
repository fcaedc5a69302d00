//! Whether bytes are a film or a picture at all, looked at as they pass: nothing is held but one box header.
//!
//! A length that is right proves nothing about what came: a captive portal and a storage that keeps something else under
//! the name both send whole answers.

use super::DownloadRefusal;

/// What a file has to be before it gets its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Content {
    /// Anything that is no page.
    #[default]
    Any,
    /// MP4 or QuickTime.
    Film,
    /// PNG, JPEG or WebP.
    Picture,
}

/// The largest header of a box: length, name, and a length of 64 bits.
const HEADER: usize = 16;
/// First boxes of a film. Those behind `ftyp` are QuickTime's from before that box.
const FIRST: [&[u8; 4]; 7] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

/// Looks at a file piece by piece.
#[derive(Debug, Clone)]
pub struct Look {
    content: Content,
    /// Bytes seen.
    at: u64,
    /// Where the box begins whose header is being read, or the next one.
    next: u64,
    header: [u8; HEADER],
    held: usize,
    has_index: bool,
    has_media: bool,
    /// The last box runs to the end, whatever its length.
    open: bool,
    fault: Option<&'static str>,
}

impl Look {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self {
            content,
            at: 0,
            next: 0,
            header: [0; HEADER],
            held: 0,
            has_index: false,
            has_media: false,
            open: false,
            fault: None,
        }
    }

    /// Takes in the bytes that follow.
    pub fn see(&mut self, mut piece: &[u8]) {
        match self.content {
            Content::Any => {}
            Content::Picture => {
                let start = piece.len().min(HEADER - self.held);
                self.hold(&piece[..start]);
            }
            Content::Film => {
                while !piece.is_empty() && !self.open && self.fault.is_none() {
                    piece = self.walk(piece);
                }
            }
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.header[self.held..self.held + bytes.len()].copy_from_slice(bytes);
        self.held += bytes.len();
        self.at += bytes.len() as u64;
    }

    /// Skips what lies inside a box, or reads on in a header; gives what is left.
    fn walk<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        if self.held == 0 && self.at < self.next {
            let inside = usize::try_from(self.next - self.at).unwrap_or(usize::MAX).min(piece.len());
            self.at += inside as u64;
            return &piece[inside..];
        }
        let wanted = if self.held >= 8 { HEADER } else { 8 };
        let taken = piece.len().min(wanted - self.held);
        self.hold(&piece[..taken]);
        if self.held == wanted {
            self.header_read();
        }
        &piece[taken..]
    }

    fn header_read(&mut self) {
        let [a, b, c, d, name @ ..] = self.header;
        let name = [name[0], name[1], name[2], name[3]];
        let (short, least) = (u32::from_be_bytes([a, b, c, d]), self.held as u64);
        if short == 1 && self.held == 8 {
            return;
        }
        if self.next == 0 && !FIRST.contains(&&name) {
            self.fault = Some("it does not begin like one");
            return;
        }
        // A file whose end was lost with the power may be as long as it should be, and zeros.
        if !name.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9)) {
            self.fault = Some("what should be the name of a box is none");
            return;
        }
        self.has_index |= &name == b"moov";
        self.has_media |= [b"mdat", b"moof"].contains(&&name);
        let length = match short {
            0 => {
                self.open = true;
                return;
            }
            1 => u64::from_be_bytes(std::array::from_fn(|place| self.header[8 + place])),
            short => u64::from(short),
        };
        self.held = 0;
        match self.next.checked_add(length) {
            Some(end) if length >= least => self.next = end,
            _ => self.fault = Some("the lengths of its boxes make no sense"),
        }
    }

    /// Judges the bytes seen as the whole file.
    ///
    /// # Errors
    /// [`DownloadRefusal::NotOne`].
    pub fn end(&self) -> Result<(), DownloadRefusal> {
        match self.content {
            Content::Film => self.end_of_film().map_err(|why| DownloadRefusal::NotOne { what: "film", why }),
            Content::Picture if !is_picture(&self.header[..self.held]) => {
                let why = "it is neither PNG nor JPEG nor WebP";
                Err(DownloadRefusal::NotOne { what: "picture", why })
            }
            _ => Ok(()),
        }
    }

    fn end_of_film(&self) -> Result<(), &'static str> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if !self.open && (self.held > 0 || self.at != self.next) {
            return Err("its last box does not end where the file ends");
        }
        if !self.has_index {
            return Err("it has no index (moov)");
        }
        if !self.has_media {
            return Err("it has no pictures and no sound in it (mdat)");
        }
        Ok(())
    }
}

fn is_picture(start: &[u8]) -> bool {
    start.starts_with(b"\x89PNG\r\n\x1a\n")
        || start.starts_with(b"\xff\xd8\xff")
        || (start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn a_box(name: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        let length = u32::try_from(inside.len() + 8).unwrap();
        [&length.to_be_bytes()[..], name, inside].concat()
    }

    fn long_box(name: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        let length = inside.len() as u64 + 16;
        [&1_u32.to_be_bytes()[..], name, &length.to_be_bytes(), inside].concat()
    }

    fn film() -> Vec<u8> {
        [a_box(b"ftyp", b"isom...."), a_box(b"moov", b"tracks"), long_box(b"mdat", &[7; 50])].concat()
    }

    fn looked(content: Content, pieces: &[&[u8]]) -> Result<(), &'static str> {
        let mut look = Look::new(content);
        pieces.iter().for_each(|piece| look.see(piece));
        look.end().map_err(|refusal| match refusal {
            DownloadRefusal::NotOne { why, .. } => why,
            other => panic!("{other}"),
        })
    }

    fn as_film(bytes: &[u8]) -> Result<(), &'static str> {
        looked(Content::Film, &[bytes])
    }

    #[test]
    fn a_film_is_boxes_from_its_first_byte_to_its_last() {
        assert_eq!(as_film(&film()), Ok(()));
        let fragments = [a_box(b"ftyp", b""), a_box(b"moov", b""), a_box(b"moof", b""), a_box(b"mdat", b"x")];
        assert_eq!(as_film(&fragments.concat()), Ok(()));
        let old = [a_box(b"wide", b""), a_box(b"mdat", b"x"), a_box(b"moov", b"")];
        assert_eq!(as_film(&old.concat()), Ok(()), "QuickTime without ftyp");
        let to_the_end =
            [&a_box(b"ftyp", b"")[..], &a_box(b"moov", b""), b"\0\0\0\0mdat, and so on"].concat();
        assert_eq!(as_film(&to_the_end), Ok(()));
    }

    #[test]
    fn what_is_no_whole_film_is_told_why() {
        let film = film();
        let why = |bytes: &[u8]| as_film(bytes).unwrap_err();
        let last = "its last box does not end where the file ends";
        assert_eq!(why(b"<html>we are sorry</html>"), "it does not begin like one");
        assert_eq!(why(&film[1..]), "it does not begin like one");
        assert_eq!(why(&film[..film.len() - 1]), last);
        assert_eq!(why(&[&film[..], b"x"].concat()), last);
        assert_eq!(why(&[&film[..], &[0; 40]].concat()), "what should be the name of a box is none");
        assert_eq!(why(&[a_box(b"ftyp", b""), a_box(b"mdat", b"")].concat()), "it has no index (moov)");
        assert!(why(&[a_box(b"ftyp", b""), a_box(b"moov", b"")].concat()).contains("mdat"));
        assert_eq!(why(b"\0\0\0\x07ftyp"), "the lengths of its boxes make no sense");
        assert_eq!(why(b"\0\0\0\x01ftyp\x7f\xff\xff\xff\xff\xff\xff\xff"), last, "larger than the file");
        assert_eq!(why(b""), "it has no index (moov)");
        assert_eq!(why(b"\0\0"), last);
    }

    #[test]
    fn pictures_are_known_by_their_first_bytes() {
        for picture in [&b"\x89PNG\r\n\x1a\n..."[..], b"\xff\xd8\xff\xe0", b"RIFF....WEBPVP8 "] {
            let (start, rest) = picture.split_at(3);
            assert_eq!(looked(Content::Picture, &[start, rest, &[0; 100]]), Ok(()));
        }
        for other in [&b"GIF89a"[..], b"RIFF....WAVEfmt ", b"\x89PNG", b"", &film()] {
            assert!(looked(Content::Picture, &[other]).is_err());
        }
        assert_eq!(looked(Content::Any, &[b"glTF"]), Ok(()));
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_verdict_is_the_same(
            cuts in prop::collection::vec(1_usize..20, 0..40), end in 0_usize..100, spoilt in any::<Option<(u8, u8)>>(),
        ) {
            let mut bytes = film();
            bytes.truncate(end.max(1));
            if let Some((place, byte)) = spoilt {
                let place = usize::from(place) % bytes.len();
                bytes[place] = byte;
            }
            let mut look = Look::new(Content::Film);
            let mut rest = &bytes[..];
            for cut in cuts {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                look.see(piece);
                rest = later;
            }
            look.see(rest);
            prop_assert_eq!(look.end().is_ok(), as_film(&bytes).is_ok());
        }
    }
}
