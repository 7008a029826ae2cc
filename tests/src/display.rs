// SPDX-License-Identifier: GPL-2.0

//! Frames on a screen, without a copy: buffers of a display, into which a camera captures.

use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::uapi;
use crate::v4l2::Device;
use crate::verify::Checker;

use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Formats of a display: what V4L2 calls them, what DRM does, and the bits of a pixel.
const FORMATS: [(u32, u32, u32); 2] = [
    (
        u32::from_le_bytes(*b"XR24"),
        u32::from_le_bytes(*b"XR24"),
        32,
    ),
    (
        u32::from_le_bytes(*b"RGBP"),
        u32::from_le_bytes(*b"RG16"),
        16,
    ),
];

/// The flag that asks for an event when a frame is shown.
const FLIP_EVENT: u32 = uapi::DRM_MODE_PAGE_FLIP_EVENT;

/// A screen.
pub struct Display {
    file: File,
    connector: u32,
    crtc: u32,
    mode: uapi::drm_mode_modeinfo,
}

/// A buffer that a screen can show.
struct Buffer {
    fb: u32,
    fd: OwnedFd,
    size: usize,
    /// The bytes from one line to the next.
    pitch: u32,
}

impl Display {
    /// The first screen of a card, in the mode that it prefers.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let (mut crtcs, mut connectors) = ([0u32; 16], [0u32; 16]);
        let mut resources = uapi::drm_mode_card_res {
            crtc_id_ptr: crtcs.as_mut_ptr() as u64,
            connector_id_ptr: connectors.as_mut_ptr() as u64,
            count_crtcs: crtcs.len() as u32,
            count_connectors: connectors.len() as u32,
            ..Default::default()
        };
        sys::ioctl(
            file.as_fd(),
            uapi::DRM_IOCTL_MODE_GETRESOURCES,
            &mut resources,
        )?;
        for &connector in connectors.iter().take(resources.count_connectors as usize) {
            let mut modes = [uapi::drm_mode_modeinfo::default(); 64];
            let mut found = uapi::drm_mode_get_connector {
                connector_id: connector,
                ..Default::default()
            };
            // Without room for modes, the kernel asks the screen for them.
            sys::ioctl(file.as_fd(), uapi::DRM_IOCTL_MODE_GETCONNECTOR, &mut found)?;
            found = uapi::drm_mode_get_connector {
                connector_id: connector,
                modes_ptr: modes.as_mut_ptr() as u64,
                count_modes: modes.len() as u32,
                ..Default::default()
            };
            sys::ioctl(file.as_fd(), uapi::DRM_IOCTL_MODE_GETCONNECTOR, &mut found)?;
            if found.count_modes > 0 && resources.count_crtcs > 0 {
                return Ok(Self {
                    file,
                    connector,
                    crtc: crtcs[0],
                    mode: modes[0],
                });
            }
        }
        Err(io::Error::other("no screen is connected"))
    }

    /// Takes a mode of this size instead, at 60 frames a second, with the blanking of a television.
    pub fn with_size(mut self, (width, height): (u32, u32)) -> Self {
        let (w, h) = (width as u16, height as u16);
        let (htotal, vtotal) = (w + 138, h + 45);
        self.mode = uapi::drm_mode_modeinfo {
            clock: u32::from(htotal) * u32::from(vtotal) * 60 / 1000,
            hdisplay: w,
            hsync_start: w + 16,
            hsync_end: w + 78,
            htotal,
            vdisplay: h,
            vsync_start: h + 9,
            vsync_end: h + 15,
            vtotal,
            vrefresh: 60,
            ..Default::default()
        };
        self
    }

    /// Its width and height.
    pub fn size(&self) -> (u32, u32) {
        (self.mode.hdisplay.into(), self.mode.vdisplay.into())
    }

    /// Makes a buffer of the screen's size, and a dma-buf of it.
    fn buffer(&self, format: u32, bpp: u32) -> io::Result<Buffer> {
        let (width, height) = self.size();
        let mut dumb = uapi::drm_mode_create_dumb {
            width,
            height,
            bpp,
            ..Default::default()
        };
        sys::ioctl(
            self.file.as_fd(),
            uapi::DRM_IOCTL_MODE_CREATE_DUMB,
            &mut dumb,
        )?;
        let mut fb = uapi::drm_mode_fb_cmd2 {
            width,
            height,
            pixel_format: format,
            handles: [dumb.handle, 0, 0, 0],
            pitches: [dumb.pitch, 0, 0, 0],
            ..Default::default()
        };
        sys::ioctl(self.file.as_fd(), uapi::DRM_IOCTL_MODE_ADDFB2, &mut fb)?;
        let mut prime = uapi::drm_prime_handle {
            handle: dumb.handle,
            flags: (libc::O_RDWR | libc::O_CLOEXEC) as u32,
            fd: -1,
        };
        sys::ioctl(
            self.file.as_fd(),
            uapi::DRM_IOCTL_PRIME_HANDLE_TO_FD,
            &mut prime,
        )?;
        Ok(Buffer {
            fb: fb.fb_id,
            fd: sys::owned(prime.fd),
            size: dumb.size as usize,
            pitch: dumb.pitch,
        })
    }

    /// Shows the first buffer, and sets the mode.
    fn set(&self, fb: u32) -> io::Result<()> {
        let mut connectors = [self.connector];
        let mut crtc = uapi::drm_mode_crtc {
            set_connectors_ptr: connectors.as_mut_ptr() as u64,
            count_connectors: 1,
            crtc_id: self.crtc,
            fb_id: fb,
            mode_valid: 1,
            mode: self.mode,
            ..Default::default()
        };
        sys::ioctl(self.file.as_fd(), uapi::DRM_IOCTL_MODE_SETCRTC, &mut crtc)?;
        Ok(())
    }

    /// Shows another buffer, and returns when it is seen.
    fn flip(&self, fb: u32) -> io::Result<()> {
        let mut flip = uapi::drm_mode_crtc_page_flip {
            crtc_id: self.crtc,
            fb_id: fb,
            flags: FLIP_EVENT,
            ..Default::default()
        };
        sys::ioctl(self.file.as_fd(), uapi::DRM_IOCTL_MODE_PAGE_FLIP, &mut flip)?;
        let mut event = [0; size_of::<uapi::drm_event_vblank>()];
        (&self.file).read_exact(&mut event)
    }
}

