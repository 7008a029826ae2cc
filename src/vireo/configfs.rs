// SPDX-License-Identifier: GPL-2.0

//! Cameras that are made and removed at run time.
//!
//! A folder that is made in `config/vireo` is a camera to be, whose number is the folder's name;
//! its files say what it is like. It is there from when 1 is written to `enable` until 0 is, or
//! until the folder is removed.

use super::{
    config::{
        self,
        Config,
        MAX_FPS, //
    },
    device,
    format::FORMATS, //
};
use core::fmt::Write;
use kernel::{
    configfs::{
        AttributeOperations,
        Group,
        GroupOperations,
        Subsystem, //
    },
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    sync::Mutex, //
};
use media::{
    compat::{
        configfs_attrs,
        param, //
    },
    platform::VirtualDevice, //
};

/// The folder of all cameras.
pub(crate) type Configfs = Subsystem<Cameras>;

/// Makes the folder.
pub(crate) fn new() -> impl PinInit<Configfs, Error> {
    let item_type = configfs_attrs! {
        container: Subsystem<Cameras>,
        data: Cameras,
        child: Member,
        attributes: [],
    };

    Subsystem::new(device::NAME, item_type, try_pin_init!(Cameras {}))
}

/// All cameras that are made so.
#[pin_data]
pub(crate) struct Cameras {}

#[vtable]
impl GroupOperations for Cameras {
    type Child = Member;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Member>, Error>> {
        let number = config::parse_index(name.to_bytes(), u8::MAX.into())?;
        let item_type = configfs_attrs! {
            container: Group<Member>,
            data: Member,
            attributes: [
                enable: 0,
                native_size: 1,
                formats: 2,
                name: 3,
                multiplanar: 4,
                max_fps: 5,
                error_inj: 6,
                min_fps: 7,
                stepwise: 8,
            ],
        };

        // Those that came with the module have their numbers.
        if number < param(crate::module_parameters::n_devs.value()) {
            return Err(EEXIST);
        }
        Ok(Group::new(name.try_into()?, item_type, Member::new(number)))
    }
}

/// A camera to be, or one that is.
#[pin_data]
pub(crate) struct Member {
    number: u32,
    /// Held while the camera comes or goes.
    #[pin]
    state: Mutex<State>,
}

struct State {
    config: Config,
    /// Is there while it is enabled; goes with the folder.
    device: Option<VirtualDevice>,
}

impl Member {
    fn new(number: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            number,
            state <- new_mutex!(
                State { config: Config::new()?, device: None },
                "configfs::Member::state"
            ),
        })
    }

    fn enable(&self, enable: bool) -> Result {
        let mut state = self.state.lock();

        match (enable, &state.device) {
            (true, None) => {
                state.config.check()?;
                state.device = Some(VirtualDevice::new(
                    device::NAME,
                    self.number as i32,
                    &state.config.properties(),
                )?);
            }
            (false, Some(_)) => state.device = None,
            _ => (),
        }
        Ok(())
    }

    /// Changes what the camera is to be like to `value`, `EBUSY` while it is there.
    fn change<T>(&self, value: Result<T>, set: impl FnOnce(&mut Config, T)) -> Result {
        let mut state = self.state.lock();

        if state.device.is_some() {
            return Err(EBUSY);
        }
        set(&mut state.config, value?);
        Ok(())
    }
}

/// A page that is written to from its beginning.
struct Page<'a> {
    page: &'a mut [u8; PAGE_SIZE],
    len: usize,
}

impl Write for Page<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.page.get_mut(self.len..self.len + text.len());

        room.ok_or(core::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// A file: its number, what it shows of a state, and what is done with what is written to it.
macro_rules! attribute {
    (
        $id:literal,
        |$state:ident, $page:ident| $show:expr,
        |$member:ident, $text:ident| $store:expr
    ) => {
        #[vtable]
        impl AttributeOperations<$id> for Member {
            type Data = Self;

            fn show(member: &Self, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
                let $state = member.state.lock();
                let mut page = Page { page, len: 0 };
                let $page = &mut page;

                $show.map_err(|_| EINVAL)?;
                Ok(page.len)
            }

            fn store($member: &Self, $text: &[u8]) -> Result {
                $store
            }
        }
    };
}

/// 0 or 1.
fn flag(text: &[u8]) -> Result<bool> {
    Ok(config::parse_number(text, 0, 1)? != 0)
}

attribute!(
    0,
    |state, page| writeln!(page, "{}", u8::from(state.device.is_some())),
    |member, text| member.enable(flag(text)?)
);
attribute!(
    1,
    |state, page| writeln!(page, "{}x{}", state.config.native.0, state.config.native.1),
    |member, text| member.change(config::parse_size(text), |config, native| config.native =
        native)
);
attribute!(
    2,
    |state, page| show_formats(state.config.formats, page),
    |member, text| member.change(config::parse_formats(text), |config, formats| config
        .formats =
        formats)
);
attribute!(
    3,
    |state, page| writeln!(page, "{}", state.config.card.to_str().unwrap_or("")),
    |member, text| member.change(config::parse_name(text), |config, card| config.card = card)
);
attribute!(
    4,
    |state, page| writeln!(page, "{}", u8::from(state.config.is_multiplanar)),
    |member, text| member.change(flag(text), |config, is_multiplanar| config.is_multiplanar =
        is_multiplanar)
);
attribute!(
    5,
    |state, page| writeln!(page, "{}", state.config.max_fps),
    |member, text| member.change(config::parse_number(text, 1, MAX_FPS), |config, max_fps| {
        config.max_fps = max_fps
    })
);
attribute!(
    7,
    |state, page| writeln!(page, "{}", state.config.min_fps),
    |member, text| member.change(config::parse_number(text, 0, MAX_FPS), |config, min_fps| {
        config.min_fps = min_fps
    })
);
attribute!(
    6,
    |state, page| writeln!(page, "{}", u8::from(state.config.error_inj)),
    |member, text| member.change(flag(text), |config, error_inj| config.error_inj = error_inj)
);
attribute!(
    8,
    |state, page| writeln!(page, "{}", u8::from(state.config.is_stepwise)),
    |member, text| member.change(flag(text), |config, is_stepwise| config.is_stepwise =
        is_stepwise)
);

fn show_formats(formats: u64, page: &mut Page<'_>) -> core::fmt::Result {
    let mut space = "";

    for (n, format) in FORMATS.iter().enumerate() {
        if (formats >> n) & 1 != 0 {
            let name = format.fourcc.to_le_bytes();
            let name = core::str::from_utf8(name.trim_ascii_end()).unwrap_or("");

            write!(page, "{space}{name}")?;
            space = " ";
        }
    }
    writeln!(page)
}
