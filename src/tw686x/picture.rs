// SPDX-License-Identifier: GPL-2.0

//! Brightness and its like.

use super::{
    chip::ChannelId,
    registers::Registers,
    regs, //
};
use kernel::prelude::*;
use media::v4l2::ctrl::{
    Config,
    Id,
    Kind, //
};

/// The controls of a channel.
pub(crate) static CONTROLS: [Config; 4] = [
    signed(Id::BRIGHTNESS, Picture::DEFAULT.brightness),
    unsigned(Id::CONTRAST, Picture::DEFAULT.contrast),
    unsigned(Id::SATURATION, Picture::DEFAULT.saturation),
    signed(Id::HUE, Picture::DEFAULT.hue),
];

const fn signed(id: Id, default: i8) -> Config {
    Config::standard(
        id,
        Kind::Integer {
            min: i8::MIN as i32,
            max: i8::MAX as i32,
            default: default as i32,
        },
    )
}

const fn unsigned(id: Id, default: u8) -> Config {
    Config::standard(
        id,
        Kind::Integer {
            min: 0,
            max: u8::MAX as i32,
            default: default as i32,
        },
    )
}

/// What a decoder makes of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    brightness: i8,
    contrast: u8,
    saturation: u8,
    hue: i8,
}

impl Picture {
    pub(crate) const DEFAULT: Self = Self {
        brightness: 0,
        contrast: 100,
        saturation: 128,
        hue: 0,
    };

    /// Changes what a control is for; `EINVAL` where there is no such control.
    pub(crate) fn set(&mut self, id: Id, value: i32) -> Result {
        match id {
            Id::BRIGHTNESS => self.brightness = value.try_into()?,
            Id::CONTRAST => self.contrast = value.try_into()?,
            Id::SATURATION => self.saturation = value.try_into()?,
            Id::HUE => self.hue = value.try_into()?,
            _ => return Err(EINVAL),
        }
        Ok(())
    }

    pub(crate) fn program(&self, id: ChannelId, regs: &Registers<'_>) {
        regs.set_decoder(id, regs::BRIGHT::from(u32::from(self.brightness as u8)));
        regs.set_decoder(id, regs::CONTRAST::from(u32::from(self.contrast)));
        regs.set_decoder(id, regs::SAT_U::from(u32::from(self.saturation)));
        regs.set_decoder(id, regs::SAT_V::from(u32::from(self.saturation)));
        regs.set_decoder(id, regs::HUE::from(u32::from(self.hue as u8)));
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(tw686x_picture)]
mod tests {
    use super::*;

    #[test]
    fn controls_have_their_ranges() -> Result {
        let mut picture = Picture::DEFAULT;
        picture.set(Id::BRIGHTNESS, -128)?;
        picture.set(Id::CONTRAST, 255)?;
        picture.set(Id::SATURATION, 0)?;
        picture.set(Id::HUE, 127)?;
        assert!(
            picture
                == Picture {
                    brightness: -128,
                    contrast: 255,
                    saturation: 0,
                    hue: 127,
                }
        );
        assert!(picture.set(Id::HUE, 128).is_err());
        assert!(picture.set(Id::CONTRAST, -1).is_err());
        assert!(picture.set(Id::HFLIP, 0) == Err(EINVAL));
        Ok(())
    }
}
