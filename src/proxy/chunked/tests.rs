use super::*;

/// A body and what follows it.
type Parted = (Vec<u8>, Vec<u8>);

/// Decodes `bytes` arriving in pieces of `step`; gives the body and what follows it.
fn decode(bytes: &[u8], step: usize) -> Result<Option<Parted>, ChunkError> {
    let mut decoder = ChunkDecoder::new();
    let mut buffer = BytesMut::new();
    let mut body = Vec::new();
    let mut pieces = bytes.chunks(step);
    loop {
        match decoder.decode(&mut buffer)? {
            Decoded::Data(data) => body.extend_from_slice(&data),
            Decoded::End => {
                let mut rest = buffer.to_vec();
                pieces.for_each(|piece| rest.extend_from_slice(piece));
                return Ok(Some((body, rest)));
            }
            Decoded::More => match pieces.next() {
                Some(piece) => buffer.extend_from_slice(piece),
                None => return Ok(None),
            },
        }
    }
}

#[test]
fn a_body_is_the_same_wherever_it_is_split() {
    let bytes = b"5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nX-A: b\r\nC: \r\n\r\nGET /";
    for step in 1..bytes.len() {
        let (body, rest) = decode(bytes, step).unwrap().unwrap();
        assert_eq!(body, b"hello0123456789", "in steps of {step}");
        assert_eq!(rest, b"GET /", "in steps of {step}");
    }
}

#[test]
fn a_body_is_not_over_before_its_last_line() {
    let bytes = b"1\r\na\r\n0\r\n\r\n";
    for length in 0..bytes.len() {
        assert_eq!(decode(&bytes[..length], 1), Ok(None), "{length} bytes");
    }
}

#[test]
fn every_other_way_to_write_chunks_is_refused() {
    for (bytes, error) in [
        (&b"5\nhello\r\n0\r\n\r\n"[..], ChunkError::LineEnd),
        (b"5\r\nhello\n0\r\n\r\n", ChunkError::DataEnd),
        (b"5\r\nhelloo\r\n0\r\n\r\n", ChunkError::DataEnd),
        (b"5\r\nhello\r0\r\n\r\n", ChunkError::DataEnd),
        (b"5\r\r\nhello", ChunkError::LineEnd),
        (b"0x5\r\nhello\r\n0\r\n\r\n", ChunkError::Size),
        (b"+5\r\nhello", ChunkError::Size),
        (b"-5\r\nhello", ChunkError::Size),
        (b" 5\r\nhello", ChunkError::Size),
        (b"5 \r\nhello", ChunkError::Size),
        (b"5 ;a\r\nhello", ChunkError::Size),
        (b"5,5\r\nhello", ChunkError::Size),
        (b"\r\nhello", ChunkError::Size),
        (b";a\r\nhello", ChunkError::Size),
        (b"g\r\n", ChunkError::Size),
        (b"0000000000000005\r\nhello", ChunkError::Size),
        (b"ffffffffffffffff\r\n", ChunkError::Size),
        (b"5;a\nb\r\nhello", ChunkError::LineEnd),
        (b"5;a\rb\r\nhello", ChunkError::LineEnd),
        (b"5;\0\r\nhello", ChunkError::LineEnd),
        (b"5;\xff\r\nhello", ChunkError::Extension),
        (b"0\r\n\n", ChunkError::LineEnd),
        (b"0\r\nA: b\n\r\n", ChunkError::LineEnd),
        (b"0\r\nA: b\r\n c\r\n\r\n", ChunkError::Trailer),
        (b"0\r\nA : b\r\n\r\n", ChunkError::Trailer),
        (b"0\r\nGET / HTTP/1.1\r\n\r\n", ChunkError::Trailer),
        (b"0\r\n:\r\n\r\n", ChunkError::Trailer),
    ] {
        for step in [1, 3, bytes.len()] {
            assert_eq!(
                decode(bytes, step),
                Err(error),
                "{:?} in steps of {step}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}

#[test]
fn lines_and_trailers_are_bounded() {
    let mut line = b"5;".to_vec();
    line.resize(CHUNK_LINE_MAX, b'a');
    assert_eq!(decode(&line, 7), Ok(None));
    line.push(b'a');
    assert_eq!(decode(&line, 7), Err(ChunkError::LineTooLong));

    let mut trailers = b"0\r\n".to_vec();
    while trailers.len() < TRAILERS_MAX + 64 {
        trailers.extend_from_slice(b"A: 0123456789\r\n");
    }
    trailers.extend_from_slice(b"\r\n");
    assert_eq!(decode(&trailers, 64), Err(ChunkError::TrailersTooLarge));
}
