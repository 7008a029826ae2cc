// SPDX-License-Identifier: GPL-2.0

//! Counts what the ioctls of a stream cost, for vivid and for vireo, and judges.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use lexopt::prelude::*;
use vireo_tests::cost;
use vireo_tests::cost::Arrivals;
use vireo_tests::cost::Copier;
use vireo_tests::cost::Costs;
use vireo_tests::cost::Source;
use vireo_tests::sys;
use vireo_tests::uapi;
use vireo_tests::v4l2;
use vireo_tests::v4l2::Device;

const USAGE: &str = "\
usage: vireo-bench [--calls N]    count what VIDIOC_QBUF and VIDIOC_DQBUF cost
       vireo-bench frames DRIVER [lean]
                                  count what a frame costs the thread of vivid
                                  or vireo that makes it; lean: without text or
                                  stamps
       vireo-bench thread NAME    count what a kernel thread costs that wakes up 25
                                  times a second
       vireo-bench cameras N      the same with N cameras of vireo at once
       vireo-bench completion DRIVER
                                  stream from both nodes of a module that counts by
                                  itself what completing a buffer costs
       vireo-bench rate DRIVER WIDTHxHEIGHT RATE SECONDS
                                  count the frames that do not come, and say how
                                  late they come, in microseconds
       vireo-bench sleeper RATE SECONDS
                                  the same of a thread that only sleeps
       vireo-bench watched DRIVER WIDTHxHEIGHT RATE FRAMES FILE
                                  stream, or do nothing (idle), or only wake up and
                                  write each frame (copy); somebody outside takes the
                                  FILE away that is left when it begins and ends

Wants vivid with a capture and an output device, and two devices of vireo, and
a guest whose time-stamp counter counts instructions (make bench-memory).

  --calls N     calls to take the median of (default 200)";

/// Streams that are measured: a name, where the buffers come from, and how many there are.
const STREAMS: [(&str, Source, usize); 9] = [
    ("MMAP", Source::Mmap, 4),
    ("dma-buf, same descriptor", Source::Udmabuf, 4),
    ("udmabuf, 8 over 4 indices", Source::Udmabuf, 8),
    ("dma-heap, 8 over 4 indices", Source::Heap, 8),
    ("own exports, 8 over 4 indices", Source::Sibling, 8),
    ("USERPTR, same address", Source::User, 4),
    ("USERPTR, 8 over 4 indices", Source::User, 8),
    ("udmabuf, 32 over 4 indices", Source::Udmabuf, 32),
    ("USERPTR, huge pages, 8 over 4", Source::HugeUser, 8),
];
const SAME: usize = 1;

/// The most that an operation may cost.
#[derive(Clone, Copy)]
enum Limit {
    None,
    /// So many percent of what it costs vivid.
    OfVivid(u64),
    /// So many percent of what it costs vireo to queue the same descriptor again.
    OfSame(u64),
}

type Pick = fn(&Costs) -> u64;
const QUEUE: Pick = |costs| costs.queue;
const DEQUEUE: Pick = |costs| costs.dequeue;
const FIRST: Pick = |costs| costs.first;

const ROWS: [(&str, Pick, usize, Limit); 20] = [
    ("QBUF", QUEUE, 0, Limit::OfVivid(100)),
    ("QBUF", QUEUE, 1, Limit::OfVivid(100)),
    ("QBUF", QUEUE, 2, Limit::OfSame(130)),
    ("QBUF", QUEUE, 3, Limit::OfSame(130)),
    ("QBUF", QUEUE, 4, Limit::OfSame(130)),
    ("QBUF", QUEUE, 7, Limit::None),
    ("QBUF", QUEUE, 5, Limit::None),
    ("QBUF", QUEUE, 6, Limit::OfVivid(50)),
    ("QBUF", QUEUE, 8, Limit::None),
    ("DQBUF", DEQUEUE, 0, Limit::OfVivid(100)),
    ("DQBUF", DEQUEUE, 1, Limit::OfVivid(100)),
    ("DQBUF", DEQUEUE, 2, Limit::OfVivid(100)),
    ("DQBUF", DEQUEUE, 3, Limit::OfVivid(100)),
    ("DQBUF", DEQUEUE, 6, Limit::OfVivid(100)),
    ("first QBUF", FIRST, 0, Limit::None),
    ("first QBUF", FIRST, 2, Limit::None),
    ("first QBUF", FIRST, 3, Limit::None),
    ("first QBUF", FIRST, 4, Limit::None),
    ("first QBUF", FIRST, 6, Limit::None),
    ("first QBUF", FIRST, 7, Limit::None),
];

