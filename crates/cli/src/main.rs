//! The `ark-video` command. Everything is in the library, where it can be tested.

fn main() -> std::process::ExitCode {
    ark_video_cli::main()
}