/// Has a camera capture `count` frames into buffers of a display, and shows each of them; the last
/// one stays, and its number is returned. Frames are checked in the buffer, where they are.
pub fn frames(
    camera: &Device,
    display: &Display,
    fourcc: u32,
    count: u32,
) -> Result<(Checker, u32), String> {
    let format = FORMATS.iter().find(|(v4l2, ..)| *v4l2 == fourcc);
    let (_, drm, bpp) = *format.ok_or("displays here do not have this format")?;
    let at = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    let (width, height) = display.size();
    let (mut fbs, mut backing) = (Vec::new(), Vec::new());
    let mut pitch = 0;
    for _ in 0..4 {
        let buffer = display
            .buffer(drm, bpp)
            .map_err(at("buffers of the display"))?;
        pitch = buffer.pitch;
        fbs.push(buffer.fb);
        backing.push(Backing::dmabuf(buffer.fd, buffer.size).map_err(at("mmap"))?);
    }
    let pix = camera
        .set_padded(fourcc, width, height, pitch)
        .map_err(at("S_FMT"))?;
    let got = (pix.pixelformat, pix.width, pix.height, pix.bytesperline);
    if got != (fourcc, width, height, pitch) {
        return Err(format!(
            "the camera does not make it {width}x{height} with {pitch} bytes a line"
        ));
    }
    let stream = Stream::start(camera, backing).map_err(at("start"))?;
    let mut checker = Checker::new(camera).map_err(at("format"))?;
    // What is on the screen is not the camera's until something else is.
    let mut shown = None;
    let mut sequence = 0;
    for _ in 0..count {
        let (frame, data) = stream.next().map_err(at("DQBUF"))?;
        checker.check(&frame, &data)?;
        let fb = fbs[frame.index as usize];
        match shown.replace(frame.index) {
            None => display.set(fb).map_err(at("SETCRTC"))?,
            Some(before) => {
                display.flip(fb).map_err(at("PAGE_FLIP"))?;
                stream.queue(before).map_err(at("QBUF"))?;
            }
        }
        sequence = frame.sequence;
    }
    Ok((checker, sequence))
}
