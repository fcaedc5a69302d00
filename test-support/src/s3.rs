//! An S3 server for tests that verifies signatures and their expiry: `s3s-fs` over a temporary
//! folder, one folder for each bucket.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{ports::on_free_ports, program, small_disk::in_namespace};

/// The access key of the server.
pub const ACCESS_KEY: &str = "AKIAARKVIDEOTEST0001";
/// Its secret key.
pub const SECRET_KEY: &str = "not-a-secret-0123456789";

/// Stopped, and removed, when it is dropped.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    /// A server for one test, without buckets.
    ///
    /// # Panics
    /// Without the program: a test that needs it is ignored where it is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::launch(|program, _| Command::new(program))
    }

    /// A server with a bucket `bucket` whose disk has 12 MiB.
    ///
    /// # Panics
    /// As [`Server::start`], and where no disk can be mounted.
    #[must_use]
    pub fn on_a_small_disk() -> Self {
        Self::launch(|program, folder| {
            let script =
                "mount -t tmpfs -o size=12m none \"$1\" && mkdir \"$1/bucket\" && shift && exec \"$@\"";
            let mut command = in_namespace(script, folder);
            command.arg(program);
            command
        })
    }

    fn launch(command: impl Fn(&Path, &Path) -> Command) -> Self {
        let program =
            program("target/ci/s3/bin", "s3s-fs").expect("s3s-fs (cargo install s3s-fs --features binary)");
        on_free_ports(|[port]| {
            let folder = tempfile::tempdir().unwrap();
            let child = command(&program, folder.path())
                .args(["--host", "127.0.0.1", "--port", &port.to_string()])
                .args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
                .arg(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut server = Self { child, folder, port };
            let started = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                if let Some(status) = server.child.try_wait().unwrap() {
                    return Err(format!("s3s-fs: {status}"));
                }
                if started.elapsed() > Duration::from_secs(20) {
                    return Err("s3s-fs does not answer".to_owned());
                }
                std::thread::yield_now();
            }
            Ok(server)
        })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a bucket.
    pub fn bucket(&self, name: &str) {
        fs::create_dir(self.folder.path().join(name)).unwrap();
    }

    /// The objects of a bucket, by their keys.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> Vec<(String, PathBuf)> {
        let root = self.folder.path().join(bucket);
        let (mut folders, mut found) = (vec![root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push((path.strip_prefix(&root).unwrap().display().to_string(), path));
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
