// SPDX-License-Identifier: GPL-2.0

//! Lines of the picture, rendered once and copied into every frame.
//!
//! When the look or the layout changes, the lines that the picture consists of are rendered into a
//! [`Template`], each of them twice, side by side: whatever the phase, a line of a frame is one
//! slice of it, and a frame costs no more than copying.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::{
    num::NonZero,
    ops::{
        DerefMut,
        Range, //
    },
};

use super::{
    layout::{
        Layout,
        MemPlane,
        Plane, //
    },
    pattern::PatternGen,
    picture::{
        Pattern, //
        PictureParams,
    },
    stamp::{
        Frame,
        Stamp, //
    },
};

#[path = "template/overlay.rs"]
mod overlay;
#[cfg(any(CONFIG_KUNIT = "y", test))]
#[path = "template/tests.rs"]
mod tests;

/// Where a frame goes to.
pub trait Sink {
    /// Why it could not go there.
    type Error;

    /// Writes `data` into the frame from byte `offset` on.
    fn write(&mut self, offset: usize, data: &[u8]) -> Result<(), Self::Error>;

    /// Writes `line` into the frame `count` times: from byte `offset` on, and each time `stride`
    /// bytes further.
    fn write_lines(
        &mut self,
        offset: usize,
        stride: usize,
        count: usize,
        line: &[u8],
    ) -> Result<(), Self::Error> {
        (0..count).try_for_each(|n| self.write(offset + n * stride, line))
    }
}

/// Rendered lines, ready to be copied into frames.
///
/// # Invariants
///
/// `bytes` is at least [`len()`] bytes long, begins with a [`stage()`], and holds for each plane of
/// `layout` the lines that it can consist of, each twice side by side, as they are in `look`.
pub struct Template<B> {
    layout: Layout,
    look: PictureParams,
    bytes: B,
}

/// For how many lines in a row one is brought to the [`stage()`].
const STAGED: usize = 8;

/// Returns how much memory a template takes.
pub fn len(layout: &Layout, look: &PictureParams) -> usize {
    let lines: usize = layout
        .planes()
        .map(|plane| 2 * plane.bytes * lines(&plane, layout, look))
        .sum();

    stage(layout) + lines
}

/// Returns the size of the place from which a line is copied that fills many of a frame, and in
/// which lines are drawn on.
///
/// Within the template a line begins at any byte, as the phase has it, and copying from there can
/// take several times as long.
fn stage(layout: &Layout) -> usize {
    layout
        .planes()
        .map(|plane| plane.bytes * plane.component.lines.len())
        .max()
        .unwrap_or(0)
}

/// Returns how many different lines a plane has.
fn lines(plane: &Plane, layout: &Layout, look: &PictureParams) -> usize {
    look.pattern.kinds(layout) * plane.component.lines.len()
}

impl<B> Template<B> {
    /// The look that it was rendered for.
    pub fn look(&self) -> &PictureParams {
        &self.look
    }

    /// The memory that it is in.
    #[allow(dead_code, reason = "for the driver")]
    pub fn bytes(&self) -> &B {
        &self.bytes
    }

    /// Gives the memory back.
    pub fn into_bytes(self) -> B {
        self.bytes
    }
}

impl<B: DerefMut<Target = [u8]>> Template<B> {
    /// Renders a template into `bytes`; gives them back when they are too few.
    pub fn render(layout: Layout, look: PictureParams, mut bytes: B) -> Result<Self, B> {
        if bytes.len() < len(&layout, &look) {
            return Err(bytes);
        }

        let scene = PatternGen::new(&look, &layout);
        let tones = scene.tones();
        let scene = scene.with_tones(tones.as_ref());
        let (_, mut rest) = bytes.split_at_mut(stage(&layout));

        for plane in layout.planes() {
            for kind in 0..look.pattern.kinds(&layout) {
                for line in 0..plane.component.lines.len() {
                    let (pair, tail) = rest.split_at_mut(2 * plane.bytes);
                    let (once, again) = pair.split_at_mut(plane.bytes);

                    render_line(&scene, &plane, kind, line, once);
                    again.copy_from_slice(once);
                    rest = tail;
                }
            }
        }

        // INVARIANT: The length has been checked, and every line is rendered.
        Ok(Self {
            layout,
            look,
            bytes,
        })
    }
}

/// Renders line `line` of a group, in a line of the picture of kind `kind`.
fn render_line(scene: &PatternGen<'_>, plane: &Plane, kind: usize, line: usize, out: &mut [u8]) {
    let samples = plane.component.samples(line);
    let width = u32::from(plane.component.width.get());
    let mut x = 0;

    for group in out.chunks_exact_mut(plane.component.bytes.get().into()) {
        // Most samples in a row are of one pixel.
        let (mut pixel, mut ycc) = (u8::MAX, [0; 3]);

        for sample in samples {
            if sample.pixel != pixel {
                pixel = sample.pixel;
                ycc = scene.ycc(kind, x + u32::from(pixel));
            }
            sample.put(group, scene.code(sample.channel, ycc, sample.bits));
        }
        x += width;
    }
}

