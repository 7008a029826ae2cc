// SPDX-License-Identifier: GPL-2.0

//! The controls.

use super::{
    camera::{
        Camera,
        Settings, //
    },
    picture::{
        self,
        Pattern, //
    },
};
use kernel::prelude::*;
use media::{
    v4l2::ctrl::{
        Config,
        Id,
        Kind,
        Menu, //
    },
    vb2::{
        Context,
        TimestampSource, //
    },
};

static PATTERNS: Menu<{ picture::MENU.len() }> = Menu::new(picture::MENU);

/// As of [`TimestampSource`], the first being the default.
static TIMESTAMP_SOURCES: Menu<2> = Menu::new([c"End of Frame", c"Start of Exposure"]);

/// The kind of a number from 0 to 255 that is neutral in the middle.
const BYTE: Kind = Kind::Integer {
    min: 0,
    max: 255,
    default: 128,
};

/// Where the controls of our own begin.
const BASE: u16 = 0xe000;

/// Whether frames bear stamps.
const STAMP: Id = Id::driver(BASE);
/// What noise comes from.
const SEED: Id = Id::driver(BASE + 1);

/// What the timestamps of frames tell.
const TIMESTAMPS: Id = Id::driver(BASE + 2);

/// Whether a stream's sequence numbers begin near their end.
const WRAP: Id = Id::driver(BASE + 16);
/// Whether the sensor stands still.
const STALL: Id = Id::driver(BASE + 17);
/// Loses the next frame.
const LOSE: Id = Id::driver(BASE + 18);
/// Gives the next frame the error flag.
const FAIL: Id = Id::driver(BASE + 19);
/// Makes the stamp of the next frame wrong.
const CORRUPT: Id = Id::driver(BASE + 20);
/// Unplugs the camera.
const DISCONNECT: Id = Id::driver(BASE + 21);

/// Every control of a camera; the defaults are those of
/// [`PictureParams`](picture::PictureParams) and [`ErrorInjection`]. The last [`ERRORS`] of them
/// make errors.
static CONTROLS: [Config; 22] = [
    Config::standard(Id::BRIGHTNESS, BYTE),
    Config::standard(Id::CONTRAST, BYTE),
    Config::standard(Id::SATURATION, BYTE),
    Config::standard(
        Id::HUE,
        Kind::Integer {
            min: -128,
            max: 127,
            default: 0,
        },
    ),
    Config::standard(Id::HFLIP, Kind::Boolean(false)),
    Config::standard(Id::VFLIP, Kind::Boolean(false)),
    Config::standard(
        Id::ALPHA_COMPONENT,
        Kind::Integer {
            min: 0,
            max: 255,
            default: 255,
        },
    ),
    Config::standard(
        Id::EXPOSURE_ABSOLUTE,
        Kind::Integer {
            min: 1,
            max: 10_000,
            default: picture::EXPOSURE as i32,
        },
    ),
    Config::standard(
        Id::ANALOGUE_GAIN,
        Kind::Integer {
            min: picture::GAIN as i32,
            max: 16 * picture::GAIN as i32,
            default: picture::GAIN as i32,
        },
    ),
    Config::standard(Id::HBLANK, Kind::VolatileReadOnly(i32::MAX as i64)),
    Config::standard(Id::VBLANK, Kind::VolatileReadOnly(i32::MAX as i64)),
    Config::standard(Id::PIXEL_RATE, Kind::VolatileReadOnly(i64::MAX)),
    Config::standard(Id::TEST_PATTERN, Kind::Menu(PATTERNS.items())),
    Config::driver(STAMP, c"Stamp", Kind::Boolean(true)),
    Config::driver(
        SEED,
        c"Noise Seed",
        Kind::Integer {
            min: 0,
            max: u16::MAX as i32,
            default: 0,
        },
    ),
    Config::driver(
        TIMESTAMPS,
        c"Timestamp Source",
        Kind::Menu(TIMESTAMP_SOURCES.items()),
    ),
    Config::driver(WRAP, c"Wrap Sequence", Kind::Boolean(false)),
    Config::driver(STALL, c"Stall", Kind::Boolean(false)),
    Config::driver(LOSE, c"Lose Frame", Kind::Button),
    Config::driver(FAIL, c"Fail Frame", Kind::Button),
    Config::driver(CORRUPT, c"Corrupt Stamp", Kind::Button),
    Config::driver(DISCONNECT, c"Disconnect", Kind::Button),
];

