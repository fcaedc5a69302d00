//! What a sidecar contains, and what it must not contain.

use ark_video_model::{AudioSource, ImageSource, ReferenceToVideo};
use std::fs;

use serde_json::json;

use super::*;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn a_request_is_taken_down_without_its_secrets_and_its_media_by_their_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cat.png");
    fs::write(&path, "abc").unwrap();
    let mut files = Attachments::new();
    let cat = files.image(&path, "PNG").unwrap();
    let mut request = ReferenceToVideo::new("m")
        .image(cat)
        .image(ImageSource::data("jpeg", b"abc"))
        .audio(AudioSource::url("https://h/a.mp3?signature=secret"))
        .build();
    request.callback_url = Some("https://me.example/hook/secret-token".to_owned());
    request.safety_identifier = Some("user-7".to_owned());
    let taken = Provenance::of(&request, &files).unwrap();
    assert_eq!(
        taken.request,
        json!({"model": "m", "safety_identifier": "user-7", "callback_url": "https://me.example/…", "content": [
            {"type": "image_url", "image_url": {"url": format!("sha256:{ABC}")}, "role": "reference_image"},
            {"type": "image_url", "image_url": {"url": format!("sha256:{ABC}")}, "role": "reference_image"},
            {"type": "audio_url", "audio_url": {"url": "https://h/a.mp3"}, "role": "reference_audio"},
        ]})
    );
    let [file, data] = taken.inputs.try_into().unwrap();
    assert_eq!(
        (file.name.as_deref(), file.media_type.as_str(), file.bytes),
        (Some("cat.png"), "image/png", 3)
    );
    assert_eq!((data.name, data.content, data.sha256.as_str()), (None, 1, ABC));
}

#[test]
fn large_media_inside_a_request_are_hashed_piece_by_piece() {
    let video: Vec<u8> = (0..200_001).map(|at| at as u8).collect();
    let request = ReferenceToVideo::new("m").image(ImageSource::data("png", &video)).build();
    let taken = Provenance::of(&request, &Attachments::new()).unwrap();
    assert_eq!((taken.inputs[0].bytes, &taken.inputs[0].sha256), (200_001, &hex(&Sha256::digest(&video))));
}

#[test]
fn a_sidecar_is_read_as_it_was_written_and_belongs_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("tea.mp4");
    assert_eq!(Sidecar::read(&video).unwrap(), None);
    let task: Task = serde_json::from_value(json!({"id": "cgt-1", "model": "m", "status": "succeeded",
        "content": {"video_url": "https://h/a.mp4?X-Tos-Signature=secret"}, "usage": {"total_tokens": 7}}))
    .unwrap();
    let file = FileFacts {
        name: "tea.mp4".to_owned(),
        bytes: 3,
        sha256: ABC.to_owned(),
        content_type: None,
        fetched_at: 1,
        simulated: false,
    };
    let sidecar = Sidecar::new(Progress::Submitting).downloaded(&task, file);
    sidecar.write(&video).unwrap();
    assert_eq!(Sidecar::read(&video).unwrap(), Some(sidecar));
    let text = fs::read_to_string(folder.path().join("tea.mp4.ark-video.json")).unwrap();
    assert!(text.contains("\"total_tokens\": 7") && !text.contains("secret"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(Sidecar::path_of(&video)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::write(Sidecar::path_of(&video), "{").unwrap();
    assert!(Sidecar::read(&video).is_err());
}
