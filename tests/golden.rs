//! The generator's golden files, compiled and looked into.
//!
//! Each folder of `codegen/tests/golden/` holds a small description with one
//! feature and the definitions that the generator makes of it. That they are
//! what is expected byte by byte is tested there; that they compile against the
//! types of this crate, and mean what the feature is about, is tested here.
#![expect(
    dead_code,
    unreachable_pub,
    clippy::enum_variant_names,
    reason = "generated definitions stand in a module of their own, and no test uses all of them"
)]

#[cfg(test)]
#[path = "golden/bodies.rs"]
mod bodies;
#[cfg(test)]
#[path = "golden/index.rs"]
mod index;
#[cfg(test)]
#[path = "golden/looking.rs"]
mod looking;
#[cfg(test)]
#[path = "golden/operations.rs"]
mod operations;

use std::fs;
use std::path::Path;

macro_rules! goldens {
    ($($name:ident)*) => {
        $(
            mod $name {
                include!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/codegen/tests/golden/",
                    stringify!($name),
                    "/expected.rs"
                ));
            }
        )*

        /// Every golden file that is compiled.
        const COMPILED: &[&str] = &[$(stringify!($name)),*];
    };
}

goldens! {
    all_of
    any_version
    base64_header
    bounds
    effects
    field_overrides
    filters
    formats
    hijack
    interning
    list_map_object
    new_inside_of_new
    noise
    null_element
    overlay_actions
    readings
    reference
    risk
    routes
    scalars
    slashes
    stream_body
    text_or_list
    unclassified
    unsupported
    variants
    versions
    vocabulary
}

#[test]
fn every_golden_file_is_compiled() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("codegen/tests/golden");
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, COMPILED, "list every folder in `goldens!`");
}
