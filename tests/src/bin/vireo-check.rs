// SPDX-License-Identifier: GPL-2.0

//! Checks raw frames in a file, as `v4l2-ctl --stream-to` writes them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use vireo_tests::reader::{self, picture, Reader};

const USAGE: &str = "\
usage: vireo-check --format FOURCC --size WIDTHxHEIGHT [OPTION...] FILE

Checks every pixel of every frame in FILE, or in standard input for \"-\".

  --format FOURCC      the pixel format: YUYV, NV12, RGB3 (or RGB24)...
  --size WIDTHxHEIGHT  the size of a frame in pixels
  --png OUT            leave the first good frame in OUT
  --min N              fewer than N good frames are an error (default 1)
  --strict             lost frames are an error
  --quiet              say nothing about single frames

The last line counts the frames. Exit status: 0 when nothing is wrong, 1 when
something is, 2 when the check could not be made.";

/// How many frames with faults are told about one by one.
const TOLD: u64 = 10;

struct Options {
    reader: Reader,
    png: Option<PathBuf>,
    min: u64,
    strict: bool,
    quiet: bool,
    input: OsString,
}

fn options() -> Result<Options, lexopt::Error> {
    let (mut fourcc, mut size, mut input) = (None, None, None);
    let (mut png, mut min, mut strict, mut quiet) = (None, 1, false, false);
    let mut parser = lexopt::Parser::from_env();

    while let Some(arg) = parser.next()? {
        match arg {
            Long("format") => {
                fourcc = Some(
                    parser
                        .value()?
                        .parse_with(|name| reader::fourcc(name).ok_or("no fourcc"))?,
                )
            }
            Long("size") => size = Some(parser.value()?.parse_with(numbers)?),
            Long("png") => png = Some(parser.value()?.into()),
            Long("min") => min = parser.value()?.parse()?,
            Long("strict") => strict = true,
            Long("quiet") => quiet = true,
            Long("help") => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            Value(value) if input.is_none() => input = Some(value),
            _ => return Err(arg.unexpected()),
        }
    }

    let fourcc = fourcc.ok_or("--format is missing")?;
    let (width, height) = size.ok_or("--size is missing")?;
    let reader =
        Reader::for_format(fourcc, width, height).ok_or("vireo has no such format or size")?;

    Ok(Options {
        reader,
        png,
        min,
        strict,
        quiet,
        input: input.ok_or("no file is given")?,
    })
}

fn numbers(size: &str) -> Result<(u32, u32), &'static str> {
    const WHAT: &str = "no size";
    let (width, height) = size.split_once('x').ok_or(WHAT)?;

    Ok((
        width.parse().map_err(|_| WHAT)?,
        height.parse().map_err(|_| WHAT)?,
    ))
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(err) => {
            eprintln!("vireo-check: {err}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };

    match check(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("vireo-check: {err}");
            ExitCode::from(2)
        }
    }
}

/// Checks all frames, and returns whether all is well.
fn check(options: Options) -> io::Result<bool> {
    let Options {
        mut reader,
        mut png,
        min,
        strict,
        quiet,
        input,
    } = options;
    let mut input: Box<dyn Read> = if input == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&input)?)
    };
    let size = reader.layout().sizeimage;
    let mut frame = Vec::with_capacity(size as usize);

    loop {
        frame.clear();
        input.by_ref().take(size.into()).read_to_end(&mut frame)?;
        if frame.is_empty() {
            break;
        }

        let index = reader.counts().frames;
        let verdict = reader.check(&frame);

        if let (Some(stamp), true) = (verdict.stamp, verdict.is_ok()) {
            if let Some(path) = png.take() {
                let rgb = picture(reader.layout(), stamp.look.colour, &frame);

                write_png(&path, reader.layout().width, reader.layout().height, &rgb)?;
            }
        }
        if !quiet && verdict.lost > 0 {
            eprintln!("before frame {index}: {} lost", verdict.lost);
        }
        if let Some(fault) = &verdict.fault {
            if !quiet && reader.counts().wrong() <= TOLD {
                eprintln!("frame {index}: {fault}");
            }
        }
    }

    let counts = reader.counts();

    println!("{counts}");
    if counts.ok < min {
        eprintln!("vireo-check: {} good frames, not {min}", counts.ok);
    }
    Ok(counts.wrong() == 0 && counts.ok >= min && !(strict && counts.lost > 0))
}

fn write_png(path: &Path, width: u32, height: u32, rgb: &[u8]) -> io::Result<()> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);

    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);

    let mut writer = encoder.write_header()?;

    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(())
}
