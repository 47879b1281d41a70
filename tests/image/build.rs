//! The first stage of the Dockerfile, run here instead of in its image: the same
//! command, on the files that `.dockerignore` lets through. What it makes stands
//! in for the stage when the image is built.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository.
pub(crate) const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A file of the repository.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(Path::new(REPOSITORY).join(name)).unwrap()
}

/// A folder with what the stage leaves behind, at the places where it does.
pub(crate) fn stage() -> &'static Path {
    static STAGE: OnceLock<PathBuf> = OnceLock::new();
    STAGE.get_or_init(|| run().unwrap())
}

/// The program that the stage makes.
pub(crate) fn program() -> PathBuf {
    stage().join("out/opgate")
}

fn run() -> Result<PathBuf, Box<dyn Error>> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    let (source, stage) = (place.join("source"), place.join("stage"));
    for old in [&source, &stage] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
        fs::create_dir_all(old)?;
    }
    for name in context() {
        // With their times, so that cargo builds again only what has changed.
        let copied = Command::new("cp")
            .arg("-a")
            .arg(Path::new(REPOSITORY).join(&name))
            .arg(&source)
            .status()?;
        assert!(copied.success(), "{name}");
    }
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let output = Command::new("sh")
        .args(["-c", &command()])
        .current_dir(&source)
        .env("TARGETARCH", architecture)
        .env("CARGO_TARGET_DIR", place.join("target"))
        .env("DESTDIR", stage.join("out"))
        // These would win over the flags of the command.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Ok(stage)
}

/// What `.dockerignore` lets through. It must be a list of exactly that, as a
/// file that nobody thought of has no place in an image.
fn context() -> Vec<String> {
    let all = text(".dockerignore");
    let mut lines = all
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"));
    lines
        .map(|line| line.strip_prefix('!').unwrap().to_owned())
        .collect()
}

/// The one `RUN` of the Dockerfile.
fn command() -> String {
    let all = text("Dockerfile");
    let (_, rest) = all.split_once("\nRUN ").unwrap();
    assert!(!rest.contains("\nRUN "));
    let mut command = String::new();
    for line in rest.lines() {
        if let Some(part) = line.strip_suffix('\\') {
            command.push_str(part);
            continue;
        }
        command.push_str(line);
        break;
    }
    command
}
