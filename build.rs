//! Generates the definitions of the Engine API out of `spec/`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=spec");
    let mut paths: Vec<PathBuf> = fs::read_dir("spec")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    paths.sort();
    let files = paths
        .iter()
        .map(|path| Ok((path.display().to_string(), fs::read_to_string(path)?)))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    let code = opgate_codegen::generate(&files).map_err(|errors| {
        eprintln!("{errors}");
        "spec/ does not make definitions; see above"
    })?;
    fs::write(
        Path::new(&env::var("OUT_DIR")?).join("definitions.rs"),
        code,
    )?;
    Ok(())
}
