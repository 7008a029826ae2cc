// SPDX-License-Identifier: GPL-2.0

//! Errors on demand, and what has been counted: a line for each, and a line in return.

use super::link::lock;
use super::report::Counters;
use super::signal::Standard;
use super::Card;

use crate::sys;

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

/// What can be asked for.
pub const USAGE: &str = "\
json                     what has been counted, as an object
clear                    count from 0
signal CHANNEL INPUT STD plug in a camera: ntsc, pal, secam, ntsc-443, pal-m, pal-nc, pal-60;
                         or none
fifo CHANNEL             a FIFO overflow: the channel stands still until it is disabled
pointer CHANNEL          a bad FIFO pointer, with the same consequence
timeout                  a DMA time-out: all channels stand still
stall CHANNEL            the channel stands still, without a word
lose CHANNEL             the next frame of the channel is not told of
link down|up             nobody answers on the bus; the chip is there again, as after a reset
unplug                   have QEMU unplug the device (device_del), if it can be reached
quit                     hang up: a surprise removal";

/// Answers those who connect. Ends with the process.
pub fn listen(card: &'static Card, listener: UnixListener) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || talk(card, &stream));
        }
    });
}

fn talk(card: &Card, stream: &UnixStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        let answer = obey(card, &line?).unwrap_or_else(|what| format!("error: {what}"));
        // In one piece: a serial port in a guest hands over what there is.
        let mut writer = stream;
        writer.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}

/// Asks QEMU's monitor to unplug a device.
fn unplug(monitor: &Path, device: &str) -> io::Result<()> {
    let mut socket = UnixStream::connect(monitor)?;
    let mut answers = BufReader::new(socket.try_clone()?).lines();
    for command in [
        "{\"execute\":\"qmp_capabilities\"}".to_string(),
        format!("{{\"execute\":\"device_del\",\"arguments\":{{\"id\":\"{device}\"}}}}"),
    ] {
        socket.write_all(command.as_bytes())?;
        // There may be a greeting, and events.
        let answer = answers.by_ref().find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.contains("\"return\"") || line.contains("\"error\""))
        });
        match answer {
            Some(Ok(line)) if line.contains("\"return\"") => (),
            Some(Ok(line)) => return Err(io::Error::other(line)),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    Ok(())
}

/// Does what a line says.
pub fn obey(card: &Card, line: &str) -> Result<String, String> {
    let now = sys::monotonic();
    let words: Vec<_> = line.split_whitespace().collect();
    let channel = |word: &str| {
        let number = word.parse().ok();
        let channels = lock(&card.chip).channels.len();
        number
            .filter(|n| *n < channels)
            .ok_or(format!("no channel {word}"))
    };
    let done = Ok("ok".to_string());
    match words[..] {
        ["json"] => return Ok(card.json()),
        ["clear"] => {
            let mut chip = lock(&card.chip);
            chip.counters = Counters::new(chip.channels.len());
        }
        ["signal", n, input, standard] => {
            let n = channel(n)?;
            let input = match input.parse() {
                Ok(input @ 0..4) => input,
                _ => return Err(format!("no input {input}")),
            };
            let standard = match standard {
                "none" => None,
                name => Some(Standard::parse(name).ok_or(format!("no standard {name}"))?),
            };
            lock(&card.chip).plug(n, input, standard, now);
        }
        ["fifo", n] => {
            let n = channel(n)?;
            lock(&card.chip).fail_fifo(n, true, now);
        }
        ["pointer", n] => {
            let n = channel(n)?;
            lock(&card.chip).fail_fifo(n, false, now);
        }
        ["timeout"] => lock(&card.chip).time_out(now),
        ["stall", n] => {
            let n = channel(n)?;
            let mut chip = lock(&card.chip);
            chip.channels[n].is_stalled = true;
            chip.channels[n].is_filling = false;
        }
        ["lose", n] => {
            let n = channel(n)?;
            lock(&card.chip).channels[n].lose = true;
        }
        ["link", "down"] => lock(&card.chip).set_link(false),
        ["link", "up"] => lock(&card.chip).set_link(true),
        ["unplug"] => {
            let monitor = card.monitor.as_ref().ok_or("there is no monitor")?;
            unplug(&monitor.0, &monitor.1).map_err(|err| err.to_string())?;
        }
        ["quit"] => card.link.hang_up(),
        ["help"] => return Ok(USAGE.into()),
        _ => return Err(format!("what is \"{line}\"? help says what there is")),
    }
    done
}
