//! A create that passes through a gateway: its bytes unchanged, or changed only where it was
//! changed.

use ark_video_model::{CreateTaskRequest, Ratio};
use bytes::Bytes;
use http::request::Parts;

use crate::{BaseUrl, create::Request};

const PREFIX: &str = "/api/v3";

fn parts() -> Parts {
    http::Request::post("/api/v3/contents/generations/tasks").body(()).unwrap().into_parts().0
}

fn received(body: &Bytes) -> Request {
    Request::from_http(&parts(), body, PREFIX).unwrap_or_else(|error| panic!("{error}: {body:?}"))
}

fn sent(request: &Request) -> Bytes {
    request.to_http(&BaseUrl::parse(BaseUrl::VOLCENGINE).unwrap()).unwrap().into_body()
}

/// Random JSON text: every spelling of numbers and texts, blanks, unknown and repeated fields.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    fn blank(&mut self) -> &'static str {
        self.one(&["", "", "", " ", "\n", "\r\n\t", "  "])
    }

    fn digits(&mut self, most: u64) -> String {
        (0..=self.below(most)).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn number(&mut self) -> String {
        let sign = self.one(&["", "-"]);
        let integer = if self.below(3) == 0 {
            "0".to_owned()
        } else {
            format!("{}{}", 1 + self.below(9), self.digits(32))
        };
        let fraction = if self.below(2) == 0 { String::new() } else { format!(".{}", self.digits(20)) };
        let exponent = match self.below(3) {
            0 => format!("{}{}{}", self.one(&["e", "E"]), self.one(&["", "+", "-"]), self.digits(1)),
            _ => String::new(),
        };
        format!("{sign}{integer}{fraction}{exponent}")
    }

    fn text(&mut self) -> String {
        let parts = [
            "a",
            "Zz",
            " ",
            "é",
            "视频",
            "🎬",
            r#"\""#,
            r"\\",
            r"\/",
            "/",
            r"\n",
            r"\t",
            r"\b",
            r"\u0041",
            r"\u00e9",
            r"\uD83C\uDFAC",
            r"\u0000",
            "\u{7f}",
            "\u{2028}",
        ];
        let length = self.below(6);
        let inner: String = (0..length).map(|_| self.one(&parts)).collect();
        format!("\"{inner}\"")
    }

    fn value(&mut self, depth: u64) -> String {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => self.one(&["null", "true", "false"]).to_owned(),
            1 | 2 => self.number(),
            3 | 4 => self.text(),
            5 => {
                let items = (0..self.below(4)).map(|_| self.value(depth - 1)).collect();
                self.joined('[', items, ']')
            }
            _ => {
                let members = (0..self.below(4)).map(|_| self.member(depth - 1)).collect();
                self.joined('{', members, '}')
            }
        }
    }

    fn joined(&mut self, open: char, items: Vec<String>, close: char) -> String {
        let mut out = format!("{open}{}", self.blank());
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.extend([",", self.blank()]);
            }
            out.extend([item.as_str(), self.blank()]);
        }
        out.push(close);
        out
    }

    fn named(&mut self, name: &str, value: &str) -> String {
        format!("{name}{}:{}{value}", self.blank(), self.blank())
    }

    fn member(&mut self, depth: u64) -> String {
        let (name, value) = (self.text(), self.value(depth));
        self.named(&name, &value)
    }

    fn item(&mut self) -> String {
        let text = self.text();
        let mut members = match self.below(3) {
            0 => vec![self.named("\"type\"", "\"text\""), self.named("\"text\"", &text)],
            1 => vec![
                self.named("\"type\"", "\"image_url\""),
                self.named("\"image_url\"", r#"{ "url":"https:\/\/media.example.com\/a.png" }"#),
            ],
            _ => vec![self.named("\"type\"", "\"hologram\"")],
        };
        if self.below(2) == 0 {
            members.push(self.member(3));
        }
        self.joined('{', members, '}')
    }

    fn body(&mut self) -> Bytes {
        let items = (0..self.below(4)).map(|_| self.item()).collect();
        let content = self.joined('[', items, ']');
        let mut members = vec![self.named("\"model\"", "\"m\""), self.named(r#""\u0063ontent""#, &content)];
        for _ in 0..self.below(4) {
            let duration = self.one(&["5", "5.0", "-1", "0", "null", "15", "-0"]);
            members.push(match self.below(4) {
                0 => self.named("\"duration\"", duration),
                1 => self.named("\"ratio\"", "\"16:9\""),
                2 => self.named("\"watermark\"", "null"),
                _ => self.member(4),
            });
        }
        if self.below(3) == 0 {
            members.push(members[self.below(members.len() as u64) as usize].clone());
        }
        let first = self.below(members.len() as u64) as usize;
        members.rotate_left(first);
        let body = self.joined('{', members, '}');
        format!("{}{body}{}", self.blank(), self.blank()).into()
    }
}

#[test]
fn ten_thousand_random_bodies_leave_as_they_came() {
    let mut random = Random(20_261_130);
    let mut bytes = 0;
    for _ in 0..10_000 {
        let body = random.body();
        let mut request = received(&body);
        assert_eq!(sent(&request), body);
        // Asked to change it, and left as it was.
        let same = request.body().clone();
        *request.body_mut() = same;
        assert_eq!(sent(&request), body);
        bytes += body.len();
    }
    assert!(bytes > 1_000_000, "the bodies are too small to prove anything: {bytes}");
}

#[test]
fn a_change_changes_nothing_else() {
    let mut random = Random(7);
    for _ in 0..2_000 {
        let body = random.body();
        let mut request = received(&body);
        request.body_mut().seed = Some(42);
        request.body_mut().ratio = None;
        let text = sent(&request);
        assert_eq!(received(&text), request, "{body:?}\n{text:?}");
    }
}

#[test]
fn numbers_and_unknown_fields_keep_their_text_beside_a_change() {
    let body = concat!(
        r#"{"model":"m","content":[{"type":"text","text":"caf\u00e9","weight":1.10},"#,
        r#"{"type":"hologram","zoom":1e2}],"duration":5.0,"later":{"n":123456789012345678901234567890},"draft":null}"#
    );
    let body = Bytes::from(body);
    let change = |with: fn(&mut CreateTaskRequest)| {
        let mut request = received(&body);
        with(request.body_mut());
        String::from_utf8(sent(&request).to_vec()).unwrap()
    };
    let later = r#""later":{"n":123456789012345678901234567890}"#;
    let content =
        r#""content":[{"type":"text","text":"caf\u00e9","weight":1.10},{"type":"hologram","zoom":1e2}]"#;
    for (with, expected) in [
        (
            (|request| request.ratio = Some(Ratio::Adaptive)) as fn(&mut CreateTaskRequest),
            format!(r#"{{{content},"draft":null,"duration":5.0,{later},"model":"m","ratio":"adaptive"}}"#),
        ),
        (|request| request.duration = Some(5), String::from_utf8(body.to_vec()).unwrap()),
        (|request| request.duration = None, format!(r#"{{{content},"draft":null,{later},"model":"m"}}"#)),
        (
            |request| request.draft = Some(true),
            format!(r#"{{{content},"draft":true,"duration":5.0,{later},"model":"m"}}"#),
        ),
        (
            |request| {
                if let ark_video_model::ContentItem::Text(item) = &mut request.content[0] {
                    item.text = "tea".into();
                }
            },
            format!(
                r#"{{"content":[{{"text":"tea","type":"text","weight":1.10}},{{"type":"hologram","zoom":1e2}}],"draft":null,"duration":5.0,{later},"model":"m"}}"#
            ),
        ),
        (
            |request| {
                request.content.remove(0);
            },
            // What moved is not compared with what was there: it is written from what was read.
            format!(
                r#"{{"content":[{{"type":"hologram","zoom":100.0}}],"draft":null,"duration":5.0,{later},"model":"m"}}"#
            ),
        ),
    ] {
        assert_eq!(change(with), expected);
    }
}

/// An error that quotes the body would put a prompt into the log of a gateway.
#[test]
fn a_body_that_is_no_create_names_its_field_and_quotes_nothing() {
    for (body, param, code) in [
        (r#"{"model":"m","content":[],"duration":"a secret"}"#, Some("duration"), "InvalidParameter"),
        (
            r#"{"model":"m","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":["a secret"]}}]}"#,
            Some("content[1].image_url.url"),
            "InvalidParameter",
        ),
        (r#"{"content":[{"type":"text","text":"a secret"}]}"#, Some("model"), "MissingParameter.model"),
        (r#"{"model":"a secret","content":"#, None, "InvalidParameter"),
        (r#"{"model":"m","content":[],"odd":1e999}"#, None, "InvalidParameter"),
        ("[\"a secret\"]", Some(""), "InvalidParameter"),
        ("", None, "InvalidParameter"),
    ] {
        let error = Request::from_http(&parts(), &Bytes::from(body), PREFIX).unwrap_err();
        assert_eq!((error.status, error.param.as_deref(), error.code.as_str()), (400, param, code), "{body}");
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
    let shown = format!(
        "{:?}",
        received(&Bytes::from(r#"{"model":"m","content":[{"type":"text","text":"a secret"}]}"#))
    );
    assert!(!shown.contains("secret"), "{shown}");
}
