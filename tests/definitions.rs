//! The definitions against the documents they are made of, by an independent
//! reading of both: the documents as plain YAML, the definitions as
//! `opgate ops --output json` prints them.

#[cfg(test)]
#[path = "definitions/documents.rs"]
mod documents;
#[cfg(test)]
#[path = "definitions/tests.rs"]
mod tests;
