// SPDX-License-Identifier: GPL-2.0

//! Checks raw frames in a file, as `v4l2-ctl --stream-to` writes them, from a pipe, or from a
//! device.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use lexopt::prelude::*;
use vireo_tests::mplane;
use vireo_tests::mplane::Camera;
use vireo_tests::reader;
use vireo_tests::reader::fields::Fields;
use vireo_tests::reader::picture;
use vireo_tests::reader::Counts;
use vireo_tests::reader::Reader;
use vireo_tests::stream;
use vireo_tests::stream::Stream;
use vireo_tests::sys;
use vireo_tests::uapi;
use vireo_tests::v4l2::Device;

const USAGE: &str = "\
usage: vireo-check --format FOURCC --size WIDTHxHEIGHT [OPTION...] FILE
       vireo-check [OPTION...] DEVICE

Checks every pixel of every frame: of those in FILE, or in standard input for
\"-\", or of those that DEVICE (/dev/video0) captures.

  --format FOURCC      the pixel format: YUYV, NV12, RGB3 (or RGB24)...
  --size WIDTHxHEIGHT  the size of a frame in pixels
  --bytesperline N[,N] the bytes from one line to the next, in each plane of memory
                       (default: as many as a line takes)
                       (these of a DEVICE: as they are)
  --field NAME         how fields lie in a frame, each with a stamp: none, one, alternate,
                       seq-tb, interlaced (default: none; that of a DEVICE: as it is)
  --frames N           so many of a DEVICE (default 60); 0 for no end
  --burst              capture all of them first, at most 28, and check them afterwards:
                       for who cannot check them at their rate
  --hold N             check a frame of a DEVICE when N more have come, and give its buffer back
                       then: for drivers that may write into memory which they have given back
  --start FILE         have all buffers of a burst queued, say \"ready\", and begin when FILE is
                       there; it is locked while the device is stopped: one at a time
  --png OUT            leave the first good frame in OUT
  --json               the last line is an object in JSON
  --min N              fewer than N good frames are an error (default 1)
  --strict             lost frames are an error
  --quiet              say nothing about single frames

The last line counts the frames. Exit status: 0 when nothing is wrong, 1 when
something is, 2 when the check could not be made.";

/// How many frames with faults are told about one by one.
const TOLD: u64 = 10;

#[derive(Default)]
struct Options {
    format: Option<u32>,
    size: Option<(u32, u32)>,
    bytesperline: Option<Vec<u32>>,
    fields: Option<Fields>,
    frames: Option<u64>,
    is_burst: bool,
    hold: u32,
    start: Option<PathBuf>,
    png: Option<PathBuf>,
    json: bool,
    min: Option<u64>,
    strict: bool,
    quiet: bool,
    input: Option<OsString>,
}

fn options() -> Result<Options, lexopt::Error> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();

    while let Some(arg) = parser.next()? {
        match arg {
            Long("format") => {
                options.format = Some(
                    parser
                        .value()?
                        .parse_with(|name| reader::fourcc(name).ok_or("no fourcc"))?,
                )
            }
            Long("size") => options.size = Some(parser.value()?.parse_with(numbers)?),
            Long("bytesperline") => {
                options.bytesperline =
                    Some(parser.value()?.parse_with(|list| {
                        list.split(',').map(str::parse).collect::<Result<_, _>>()
                    })?)
            }
            Long("field") => {
                options.fields = Some(
                    parser
                        .value()?
                        .parse_with(|name| Fields::parse(name).ok_or("no such order"))?,
                )
            }
            Long("frames") => options.frames = Some(parser.value()?.parse()?),
            Long("burst") => options.is_burst = true,
            Long("hold") => options.hold = parser.value()?.parse()?,
            Long("start") => options.start = Some(parser.value()?.into()),
            Long("png") => options.png = Some(parser.value()?.into()),
            Long("json") => options.json = true,
            Long("min") => options.min = Some(parser.value()?.parse()?),
            Long("strict") => options.strict = true,
            Long("quiet") => options.quiet = true,
            Long("help") => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            Value(value) if options.input.is_none() => options.input = Some(value),
            _ => return Err(arg.unexpected()),
        }
    }
    if options.input.is_none() {
        return Err("no file is given".into());
    }
    Ok(options)
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

    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("vireo-check: {err}");
            ExitCode::from(2)
        }
    }
}

