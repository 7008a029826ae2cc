// SPDX-License-Identifier: GPL-2.0

//! Streams with every type of memory, and runs the tests.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use vireo_tests::display;
use vireo_tests::display::Display;
use vireo_tests::dmabuf;
use vireo_tests::faults;
use vireo_tests::kcov;
use vireo_tests::reader;
use vireo_tests::relay;
use vireo_tests::stream::Stream;
use vireo_tests::suite;
use vireo_tests::suite::Bench;
use vireo_tests::sys;
use vireo_tests::uapi;
use vireo_tests::v4l2;
use vireo_tests::v4l2::Device;
use vireo_tests::verify::Checker;

const USAGE: &str = "\
usage: vireo-test stream [OPTION...]          capture frames, and check each
       vireo-test output [OPTION...]          show captured frames on an output
       vireo-test display [OPTION...]         capture into buffers of a screen
       vireo-test suite [--driver NAME] [PREFIX...]
                                              run the tests that begin so
       vireo-test faults [--module FILE] [PREFIX...]
                                              have each step of each call fail
       vireo-test kcov COMMAND...             add what of the module it reaches to
                                              the file $VIREO_KCOV
       vireo-test list                        name the tests
       vireo-test devices                     name the video nodes
       vireo-test node DEVICE cap|out         name one that captures, or shows

  --device DEVICE     a node (/dev/video0), or a driver and the number of its
                      device (vireo, vireo.1); default vireo
  --memory TYPE       mmap, userptr or dmabuf (default mmap)
  --from SOURCE       where dma-bufs come from: udmabuf, heap, or a DEVICE that
                      exports its buffers (default udmabuf)
  --to DEVICE         the output that frames are shown on (default vivid), or
                      the card with the screen (default /dev/dri/card0)
  --shown FILE        made when the last frame is on the screen, which stays
                      until the file is gone
  --frames N          how many; 0 for no end (default 60)
  --format FOURCC     YUYV, NV12, RGB3... (default: as it is)
  --size WIDTHxHEIGHT (default: as it is)
  --rate N            frames a second (default: as it is)
  --module FILE       vireo.ko, to load and unload it as well
  --verbose           a line for each frame

Exit status: 0 when all is well, 1 when something is wrong, 2 when the command
line is.";

#[derive(Default)]
struct Options {
    device: Option<String>,
    memory: Option<String>,
    from: Option<String>,
    to: Option<String>,
    shown: Option<String>,
    frames: Option<u32>,
    format: Option<u32>,
    size: Option<(u32, u32)>,
    rate: Option<u32>,
    verbose: bool,
    driver: Option<String>,
    module: Option<String>,
    names: Vec<String>,
}

type Result<T = ()> = std::result::Result<T, String>;

fn fail<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> String + '_ {
    move |error| format!("{what}: {error}")
}

fn size(text: &str) -> std::result::Result<(u32, u32), String> {
    let (w, h) = text.split_once('x').ok_or("not WIDTHxHEIGHT")?;
    let number = |s: &str| s.parse().map_err(|_| "not WIDTHxHEIGHT".to_string());
    Ok((number(w)?, number(h)?))
}

