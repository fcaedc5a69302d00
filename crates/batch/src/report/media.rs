//! How the page reaches its videos: by an address beside it, or inside it.

use std::fs;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What may not stand in a path within an address.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'\\')
    .add(b':');

/// Whether videos are put into the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Embed {
    /// Videos stay where they are; the page names them relative to its own folder.
    #[default]
    Links,
    /// Videos are inside, so that the page can be sent to others; a third more bytes than they
    /// have.
    Videos,
}

/// The address of a file for a page in `folder`.
pub(super) fn address(file: &Path, folder: &Path) -> String {
    let path = relative(file, folder);
    let parts: Vec<String> = path
        .components()
        .map(|part| match part {
            Component::RootDir => String::new(),
            part => utf8_percent_encode(&part.as_os_str().to_string_lossy(), RESERVED).to_string(),
        })
        .collect();
    match path.is_absolute() {
        true => format!("file://{}", parts.join("/")),
        false => parts.join("/"),
    }
}

/// `file` as seen from `folder`; as it is where the two have nothing in common.
fn relative(file: &Path, folder: &Path) -> PathBuf {
    let plain = |path: &Path| path.components().all(|part| !matches!(part, Component::ParentDir));
    if file.is_absolute() != folder.is_absolute() || !plain(file) || !plain(folder) {
        return file.to_owned();
    }
    let (mut file_parts, mut folder_parts) = (file.components().peekable(), folder.components().peekable());
    while file_parts.peek().is_some() && file_parts.peek() == folder_parts.peek() {
        file_parts.next();
        folder_parts.next();
    }
    folder_parts.map(|_| Component::ParentDir).chain(file_parts).collect()
}

/// A file as an address that holds it, if it can be read.
pub(super) fn inline(file: &Path) -> Option<String> {
    let kind = match file.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase).as_deref() {
        Some("mov") => "video/quicktime",
        _ => "video/mp4",
    };
    fs::read(file).ok().map(|bytes| format!("data:{kind};base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative_to_the_page_and_escaped() {
        let of = |file: &str, folder: &str| address(Path::new(file), Path::new(folder));
        assert_eq!(of("/night/videos/a b#1.mp4", "/night"), "videos/a%20b%231.mp4");
        assert_eq!(of("/night/videos/a.mp4", "/night/report"), "../videos/a.mp4");
        assert_eq!(of("videos/100%.mp4", ""), "videos/100%25.mp4");
        assert_eq!(of("/videos/a.mp4", "report"), "file:///videos/a.mp4");
        assert_eq!(of("/n/javascript:alert(1).mp4", "/n"), "javascript%3Aalert(1).mp4");
    }
}
