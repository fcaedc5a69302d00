//! Quotes that were not confirmed yet: a file each beside the journal, named by a random token. A
//! token is bound to one planned request with its price ceiling, and valid for ten minutes; what it
//! was confirmed for is in the journal.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ark_video::files::{create_private_folder, read_bounded, write_private};
use ark_video::transport::UnixMillis;
use ark_video_batch::Planned;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::error::ToolError;
use crate::exit::Exit;
use crate::failure::Failure;

/// How long a token is valid.
pub(super) const LIFE: Duration = Duration::from_secs(600);
/// Largest quote, in bytes.
const LARGEST: u64 = 4 << 20;
/// Quotes at once.
const MOST: usize = 1_000;

/// What a token stands for.
#[derive(Serialize, Deserialize)]
pub(super) struct Quote {
    /// The request, its hash, and the most that it may cost.
    pub(super) planned: Planned,
    /// In milliseconds since 1970.
    expires_at: UnixMillis,
    /// The price list that the ceiling comes from.
    edition: String,
}

#[derive(Debug)]
pub(super) struct Quotes {
    folder: PathBuf,
    edition: String,
}

/// So many random bytes in hexadecimal.
pub(super) fn random(bytes: usize) -> Result<String, Failure> {
    let mut random = vec![0; bytes];
    let failed = |_| Failure::new(Exit::Internal, "the system gives no random numbers");
    SystemRandom::new().fill(&mut random).map_err(failed)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Quotes {
    pub(super) fn open(folder: PathBuf, edition: &str) -> Result<Self, Failure> {
        create_private_folder(&folder).map_err(|error| unwritable(&folder, &error))?;
        Ok(Self { folder, edition: edition.to_owned() })
    }

    /// Keeps a quote until it expires. The name of the planned job is the token.
    pub(super) fn keep(&self, planned: Planned, now: UnixMillis) -> Result<(), ToolError> {
        if self.live() >= MOST {
            return Err(ToolError::usage("There are too many open quotes.").advice("Wait 10 minutes."));
        }
        let path = self.path(&planned.name)?;
        let expires_at = now.saturating_add(i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX));
        let quote = Quote { planned, expires_at, edition: self.edition.clone() };
        let bytes = serde_json::to_vec(&quote).map_err(|error| unwritable(&path, &error.into()))?;
        write_private(&path, &bytes).map_err(|error| unwritable(&path, &error))?;
        Ok(())
    }

    /// The quote of a token.
    pub(super) fn read(&self, token: &str, now: UnixMillis) -> Result<Quote, ToolError> {
        let unknown = || ToolError::new("unknown_token", "This token is of no quote.");
        let bytes = read_bounded(&self.path(token)?, LARGEST).map_err(|_| unknown())?;
        let quote: Quote = serde_json::from_slice(&bytes).map_err(|_| unknown())?;
        if quote.expires_at < now || quote.edition != self.edition {
            return Err(ToolError::new("quote_expired", "This quote has expired."));
        }
        Ok(quote)
    }

    /// Removes what expired long ago; the number of the others.
    fn live(&self) -> usize {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut live = 0;
        for entry in entries {
            let age = entry.metadata().and_then(|meta| meta.modified()).ok();
            let age = age.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
            live += 1;
            // Twice its life: `expired` says more than `unknown`.
            if age > LIFE * 2 && std::fs::remove_file(entry.path()).is_ok() {
                live -= 1;
            }
        }
        live
    }

    fn path(&self, token: &str) -> Result<PathBuf, ToolError> {
        let is_ours =
            token.len() == 24 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let unknown = || ToolError::new("unknown_token", "This is not a token of a quote.");
        is_ours.then(|| self.folder.join(format!("{token}.json"))).ok_or_else(unknown)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let why = crate::media::reason(error);
    Failure::new(Exit::Output, format!("cannot write {}: {why}; nothing was sent", path.display()))
}
