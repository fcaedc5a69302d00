//! Whether the service could fetch what an address names: hosts of private networks, credentials,
//! pages in place of files. Nothing is resolved or fetched; an address is never repeated in a
//! message, since it may be signed.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::media_address::{Address, article};
use super::report::{Finding, Sink};
use crate::check::Severity;

/// Top-level domains that the public name service does not have; `home.arpa` is one more domain.
const LOCAL: &[&str] = &["localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp"];

/// A host, what a path holds that shows a page there (empty: any), and what makes it the file
/// itself.
type Page = (&'static str, &'static str, &'static [&'static str]);

/// Domains all of whose hosts show pages about files.
const PAGE_DOMAINS: &[Page] = &[
    (".sharepoint.com", "", &["download=1", "/download.aspx"]),
    (".feishu.cn", "", &[]),
    (".larksuite.com", "", &[]),
];

/// Hosts that show a page about a file, by the length of their names and then by their names: most
/// other hosts are longer, and no name is compared.
const PAGES: &[Page] = &[
    ("we.tl", "", &[]),
    ("x.com", "", &[]),
    ("b23.tv", "", &[]),
    ("115.com", "", &[]),
    ("1drv.ms", "", &[]),
    ("mega.nz", "", &[]),
    ("youtu.be", "", &[]),
    ("gitee.com", "/blob/", &[]),
    ("vimeo.com", "", &[]),
    ("123pan.com", "", &[]),
    ("alipan.com", "", &[]),
    ("douyin.com", "", &[]),
    ("github.com", "/blob/", &["raw=1", "raw=true"]),
    ("gitlab.com", "/blob/", &[]),
    ("icloud.com", "", &[]),
    ("tiktok.com", "", &[]),
    ("weiyun.com", "", &[]),
    ("dropbox.com", "", &["dl=1", "raw=1"]),
    ("twitter.com", "", &[]),
    ("youtube.com", "", &[]),
    ("bilibili.com", "", &[]),
    ("cloud.189.cn", "", &[]),
    ("pan.quark.cn", "", &[]),
    ("v.douyin.com", "", &[]),
    ("instagram.com", "", &[]),
    ("pan.baidu.com", "", &[]),
    ("yun.baidu.com", "", &[]),
    ("huggingface.co", "/blob/", &[]),
    ("jianguoyun.com", "/p/", &[]),
    ("pan.xunlei.com", "", &[]),
    ("wetransfer.com", "", &[]),
    ("aliyundrive.com", "", &[]),
    ("docs.google.com", "", &["export=download", "/export", "/uc"]),
    ("xiaohongshu.com", "", &[]),
    ("drive.google.com", "", &["/uc", "export=download"]),
    ("share.weiyun.com", "", &[]),
    ("onedrive.live.com", "", &["/download"]),
    ("photos.app.goo.gl", "", &[]),
    ("photos.google.com", "", &[]),
];

/// Checks what follows `http://` or `https://`.
pub(super) fn check(address: &Address<'_>, rest: &str, sink: &mut Sink) {
    let (mut end, mut login, mut upper) = (rest.len(), None, false);
    // One pass: most addresses have nothing to be found.
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            b'a'.. => {}
            b'/' | b'?' | b'#' | b'\\' => {
                end = index;
                break;
            }
            b'@' => login = Some(index),
            byte => upper |= byte.is_ascii_uppercase(),
        }
    }
    let (authority, path) = rest.split_at(end);
    let host = login.map_or(authority, |at| &authority[at + 1..]);
    if login.is_some() {
        let message = "This URL contains a user name or password; the service may ignore it, and stores it.";
        warn(address, sink, "media-credentials", message.to_owned())
            .advice("Use a pre-signed address, or one that needs no login.");
    }
    let name = match upper {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    };
    let name = without_port(&name).trim_end_matches('.');
    if is_private(name) {
        let message = format!(
            "The service cannot fetch {} from a private network or this machine.",
            article(address.kind)
        );
        warn(address, sink, "media-private-host", message)
            .advice("Upload it where the internet reaches it, make it an asset, or send it as a data URL.");
    } else if is_page(name, path) {
        let message = "This address shows a page about the file, not the file itself.".to_owned();
        warn(address, sink, "media-share-page", message).advice("Use the address that downloads the file.");
    }
}

fn warn<'s>(
    address: &Address<'_>,
    sink: &'s mut Sink,
    rule: &'static str,
    message: String,
) -> &'s mut Finding {
    let finding = sink.push(rule, address.pointer(), message);
    finding.strength(Severity::Warning).silent().written_in("derived", "2026-11")
}

/// A host without its port.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_private(name: &str) -> bool {
    if name.contains(':')
        && let Ok(six) = name.split('%').next().unwrap_or_default().parse::<Ipv6Addr>()
    {
        let [first, ..] = six.segments();
        let inner = six.to_ipv4_mapped().is_some_and(is_private_v4);
        let local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || first & 0xff00 == 0xff00;
        return six.is_loopback() || six.is_unspecified() || local || inner;
    }
    let last = name.bytes().rposition(|byte| byte == b'.').map_or(0, |dot| dot + 1);
    match ipv4(name) {
        Some(four) => is_private_v4(four),
        None => LOCAL.contains(&&name[last..]) || name == "home.arpa" || name.ends_with(".home.arpa"),
    }
}

fn is_private_v4(four: Ipv4Addr) -> bool {
    let [a, b, ..] = four.octets();
    four.is_private()
        || four.is_loopback()
        || four.is_link_local()
        || four.is_broadcast()
        || four.is_multicast()
        || a == 0
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
}

