//! A 30 MB image inside a request: ours streams it, beside a bare hyper loop that encodes while it
//! sends.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use ark_video::model::{ImageToVideo, TextToVideo};
use ark_video::{Attachments, CheckPolicy, Client};
use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;
use bytes::{Bytes, BytesMut};
use clap::ValueEnum;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

use crate::{
    Result,
    interleaved::{self, Interleaved},
    measure,
};

/// What to do.
#[derive(clap::Args, Clone)]
pub struct Args {
    #[arg(long)]
    base_url: String,
    #[arg(long)]
    mode: Mode,
    #[arg(long)]
    file: PathBuf,
    #[arg(long, default_value_t = 20)]
    count: usize,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Our client with the image attached.
    Ours,
    /// hyper and the same SIMD encoder, one connection a request.
    Bare,
}

/// Does it, and prints the figures.
pub fn run(args: &Args) -> Result<()> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a provider already")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = Client::builder().api_key("bench").base_url(&args.base_url).build()?;
    // The warm-up, after which it is idle.
    runtime.block_on(client.create(TextToVideo::new("ep-bench", "x").build()).into_future())?;
    let figures = measure::measured(args.count, || {
        runtime.block_on(async {
            for _ in 0..args.count {
                match args.mode {
                    Mode::Ours => {
                        let mut attachments = Attachments::new();
                        let image = attachments.image(&args.file, "png")?;
                        let request = ImageToVideo::new("ep-bench", image).build();
                        client.create(&request).files(attachments).check(CheckPolicy::Off).await?;
                    }
                    Mode::Bare => bare(args).await?,
                }
            }
            Ok(())
        })
    })?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// An image of 30 MB on disk; PNG in name only, the stub reads no content.
pub fn image() -> Result<tempfile::NamedTempFile> {
    let mut image = tempfile::Builder::new().suffix(".png").tempfile()?;
    image.write_all(&vec![0x5a; 30_000_000])?;
    image.flush()?;
    Ok(image)
}

/// The row: ours and bare.
pub fn row(interleaved: &Interleaved) -> Result<()> {
    println!(
        "an image of 30 MB inside the request: ours against a bare hyper loop that encodes while it sends"
    );
    let image = image()?;
    let mut programs = ["ours", "bare"].map(|mode| {
        let mut command =
            interleaved.peer(&format!("inline --base-url {} --mode {mode} --file", interleaved.api));
        command.arg(image.path());
        command
    });
    let figures = interleaved.compared(&mut programs)?;
    let [ours, bare] = figures.as_slice() else { return Ok(()) };
    interleaved::print("ours", ours);
    interleaved::print("bare", bare);
    interleaved::at_most("time", bare.per_second / ours.per_second, 1.2, "x");
    interleaved::at_most("over idle", ours.over_idle_mb, 2.0, " MB");
    Ok(())
}

const HEAD: &[u8] =
    br#"{"model":"ep-bench","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"#;
const TAIL: &[u8] = br#""},"role":"first_frame"}]}"#;

/// Reads, encodes and sends piece by piece; nothing else.
async fn bare(args: &Args) -> Result<()> {
    let authority =
        args.base_url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
    let stream = tokio::net::TcpStream::connect(&authority).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let file = std::fs::File::open(&args.file)?;
    let length = file.metadata()?.len().div_ceil(3) * 4 + (HEAD.len() + TAIL.len()) as u64;
    let engine = Simd::standard(PAD);
    let body = Encoding {
        file,
        left: length,
        part: Part::Head,
        engine,
        raw: vec![0; 384 << 10],
        encoded: BytesMut::new(),
    };
    let request = http::Request::post(format!("{}/contents/generations/tasks", args.base_url))
        .header(http::header::HOST, authority)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)?;
    let answer = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    serde_json::from_slice::<ark_video::model::CreateTaskResponse>(&answer)?;
    drop(sender);
    driver.await??;
    Ok(())
}

enum Part {
    Head,
    File,
    Done,
}

struct Encoding {
    file: std::fs::File,
    left: u64,
    part: Part,
    engine: Simd,
    raw: Vec<u8>,
    encoded: BytesMut,
}

impl Encoding {
    fn piece(&mut self) -> std::io::Result<Option<Bytes>> {
        match self.part {
            Part::Head => {
                self.part = Part::File;
                Ok(Some(Bytes::from_static(HEAD)))
            }
            Part::File => {
                let mut filled = 0;
                while filled < self.raw.len() {
                    match self.file.read(&mut self.raw[filled..])? {
                        0 => break,
                        more => filled += more,
                    }
                }
                if filled == 0 {
                    self.part = Part::Done;
                    return Ok(Some(Bytes::from_static(TAIL)));
                }
                // Memory of a piece that was sent comes back; fresh memory costs more than the
                // encoding.
                self.encoded.resize(filled.div_ceil(3) * 4, 0);
                let written = self
                    .engine
                    .encode_slice(&self.raw[..filled], &mut self.encoded)
                    .map_err(std::io::Error::other)?;
                Ok(Some(self.encoded.split_to(written).freeze()))
            }
            Part::Done => Ok(None),
        }
    }
}

impl hyper::body::Body for Encoding {
    type Data = Bytes;
    type Error = std::io::Error;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let piece = self.piece();
        if let Ok(Some(bytes)) = &piece {
            self.left -= bytes.len() as u64;
        }
        Poll::Ready(piece.map(|bytes| bytes.map(Frame::data)).transpose())
    }
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
