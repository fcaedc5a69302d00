//! `storage`: what is in the user's bucket.

use std::time::SystemTime;

use crate::args::{StorageArgs, StorageVerb};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{PrunedObject, PrunedObjects};
use crate::output::Form;
use crate::session::Session;
use crate::storage;
use crate::summary;

/// `storage prune`
pub(crate) async fn run(session: &mut Session, args: &StorageArgs) -> Result<(), Failure> {
    let StorageVerb::Prune { older_than, dry_run } = &args.verb;
    let settings = session.storage_settings()?;
    let before = SystemTime::now().checked_sub(*older_than);
    let before = before.ok_or_else(|| Failure::new(Exit::Usage, "--older-than is too long"))?;
    let pruned = storage::prune(&session.store_context(&settings), before, *dry_run).await?;
    let output = &session.output;
    match output.form {
        Form::Json => {
            let objects =
                pruned.iter().map(|(object, bytes)| PrunedObject { object, bytes: *bytes }).collect();
            output.json(&PrunedObjects { dry_run: *dry_run, objects });
        }
        Form::Quiet => pruned.iter().for_each(|(object, _)| output.line(object)),
        Form::Text => {
            for (object, bytes) in &pruned {
                output.line(format_args!("{object}  {}", summary::bytes(*bytes)));
            }
            let total = summary::bytes(pruned.iter().map(|(_, bytes)| bytes).sum());
            let how = if *dry_run { "would be removed" } else { "removed" };
            output.note(format_args!("{how}: {} objects, {total}", pruned.len()));
        }
    }
    Ok(())
}