type Result<T = ()> = std::result::Result<T, String>;

fn fail<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> String + '_ {
    move |error| format!("{what}: {error}")
}

/// Opens a node in the format that is measured.
fn open(driver: &str, instance: usize, kind: u32) -> Result<Device> {
    let caps = match kind {
        v4l2::OUTPUT => uapi::V4L2_CAP_VIDEO_OUTPUT,
        _ => uapi::V4L2_CAP_VIDEO_CAPTURE,
    };
    let node = v4l2::find(driver, instance, caps).map_err(fail(driver))?;
    let device = Device::open(&node.path)
        .map_err(fail("open"))?
        .with_kind(kind);
    let pix = device
        .set_format(uapi::V4L2_PIX_FMT_YUYV, 640, 480)
        .map_err(fail("S_FMT"))?;
    if (pix.width, pix.height, pix.pixelformat) != (640, 480, uapi::V4L2_PIX_FMT_YUYV) {
        return Err(format!("{driver} has no YUYV 640x480"));
    }
    if kind == v4l2::CAPTURE {
        device.set_interval(1, 30).map_err(fail("S_PARM"))?;
    }
    Ok(device)
}

fn measure(driver: &str, calls: usize) -> Result<Vec<Costs>> {
    let device = open(driver, 0, v4l2::CAPTURE)?;
    let sibling = match driver {
        "vivid" => open(driver, 0, v4l2::OUTPUT)?,
        _ => open(driver, 1, v4l2::CAPTURE)?,
    };
    STREAMS
        .iter()
        .map(|&(name, source, count)| {
            cost::stream(&device, &sibling, source, count, calls)
                .map_err(|error| format!("{driver}: {name}: {error}"))
        })
        .collect()
}

/// A number with its thousands marked.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What is judged, as the name of a test.
fn slug(text: &str) -> String {
    let words: Vec<_> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join("-").to_lowercase()
}

fn run(calls: usize) -> Result<bool> {
    let vivid = measure("vivid", calls)?;
    let vireo = measure("vireo", calls)?;
    let same = vireo[SAME].queue;

    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").map_err(fail("osrelease"))?;
    println!("Linux {}, 640x480 YUYV, 30 frames a second", kernel.trim());
    println!("instructions per call, the median of {calls} calls");
    println!();
    println!(
        "{:<42}{:>10}{:>10}{:>10}",
        "operation", "vivid", "vireo", "at most"
    );
    let mut verdicts = Vec::new();
    for (call, pick, stream, limit) in ROWS {
        let name = format!("{call}, {}", STREAMS[stream].0);
        let (theirs, ours) = (pick(&vivid[stream]), pick(&vireo[stream]));
        let most = match limit {
            Limit::None => None,
            Limit::OfVivid(percent) => Some(theirs * percent / 100),
            Limit::OfSame(percent) => Some(same * percent / 100),
        };
        let (shown, verdict) = match most {
            None => (String::new(), ""),
            Some(most) if ours <= most => (grouped(most), "  ok"),
            Some(most) => (grouped(most), "  TOO MUCH"),
        };
        println!(
            "{name:<42}{:>10}{:>10}{shown:>10}{verdict}",
            grouped(theirs),
            grouped(ours)
        );
        if let Some(most) = most {
            verdicts.push((slug(&name), ours, most));
        }
    }
    let idle: Vec<_> = (0..calls).map(|_| sys::idle_counts()).collect();
    let median = |pick: fn(&(u64, u64)) -> u64| cost::median(idle.iter().map(pick).collect());
    println!();
    println!(
        "contained in each: a system call that does nothing, {}; the counting, {}",
        median(|counts| counts.0).unwrap_or(0),
        median(|counts| counts.1).unwrap_or(0),
    );
    println!();
    let mut good = true;
    for (name, ours, most) in verdicts {
        if ours <= most {
            println!("ok bench-memory/{name}");
        } else {
            good = false;
            println!("not ok bench-memory/{name} - {ours}, and {most} at most");
        }
    }
    Ok(good)
}

