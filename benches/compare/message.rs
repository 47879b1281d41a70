//! Bytes → where one HTTP/1.1 message ends. Only what this bench's own peers
//! send is understood: a length, or chunks without trailers.

use super::Failure;

/// One whole message at the beginning of some bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// The first line.
    pub(crate) start: &'a str,
    /// Head and body together.
    pub(crate) length: usize,
    /// Whether its sender closes the connection after it.
    pub(crate) last: bool,
}

impl<'a> Message<'a> {
    /// The message, once all of it is there.
    pub(crate) fn find(bytes: &'a [u8]) -> Result<Option<Self>, Failure> {
        let Some(head_length) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let (head, body) = bytes.split_at(head_length + 4);
        let mut lines = std::str::from_utf8(head)?.split("\r\n");
        let mut message = Self {
            start: lines.next().unwrap_or_default(),
            length: head.len(),
            last: false,
        };
        let mut chunked = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                message.length += value.parse::<usize>()?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = true;
            } else if name.eq_ignore_ascii_case("connection") {
                message.last = value.eq_ignore_ascii_case("close");
            }
        }
        if chunked {
            match chunks_length(body)? {
                Some(length) => message.length += length,
                None => return Ok(None),
            }
        }
        Ok((message.length <= bytes.len()).then_some(message))
    }
}

/// The length of all chunks, once the last one is there.
fn chunks_length(body: &[u8]) -> Result<Option<usize>, Failure> {
    let mut at = 0;
    loop {
        let rest = body.get(at..).unwrap_or_default();
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let digits = std::str::from_utf8(rest.get(..line).unwrap_or_default())?;
        let size = usize::from_str_radix(digits, 16)?;
        at += line + 2 + size + 2;
        if at > body.len() {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(at));
        }
    }
}
