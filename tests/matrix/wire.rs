//! A connection to a gate, whatever it is over.

use std::io::{self, Read, Write};

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
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok((status, String::from_utf8(body).unwrap()))
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
