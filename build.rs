//! Generates the definitions of the Engine API out of `spec/`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=spec");
    let mut paths = fs::read_dir("spec")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<PathBuf>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    paths.sort();
    let files = paths
        .iter()
        .map(|path| Ok((path.display().to_string(), fs::read_to_string(path)?)))
        .collect::<Result<Vec<_>, io::Error>>()?;
    let code = opgate_codegen::generate(&files).map_err(|errors| {
        for error in errors.0 {
            println!("cargo::error={}", error.to_string().replace('\n', " "));
        }
        "spec/ makes no definitions"
    })?;
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("definitions.rs"), code)?;
    Ok(())
}