/// Finds out where frames come from, and checks them.
fn run(options: &Options) -> io::Result<bool> {
    let input = options.input.as_deref().unwrap_or_default();

    if input == "-" {
        read(options, io::stdin().lock())
    } else if fs::metadata(input)?.file_type().is_char_device() {
        let path = Path::new(input);
        let device = Device::open(path)?;

        if device.identity(path)?.caps & uapi::V4L2_CAP_VIDEO_CAPTURE_MPLANE != 0 {
            drop(device);
            capture_planes(options, path)
        } else {
            capture(options, &device)
        }
    } else {
        read(options, File::open(input)?)
    }
}

/// The frames that lie one after the other in `input`.
fn read(options: &Options, mut input: impl Read) -> io::Result<bool> {
    let missing = |what| move || io::Error::other(format!("{what} is missing"));
    let format = options.format.ok_or_else(missing("--format"))?;
    let size = options.size.ok_or_else(missing("--size"))?;
    let strides = options.bytesperline.as_deref().unwrap_or(&[]);
    let reader = reader_of(options, Fields::None, format, size, strides)?;
    let size = reader.sizeimage();

    check(options, reader, |frame| {
        input.by_ref().take(size.into()).read_to_end(frame)?;
        Ok(!frame.is_empty())
    })
}

/// The frames that a device captures. One that has the error flag counts as empty.
fn capture(options: &Options, device: &Device) -> io::Result<bool> {
    let now = device.format()?;
    let format = options.format.unwrap_or(now.pixelformat);
    let size = options.size.unwrap_or((now.width, now.height));
    let strides = strides(options, &[now.bytesperline]);
    let got = device.set_padded(
        format,
        size.0,
        size.1,
        strides.first().copied().unwrap_or(0),
    )?;

    if (got.pixelformat, (got.width, got.height)) != (format, size) {
        return Err(io::Error::other("the device has no such format or size"));
    }

    let fields = Fields::from_v4l2(got.field)
        .ok_or_else(|| io::Error::other(format!("fields are not known: {}", got.field)))?;
    let reader = reader_of(options, fields, format, size, &strides)?;

    if options.is_burst {
        return burst(options, device, reader);
    }

    let stream = Stream::mmap_ready(device, stream::COUNT + options.hold)?;
    let mut left = frames(options);
    let mut held = VecDeque::new();

    device.stream_on()?;
    check(options, reader, |frame| {
        if left.next().is_none() {
            return Ok(false);
        }
        while held.len() <= options.hold as usize {
            held.push_back(stream.dequeue()?);
        }

        let next = held.pop_front().ok_or(io::ErrorKind::NotFound)?;

        if !next.failed {
            *frame = stream.data(next.index)?;
        }
        stream.queue(next.index)?;
        Ok(true)
    })
}

/// The frames that a device captures into as many buffers, none of which it gets a second time.
fn burst(options: &Options, device: &Device, reader: Reader) -> io::Result<bool> {
    /// More than are looked at: so the queue is not empty before the end.
    const SPARE: u32 = 4;

    let count = options.frames.unwrap_or(u64::MAX).min(28) as u32;
    let stream = Stream::mmap_ready(device, count + SPARE)?;

    if let Some(start) = &options.start {
        eprintln!("ready");
        while !start.exists() {
            thread::sleep(Duration::from_millis(10));
        }
    }
    device.stream_on()?;

    let frames = (0..count)
        .map(|_| stream.dequeue())
        .collect::<io::Result<Vec<_>>>()?;

    let lock = options.start.as_ref().map(File::open).transpose()?;

    if let Some(lock) = &lock {
        sys::lock_file(lock)?;
    }
    device.stream_off()?;
    drop(lock);

    let mut frames = frames.into_iter();

    check(options, reader, |frame| {
        let Some(next) = frames.next() else {
            return Ok(false);
        };

        if !next.failed {
            *frame = stream.data(next.index)?;
        }
        Ok(true)
    })
}

