//! A connection to a gate, whatever it is over.

use std::io::{self, Read, Write};

use super::certs::answer;

/// What bytes come and go by.
pub(crate) trait Both: Read + Write {}

impl<T: Read + Write> Both for T {}

/// A connection, whatever it is over.
pub(crate) struct Wire(Box<dyn Both>);

impl Wire {
    pub(crate) fn over(stream: impl Both + 'static) -> Self {
        Self(Box::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.flush()
    }

    /// The status and the body of the next answer.
    pub(crate) fn answer(&mut self) -> io::Result<(u16, String)> {
        answer(&mut self.0)
    }

    /// Asks; gives the status and the body.
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<(u16, String)> {
        self.send(request.as_bytes())?;
        self.answer()
    }

    /// All that comes until the other side ends it.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = self.0.read(&mut bytes) {
            rest.extend_from_slice(&bytes[..read]);
        }
        rest
    }
}