/// How many of them make errors.
const ERRORS: usize = 6;

/// The controls of a camera, with those that make errors or without.
pub(crate) fn all(errors: bool) -> &'static [Config] {
    let count = CONTROLS.len() - if errors { 0 } else { ERRORS };

    CONTROLS.get(..count).unwrap_or(&[])
}

/// Errors to make, and how a stream begins.
#[derive(Clone, Copy, Default)]
pub(crate) struct ErrorInjection {
    /// A stream's sequence numbers begin near their end.
    pub(crate) wrap: bool,
    /// The sensor stands still.
    pub(crate) stall: bool,
    /// The next frame is lost.
    pub(crate) lose: bool,
    /// The next frame has the error flag.
    pub(crate) fail: bool,
    /// The next frame has a wrong stamp.
    pub(crate) corrupt: bool,
}

impl ErrorInjection {
    /// Whether something is asked for that is made once.
    pub(crate) fn has_one_shot(&self) -> bool {
        self.lose || self.fail || self.corrupt
    }
}

/// Implements `s_ctrl`.
pub(crate) fn set(cx: &Context<'_, Camera>, id: Id, value: i32) -> Result {
    let mut settings = cx.settings.lock();
    let look = &mut settings.look;

    match id {
        Id::BRIGHTNESS => look.brightness = value.try_into()?,
        Id::CONTRAST => look.contrast = value.try_into()?,
        Id::SATURATION => look.saturation = value.try_into()?,
        Id::HUE => look.hue = value.try_into()?,
        Id::HFLIP => look.hflip = value != 0,
        Id::VFLIP => look.vflip = value != 0,
        Id::ALPHA_COMPONENT => look.alpha = value.try_into()?,
        Id::EXPOSURE_ABSOLUTE => look.exposure = value.try_into()?,
        Id::ANALOGUE_GAIN => look.gain = value.try_into()?,
        Id::TEST_PATTERN => {
            look.pattern = Pattern::from_index(value.try_into()?).ok_or(EINVAL)?;
        }
        STAMP => look.stamp = value != 0,
        SEED => look.seed = value.try_into()?,
        WRAP => settings.faults.wrap = value != 0,
        TIMESTAMPS if cx.queue().is_busy() => return Err(EBUSY),
        TIMESTAMPS => {
            settings.timestamps = match value {
                0 => TimestampSource::EndOfFrame,
                _ => TimestampSource::StartOfExposure,
            }
        }
        STALL => settings.faults.stall = value != 0,
        LOSE => settings.faults.lose = true,
        FAIL => settings.faults.fail = true,
        CORRUPT => settings.faults.corrupt = true,
        DISCONNECT => cx.device().schedule_unregister(),
        _ => return Err(EINVAL),
    }
    Ok(())
}

/// The pixels and lines between what is captured of two lines and two frames.
const BLANKING: (u32, u32) = (280, 45);

/// What a volatile control is worth: blanking and pixel rate make up the interval.
pub(crate) fn get(settings: &Settings, id: Id) -> i64 {
    let crop = settings.look.crop;
    let (num, den) = settings.interval;

    match id {
        Id::HBLANK => BLANKING.0.into(),
        Id::VBLANK => BLANKING.1.into(),
        Id::PIXEL_RATE => {
            let pixels = (u64::from(crop.width) + u64::from(BLANKING.0))
                * (u64::from(crop.height) + u64::from(BLANKING.1));

            (pixels * u64::from(den))
                .checked_div(num.into())
                .unwrap_or(0) as i64
        }
        _ => 0,
    }
}