/// Counts what frames cost who makes them.
fn frames(driver: &str, is_lean: bool) -> Result {
    let thread = match driver {
        "vivid" => "vivid-000-vid-cap",
        other => other,
    };
    let node = v4l2::find(driver, 0, uapi::V4L2_CAP_VIDEO_CAPTURE).map_err(fail(driver))?;
    let device = Device::open(&node.path).map_err(fail("open"))?;
    if is_lean {
        let (name, off) = match driver {
            "vivid" => ("OSD Text Mode", 2),
            _ => ("Stamp", 0),
        };
        let control = device.find_control(name).map_err(fail(name))?;
        device.set_control(control, off).map_err(fail("S_CTRL"))?;
    }
    for (width, height) in [(640, 480), (1920, 1080)] {
        let pix = device
            .set_format(uapi::V4L2_PIX_FMT_YUYV, width, height)
            .map_err(fail("S_FMT"))?;
        // A webcam has sizes of its own.
        if (pix.width, pix.height) != (width, height) {
            return Err(format!("{driver} has no {width}x{height}"));
        }
        device.set_interval(1, 25).map_err(fail("S_PARM"))?;
        let devices = std::slice::from_ref(&device);
        let cost = cost::workers(devices, thread, 40).map_err(fail("stream"))?;
        let lean = if is_lean { "-lean" } else { "" };
        println!("frame {driver}{lean} {width}x{height} {cost}");
    }
    Ok(())
}

/// Counts what waking up costs a kernel thread.
fn wakeups(name: &str) -> Result {
    const COUNT: u32 = 100;

    let workers = cost::Workers::find(name).map_err(fail(name))?;
    let start = workers.runtime().map_err(fail("schedstat"))?;
    thread::sleep(Duration::from_millis(40) * COUNT);
    let runtime = workers.runtime().map_err(fail("schedstat"))? - start;
    println!("wakeup {}", runtime / u64::from(COUNT));
    Ok(())
}

/// Counts what a frame costs when so many cameras stream at once: five frames a second from each,
/// which one processor can make.
fn cameras(count: usize) -> Result {
    let devices = (0..count)
        .map(|n| {
            let device = open("vireo", n, v4l2::CAPTURE)?;
            device.set_interval(1, 5).map_err(fail("S_PARM"))?;
            Ok(device)
        })
        .collect::<Result<Vec<_>>>()?;
    let cost = cost::workers(&devices, "vireo", 10).map_err(fail("stream"))?;
    println!("cameras {count} {cost}");
    Ok(())
}

/// Gives buffers to both nodes of a driver that completes those that it has every ten milliseconds,
/// and does not wait for them meanwhile.
fn completion(driver: &str) -> Result {
    const BURST: u32 = 16;

    for instance in 0..2 {
        let node =
            v4l2::find(driver, instance, uapi::V4L2_CAP_VIDEO_CAPTURE).map_err(fail(driver))?;
        let device = Device::open(&node.path).map_err(fail("open"))?;
        let count = device
            .request(v4l2::MMAP, BURST)
            .map_err(fail("VIDIOC_REQBUFS"))?;
        if count != BURST {
            return Err(format!("{driver} has {count} buffers"));
        }
        device.stream_on().map_err(fail("VIDIOC_STREAMON"))?;
        for _ in 0..8 {
            for index in 0..BURST {
                device.queue_mmap(index).map_err(fail("VIDIOC_QBUF"))?;
            }
            thread::sleep(Duration::from_millis(25));
            for _ in 0..BURST {
                device
                    .dequeue_now(v4l2::MMAP)
                    .map_err(fail("VIDIOC_DQBUF"))?;
            }
        }
        device.stream_off().map_err(fail("VIDIOC_STREAMOFF"))?;
    }
    Ok(())
}

/// Reads a width and a height.
fn parse_size(size: &str) -> Result<(u32, u32)> {
    let (width, height) = size.split_once('x').ok_or("no size")?;
    let width = width.parse().map_err(fail("width"))?;
    let height = height.parse().map_err(fail("height"))?;
    Ok((width, height))
}

/// Opens a camera with this size and rate.
fn camera(driver: &str, size: &str, rate: u32) -> Result<Device> {
    let node = v4l2::find(driver, 0, uapi::V4L2_CAP_VIDEO_CAPTURE).map_err(fail(driver))?;
    let device = Device::open(&node.path).map_err(fail("open"))?;
    let (width, height) = parse_size(size)?;
    let pix = device
        .set_format(uapi::V4L2_PIX_FMT_YUYV, width, height)
        .map_err(fail("S_FMT"))?;
    if (pix.width, pix.height) != (width, height) {
        return Err(format!("{driver} has no {size}"));
    }
    let (num, den) = device.set_interval(1, rate).map_err(fail("S_PARM"))?;
    if den != num * rate {
        return Err(format!("{driver} makes it {den}/{num} frames a second"));
    }
    Ok(device)
}