fn parse(mut args: lexopt::Parser) -> std::result::Result<Options, lexopt::Error> {
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("device") => options.device = Some(args.value()?.string()?),
            Long("memory") => options.memory = Some(args.value()?.string()?),
            Long("from") => options.from = Some(args.value()?.string()?),
            Long("to") => options.to = Some(args.value()?.string()?),
            Long("frames") => options.frames = Some(args.value()?.parse()?),
            Long("format") => {
                options.format = Some(
                    args.value()?
                        .parse_with(|name| reader::fourcc(name).ok_or("no fourcc"))?,
                )
            }
            Long("size") => options.size = Some(args.value()?.parse_with(size)?),
            Long("rate") => options.rate = Some(args.value()?.parse()?),
            Long("shown") => options.shown = Some(args.value()?.string()?),
            Long("verbose") => options.verbose = true,
            Long("driver") => options.driver = Some(args.value()?.string()?),
            Long("module") => options.module = Some(args.value()?.string()?),
            Value(name) => options.names.push(name.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(options)
}

/// Finds the node that a name stands for.
fn node(name: &str, caps: u32) -> Result<PathBuf> {
    if name.starts_with('/') {
        return Ok(Path::new(name).to_path_buf());
    }
    let (driver, number) = match name.split_once('.') {
        None => (name, 0),
        Some((driver, number)) => (driver, number.parse().map_err(fail(name))?),
    };
    let node = v4l2::find(driver, number, caps).map_err(fail(name))?;
    Ok(node.path)
}

/// Opens a camera and sets it up as the options say.
fn camera(options: &Options) -> Result<Device> {
    let name = options.device.as_deref().unwrap_or("vireo");
    let path = node(name, uapi::V4L2_CAP_VIDEO_CAPTURE)?;
    let device = Device::open(&path).map_err(fail(name))?;
    if options.format.is_some() || options.size.is_some() {
        let now = device.format().map_err(fail("G_FMT"))?;
        let fourcc = options.format.unwrap_or(now.pixelformat);
        let (w, h) = options.size.unwrap_or((now.width, now.height));
        let got = device.set_format(fourcc, w, h).map_err(fail("S_FMT"))?;
        if (got.pixelformat, got.width, got.height) != (fourcc, w, h) {
            return Err(format!("{name} makes it {}x{}", got.width, got.height));
        }
    }
    if let Some(rate) = options.rate {
        let (num, den) = device.set_interval(1, rate).map_err(fail("S_PARM"))?;
        if den != num * rate {
            return Err(format!("{name} makes it {den}/{num} frames a second"));
        }
    }
    Ok(device)
}

/// Prints what came of it, in the words of `vireo-check`.
fn report(checker: &Checker, start: Instant) {
    match checker.counts() {
        Some(counts) => println!("{counts}"),
        None => println!(
            "frames {} without stamps fps {:.2}",
            checker.frames,
            f64::from(checker.frames) / start.elapsed().as_secs_f64(),
        ),
    }
}

fn stream(options: &Options) -> Result {
    let device = camera(options)?;
    let exporter;
    let source = options.from.as_deref().unwrap_or("udmabuf");
    let stream = match (options.memory.as_deref().unwrap_or("mmap"), source) {
        ("mmap", _) => Stream::mmap(&device),
        ("userptr", _) => Stream::userptr(&device),
        ("dmabuf", "udmabuf") => Stream::dmabuf(&device, dmabuf::udmabuf),
        ("dmabuf", "heap") => Stream::dmabuf(&device, |size| dmabuf::heap(size, libc::O_RDWR)),
        ("dmabuf", name) => {
            let path = node(name, uapi::V4L2_CAP_VIDEO_CAPTURE)?;
            exporter = Device::open(&path).map_err(fail(name))?;
            Stream::import(&device, &exporter)
        }
        (memory, _) => return Err(format!("{memory}: no such type of memory")),
    };
    let stream = stream.map_err(fail("start"))?;
    let mut checker = Checker::new(&device).map_err(fail("format"))?;
    let count = options.frames.unwrap_or(60);
    let start = Instant::now();
    let mut errors = 0;
    while count == 0 || checker.frames < count {
        let (frame, data) = stream.next().map_err(fail("DQBUF"))?;
        let checked = checker.check(&frame, &data);
        if options.verbose {
            println!("frame {} in buffer {}", frame.sequence, frame.index);
        }
        if let Err(error) = checked {
            eprintln!("{error}");
            errors += 1;
        }
        stream.queue(frame.index).map_err(fail("QBUF"))?;
    }
    report(&checker, start);
    if errors > 0 {
        return Err(format!("{errors} frames are wrong"));
    }
    Ok(())
}

fn output(options: &Options) -> Result {
    let device = camera(options)?;
    let name = options.to.as_deref().unwrap_or("vivid");
    let path = node(name, uapi::V4L2_CAP_VIDEO_OUTPUT)?;
    let sink = Device::open(&path)
        .map_err(fail(name))?
        .with_kind(v4l2::OUTPUT);
    let pix = device.format().map_err(fail("G_FMT"))?;
    let got = sink
        .set_format(pix.pixelformat, pix.width, pix.height)
        .map_err(fail("S_FMT"))?;
    if (got.pixelformat, got.width, got.height) != (pix.pixelformat, pix.width, pix.height) {
        return Err(format!("{name} makes it {}x{}", got.width, got.height));
    }
    let start = Instant::now();
    let checker = relay::frames(&device, &sink, options.frames.unwrap_or(60))?;
    report(&checker, start);
    Ok(())
}

/// Shows frames on the screen of a card, and keeps the last one there until the file that was
/// made to say so is gone again.
fn display(options: &Options) -> Result {
    let card = options.to.as_deref().unwrap_or("/dev/dri/card0");
    let mut display = Display::open(Path::new(card)).map_err(fail(card))?;
    if let Some(size) = options.size {
        display = display.with_size(size);
    }
    let fourcc = options.format.unwrap_or(u32::from_le_bytes(*b"XR24"));
    let device = camera(options)?;
    let start = Instant::now();
    let frames = options.frames.unwrap_or(60);
    let (checker, sequence) = display::frames(&device, &display, fourcc, frames)?;
    report(&checker, start);
    let (width, height) = display.size();
    println!("shown {width}x{height} frame {sequence}");
    if let Some(shown) = &options.shown {
        let words = format!("{width} {height} {sequence}\n");
        sys::tell(Path::new(shown), &words, v4l2::PATIENCE).map_err(fail(shown))?;
    }
    Ok(())
}

fn bench(options: &Options) -> Bench {
    Bench {
        driver: options.driver.clone().unwrap_or_else(|| "vireo".into()),
    }
}

/// Runs the tests whose names begin with one of those given, all without any.
fn run_suite(options: &Options) -> Result {
    let wanted = |test: &&suite::Test| {
        options.names.is_empty() || options.names.iter().any(|name| test.name.starts_with(name))
    };
    let tests: Vec<_> = suite::TESTS.iter().filter(wanted).collect();
    if tests.is_empty() {
        return Err("no such test".into());
    }
    match suite::all(&bench(options), &tests) {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} tests failed", tests.len())),
    }
}

