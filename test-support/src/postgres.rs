//! A PostgreSQL server for tests: the one that `ARK_VIDEO_TEST_POSTGRES` names, or a throw-away one
//! of this machine's programs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::ports::on_free_ports;

/// Of the user `ark` of a throw-away server.
pub const PASSWORD: &str = "not-a-secret";

/// Stopped, and removed, when it is dropped.
pub struct Server {
    /// `postgres://user:password@host:port`
    address: String,
    own: Option<Own>,
}

/// A server that is this test's alone.
struct Own {
    child: Child,
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

impl Server {
    /// A server for one test.
    ///
    /// # Panics
    /// Without PostgreSQL's programs: a test that needs it is ignored where it is missing.
    #[must_use]
    pub fn start() -> Self {
        if let Ok(address) = std::env::var("ARK_VIDEO_TEST_POSTGRES") {
            let address = address.rsplit_once('/').map_or(address.as_str(), |(server, _)| server).to_owned();
            return Self { address, own: None };
        }
        Self::launch(&programs().expect("initdb and postgres (Debian: apt-get install postgresql)"))
    }

    fn launch(programs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        let owner = owner();
        if let Some((user, group)) = owner {
            for path in [folder.path(), &password] {
                std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
            }
        }
        let data = folder.path().join("data");
        let made = command(programs, "initdb", owner)
            .args(["--no-sync", "--auth=scram-sha-256", "--username=ark", "--encoding=UTF8", "--no-locale"])
            .arg(format!("--pwfile={}", password.display()))
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let (child, port) = on_free_ports(|[port]| Ok((serve(programs, folder.path(), port)?, port)));
        Self {
            address: format!("postgres://ark:{PASSWORD}@127.0.0.1:{port}"),
            own: Some(Own { child, folder, programs: programs.to_owned(), port }),
        }
    }

    /// `kill -9` of the server and of all that serve for it, and a new start. `false` where it is
    /// not this test's alone.
    pub fn crash(&mut self) -> bool {
        let Some(own) = &mut self.own else { return false };
        let pid = own.child.id().to_string();
        // First those that serve, so that none of them outlives the one who would clean up after
        // it.
        let _ = Command::new("pkill").args(["-KILL", "-P", &pid]).status();
        let _ = own.child.kill();
        let _ = own.child.wait();
        own.child = serve(&own.programs, own.folder.path(), own.port).unwrap_or_else(|why| panic!("{why}"));
        true
    }

    /// The address of a new, empty database.
    pub async fn database(&self, name: &str) -> String {
        let mut connection = PgConnection::connect(&format!("{}/postgres", self.address)).await.unwrap();
        for sql in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
        format!("{}/{name}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Own { child, .. }) = &mut self.own {
            let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            if !asked.is_ok_and(|asked| asked.success()) {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

fn serve(programs: &Path, folder: &Path, port: u16) -> Result<Child, String> {
    // The processes of a server that was killed take some time to notice, and another one does not
    // start before.
    let mut text = String::new();
    for _ in 0..100 {
        match serve_once(programs, folder, port) {
            Ok(child) => return Ok(child),
            Err(why) if why.contains("shared memory block") => text = why,
            Err(why) => return Err(format!("postgres ended: {why}")),
        }
    }
    Err(format!("postgres ended, again and again: {text}"))
}

/// The server, or what it said before it ended.
fn serve_once(programs: &Path, folder: &Path, port: u16) -> Result<Child, String> {
    let mut child = command(programs, "postgres", owner())
        .arg("-D")
        .arg(folder.join("data"))
        .args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "log_checkpoints=off",
            "-p",
            &port.to_string(),
            "-k",
        ])
        .arg(folder)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut text = String::new();
    loop {
        let Some(line) = lines.next() else {
            child.wait().unwrap();
            return Err(text);
        };
        let line = line.unwrap();
        if line.contains("ready to accept connections") {
            break;
        }
        text.push_str(&line);
    }
    std::thread::spawn(move || lines.count());
    Ok(child)
}

/// Root may not run PostgreSQL: its own user does then, and ends with the test, however that ends.
fn command(programs: &Path, name: &str, owner: Option<(u32, u32)>) -> Command {
    let program = programs.join(name);
    let Some((user, group)) = owner else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={user}"))
        .arg(format!("--regid={group}"))
        .args(["--clear-groups", "--pdeathsig=KILL", "--"])
        .arg(program)
        .current_dir("/");
    command
}

fn owner() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> Option<u32> {
        let text = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(text.stdout).ok()?.trim().parse().ok()
    };
    (number(&["-u"])? == 0).then_some((number(&["-u", "postgres"])?, number(&["-g", "postgres"])?))
}

fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = installed.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}
