// SPDX-License-Identifier: GPL-2.0

//! Tests of devices that write memory by themselves.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use vireo_tests::dma;
use vireo_tests::peer::Peer;
use vireo_tests::v4l2::Device;
use vireo_tests::vfio::Function;

const USAGE: &str = "\
usage: vireo-dma [OPTION...] stream|revoke|refused DEVICE FUNCTION
       vireo-dma [OPTION...] sync|rotate|swap|fence|idle DEVICE
       vireo-dma userptr DEVICE FILE

The first kind captures with DEVICE (/dev/video0) into a BAR of FUNCTION
(0000:02:00.0), which vfio-pci, loaded before, exports as dma-bufs.

  stream           each frame is looked at in the BAR
  revoke           the memory is revoked while it is written, again and again
  refused          QBUF says EINVAL, and nothing is written
  sync             frames are there once an access of the CPU has begun, and with
                   --bounced not before
  rotate           dma-bufs that rotate over four indices: what QBUF and DQBUF take
  swap             the queue runs empty, and other dma-bufs take their place
  fence            a buffer that vgem still reads is not written before it has

  idle             buffers that are dequeued are left alone
  userptr          FILE maps a device's memory: QBUF says EINVAL

  --bar N          (default 2)
  --frames N       how many, or how many revocations, or rounds (default 30)
  --patience MS    how long a revocation may take (default 200)
  --pool N         how many rotate (default 8)
  --bounced        memory is not coherent
  --unchecked      wrong frames of rotate and swap are counted, and no error

Exit status: 0 when all is well, 1 when something is wrong, 2 when the command
line is.";

/// Indices of a queue whose buffers rotate.
const INDICES: usize = 4;

struct Options {
    bar: u32,
    frames: u32,
    patience: u64,
    pool: usize,
    bounced: bool,
    unchecked: bool,
    words: Vec<String>,
}

fn parse() -> Result<Options, lexopt::Error> {
    let mut options = Options {
        bar: 2,
        frames: 30,
        patience: 200,
        pool: 8,
        bounced: false,
        unchecked: false,
        words: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("bar") => options.bar = parser.value()?.parse()?,
            Long("frames") => options.frames = parser.value()?.parse()?,
            Long("patience") => options.patience = parser.value()?.parse()?,
            Long("pool") => options.pool = parser.value()?.parse()?,
            Long("bounced") => options.bounced = true,
            Long("unchecked") => options.unchecked = true,
            Value(word) => options.words.push(word.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<String, String> {
    let (verb, device) = (options.words[0].as_str(), options.words[1].as_str());
    let device = Device::open(Path::new(device)).map_err(|e| format!("{device}: {e}"))?;

    let Some(address) = options.words.get(2) else {
        return match verb {
            "sync" => dma::sync(&device, options.frames, !options.bounced),
            "rotate" => dma::rotate(
                &device,
                options.frames,
                options.pool,
                INDICES,
                !options.unchecked,
            ),
            "swap" => dma::swap(&device, options.frames, INDICES, !options.unchecked),
            "idle" => dma::idle(&device),
            "fence" => dma::fence(&device),
            _ => Err(USAGE.into()),
        };
    };
    if verb == "userptr" {
        return dma::foreign(&device, Path::new(address));
    }
    let function = Function::open(address).map_err(|e| format!("{address}: {e}"))?;
    let mut peer = Peer::new(&device, &function, options.bar)?;

    match verb {
        "stream" => peer.stream(options.frames),
        "revoke" => peer.revoke(options.frames, Duration::from_millis(options.patience)),
        "refused" => peer.refused(libc::EINVAL),
        _ => Err(USAGE.into()),
    }
}

fn main() -> ExitCode {
    let options = match parse() {
        Ok(options) if (2..=3).contains(&options.words.len()) => options,
        Ok(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
        Err(e) => {
            eprintln!("vireo-dma: {e}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("vireo-dma: {e}");
            ExitCode::FAILURE
        }
    }
}
