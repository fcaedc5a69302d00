//! `version`: what this program was built from. Its facts are set at build time, by `build.rs`.

use serde::Serialize;

use crate::args::VersionArgs;
use crate::failure::Failure;
use crate::output::Form;
use crate::session::Session;

/// What this program was built from; `unknown` where the build could not find out.
#[derive(Debug, Serialize)]
struct Version<'a> {
    version: &'static str,
    commit: &'static str,
    /// Day on which the catalog of models and prices was last checked as a whole.
    catalog: &'a str,
    /// Day on which the newest document of the schema was received.
    schema: &'static str,
    target: &'static str,
}

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
