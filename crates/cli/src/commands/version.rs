//! `version`: what this program was built from. Its facts are set at build time, by `build.rs`.

use crate::args::VersionArgs;
use crate::failure::Failure;
use crate::json::Version;
use crate::output::Form;
use crate::session::Session;

/// `version`
pub(crate) fn run(session: &Session, args: &VersionArgs) -> Result<(), Failure> {
    let catalog = session.catalog()?;
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("ARK_VIDEO_COMMIT"),
        catalog: &catalog.edition,
        schema: env!("ARK_VIDEO_SCHEMA"),
        target: env!("ARK_VIDEO_TARGET"),
    };
    match session.output.form {
        Form::Json => session.output.json(&version),
        Form::Quiet => session.output.line(version.version),
        Form::Text => {
            session.output.line(format_args!("ark-video {}", version.version));
            if args.verbose {
                let Version { commit, catalog, schema, target, .. } = version;
                session.output.line(format_args!(
                    "commit   {commit}\ncatalog  {catalog}\nschema   {schema}\ntarget   {target}"
                ));
            }
        }
    }
    Ok(())
}
