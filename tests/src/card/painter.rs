// SPDX-License-Identifier: GPL-2.0

//! Makes fields: pictures of vireo's, each with a stamp of its own.

use super::frame::Geometry;

use crate::reader::colorimetry::Colorimetry;
use crate::reader::colorimetry::Colorspace;
use crate::reader::layout::Layout;
use crate::reader::pattern::phase;
use crate::reader::picture::PictureParams;
use crate::reader::stamp::Frame;
use crate::reader::template;
use crate::reader::template::Template;
use crate::reader::Memory;

use std::time::Duration;

/// The number of the device in a stamp: the channel, and the input.
pub fn device(channel: usize, input: usize) -> u8 {
    (channel | (input << 4)) as u8
}

/// Makes the fields of a channel.
#[derive(Default)]
pub struct Painter {
    template: Option<(Layout, Template<Vec<u8>>)>,
    memory: Vec<u8>,
}

impl Painter {
    /// Makes a field; its bytes.
    pub fn paint(
        &mut self,
        geometry: &Geometry,
        look: PictureParams,
        device: u8,
        sequence: u32,
        time: Duration,
    ) -> &[u8] {
        let layout = Layout::negotiate(geometry.fourcc, geometry.width, geometry.lines);
        let look = PictureParams {
            colorimetry: Colorimetry::default_of(Colorspace::Smpte170m, layout.format.is_yuv()),
            ..look
        };
        let mut template = match self.template.take() {
            Some((old, template)) if old == layout && *template.look() == look => template,
            _ => {
                let bytes = vec![0; template::len(&layout, &look)];
                Template::render(layout, look, bytes).unwrap_or_else(|bytes| {
                    unreachable!("{} bytes are as many as were asked for", bytes.len())
                })
            }
        };
        let frame = Frame {
            device,
            sequence,
            timestamp: time.as_nanos() as u64,
            phase: phase(&layout, &look, sequence),
            flaw: false,
        };
        let mut memory = Memory(std::mem::take(&mut self.memory));
        memory.0.resize(layout.sizeimage as usize, 0);
        let Ok(()) = template.compose(&frame, &mut memory);
        self.memory = memory.0;
        self.template = Some((layout, template));
        &self.memory
    }

    /// The field that was made last.
    pub fn field(&self) -> &[u8] {
        &self.memory
    }
}
