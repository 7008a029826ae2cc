// SPDX-License-Identifier: GPL-2.0

//! The chip by its registers, without QEMU.

use super::*;

use super::super::frame::Mode;
use super::super::frame::Plan;

use crate::reader::picture::Pattern;

const NOW: Duration = Duration::from_secs(1);
const NTSC: u32 = 0x3c2d_05a0;

/// A chip whose first channels are set up as a driver does it, and enabled.
fn streaming(kind: Kind, channels: u32) -> Chip {
    let mut chip = Chip::new(kind);
    chip.write_config(4, &[6, 0]).expect("a command");
    for n in 0..kind.channels() {
        chip.write(index::channel_config(n), 255 << 10, NOW);
        chip.write(index::whp(n, false), NTSC, NOW);
        for slot in [Slot::P, Slot::B] {
            if n == 0 || !kind.has_shared_tables() {
                let address = 0x10_0000 * (n as u32 + 1) + 0x1000 * slot as u32;
                chip.write(index::page_table(n, slot), address, NOW);
            }
        }
    }
    enable(&mut chip, channels);
    chip
}

fn enable(chip: &mut Chip, channels: u32) {
    chip.write(index::CHANNEL_ENABLE, channels, NOW);
    let command = if channels == 0 {
        0
    } else {
        regs::DMA_CMD_ENABLE
    };
    chip.write(index::DMA_CMD, command | channels, NOW);
}

/// Lets a channel make a frame, which goes to `memory`.
fn frame(chip: &mut Chip, n: usize, memory: u8) -> Plan {
    let plan = chip.begin(n, 0).expect("a frame");
    assert!(chip.begin(n, 1).is_none());
    chip.complete(n, &plan, vec![memory], false, NOW);
    plan
}

fn faults(chip: &Chip) -> Vec<Fault> {
    let counters = &chip.counters;
    Fault::ALL
        .into_iter()
        .filter(|fault| counters.count(*fault) > 0)
        .collect()
}

#[test]
fn slots_take_turns() {
    let mut chip = streaming(Kind::Tw6869, 3);
    for n in [0, 1] {
        for (slot, bit) in [(Slot::P, 0), (Slot::B, 1), (Slot::P, 0)] {
            let plan = frame(&mut chip, n, 0);
            assert_eq!(plan.slot, slot);
            assert!(chip.irq.line());
            assert_eq!(chip.read(0, NOW), 1 << n);
            assert!(!chip.irq.line());
            assert_eq!(chip.read(0, NOW), 0);
            assert_eq!((chip.read(1, NOW) >> n) & 1, bit);
        }
    }
    // The third one is not enabled.
    assert!(chip.begin(2, 0).is_none());
    assert_eq!(faults(&chip), []);
    // From the beginning.
    enable(&mut chip, 0);
    assert!(chip.begin(0, 0).is_none());
    enable(&mut chip, 1);
    assert_eq!(frame(&mut chip, 0, 0).slot, Slot::P);
}

#[test]
fn channels_have_tables_or_share_them() {
    let table = |plan: Plan| match plan.mode {
        Mode::Table { address, count } => (address, count),
        mode => panic!("{mode:?}"),
    };
    let mut chip = streaming(Kind::Tw6869, 0xff);
    assert_eq!(table(frame(&mut chip, 2, 0)), (0x30_0000, 256));
    assert_eq!(table(frame(&mut chip, 2, 0)), (0x30_1000, 256));
    let mut chip = streaming(Kind::Tw6864, 0);
    chip.write(index::channel_config(2), (767 << 10) | 512, NOW);
    enable(&mut chip, 4);
    assert_eq!(table(frame(&mut chip, 2, 0)), (0x10_0000 + 512 * 8, 256));
    assert_eq!(faults(&chip), []);
}

#[test]
fn a_frame_that_was_begun_ends_with_its_channel() {
    let mut chip = streaming(Kind::Tw6869, 1);
    let plan = chip.begin(0, 0).expect("a frame");
    assert!(chip.is_current(0, plan.generation));
    enable(&mut chip, 0);
    assert!(!chip.is_current(0, plan.generation));
    // And does not belong to the channel that is enabled again.
    enable(&mut chip, 1);
    assert!(!chip.is_current(0, plan.generation));
    chip.complete(0, &plan, vec![0], false, NOW);
    assert_eq!(chip.read(0, NOW), 0);
    assert_eq!(chip.counters.channels[0].cut, 1);
    assert_eq!(chip.counters.channels[0].frames, 0);
}

#[test]
fn what_goes_to_the_same_memory_is_counted() {
    let mut chip = streaming(Kind::Tw6869, 1);
    // The same in the other slot is not the same.
    for memory in [1, 1, 2, 1, 2, 3] {
        frame(&mut chip, 0, memory);
    }
    assert_eq!(chip.counters.channels[0].reused, 2);
    assert_eq!(chip.counters.channels[0].frames, 6);
}

