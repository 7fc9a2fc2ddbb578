//! Lines out of bodies that arrive in any pieces.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use proptest::prelude::*;

use super::*;

const BOUNDS: UploadBounds = UploadBounds {
    line_bytes_max: 64,
    idle_max: Duration::from_secs(5),
};

fn body(bytes: &[u8], piece: usize) -> Body {
    let pieces: Vec<Result<Bytes, Infallible>> = bytes
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    Body::from_stream(stream::iter(pieces))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// All lines, and why there are no more.
async fn lines(mut upload: Upload) -> (Vec<(u64, String)>, Option<UploadFault>) {
    let mut lines = Vec::new();
    loop {
        match upload.next().await {
            Ok(Some(line)) => {
                lines.push((line.number, String::from_utf8_lossy(&line.bytes).into_owned()));
            }
            Ok(None) => return (lines, None),
            Err(fault) => return (lines, Some(fault)),
        }
    }
}

fn read(bytes: &[u8], piece: usize, announced: Announced) -> (Vec<(u64, String)>, Option<UploadFault>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(lines(Upload::new(body(bytes, piece), announced, BOUNDS)))
}

#[test]
fn blank_lines_count_and_line_ends_and_a_byte_order_mark_are_dropped() {
    let (lines, fault) = read(
        "\u{feff}one\r\n\n \t\r\ntwo\n\u{feff}".as_bytes(),
        3,
        Announced::Nothing,
    );
    let expected = [
        (1, "one".to_owned()),
        (4, "two".to_owned()),
        (5, "\u{feff}".to_owned()),
    ];
    assert_eq!((lines, fault), (expected.to_vec(), None));
    assert_eq!(read(b"", 1, Announced::Nothing), (Vec::new(), None));
    assert_eq!(read(b"\n", 1, Announced::Nothing), (Vec::new(), None));
}

#[test]
fn a_line_is_taken_at_the_limit_and_refused_one_above() {
    let too_long = Some(UploadFault::LineTooLong { max: 64 });
    for end in ["", "\n"] {
        let at_limit = format!("a\n{}{end}", "x".repeat(64));
        assert_eq!(read(at_limit.as_bytes(), 7, Announced::Nothing).1, None);
        let above = format!("a\n{}{end}", "x".repeat(65));
        let (lines, fault) = read(above.as_bytes(), 7, Announced::Nothing);
        assert_eq!((lines.len(), fault), (1, too_long.clone()));
    }
    let bomb = gzip(&vec![b'x'; 10_000_000]);
    assert_eq!(read(&bomb, 4_096, Announced::Nothing).1, too_long);
}

#[test]
fn damaged_and_cut_gzip_is_noticed() {
    let whole = gzip(b"one\ntwo\n");
    for length in 2..whole.len() {
        let (_, fault) = read(&whole[..length], 5, Announced::Nothing);
        assert!(
            matches!(fault, Some(UploadFault::Gzip(_))),
            "cut at {length}: {fault:?}"
        );
    }
    let mut damaged = whole;
    let checksum = damaged.len() - 6;
    damaged[checksum] ^= 1;
    assert!(matches!(
        read(&damaged, 5, Announced::Nothing).1,
        Some(UploadFault::Gzip(_))
    ));
    assert!(matches!(
        read(b"one\n", 5, Announced::Gzip).1,
        Some(UploadFault::Gzip(_))
    ));
    assert!(matches!(
        read(b"", 5, Announced::Gzip).1,
        Some(UploadFault::Gzip(_))
    ));
}

#[test]
fn a_body_that_breaks_off_is_not_taken_for_its_end() {
    let pieces = [
        Ok(Bytes::from_static(b"one\ntw")),
        Err(std::io::Error::other("reset")),
    ];
    let body = Body::from_stream(stream::iter(pieces));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (lines, fault) = runtime.block_on(lines(Upload::new(body, Announced::Nothing, BOUNDS)));
    assert_eq!(
        (lines, fault),
        (vec![(1, "one".to_owned())], Some(UploadFault::Cut))
    );
}

#[test]
fn a_silent_client_is_given_up() {
    let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let bounds = UploadBounds {
        idle_max: Duration::from_millis(1),
        ..BOUNDS
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (lines, fault) = runtime.block_on(lines(Upload::new(body, Announced::Nothing, bounds)));
    assert_eq!((lines.len(), fault), (0, Some(UploadFault::Idle)));
}

proptest! {
    #[test]
    fn lines_do_not_depend_on_pieces_nor_on_compression(text in "([a-z ]{0,5}(\r?\n)?){0,20}", piece in 1..9_usize) {
        let plain = read(text.as_bytes(), piece, Announced::Nothing);
        let expected: Vec<(u64, String)> = text
            .lines()
            .zip(1..)
            .filter(|(line, _)| !line.trim_ascii().is_empty())
            .map(|(line, number)| (number, line.to_owned()))
            .collect();
        prop_assert_eq!(&plain, &(expected, None));
        let (half, rest) = text.split_at(text.len() / 2);
        let members = [gzip(half.as_bytes()), gzip(rest.as_bytes())].concat();
        prop_assert_eq!(&read(&members, piece, Announced::Nothing), &plain);
        prop_assert_eq!(&read(&gzip(text.as_bytes()), piece, Announced::Gzip), &plain);
    }
}