/// The same of a multi-planar node.
fn capture_planes(options: &Options, path: &Path) -> io::Result<bool> {
    let mut now = uapi::v4l2_format {
        type_: mplane::CAPTURE,
        ..Default::default()
    };
    Device::open(path)?.ioctl(uapi::VIDIOC_G_FMT, &mut now)?;
    let now = now.pix_mp();
    let format = options.format.unwrap_or(now.pixelformat);
    let size = options.size.unwrap_or((now.width, now.height));
    let planes = now.plane_fmt;
    let planes = planes.iter().take(now.num_planes.into());
    let strides = strides(
        options,
        &planes.map(|plane| plane.bytesperline).collect::<Vec<_>>(),
    );
    let reader = reader_of(options, Fields::None, format, size, &strides)?;
    let camera = Camera::open_padded(path, format, size, &strides)?;
    let count = camera.device.request(vireo_tests::v4l2::MMAP, 4)?;
    let buffers = (0..count)
        .map(|index| camera.map(index))
        .collect::<io::Result<Vec<_>>>()?;
    let mut left = frames(options);

    for (index, memory) in (0..).zip(&buffers) {
        camera.queue(index, memory)?;
    }
    camera.device.stream_on()?;
    check(options, reader, |frame| {
        if left.next().is_none() {
            return Ok(false);
        }

        let next = camera.dequeue(&buffers).map_err(io::Error::other)?;

        if !next.failed {
            *frame = next.data;
        }
        camera.queue(next.index, &buffers[next.index as usize])?;
        Ok(true)
    })
}

fn frames(options: &Options) -> impl Iterator<Item = u64> {
    match options.frames.unwrap_or(60) {
        0 => 0..u64::MAX,
        count => 0..count,
    }
}

/// The bytes from one line to the next that are asked for: as they are now, unless the lines are
/// others.
fn strides(options: &Options, now: &[u32]) -> Vec<u32> {
    match &options.bytesperline {
        Some(asked) => asked.clone(),
        None if (options.format, options.size) == (None, None) => now.to_vec(),
        None => Vec::new(),
    }
}

/// A reader of frames of this size, with fields unless others are asked for.
fn reader_of(
    options: &Options,
    fields: Fields,
    format: u32,
    size: (u32, u32),
    bytesperline: &[u32],
) -> io::Result<Reader> {
    let fields = options.fields.unwrap_or(fields);

    Reader::of_fields(fields, format, size, bytesperline)
        .ok_or_else(|| io::Error::other("vireo has no such format or size"))
}

/// Checks all frames that `next` puts into an empty vector, and returns whether all is well.
fn check(
    options: &Options,
    mut reader: Reader,
    mut next: impl FnMut(&mut Vec<u8>) -> io::Result<bool>,
) -> io::Result<bool> {
    let mut png = options.png.as_deref();
    let mut frame = Vec::with_capacity(reader.sizeimage() as usize);

    loop {
        frame.clear();
        if !next(&mut frame)? {
            break;
        }

        let index = reader.counts().frames;
        let verdict = reader.check(&frame);

        if let (Some(stamp), true) = (verdict.stamp, verdict.is_ok()) {
            if let Some(path) = png.take() {
                let (layout, woven) = reader.fields().weave(reader.layout(), &frame);
                let rgb = picture(&layout, &stamp.look.colorimetry, &woven);

                write_png(path, layout.width, layout.height, &rgb)?;
            }
        }
        if !options.quiet && verdict.lost > 0 {
            eprintln!("before frame {index}: {} lost", verdict.lost);
        }
        if let Some(fault) = &verdict.fault {
            if !options.quiet && reader.counts().wrong() <= TOLD {
                eprintln!("frame {index}: {fault}");
            }
        }
    }

    let counts = reader.counts();
    let min = options.min.unwrap_or(1);
    let good = counts.wrong() == 0 && counts.ok >= min && !(options.strict && counts.lost > 0);

    if counts.ok < min {
        eprintln!("vireo-check: {} good frames, not {min}", counts.ok);
    }
    if options.json {
        println!("{}", json(counts, good));
    } else {
        println!("{counts}");
    }
    Ok(good)
}

/// All that the last line says, and what it comes to.
fn json(counts: &Counts, good: bool) -> String {
    format!(
        "{{\"good\":{good},\"frames\":{},\"ok\":{},\"torn\":{},\"corrupt\":{},\
         \"repeated\":{},\"lost\":{},\"misplaced\":{},\"fps\":{:.2}}}",
        counts.frames,
        counts.ok,
        counts.torn,
        counts.corrupt,
        counts.repeated,
        counts.lost,
        counts.misplaced,
        counts.rate()
    )
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
