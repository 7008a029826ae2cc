// SPDX-License-Identifier: GPL-2.0

//! What must work at all times, and is tried after every other test.

use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::dmabuf;
use crate::stream::Stream;
use crate::verify;

/// A few frames into each type of memory.
pub fn capture(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    verify::frames(&Stream::mmap(&device).at("MMAP")?, 2)?;
    verify::frames(&Stream::userptr(&device).at("USERPTR")?, 2)?;
    let stream = Stream::dmabuf(&device, dmabuf::udmabuf).at("DMABUF")?;
    verify::frames(&stream, 2)?;
    Ok(())
}