#[test]
fn a_driver_that_is_late() {
    let mut chip = streaming(Kind::Tw6869, 1);
    for _ in 0..3 {
        frame(&mut chip, 0, 0);
        chip.read(1, NOW);
    }
    assert_eq!(chip.counters.channels[0].overruns, 0);
    for _ in 0..3 {
        frame(&mut chip, 0, 0);
    }
    chip.read(1, NOW);
    assert_eq!(chip.counters.channels[0].overruns, 2);
}

#[test]
fn what_a_driver_must_not_do() {
    use Fault::*;
    type Deed = fn(&mut Chip);
    let deeds: [(&[Fault], Deed); 10] = [
        (&[NoSuchRegister], |chip| {
            chip.read(0x07, NOW);
        }),
        (&[NoSuchRegister], |chip| chip.write(0x3ff, 0, NOW)),
        (&[ReadOnlyRegister], |chip| chip.write(0, 1, NOW)),
        (&[BadAccess], |chip| {
            chip.read_bar(2, 4, NOW);
        }),
        (&[BadAccess], |chip| chip.write_bar(0, &[1, 2], NOW)),
        (&[ConfiguredWhileEnabled], |chip| {
            chip.write(index::whp(0, false), 0, NOW);
        }),
        (&[ConfiguredWhileEnabled], |chip| {
            chip.write(index::PHASE_REF, 2 << 16, NOW);
        }),
        (&[AddressWhileInUse], |chip| {
            chip.begin(0, 0).expect("a frame");
            chip.write(index::page_table(0, Slot::P), 0x9000, NOW);
        }),
        (&[NoAddress], |chip| {
            chip.write(index::page_table(0, Slot::P), 0, NOW);
            assert!(chip.begin(0, 0).is_none());
        }),
        (&[NotBusMaster], |chip| {
            chip.write_config(4, &[2, 0]).expect("a command");
            assert!(chip.begin(0, 0).is_none());
        }),
    ];
    for (n, (should, deed)) in deeds.into_iter().enumerate() {
        let mut chip = streaming(Kind::Tw6869, 1);
        deed(&mut chip);
        assert_eq!(faults(&chip), should, "deed {n}");
    }
}

#[test]
fn what_a_driver_may_do() {
    let mut chip = streaming(Kind::Tw6869, 1);
    let plan = chip.begin(0, 0).expect("a frame");
    assert_eq!(plan.slot, Slot::P);
    // The other slot, the same again, another channel.
    chip.write(index::page_table(0, Slot::B), 0x9000, NOW);
    chip.write(index::page_table(0, Slot::P), 0x10_0000, NOW);
    chip.write(index::whp(0, false), NTSC, NOW);
    chip.write(index::whp(1, false), 0, NOW);
    chip.write(index::PHASE_REF, 2 << 18, NOW);
    assert_eq!(faults(&chip), []);
}

#[test]
fn a_table_that_is_shared_is_in_use_by_all() {
    let mut chip = streaming(Kind::Tw6864, 4);
    chip.begin(2, 0).expect("a frame");
    chip.write(index::page_table(0, Slot::P), 0x9000, NOW);
    assert_eq!(faults(&chip), [Fault::AddressWhileInUse]);
}

#[test]
fn sizes_are_compared() {
    let mut chip = streaming(Kind::Tw6869, 0);
    // 625 lines, and nobody has told the engine.
    chip.write(index::VIDEO_CONTROL1, 1 << 13, NOW);
    enable(&mut chip, 1);
    let plan = chip.begin(0, 0).expect("a frame");
    assert_eq!(plan.geometry.lines, 288);
    assert_eq!(faults(&chip), [Fault::SizeMismatch]);
}

#[test]
fn fields_are_left_out() {
    // Of the table in the kernel's driver: the register, frames a second with 60 and 50 fields.
    for (control, at_60, at_50) in [
        (0, 30, 25),
        (0x8000_0006, 2, 2),
        (0x8661_9866, 12, 10),
        (0x9e79_e79e, 20, 16),
        (0x9fff_fffe, 28, 24),
    ] {
        for (is_625, fields, should) in [(0, 60, at_60), (1, 50, at_50)] {
            let mut chip = Chip::new(Kind::Tw6869);
            chip.write(index::field_ctrl(0), control, NOW);
            chip.write(index::VIDEO_CONTROL1, is_625 << 13, NOW);
            let frames = (0..fields).step_by(2);
            let count = frames.filter(|field| chip.is_captured(0, *field)).count();
            assert_eq!(count, should, "{control:#x} {fields}");
        }
    }
}

#[test]
fn standards_are_detected() {
    let mut chip = Chip::new(Kind::Tw6869);
    let (sdt, start) = (index::decoder(1, 0xe), index::decoder(1, 0xf));
    for (input, standard) in [
        (0, Standard::NtscM),
        (1, Standard::Pal),
        (3, Standard::Pal60),
    ] {
        chip.write(index::channel_config(1), input << 30, NOW);
        chip.write(sdt, regs::SDT_AUTO, NOW);
        chip.write(start, 0xff, NOW);
        assert!(chip.read(sdt, NOW) & regs::SDT_BUSY != 0);
        let found = chip.read(sdt, NOW + DETECTION);
        assert_eq!(found, regs::SDT_AUTO | ((standard as u32) << 4));
    }
    // Nothing to be found.
    chip.write(index::channel_config(1), 2 << 30, NOW);
    assert!(chip.read(sdt, NOW + 2 * DETECTION) & regs::SDT_BUSY != 0);
    assert_eq!(chip.read(index::decoder(1, 0), NOW), 0x80);
    assert_eq!(chip.read(3, NOW), 1 << 1);
    // What is set is what is.
    chip.write(sdt, Standard::Secam as u32, NOW);
    assert_eq!(chip.read(sdt, NOW), 0x22);
}

