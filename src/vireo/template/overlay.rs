// SPDX-License-Identifier: GPL-2.0

//! What lies over the picture: the stamp, and the time.

use core::{
    num::NonZero,
    ops::DerefMut, //
};

use super::{
    super::{
        clock::{
            self,
            Clock, //
        },
        colour::ONE,
        layout::Plane,
        pattern::PatternGen,
        stamp::{
            self,
            Copies,
            Frame,
            Stamp, //
        },
    },
    Sink,
    Template, //
};

impl<B: DerefMut<Target = [u8]>> Template<B> {
    /// Writes the copies of the stamp over a plane.
    pub(super) fn compose_stamps<S: Sink>(
        &self,
        scene: &PatternGen<'_>,
        frame: &Frame,
        plane: &Plane,
        base: usize,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let copies = Copies::of(&self.layout);
        let content = Stamp {
            frame: *frame,
            look: self.look,
        };

        for copy in 0..copies.count {
            let bits = content.encode(copy);

            for below in 0..copies.lines {
                let row = copies.line(copy) + below;
                let offset = plane.line(row).start;
                let line = self.line(scene, plane, base, row, frame.phase);
                let first = below * self.layout.width as usize;
                let mut buf = [0; 192];

                // Whole groups, as many as the buffer takes.
                let groups = buf.len() / NonZero::<usize>::from(plane.component.bytes);
                let step = groups * usize::from(plane.component.bytes.get());
                let pixels = groups * usize::from(plane.component.width.get());

                for (n, picture) in line.chunks(step.max(1)).enumerate() {
                    let first = first + n * pixels;

                    if stamp::bit(&bits, first).is_none() {
                        break;
                    }

                    let part = buf.get_mut(..picture.len()).unwrap_or(&mut []);

                    part.copy_from_slice(picture);
                    put_bits(scene, plane, row, part, |n| stamp::bit(&bits, first + n));
                    sink.write(offset + n * step, part)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the time over a plane.
    pub(super) fn compose_clock<S: Sink>(
        &self,
        scene: &PatternGen<'_>,
        frame: &Frame,
        plane: &Plane,
        base: usize,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let Some(clock) = Clock::new(&self.layout, frame.timestamp) else {
            return Ok(());
        };
        let groups = |pixels| pixels / NonZero::<usize>::from(plane.component.width);
        let bytes = usize::from(plane.component.bytes.get());
        let skip = groups(clock.left) * bytes;
        let period = plane.component.lines.len();

        for dots in 0..clock::HEIGHT {
            let rows = clock.rows(dots);

            // All lines through the same dots are alike, but for what a mosaic makes of them.
            for row in rows.clone().take(period) {
                let line = self.line(scene, plane, base, row, frame.phase);
                let line = line.get(skip..).unwrap_or(&[]);
                let line = line.get(..groups(clock.width()) * bytes).unwrap_or(line);
                let mut buf = [0; 192];
                let per_buf = buf.len() / NonZero::<usize>::from(plane.component.bytes);

                for (n, picture) in line.chunks((per_buf * bytes).max(1)).enumerate() {
                    let first = n * per_buf * usize::from(plane.component.width.get());
                    let part = buf.get_mut(..picture.len()).unwrap_or(&mut []);

                    part.copy_from_slice(picture);
                    put_bits(scene, plane, row, part, |n| {
                        Some(clock.is_lit(first + n, dots))
                    });
                    for row in (row..rows.end).step_by(period.max(1)) {
                        let offset = plane.line(row).start + skip;

                        sink.write(offset + n * per_buf * bytes, part)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Makes pixels in groups of line `row` white or black, as `bit` says, until it says nothing.
fn put_bits(
    scene: &PatternGen<'_>,
    plane: &Plane,
    row: usize,
    part: &mut [u8],
    bit: impl Fn(usize) -> Option<bool>,
) {
    let component = plane.component;

    for sample in component.samples(row) {
        if !sample.channel.tells_brightness() {
            continue;
        }

        let [black, white] = [0, ONE].map(|v| scene.colour().code(sample.channel, v, sample.bits));
        let groups = part.chunks_exact_mut(component.bytes.get().into());
        let width = component.width.get();

        let whole = sample.byte();

        for (x, group) in (0usize..).step_by(width.into()).zip(groups) {
            let code = match bit(x + usize::from(sample.pixel)) {
                Some(true) => white,
                Some(false) => black,
                None => break,
            };

            // There are many of them in each frame: so do not go a long way for a byte.
            match whole.and_then(|byte| group.get_mut(byte)) {
                Some(byte) => *byte = code as u8,
                None => sample.put(group, code),
            }
        }
    }
}
