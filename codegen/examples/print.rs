//! Shows what the generator makes of a folder of descriptions: the index by
//! default, the whole generated file with `--code`.
//!
//! `cargo run -p opgate-codegen --example print -- [--code] [DIR]`

use std::error::Error;
use std::fs;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let mut code = false;
    let mut dir = "spec".to_owned();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--code" => code = true,
            _ => dir = argument,
        }
    }
    let mut paths: Vec<_> = fs::read_dir(&dir)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        files.push((path.display().to_string(), fs::read_to_string(&path)?));
    }
    let text = if code {
        opgate_codegen::generate(&files)?
    } else {
        let (overlay, descriptions) = opgate_codegen::sources(&files);
        opgate_codegen::index::index(&opgate_codegen::build(&descriptions, overlay)?)
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