/// Streams as fast as asked for, and says how many frames did not come, and how late they were.
fn rate(driver: &str, size: &str, rate: u32, seconds: u32) -> Result {
    let device = camera(driver, size, rate)?;
    let mut arrivals = Arrivals::start(&device, 8).map_err(fail("start"))?;
    let count = rate * seconds;
    arrivals.wait(count, (1, rate)).map_err(fail("stream"))?;
    println!(
        "rate {driver} {size} {rate} frames {count} lost {} p50 {:.0} p99 {:.0}",
        arrivals.lost,
        arrivals.latency(50),
        arrivals.latency(99)
    );
    Ok(())
}

/// Leaves a file for somebody outside, who looks at the clock and takes it away.
fn tell(file: &str, words: &str) -> Result {
    sys::tell(Path::new(file), words, v4l2::PATIENCE).map_err(fail(words.trim_end()))
}

/// How many buffers a stream has that is watched.
const WATCHED: u32 = 4;

/// Streams for somebody outside who looks at the clock when told to; or does what a `driver` stands
/// for that is none: nothing (idle), or what every camera must (copy).
fn watched(driver: &str, size: &str, rate: u32, count: u32, file: &str) -> Result {
    let interval = Duration::from_secs(1) / rate;
    let watch = |work: &mut dyn FnMut(u32) -> Result| {
        work(2 * WATCHED)?;
        tell(file, &format!("{driver} begin\n"))?;
        work(count)?;
        tell(file, &format!("{driver} end\n"))
    };
    match driver {
        "idle" => watch(&mut |count| {
            thread::sleep(interval * count);
            Ok(())
        }),
        "copy" => {
            let (width, height) = parse_size(size)?;
            let mut copier = Copier::new(2 * width as usize, height as usize, WATCHED as usize);
            watch(&mut |count| {
                copier.run(interval, count);
                Ok(())
            })
        }
        _ => {
            let device = camera(driver, size, rate)?;
            let mut arrivals = Arrivals::start(&device, WATCHED).map_err(fail("start"))?;
            watch(&mut |count| arrivals.skip(count).map_err(fail("stream")))
        }
    }
}

fn parse(mut args: lexopt::Parser) -> std::result::Result<Option<usize>, lexopt::Error> {
    let mut calls = 200;
    while let Some(arg) = args.next()? {
        match arg {
            Long("calls") => calls = args.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(calls))
}

fn main() -> ExitCode {
    let args = std::env::args().collect::<Vec<_>>();
    let words = args.iter().map(String::as_str).collect::<Vec<_>>();
    let outcome = match words[1..] {
        ["frames", driver] => Some(frames(driver, false)),
        ["frames", driver, "lean"] => Some(frames(driver, true)),
        ["rate", driver, size, fps, seconds] => match (fps.parse(), seconds.parse()) {
            (Ok(fps), Ok(seconds)) => Some(rate(driver, size, fps, seconds)),
            _ => None,
        },
        ["sleeper", fps, seconds] => match (fps.parse::<u32>(), seconds.parse::<u32>()) {
            (Ok(fps), Ok(seconds)) => {
                let interval = Duration::from_secs(1) / fps;
                println!(
                    "sleeper {fps} p99 {:.0}",
                    cost::sleeper(interval, fps * seconds, 99)
                );
                Some(Ok(()))
            }
            _ => None,
        },
        ["watched", driver, size, fps, count, file] => match (fps.parse(), count.parse()) {
            (Ok(fps), Ok(count)) => Some(watched(driver, size, fps, count, file)),
            _ => None,
        },
        ["thread", name] => Some(wakeups(name)),
        ["completion", driver] => Some(completion(driver)),
        ["cameras", count] => count.parse().ok().map(cameras),
        _ => None,
    };
    match outcome {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(error)) => {
            println!("not ok bench/frames - {error}");
            return ExitCode::FAILURE;
        }
        None => (),
    }
    let calls = match parse(lexopt::Parser::from_env()) {
        Ok(Some(calls)) => calls,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("vireo-bench: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(calls) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("not ok bench-memory/run - {error}");
            ExitCode::FAILURE
        }
    }
}
