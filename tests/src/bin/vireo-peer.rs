// SPDX-License-Identifier: GPL-2.0

//! Captures into the memory of another PCI function, which vfio-pci exports.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use vireo_tests::peer::Peer;
use vireo_tests::v4l2::Device;
use vireo_tests::vfio::Function;

const USAGE: &str = "\
usage: vireo-peer [OPTION...] stream|revoke|refused DEVICE FUNCTION

Captures with DEVICE (/dev/video0) into a BAR of FUNCTION (0000:02:00.0), which
vfio-pci, loaded before, exports as dma-bufs.

  stream           each frame is looked at in the BAR
  revoke           the memory is revoked while it is written, again and again
  refused          QBUF says EINVAL, and nothing is written

  --bar N          (default 2)
  --frames N       how many, or how many revocations (default 30)
  --patience MS    how long a revocation may take (default 200)

Exit status: 0 when all is well, 1 when something is wrong, 2 when the command
line is.";

struct Options {
    bar: u32,
    frames: u32,
    patience: u64,
    words: Vec<String>,
}

fn parse() -> Result<Options, lexopt::Error> {
    let mut options = Options {
        bar: 2,
        frames: 30,
        patience: 200,
        words: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("bar") => options.bar = parser.value()?.parse()?,
            Long("frames") => options.frames = parser.value()?.parse()?,
            Long("patience") => options.patience = parser.value()?.parse()?,
            Value(word) => options.words.push(word.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<String, String> {
    let [verb, device, function] = &options.words[..] else {
        return Err(USAGE.into());
    };
    let device = Device::open(Path::new(device)).map_err(|e| format!("{device}: {e}"))?;
    let function = Function::open(function).map_err(|e| format!("{function}: {e}"))?;
    let mut peer = Peer::new(&device, &function, options.bar)?;

    match verb.as_str() {
        "stream" => peer.stream(options.frames),
        "revoke" => peer.revoke(options.frames, Duration::from_millis(options.patience)),
        "refused" => peer.refused(libc::EINVAL),
        _ => Err(USAGE.into()),
    }
}

fn main() -> ExitCode {
    let options = match parse() {
        Ok(options) if options.words.len() == 3 => options,
        Ok(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
        Err(e) => {
            eprintln!("vireo-peer: {e}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("vireo-peer: {e}");
            ExitCode::FAILURE
        }
    }
}
