//! `probe FILE…` prints what the headers say. Without files it makes the two heaviest media that a
//! check may meet, a 500 MB movie with its index at the end and a 28 MB picture, and prints the
//! peak memory of reading each.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use ark_video_media::probe_file;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut files: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    let folder = tempfile::tempdir()?;
    writeln!(out, "before: {}", peak_memory())?;
    if files.is_empty() {
        files = vec![folder.path().join("video.mp4"), folder.path().join("picture.png")];
        movie(&files[0])?;
        picture(&files[1])?;
    }
    for file in &files {
        match probe_file(file) {
            Ok(facts) => writeln!(out, "{}: {facts:?}", file.display())?,
            Err(error) => writeln!(out, "{}: {error:?}", file.display())?,
        }
        writeln!(out, "after it: {}", peak_memory())?;
    }
    Ok(())
}

/// Linux alone says it so simply.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(|| "peak memory is not known on this system".to_owned(), |line| line.replace('\t', " "))
}

fn movie(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let media: u64 = 500 << 20;
    file.write_all(b"\0\0\0\x14ftypisom\0\0\x02\0isom\0\0\0\x01mdat")?;
    file.write_all(&media.to_be_bytes())?;
    file.set_len(20 + media)?;
    file.seek(SeekFrom::End(0))?;
    let mut header = [0; 108];
    header[..8].copy_from_slice(b"\0\0\0\x6cmvhd");
    header[20..28].copy_from_slice(&[0, 0, 0, 24, 0, 0, 2, 0xD0]);
    file.write_all(b"\0\0\0\x74moov")?;
    file.write_all(&header)
}

fn picture(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x17\x70\0\0\x17\x70\x08\x02\0\0\0")?;
    file.set_len(28 << 20)
}