#[test]
fn a_picture_has_what_is_in_the_registers() {
    let mut chip = Chip::new(Kind::Tw6869);
    let look = chip.look(5);
    assert_eq!(
        (look.brightness, look.contrast, look.saturation),
        (128, 100, 128)
    );
    for (offset, value) in [(1, 0xff), (2, 7), (4, 9), (6, 0x80)] {
        chip.write(index::decoder(5, offset), value, NOW);
    }
    let look = chip.look(5);
    assert_eq!((look.brightness, look.contrast), (127, 7));
    assert_eq!((look.saturation, look.hue), (9, -128));
    assert_eq!(look.pattern, Pattern::Bars75);
    chip.plug(5, 0, None, NOW);
    assert_eq!(chip.look(5).pattern, Pattern::SolidBlue);
}

#[test]
fn errors_last_until_a_channel_is_disabled() {
    let mut chip = streaming(Kind::Tw6869, 3);
    chip.fail_fifo(0, true, NOW);
    assert!(chip.irq.line());
    assert_eq!(chip.read(0, NOW), 0);
    assert!(chip.irq.line());
    assert_eq!(chip.read(3, NOW), 1 << 24);
    assert!(!chip.irq.line());
    assert!(chip.begin(0, 0).is_none());
    assert!(chip.begin(1, 0).is_some());
    enable(&mut chip, 2);
    assert_eq!(chip.read(3, NOW), 0);
    enable(&mut chip, 3);
    assert!(chip.begin(0, 0).is_some());

    chip.time_out(NOW);
    assert_eq!(chip.read(0, NOW), regs::INT_DMA_TIMEOUT);
    enable(&mut chip, 0);
    enable(&mut chip, 3);
    assert!(chip.begin(0, 0).is_some() && chip.begin(1, 0).is_some());

    // Not told of, but the other slot is next.
    enable(&mut chip, 0);
    enable(&mut chip, 1);
    chip.channels[0].lose = true;
    frame(&mut chip, 0, 0);
    assert_eq!(chip.read(0, NOW), 0);
    assert_eq!(frame(&mut chip, 0, 0).slot, Slot::B);
    assert_eq!(chip.read(0, NOW), 1);
}

#[test]
fn nobody_answers_when_the_link_is_down() {
    let mut chip = streaming(Kind::Tw6869, 1);
    let plan = chip.begin(0, 0).expect("a frame");
    chip.set_link(false);
    assert_eq!(chip.read_bar(8, 4, NOW), [0xff; 4]);
    assert_eq!(chip.read_config(0, 2), Some(vec![0xff; 2]));
    assert!(!chip.is_current(0, plan.generation));
    assert!(chip.begin(0, 0).is_none());
    chip.write_bar(8, &[0; 4], NOW);
    chip.set_link(true);
    // As after a reset.
    assert_eq!(chip.read_bar(8, 4, NOW), [0; 4]);
    assert!(!chip.config.is_bus_master());
    assert_eq!(faults(&chip), []);
}

#[test]
fn power_off_is_a_reset() {
    let mut chip = streaming(Kind::Tw6869, 1);
    chip.write_config(0x44, &[3, 0]).expect("D3");
    assert_eq!(chip.read_bar(0x28, 4, NOW), [0xff; 4]);
    assert!(chip.begin(0, 0).is_none());
    chip.write_config(0x44, &[0, 0]).expect("D0");
    assert_eq!(chip.read(index::CHANNEL_ENABLE, NOW), 0);
    assert_eq!(chip.read(index::whp(0, false), NOW), 0);
    // Which is what a soft reset does to the engine alone.
    let mut chip = streaming(Kind::Tw6869, 1);
    chip.write(6, 0xf, NOW);
    assert_eq!(chip.read(6, NOW), 0);
    assert_eq!(chip.read(index::DMA_CMD, NOW), 0);
    assert_eq!(chip.read(index::whp(0, false), NOW), NTSC);
}

#[test]
fn interrupts_that_nobody_looks_after() {
    let mut chip = streaming(Kind::Tw6869, 1);
    frame(&mut chip, 0, 0);
    chip.look_for_ignored(NOW + IGNORED);
    assert_eq!(chip.counters.ignored, 0);
    chip.look_for_ignored(NOW + 2 * IGNORED);
    chip.look_for_ignored(NOW + 3 * IGNORED);
    assert_eq!(chip.counters.ignored, 1);
    assert_eq!(chip.counters.interrupts, 1);
}
