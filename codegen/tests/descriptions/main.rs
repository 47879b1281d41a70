//! The generator on whole descriptions: small ones with what comes of them
//! (`golden/`), wrong ones with what is said of them (`broken/`), and the real
//! ones in `spec/`.
//!
//! What is expected lies beside the input and is compared byte by byte. After a
//! change that is meant, `OPGATE_UPDATE_GOLDEN=1 cargo test -p opgate-codegen
//! golden` writes it anew; whoever does that reads every changed line. The
//! variable is refused where `CI` is set.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod broken;
mod cases;
mod golden;
mod mutations;