/// An address in numbers as browsers read it: `127.1`, `0x7f000001` and `2130706433` are one too.
fn ipv4(name: &str) -> Option<Ipv4Addr> {
    if !name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let parts: Vec<&str> = name.split('.').collect();
    let number = |part: &&str| match part.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(if hex.is_empty() { "0" } else { hex }, 16).ok(),
        None if part.len() > 1 && part.starts_with('0') => u64::from_str_radix(part, 8).ok(),
        None => part.parse().ok(),
    };
    let numbers = parts.iter().map(number).collect::<Option<Vec<u64>>>()?;
    let (last, head) = numbers.split_last()?;
    let free = 4_u32.checked_sub(u32::try_from(head.len()).ok()?).filter(|free| *free > 0)?;
    if *last >= 1_u64 << (8 * free) || head.iter().any(|part| *part > 255) {
        return None;
    }
    let above = head.iter().fold(0_u64, |all, part| all << 8 | part);
    u32::try_from(above << (8 * free) | last).ok().map(Ipv4Addr::from)
}

fn is_page(name: &str, path: &str) -> bool {
    let bare = name.strip_prefix("www.").or_else(|| name.strip_prefix("m.")).unwrap_or(name);
    let key = (bare.len(), bare);
    let found = PAGES.binary_search_by_key(&key, |(host, ..)| (host.len(), *host)).ok();
    let found = found.map(|at| &PAGES[at]);
    let found = found.or_else(|| PAGE_DOMAINS.iter().find(|(domain, ..)| bare.ends_with(domain)));
    found.is_some_and(|(_, holds, file)| {
        path.len() > 1 && path.contains(holds) && !file.iter().any(|mark| path.contains(mark))
    })
}

#[cfg(test)]
mod tests {
    use crate::{ImageToVideo, ReferenceToVideo, catalog::Catalog, check::Severity};

    fn said(url: &str) -> Vec<(&'static str, Severity)> {
        let report = ImageToVideo::new("doubao-seedance-2-0-260128", url).build().check(Catalog::builtin());
        assert!(!format!("{report}").contains("SECRET"), "{report}");
        let findings = report.findings.into_iter().filter(|finding| finding.rule != "media-plain-http");
        findings.map(|finding| (finding.rule_name(), finding.strength)).collect()
    }

    #[test]
    fn hosts_that_the_service_cannot_reach() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "cam.localhost",
            "nas.local",
            "nas.local.",
            "files.internal",
            "box.lan",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.10:9000",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "[::1]:80",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "[127.0.0.1]",
            "[localhost]",
        ] {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{host}/a.png");
                assert_eq!(said(&url), [("media-private-host", Severity::Warning)], "{url}");
            }
        }
        for host in [
            "media.example.com",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.169.0.1",
            "[2001:4860::1]",
            "local.example.com",
            "10.example.com",
            "1.2.3.4.5",
            "mylocal.com",
            "256.1.1.1",
        ] {
            assert_eq!(said(&format!("https://{host}/a.png")), [], "{host}");
        }
    }

    #[test]
    fn logins_in_an_address() {
        for url in ["https://me:SECRET@a.example.com/b.png", "https://SECRET@a.example.com/b.png"] {
            assert_eq!(said(url), [("media-credentials", Severity::Warning)], "{url}");
        }
        assert_eq!(said("https://a.example.com/@me/b.png?to=x@y"), []);
        let both: Vec<_> =
            said("https://me:SECRET@10.0.0.1/b.png").into_iter().map(|found| found.0).collect();
        assert_eq!(both, ["media-credentials", "media-private-host"]);
    }

    #[test]
    fn the_table_of_pages_is_in_order() {
        assert!(super::PAGES.is_sorted_by_key(|(host, ..)| (host.len(), *host)));
    }

    #[test]
    fn pages_in_place_of_files() {
        for (url, page) in [
            ("https://drive.google.com/file/d/1a/view?usp=sharing", true),
            ("https://drive.google.com/open?id=1a", true),
            ("https://drive.google.com/uc?export=download&id=1a", false),
            ("https://www.dropbox.com/s/1a/a.mp4?dl=0", true),
            ("https://www.dropbox.com/scl/fi/1a/a.mp4?rlkey=x&dl=1", false),
            ("https://dl.dropboxusercontent.com/s/1a/a.mp4", false),
            ("https://www.youtube.com/watch?v=1a", true),
            ("https://m.youtube.com/watch?v=1a", true),
            ("https://youtu.be/1a", true),
            ("https://www.bilibili.com/video/BV1", true),
            ("https://pan.baidu.com/s/1a", true),
            ("https://pan.quark.cn/s/1a", true),
            ("https://www.alipan.com/s/1a", true),
            ("https://1drv.ms/v/s!1a", true),
            ("https://me.sharepoint.com/:v:/g/1a", true),
            ("https://github.com/me/it/blob/main/a.png", true),
            ("https://github.com/me/it/blob/main/a.png?raw=true", false),
            ("https://github.com/me/it/raw/main/a.png", false),
            ("https://raw.githubusercontent.com/me/it/main/a.png", false),
            ("https://huggingface.co/me/it/resolve/main/a.png", false),
            ("https://box.com.example.com/a.png", false),
        ] {
            let report = ReferenceToVideo::new("doubao-seedance-2-0-260128")
                .video(url)
                .build()
                .check(Catalog::builtin());
            let found: Vec<_> = report.findings.iter().map(|finding| finding.rule_name()).collect();
            assert_eq!(found, if page { &["media-share-page"][..] } else { &[] }, "{url}");
            assert!(!report.is_refused());
        }
    }
}
