// SPDX-License-Identifier: GPL-2.0

//! What the pixels of a frame say: the bits of its stamp, and their colours.

use super::colorimetry::{Colorimetry, Quantization};
use super::colour::Colour;
use super::format::{Channel, Sample};
use super::layout::{Layout, Plane};
use super::stamp::{self, Copies};

/// Returns the group of a plane that shows pixel `x` of line `y`, and its samples.
pub(super) fn group<'a>(
    plane: &Plane,
    frame: &'a [u8],
    x: usize,
    y: usize,
) -> (&'a [u8], &'static [Sample], usize) {
    let component = plane.component;
    let width = usize::from(component.width.get());
    let bytes = usize::from(component.bytes.get());
    let line = y / usize::from(component.height.get());
    let start = plane.line(line).start + x / width * bytes;

    (
        &frame[start..start + bytes],
        component.samples(line),
        x % width,
    )
}

/// Takes the bytes of copy `copy` of the stamp out of a frame.
pub(super) fn lift(layout: &Layout, frame: &[u8], copy: u8) -> [u8; stamp::BYTES] {
    let first = Copies::of(layout).line(copy);
    let width = layout.width as usize;
    let mut bytes = [0; stamp::BYTES];

    for plane in layout
        .planes()
        .filter(|plane| plane.component.bears_stamp())
        .take(1)
    {
        for bit in 0..stamp::BITS {
            let (group, samples, pixel) = group(&plane, frame, bit % width, first + bit / width);
            let white = samples
                .iter()
                .find(|sample| {
                    sample.channel.tells_brightness() && usize::from(sample.pixel) == pixel
                })
                .is_some_and(|sample| sample.get(group) >> (sample.bits - 1) != 0);

            bytes[bit / 8] |= u8::from(white) << (7 - bit % 8);
        }
    }
    bytes
}

/// Returns a frame as a picture: red, green and blue of each pixel.
///
/// Of a mosaic, each pixel has the colours of the four that it is one of. Colour space and transfer
/// function stay what they are.
pub fn picture(layout: &Layout, colorimetry: &Colorimetry, frame: &[u8]) -> Vec<u8> {
    let colour = Colour::of(colorimetry);
    // Screens want the full range.
    let full = Colour::get(colorimetry.ycbcr_enc, Quantization::FullRange);
    let is_mosaic = layout.format.components[0].lines.len() > 1;
    let mut picture = Vec::with_capacity(3 * layout.width as usize * layout.height as usize);

    for y in 0..layout.height as usize {
        for x in 0..layout.width as usize {
            let (mut ycc, mut rgb) = ([0; 3], [0; 3]);
            let mut take = |x, y| {
                for plane in layout.planes() {
                    let (group, samples, pixel) = group(&plane, frame, x, y);
                    // A sample stands for the pixels up to the next one of its channel, but in
                    // a mosaic.
                    let shows = |sample: &&Sample| {
                        let n = usize::from(sample.pixel);
                        n == pixel || n < pixel && !is_mosaic
                    };

                    for sample in samples.iter().filter(shows) {
                        let value = colour.value(sample.channel, sample.get(group), sample.bits);

                        match sample.channel {
                            Channel::Y => ycc[0] = value,
                            Channel::Cb => ycc[1] = value,
                            Channel::Cr => ycc[2] = value,
                            Channel::R => rgb[0] = value,
                            Channel::G => rgb[1] = value,
                            Channel::B => rgb[2] = value,
                            Channel::A | Channel::X => (),
                        }
                    }
                }
            };

            if is_mosaic {
                for n in 0..4 {
                    take(x / 2 * 2 + n % 2, y / 2 * 2 + n / 2);
                }
            } else {
                take(x, y);
            }
            for value in match layout.format.is_yuv() {
                true => colour.rgb(ycc),
                false => rgb,
            } {
                picture.push(full.code(Channel::R, value, 8).to_le_bytes()[0]);
            }
        }
    }
    picture
}
