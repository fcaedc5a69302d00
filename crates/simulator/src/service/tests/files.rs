//! Result links: signed, for GET, for 24 hours, in whole or in part.

use http::{Uri, header};

use super::*;
use crate::{FilePart, RenderJob, render::StillFormat};

/// A finished task of the smallest size, and where its video and its last frame are (path and
/// query).
fn finished(options: Options) -> (TestEnv, String, String) {
    let mut env = TestEnv::with(options);
    let id = env.create(&with(
        text(M10),
        json!({
            "resolution": "480p", "ratio": "1:1", "frames": 29, "return_last_frame": true, "seed": 3,
        }),
    ));
    let task = env.at(4000).task(&id);
    let path = |key: &str| {
        let link: Uri = task["content"][key].as_str().unwrap().parse().unwrap();
        link.path_and_query().unwrap().to_string()
    };
    let (video, frame) = (path("video_url"), path("last_frame_url"));
    (env, video, frame)
}

fn job(env: &mut TestEnv, path: &str, headers: &[(&str, &str)]) -> RenderJob {
    match env.reply(Method::GET, path, headers, "") {
        Reply::Render(job) => job,
        other => panic!("{other:?}"),
    }
}

#[test]
fn links_are_absolute_and_signed_like_the_vendors() {
    let mut env = TestEnv::with(Options::default().origin("http://127.0.0.1:8080"));
    let id = env.create(&text(M20));
    let task = env.at(4000).task(&id);
    let link = task["content"]["video_url"].as_str().unwrap();
    assert!(link.starts_with("http://127.0.0.1:8080/files/doubao-seedance-2-0/02"), "{link}");
    assert!(link.contains("&X-Tos-Date=20261122T021534Z&X-Tos-Expires=86400&X-Tos-Signature="), "{link}");
    assert!(link.ends_with("&X-Tos-SignedHeaders=host"), "{link}");
    assert_eq!(ark_video_protocol::download::expires_at(link), Some(BEGIN + 4000 + 86_400_000));
}

#[test]
fn a_link_gives_the_film_without_a_key_and_its_frame() {
    let (mut env, video, frame) = finished(Options::default());
    let video = job(&mut env, &video, &[]);
    let spec = *video.spec();
    assert_eq!(
        (spec.width, spec.height, spec.frames, spec.fps, spec.audio, spec.seed),
        (640, 640, 29, 24, false, 3)
    );
    assert_eq!(video.part(), FilePart::Video);
    let frame = job(&mut env, &frame, &[]);
    assert_eq!(frame.part(), FilePart::LastFrame(StillFormat::Jpeg));
    let answer = Reply::Render(frame).finish().unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()[header::CONTENT_TYPE]),
        (StatusCode::OK, &"image/jpeg".parse().unwrap())
    );
    assert_eq!(answer.body()[..2], [0xff, 0xd8]);
    assert!(answer.headers().contains_key("x-request-id"));
}

#[test]
fn a_part_of_the_file_is_sent_when_asked() {
    let (mut env, video, _) = finished(Options::default());
    let file = Bytes::from_static(b"0123456789");
    let mut ask = |headers: &[(&str, &str)]| job(&mut env, &video, headers).answer(file.clone());
    let whole = ask(&[]);
    assert_eq!(
        (whole.status(), whole.headers()[header::ACCEPT_RANGES].to_str().unwrap()),
        (StatusCode::OK, "bytes")
    );
    let etag = whole.headers()[header::ETAG].to_str().unwrap().to_owned();
    let modified = whole.headers()[header::LAST_MODIFIED].to_str().unwrap().to_owned();
    assert_eq!(modified, "Sun, 22 Nov 2026 02:15:34 GMT");
    for (headers, status, range, body) in [
        (vec![("range", "bytes=2-4")], 206, Some("bytes 2-4/10"), "234"),
        (vec![("range", "bytes=7-")], 206, Some("bytes 7-9/10"), "789"),
        (vec![("range", "bytes=-1")], 206, Some("bytes 9-9/10"), "9"),
        (vec![("range", "bytes=10-")], 416, Some("bytes */10"), ""),
        (vec![("range", "bytes=0-0,5-6")], 200, None, "0123456789"),
        (vec![("range", "bytes=2-4"), ("if-range", &etag)], 206, Some("bytes 2-4/10"), "234"),
        (vec![("range", "bytes=2-4"), ("if-range", &modified)], 206, Some("bytes 2-4/10"), "234"),
        (vec![("range", "bytes=2-4"), ("if-range", "\"other\"")], 200, None, "0123456789"),
    ] {
        let answer = ask(&headers);
        assert_eq!(answer.status(), status, "{headers:?}");
        assert_eq!(
            answer.headers().get(header::CONTENT_RANGE).map(|range| range.to_str().unwrap()),
            range,
            "{headers:?}"
        );
        assert_eq!(answer.body(), body, "{headers:?}");
    }
}

#[test]
fn a_link_is_for_get_as_it_was_signed_and_for_24_hours() {
    let (mut env, video, _) = finished(Options::default());
    let refused = |env: &mut TestEnv, method: Method, path: &str| {
        let answer = env.raw(method, path, &[], "");
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(answer.status(), 403, "{body}");
        assert!(body["Message"].is_string() && body["RequestId"].is_string(), "{body}");
        body["Code"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(&mut env, Method::HEAD, &video), "SignatureDoesNotMatch");
    assert_eq!(refused(&mut env, Method::GET, video.split('?').next().unwrap()), "SignatureDoesNotMatch");
    assert_eq!(refused(&mut env, Method::GET, &video.replace("86400", "99999")), "SignatureDoesNotMatch");
    assert_eq!(refused(&mut env, Method::GET, "/files/none.mp4"), "AccessDenied");
    job(env.at(4000 + DAY - 1), &video, &[]);
    assert_eq!(refused(env.at(4000 + DAY), Method::GET, &video), "AccessDenied");
}

#[test]
fn a_link_is_told_as_long_as_the_task_is() {
    let (mut env, video, _) = finished(Options::default());
    let id = env.ids("").remove(0);
    let task = env.at(5 * DAY).task(&id);
    assert!(task["content"]["video_url"].as_str().unwrap().ends_with(&video), "also when it is dead");
}

#[test]
fn deleting_a_record_kills_the_link_by_switch() {
    let (mut env, video, _) = finished(Options::default());
    let id = env.ids("").remove(0);
    assert_eq!(env.delete(&id).0, 200);
    job(&mut env, &video, &[]);
    let mut options = Options::default();
    options.switches.set("result-after-delete", "dies").unwrap();
    let (mut env, video, _) = finished(options);
    let id = env.ids("").remove(0);
    env.delete(&id);
    assert_eq!(env.raw(Method::GET, &video, &[], "").status(), 403);
}

#[test]
fn a_link_of_2_5_works_a_hundred_times() {
    let fetched = |mut env: TestEnv, model: &str| {
        let id = env.create(&text(model));
        let task = env.at(4000).task(&id);
        let link: Uri = task["content"]["video_url"].as_str().unwrap().parse().unwrap();
        let path = link.path_and_query().unwrap().to_string();
        (0..120).take_while(|_| matches!(env.reply(Method::GET, &path, &[], ""), Reply::Render(_))).count()
    };
    assert_eq!(fetched(TestEnv::new(), M25), 100);
    assert_eq!(fetched(TestEnv::new(), M20), 120);
    assert_eq!(fetched(TestEnv::with_switch("download-limit-scope", "all"), M20), 100);
}
