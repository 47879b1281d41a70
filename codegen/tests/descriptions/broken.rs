//! What is said of wrong descriptions and overlays.
//!
//! Every message names the file, the place in it and what to do.

use opgate_codegen::{Errors, Root, emit};

use crate::cases::{Case, cases, report};

#[test]
fn golden_messages_are_what_they_were() {
    let mut wrong = Vec::new();
    for case in cases("broken") {
        match build(&case) {
            Ok(()) => wrong.push(format!("{}: nothing was found wrong", case.name)),
            Err(errors) => {
                wrong.extend(case.compare("expected.txt", &format!("{errors}\n")).err());
            }
        }
    }
    report(&wrong);
}

#[test]
fn every_message_names_file_place_and_remedy() {
    for case in cases("broken") {
        let Err(errors) = build(&case) else { continue };
        for error in errors.0 {
            let said = error.to_string();
            assert!(!error.file.is_empty(), "{}: no file: {said}", case.name);
            // Text that is no YAML has lines, not places.
            assert!(
                !error.place.is_empty() || error.message.contains(" line "),
                "{}: no place: {said}",
                case.name
            );
            assert!(error.help.is_some(), "{}: no remedy: {said}", case.name);
            let wordy =
                error.message.ends_with('.') || error.message.starts_with(char::is_uppercase);
            assert!(!wordy, "{}: not a message: {said}", case.name);
        }
    }
}

/// The whole way of a description: some mistakes show only when it is printed.
fn build(case: &Case) -> Result<(), Errors> {
    let (overlay, descriptions) = case.sources();
    let api = opgate_codegen::build(&descriptions, overlay)?;
    emit::emit(&api, &[], Root::Opgate).map(drop)
}