impl<B: DerefMut<Target = [u8]>> Template<B> {
    /// Writes a frame, all of it, the stamp included.
    #[allow(dead_code, reason = "for the tests and the reader")]
    pub fn compose<S: Sink>(&mut self, frame: &Frame, sink: &mut S) -> Result<(), S::Error> {
        self.compose_range(frame, 0..usize::MAX, sink)
    }

    /// Writes one of the parts that the layout has.
    #[allow(dead_code, reason = "for the driver")]
    pub fn compose_part<S: Sink>(
        &mut self,
        frame: &Frame,
        part: &MemPlane,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let end = part.offset + part.sizeimage as usize;

        self.compose_range(frame, part.offset..end, sink)
    }

    /// Writes the planes that begin in a range of the frame, to a sink that begins with it.
    fn compose_range<S: Sink>(
        &mut self,
        frame: &Frame,
        range: Range<usize>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let Self { layout, look, .. } = *self;
        let scene = PatternGen::new(&look, &layout);
        let end = stage(&layout).min(self.bytes.len());
        let (stage, all) = self.bytes.split_at_mut(end);
        let mut base = 0;

        for mut plane in layout.planes() {
            let first = base + skip(&plane, &layout, &look, frame.phase);

            base += 2 * plane.bytes * lines(&plane, &layout, &look);
            if !range.contains(&plane.offset) {
                continue;
            }
            plane.offset -= range.start;

            let lines = Lines {
                scene: &scene,
                layout: &layout,
                plane,
                bytes: all.get(first..).unwrap_or(&[]),
            };

            lines.compose(stage, sink)?;
            if plane.component.bears_stamp() {
                if look.pattern == Pattern::Clock {
                    lines.compose_clock(frame.timestamp, stage, sink)?;
                }
                if look.stamp {
                    let stamp = Stamp {
                        frame: *frame,
                        look,
                    };

                    lines.compose_stamps(&stamp, stage, sink)?;
                }
            }
        }
        Ok(())
    }
}

/// Returns where in a line of the template those of a frame begin.
fn skip(plane: &Plane, layout: &Layout, look: &PictureParams, phase: u32) -> usize {
    let component = plane.component;
    let phase = phase.checked_rem(layout.width).unwrap_or(0);
    let first = if look.hflip && phase != 0 {
        layout.width - phase
    } else {
        phase
    };
    let groups = first / NonZero::<u32>::from(component.width);

    groups as usize * usize::from(component.bytes.get())
}

/// The lines that a plane of a frame can consist of.
struct Lines<'a> {
    scene: &'a PatternGen<'a>,
    layout: &'a Layout,
    plane: Plane,
    /// The template from where the first of them begins.
    bytes: &'a [u8],
}

impl Lines<'_> {
    /// Returns how many lines a group of them has.
    fn period(&self) -> NonZero<usize> {
        NonZero::new(self.plane.component.lines.len()).unwrap_or(NonZero::<usize>::MIN)
    }

    /// Returns which of the lines row `row` is.
    fn index(&self, row: usize) -> usize {
        let period = self.period();
        let y = row * usize::from(self.plane.component.height.get());

        self.scene.kind(y) * period.get() + row % period
    }

    /// Returns line number `index`.
    fn get(&self, index: usize) -> &[u8] {
        let start = 2 * index * self.plane.bytes;

        // By the invariant of the template the line is there.
        self.bytes
            .get(start..start + self.plane.bytes)
            .unwrap_or(&[])
    }

    /// Writes the picture.
    fn compose<S: Sink>(&self, stage: &mut [u8], sink: &mut S) -> Result<(), S::Error> {
        let plane = &self.plane;
        let period = self.period();
        let height = NonZero::<usize>::from(plane.component.height);
        let mut staged = None;
        let mut row = 0;

        // Where a line lies in the picture takes divisions, and changes rarely.
        while row < plane.rows {
            let (kind, beyond) = self.scene.run(row * height.get());
            let end = beyond.div_ceil(height.get()).min(plane.rows);
            let is_staged = end - row >= STAGED;

            if is_staged && staged != Some(kind) {
                for (n, to) in stage
                    .chunks_exact_mut(plane.bytes.max(1))
                    .take(period.get())
                    .enumerate()
                {
                    to.copy_from_slice(self.get(kind * period.get() + n));
                }
                staged = Some(kind);
            }
            for row in row..end.min(row + period.get()) {
                let n = row % period;
                let line = if is_staged {
                    let start = n * plane.bytes;

                    stage.get(start..start + plane.bytes).unwrap_or(&[])
                } else {
                    self.get(kind * period.get() + n)
                };

                sink.write_lines(
                    plane.line(row).start,
                    plane.stride * period.get(),
                    (end - row).div_ceil(period.get()),
                    line,
                )?;
            }
            row = end;
        }
        Ok(())
    }
}