/// Injects faults into the calls whose names begin with one of those given, all without any.
fn run_faults(options: &Options) -> Result {
    match faults::all(&bench(options), &options.names, options.module.as_deref())? {
        0 => Ok(()),
        failed => Err(format!("{failed} calls failed")),
    }
}

/// Names the node of a device that captures, or shows.
fn name_node(options: &Options) -> Result {
    let caps = match &options.names[..] {
        [_, what] if what == "cap" => uapi::V4L2_CAP_VIDEO_CAPTURE,
        [_, what] if what == "out" => uapi::V4L2_CAP_VIDEO_OUTPUT,
        _ => return Err("which node?".into()),
    };
    println!("{}", node(&options.names[0], caps)?.display());
    Ok(())
}

/// Runs one test in this process.
fn one(options: &Options) -> Result {
    let test = options
        .names
        .first()
        .and_then(|name| suite::TESTS.iter().find(|test| test.name == name))
        .ok_or("no such test")?;
    (test.run)(&bench(options))
}

/// With `VIREO_KCOV`, notes what of the module is reached.
fn traced(call: impl FnOnce() -> Result) -> Result {
    let Ok(path) = std::env::var(kcov::VARIABLE) else {
        return call();
    };
    let trace = kcov::Trace::of_this_thread().map_err(fail("kcov"))?;
    let result = call();
    trace.save(&path).map_err(fail(&path))?;
    result
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("kcov") {
        // What follows is the other command's.
        let words: Vec<_> = std::env::args().skip(2).collect();
        return match kcov::run(&words) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("vireo-test: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let mut args = lexopt::Parser::from_env();
    let command = match args.next() {
        Ok(Some(Value(command))) => command.to_string_lossy().into_owned(),
        Ok(Some(Short('h') | Long("help"))) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let options = match parse(args) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("vireo-test: {error}");
            return ExitCode::from(2);
        }
    };
    let result = match command.as_str() {
        "stream" => stream(&options),
        "output" => output(&options),
        "display" => display(&options),
        "suite" => run_suite(&options),
        "faults" => traced(|| run_faults(&options)),
        "one" => traced(|| one(&options)).inspect_err(|error| println!("{error}")),
        "node" => name_node(&options),
        "list" => {
            suite::TESTS
                .iter()
                .for_each(|test| println!("{}", test.name));
            Ok(())
        }
        "devices" => v4l2::nodes().map_err(fail("/dev")).map(|nodes| {
            for node in nodes {
                let what = match node.caps {
                    caps if caps & uapi::V4L2_CAP_VIDEO_CAPTURE != 0 => "cap",
                    caps if caps & uapi::V4L2_CAP_VIDEO_OUTPUT != 0 => "out",
                    _ => "other",
                };
                println!(
                    "{} {} {} {what}",
                    node.path.display(),
                    node.driver,
                    node.bus
                );
            }
        }),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if command == "one" => {
            drop(error);
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("vireo-test: {error}");
            ExitCode::FAILURE
        }
    }
}
