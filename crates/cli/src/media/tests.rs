//! Media arguments and the items that they become.

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x20\0\0\x02\x58\x08\x02\0\0\0";
const MP4: &[u8] = b"\0\0\0\x14ftypisom\0\0\x02\0isom";

fn reference(text: &str, cwd: &Path) -> Result<ResolvedItem, Failure> {
    resolve(&MediaSpec::parse(text), "--ref", Role::Reference, cwd, &mut Attachments::new())
}

fn url(found: &ResolvedItem) -> &str {
    match &found.item {
        ContentItem::Image(item) => &item.image_url.url,
        ContentItem::Video(item) => &item.video_url.url,
        ContentItem::Audio(item) => &item.audio_url.url,
        _ => "",
    }
}

#[test]
fn addresses_tell_their_kind_or_are_told() {
    let cases = [
        ("https://h/a.JPG?x=1.mp3", "image_url", "--ref https://h/a.JPG"),
        ("https://h/a.mp4#t", "video_url", "--ref https://h/a.mp4"),
        ("@https://h/a.wav", "audio_url", "--ref https://h/a.wav"),
        ("image:asset://asset-1", "image_url", "--ref asset://asset-1"),
        ("ref:video:https://h/a", "video_url", "--ref https://h/a"),
        ("audio:ref:https://h/a?X-Tos-Signature=secret", "audio_url", "--ref https://h/a"),
        ("data:image/png;base64,AA==", "image_url", "--ref data:image/png;base64,…"),
        ("data:audio/mp3;base64,AA==", "audio_url", "--ref data:audio/mp3;base64,…"),
        ("data:video/mp4;base64,AA==", "video_url", "--ref data:video/mp4;base64,…"),
    ];
    for (text, kind, name) in cases {
        let found = reference(text, Path::new("")).unwrap();
        let said = serde_json::to_value(&found.item).unwrap();
        assert_eq!((said["type"].as_str(), found.name.as_str()), (Some(kind), name), "{text}");
    }
    for text in ["asset://asset-1", "https://h/a", "data:text/plain,x"] {
        assert_eq!(reference(text, Path::new("")).unwrap_err().exit, Exit::Request, "{text}");
    }
}

#[test]
fn local_files_are_known_by_their_header_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("a.jpg", PNG);
    write("b.mp3", b"no known start");
    write("c.wav", b"RIFF\0\0\0\0WAVEfmt ");
    write("clip.mp4", MP4);
    let start =
        |name: &str| url(&reference(name, folder.path()).unwrap()).split(',').next().unwrap().to_owned();
    assert_eq!(start("a.jpg"), "data:image/png;base64");
    assert_eq!(start("@b.mp3"), "data:audio/mp3;base64");
    assert_eq!(start("audio:c.wav"), "data:audio/wav;base64");
    assert_eq!(start("clip.mp4"), "data:video/mp4;base64", "rejected by the checks, with all findings");
    let facts = reference("a.jpg", folder.path()).unwrap().facts.unwrap();
    assert_eq!((facts.width, facts.height, facts.bytes), (Some(800), Some(600), Some(PNG.len() as u64)));
    assert!(reference("c.wav", folder.path()).unwrap().doubt.unwrap().contains("was not measured"));
}

#[test]
fn what_is_no_medium_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("page.pdf", b"%PDF-1.7");
    write("empty.png", b"");
    write("cat.png", PNG);
    write("clip.mp4", MP4);
    let fails = |text: &str| {
        let failure = reference(text, folder.path()).unwrap_err();
        format!("{} {}", failure.exit.code(), failure.message)
    };
    insta::assert_snapshot!(fails("page.pdf"), @"4 --ref: page.pdf is not an image, video or audio file that the service accepts");
    insta::assert_snapshot!(fails("empty.png"), @"4 --ref: empty.png is empty");
    insta::assert_snapshot!(fails("audio:cat.png"), @"4 --ref: cat.png is an image, not a sound");
    insta::assert_snapshot!(fails("none.png"), @"5 --ref: cannot read none.png: there is no such file");
    insta::assert_snapshot!(fails("@."), @"5 --ref: . is a folder, not a file");
    let frame = |text: &str| {
        let name = MediaSpec::parse(text);
        let resolved =
            resolve(&name, "--first-frame", Role::FirstFrame, folder.path(), &mut Attachments::new());
        resolved.unwrap_err().message
    };
    insta::assert_snapshot!(frame("https://h/a.mp4"), @"--first-frame takes an image, not a video");
    insta::assert_snapshot!(frame("clip.mp4"), @"--first-frame: clip.mp4 is a video, not an image");
}
