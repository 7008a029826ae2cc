// SPDX-License-Identifier: GPL-2.0

//! `vireo-check` as a user runs it: files, options, verdicts, exit statuses.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use vireo_tests::reader::format::fourcc;
use vireo_tests::reader::layout::Layout;
use vireo_tests::reader::pattern::phase;
use vireo_tests::reader::picture::PictureParams;
use vireo_tests::reader::stamp::Frame;
use vireo_tests::reader::template::{self, Template};
use vireo_tests::reader::Memory;

const FORMAT: [&str; 4] = ["--format", "NV12", "--size", "322x98"];

/// Makes a stream of the frames with these sequence numbers, 25 a second.
fn stream(sequences: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let layout = Layout::negotiate(fourcc(b"NV12"), 322, 98);
    let look = PictureParams::default();
    let bytes = vec![0; template::len(&layout, &look)];
    let Ok(mut template) = Template::render(layout, look, bytes) else {
        panic!("the template does not fit");
    };
    let mut all = Vec::new();

    for sequence in sequences {
        let mut memory = Memory(vec![0; layout.sizeimage as usize]);
        let frame = Frame {
            device: 0,
            sequence,
            timestamp: 40_000_000 * (u64::from(sequence) + 1),
            phase: phase(&layout, &PictureParams::default(), sequence),
            flaw: false,
        };

        let Ok(()) = template.compose(&frame, &mut memory);
        all.extend(memory.0);
    }
    all
}

/// Runs the program, with `input` to be read from standard input.
fn check(options: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vireo-check"))
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");

    // It may end without reading; that is for its exit status to say.
    let _ = child.stdin.take().expect("is piped").write_all(input);
    child.wait_with_output().expect("the program ends")
}

/// Checks a stream, and returns the exit status and the last line.
fn verdict(options: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let options = [&FORMAT, options, &["-"]].concat();
    let output = check(&options, input);
    let text = String::from_utf8(output.stdout).expect("is text");

    (
        output.status.code(),
        text.lines().last().unwrap_or_default().to_string(),
    )
}

/// A file of this test's own.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

#[test]
fn a_good_stream() {
    assert_eq!(
        verdict(&["--strict", "--min", "20"], &stream(7..27)),
        (
            Some(0),
            "frames 20 ok 20 torn 0 corrupt 0 repeated 0 lost 0 misplaced 0 fps 25.00".into()
        )
    );
}

#[test]
fn too_few_frames() {
    assert_eq!(verdict(&["--min", "21"], &stream(0..20)).0, Some(1));
    assert_eq!(verdict(&[], &[]).0, Some(1));
}

#[test]
fn lost_frames_are_an_error_when_asked_for() {
    let frames = stream([0, 1, 4, 5]);

    assert_eq!(
        verdict(&[], &frames),
        (
            Some(0),
            "frames 4 ok 4 torn 0 corrupt 0 repeated 0 lost 2 misplaced 0 fps 15.00".into()
        )
    );
    assert_eq!(verdict(&["--strict"], &frames).0, Some(1));
}

#[test]
fn a_repeated_frame() {
    assert_eq!(
        verdict(&[], &stream([0, 1, 1, 2])),
        (
            Some(1),
            "frames 4 ok 3 torn 0 corrupt 0 repeated 1 lost 0 misplaced 0 fps 25.00".into()
        )
    );
}

#[test]
fn a_torn_frame() {
    let (mut frames, before) = (stream([0, 2, 3]), stream([1]));
    let size = before.len();

    // The luma from the middle on.
    frames[size + 322 * 49..size + 322 * 98].copy_from_slice(&before[322 * 49..322 * 98]);
    assert_eq!(
        verdict(&[], &frames),
        (
            Some(1),
            "frames 3 ok 2 torn 1 corrupt 0 repeated 0 lost 1 misplaced 0 fps 8.33".into()
        )
    );
}

#[test]
fn a_wrong_pixel_and_a_wrong_stamp() {
    let mut frames = stream(0..3);
    let size = frames.len() / 3;

    frames[size - 1] ^= 1;
    frames[size] ^= 0xff;
    assert_eq!(
        verdict(&[], &frames),
        (
            Some(1),
            "frames 3 ok 1 torn 0 corrupt 1 repeated 0 lost 0 misplaced 1 fps 0.00".into()
        )
    );
}

#[test]
fn a_frame_that_ends_early() {
    let mut frames = stream(0..3);

    frames.pop();
    assert_eq!(
        verdict(&[], &frames),
        (
            Some(1),
            "frames 3 ok 2 torn 0 corrupt 0 repeated 0 lost 0 misplaced 1 fps 25.00".into()
        )
    );
}

#[test]
fn another_format_than_it_says() {
    let output = check(
        &["--format", "YUYV", "--size", "322x98", "-"],
        &stream(0..4),
    );

    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_picture() {
    let (raw, png) = (file("raw"), file("png"));

    fs::write(&raw, stream(0..2)).expect("is written");

    let options = [
        "--png",
        png.to_str().expect("is text"),
        raw.to_str().expect("is text"),
    ];
    let output = check(&[&FORMAT, &options[..]].concat(), &[]);

    assert_eq!(output.status.code(), Some(0));

    let decoder = png::Decoder::new(fs::File::open(&png).expect("is there"));
    let mut reader = decoder.read_info().expect("is a PNG");
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).expect("is whole");

    assert_eq!((info.width, info.height), (322, 98));
    assert_eq!(info.color_type, png::ColorType::Rgb);

    // A pixel of the first bar, 75% white, below the stamp.
    for channel in &pixels[3 * (322 * 10 + 10)..][..3] {
        assert!(channel.abs_diff(191) <= 2);
    }
    fs::remove_file(raw).expect("is removed");
    fs::remove_file(png).expect("is removed");
}

#[test]
fn what_cannot_be_checked() {
    for options in [
        &["-"][..],
        &["--format", "NV12", "-"],
        &["--format", "NV12", "--size", "322", "-"],
        &["--format", "NV12", "--size", "323x98", "-"],
        &["--format", "????", "--size", "322x98", "-"],
        &["--format", "NV12", "--size", "322x98"],
        &["--format", "NV12", "--size", "322x98", "a", "b"],
        &["--format", "NV12", "--size", "322x98", "--nonsense", "-"],
        &["--format", "NV12", "--size", "322x98", "/nonexistent/file"],
    ] {
        let output = check(options, &[]);

        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(!output.stderr.is_empty());
    }
}
