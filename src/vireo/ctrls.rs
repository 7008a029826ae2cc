// SPDX-License-Identifier: GPL-2.0

//! The controls.

use super::pattern::{
    self,
    Look,
    Pattern, //
};
use kernel::prelude::*;
use media::v4l2::ctrl::{
    Config,
    Id,
    Kind,
    Menu, //
};

static PATTERNS: Menu<{ pattern::MENU.len() }> = Menu::new(pattern::MENU);

/// The kind of a number from 0 to 255 that is neutral in the middle.
const BYTE: Kind = Kind::Integer {
    min: 0,
    max: 255,
    default: 128,
};

/// Every control of a camera; the defaults are those of [`Look`].
pub(crate) const CONTROLS: &[Config] = &[
    Config {
        id: Id::Brightness,
        kind: BYTE,
    },
    Config {
        id: Id::Contrast,
        kind: BYTE,
    },
    Config {
        id: Id::Saturation,
        kind: BYTE,
    },
    Config {
        id: Id::Hue,
        kind: Kind::Integer {
            min: -128,
            max: 127,
            default: 0,
        },
    },
    Config {
        id: Id::HFlip,
        kind: Kind::Boolean,
    },
    Config {
        id: Id::VFlip,
        kind: Kind::Boolean,
    },
    Config {
        id: Id::TestPattern,
        kind: Kind::Menu(PATTERNS.entries()),
    },
];

/// Changes what a control stands for.
pub(crate) fn set(look: &mut Look, id: Id, value: i32) -> Result {
    match id {
        Id::Brightness => look.brightness = value.try_into()?,
        Id::Contrast => look.contrast = value.try_into()?,
        Id::Saturation => look.saturation = value.try_into()?,
        Id::Hue => look.hue = value.try_into()?,
        Id::HFlip => look.hflip = value != 0,
        Id::VFlip => look.vflip = value != 0,
        Id::TestPattern => {
            look.pattern = Pattern::from_index(value.try_into()?).ok_or(EINVAL)?;
        }
    }
    Ok(())
}
