// SPDX-License-Identifier: GPL-2.0

//! What lies over the picture: the stamp, and the time.

use core::{
    mem::replace,
    num::NonZero, //
};

use super::{
    super::{
        clock::{
            self,
            Clock, //
        },
        colour::ONE,
        format::Component,
        pattern::PatternGen,
        stamp::{
            self,
            Copies,
            Stamp, //
        },
    },
    Lines,
    Sink, //
};

impl Lines<'_> {
    /// Returns how many bytes so many pixels of a line take.
    fn bytes_of(&self, pixels: usize) -> usize {
        let component = self.plane.component;
        let groups = pixels / NonZero::<usize>::from(component.width);

        groups * usize::from(component.bytes.get())
    }

    /// Writes the copies of the stamp over the picture; what is in `stage` is lost.
    pub(super) fn compose_stamps<S: Sink>(
        &self,
        stamp: &Stamp,
        stage: &mut [u8],
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let copies = Copies::of(self.layout);
        let width = self.layout.width as usize;
        let period = self.period();
        let mut bytes = stamp.encode(0);
        // What is in the stage, and what has been drawn on it.
        let mut staged = None;
        let mut drawn = [0; stamp::BYTES];
        // The line of a group that this is for.
        let mut glyphs = (usize::MAX, Glyphs::default());

        for copy in 0..copies.count {
            if copy > 0 {
                stamp.make_copy(&mut bytes, copy);
            }
            for below in 0..copies.lines {
                let row = copies.line(copy) + below;
                let first = below * width;
                let index = self.index(row);
                let picture = self.get(index);
                let len = self.bytes_of(stamp::BITS - first).min(picture.len());
                let line = stage.get_mut(..len).unwrap_or(&mut []);
                let is_new = staged != Some((index, below));

                if is_new {
                    line.copy_from_slice(picture.get(..len).unwrap_or(&[]));
                    staged = Some((index, below));
                }
                if glyphs.0 != row % period {
                    let new = Glyphs::new(self.scene, self.plane.component, row);

                    glyphs = (row % period, new);
                }

                // Copies are much alike.
                let bits = stamp::bytes_from(&bytes, first);
                let bytes = drawn.iter_mut().zip(bits).map(|(drawn, byte)| {
                    let is_old = replace(drawn, byte) == byte && !is_new;

                    (!is_old).then_some(byte)
                });

                glyphs.1.draw(line, bytes);
                sink.write(self.plane.line(row).start, line)?;
            }
        }
        Ok(())
    }

    /// Writes the time over the picture; what is in `stage` is lost.
    pub(super) fn compose_clock<S: Sink>(
        &self,
        timestamp: u64,
        stage: &mut [u8],
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let Some(clock) = Clock::new(self.layout, timestamp) else {
            return Ok(());
        };
        let plane = &self.plane;
        let period = self.period();
        let skip = self.bytes_of(clock.left);
        let len = self.bytes_of(clock.width());

        for dots in 0..clock::HEIGHT {
            let rows = clock.rows(dots);

            // All lines through the same dots are alike, but for what a mosaic makes of them.
            for row in rows.clone().take(period.get()) {
                let picture = self.get(self.index(row));
                let picture = picture.get(skip..skip + len).unwrap_or(&[]);
                let line = stage.get_mut(..picture.len()).unwrap_or(&mut []);
                let glyphs = Glyphs::new(self.scene, plane.component, row);

                line.copy_from_slice(picture);
                glyphs.draw(
                    line,
                    (0..).map(|n| {
                        let is_lit = |bit: usize| u8::from(clock.is_lit(8 * n + bit, dots));

                        Some((0..8).fold(0, |byte, bit| (byte << 1) | is_lit(bit)))
                    }),
                );
                sink.write_lines(
                    plane.line(row).start + skip,
                    plane.stride * period.get(),
                    (rows.end - row).div_ceil(period.get()),
                    line,
                )?;
            }
        }
        Ok(())
    }
}

/// What the groups of a line become whose pixels are black and white.
#[derive(Default)]
struct Glyphs {
    /// The size of a group in bytes.
    bytes: u8,
    /// The pixels that a group covers.
    width: u8,
    /// The bits of a group that are not a matter of brightness.
    keep: u64,
    /// The others for each row of pixels, of which the first is the most significant bit.
    groups: [u64; 16],
}

impl Glyphs {
    fn new(scene: &PatternGen<'_>, component: &Component, row: usize) -> Self {
        let (bytes, width) = (component.bytes.get(), component.width.get());
        let mut keep = !0;
        let mut groups = [0; 16];

        for sample in component.samples(row) {
            if !sample.channel.tells_brightness() {
                continue;
            }

            let place = |code| {
                let mut group = [0; 8];

                sample.put(&mut group, code);
                u64::from_le_bytes(group)
            };
            let [black, white] =
                [0, ONE].map(|v| place(scene.colour().code(sample.channel, v, sample.bits)));

            keep &= !place(u16::MAX);
            for (pixels, group) in groups.iter_mut().enumerate().take(1 << width) {
                let is_white = ((pixels << sample.pixel) >> (width - 1)) & 1 != 0;

                *group |= if is_white { white } else { black };
            }
        }

        Self {
            bytes,
            width,
            keep,
            groups,
        }
    }

    /// Makes the pixels of a line white or black, as the bits of `bytes` are 1 or 0: eight for each
    /// byte, or none where there is no byte.
    fn draw(&self, line: &mut [u8], bytes: impl Iterator<Item = Option<u8>>) {
        match self.bytes {
            1 => self.draw_groups::<1>(line, bytes),
            2 => self.draw_groups::<2>(line, bytes),
            3 => self.draw_groups::<3>(line, bytes),
            4 => self.draw_groups::<4>(line, bytes),
            // There are no larger ones.
            _ => self.draw_groups::<5>(line, bytes),
        }
    }

    fn draw_groups<const BYTES: usize>(
        &self,
        line: &mut [u8],
        bytes: impl Iterator<Item = Option<u8>>,
    ) {
        let groups = 8 / NonZero::<usize>::new(self.width.into()).unwrap_or(NonZero::<usize>::MIN);

        for (pixels, byte) in line.chunks_mut((groups * BYTES).max(1)).zip(bytes) {
            let Some(byte) = byte else {
                continue;
            };
            let mut bits = u32::from(byte) << self.width;

            for group in pixels.chunks_exact_mut(BYTES) {
                let glyph = self.groups.get((bits >> 8) as usize & 15).unwrap_or(&0);
                let mut number = [0; 8];

                number
                    .iter_mut()
                    .zip(&*group)
                    .for_each(|(to, from)| *to = *from);
                number = ((u64::from_le_bytes(number) & self.keep) | glyph).to_le_bytes();
                group
                    .iter_mut()
                    .zip(number)
                    .for_each(|(to, from)| *to = from);
                bits = (bits & 0xff) << self.width;
            }
        }
    }
}
