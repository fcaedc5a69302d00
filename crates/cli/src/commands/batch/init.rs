//! `batch init`: writes a commented example of a list, which `batch check` accepts as it is.

use std::io::Write;

use ark_video::files::Staged;

use crate::args::BatchInitArgs;
use crate::escape::one_line;
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Written;
use crate::output::Form;
use crate::session::Session;

pub(super) fn run(session: &Session, args: &BatchInitArgs) -> Result<(), Failure> {
    let shown = args.file.display().to_string();
    let example = match args.file.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => TOML,
        Some("csv") => CSV,
        Some("txt") => TEXT,
        _ => {
            let message = format!("{shown}: the extension must be .toml, .csv or .txt; nothing was written");
            return Err(Failure::new(Exit::Usage, message).hint("write: ark-video batch init shots.toml"));
        }
    };
    let path = session.cwd.join(&args.file);
    if path.symlink_metadata().is_ok() {
        let message = format!("{shown} already exists; nothing was written");
        return Err(Failure::new(Exit::Output, message).hint("name another file"));
    }
    let model = session.settings(&[])?.model.value;
    let unwritten = |error: std::io::Error| {
        let why = crate::media::reason(&error);
        Failure::new(Exit::Output, format!("cannot write {shown}: {why}"))
    };
    let mut file = Staged::beside(&path).map_err(unwritten)?;
    file.write_all(example.replace("MODEL", &model).as_bytes()).map_err(unwritten)?;
    file.place_new(&path).map_err(unwritten)?;
    match session.output.form {
        Form::Json => session.output.json(&Written { path: &path }),
        Form::Quiet => session.output.line(one_line(&shown)),
        Form::Text => session.output.line(one_line(&shown)),
    }
    session.output.note(format_args!("next: ark-video batch check {}", quoted(&shown)));
    Ok(())
}

const TOML: &str = r#"# A list of shots. Check it, show what it costs, run it:
#   ark-video batch check shots.toml
#   ark-video batch plan shots.toml
#   ark-video batch run shots.toml --cap 20CNY

# The batch's name; without it the file's name.
# batch = "harbour"

# The folder of the videos; without it that of this file.
output_dir = "videos"

# The most that this batch may cost, all its runs together.
# caps = { batch = "20CNY" }

# Fields of all shots, by the API's names. A shot may override each.
[defaults]
model = "MODEL"
resolution = "720p"
ratio = "16:9"
duration = 5

# Text to video. The name is unique, and also that of the video.
[[shots]]
name = "harbour"
prompt = "A harbour at dawn; gulls circle over the cranes."
return_last_frame = true

# Starts where the shot before ends.
[[shots]]
name = "harbour-close"
prompt = "The camera comes down to a fishing boat that is being untied."
after = { shot = "harbour", link = "last_frame" }

# From your own image: a file beside this list, an https URL, or asset://ID.
# [[shots]]
# name = "street"
# prompt = "Lamps go on one after the other along the empty street."
# first_frame = "street.png"
# ratio = "adaptive"
"#;

const CSV: &str = "name,prompt,model,resolution,ratio,duration
harbour,\"A harbour at dawn; gulls circle over the cranes.\",MODEL,720p,16:9,5
street,\"Lamps go on, one after the other, along the empty street.\",MODEL,720p,16:9,
";

const TEXT: &str = "# One prompt a line; lines that start with # are left out.
# Fields of all shots are set on the command line:
#   ark-video batch check shots.txt --set duration=5 --set resolution=720p --set ratio=16:9
A harbour at dawn; gulls circle over the cranes.
Lamps go on one after the other along the empty street.
";
