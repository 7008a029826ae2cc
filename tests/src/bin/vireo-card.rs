// SPDX-License-Identifier: GPL-2.0

//! A capture card for QEMU: a model of Techwell's TW6864 or TW6869.

use std::fs;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use vireo_tests::card::control;
use vireo_tests::card::link::Link;
use vireo_tests::card::server;
use vireo_tests::card::Card;
use vireo_tests::card::Kind;

const USAGE: &str = "\
usage: vireo-card [OPTION...] SOCKET

Waits for a QEMU with a device vfio-user-pci at SOCKET, and is a capture card until
it hangs up. Then it says in an object in JSON what it has counted.

  --chip NAME     tw6869, with eight channels (the default); tw6864, with four
  --control PATH  a socket for errors on demand; \"help\" says which there are
  --monitor PATH  QEMU's monitor, which is told to unplug the device ID
  --id ID
  --json FILE     leave the object in FILE, not in standard output";

struct Options {
    chip: Kind,
    socket: PathBuf,
    control: Option<PathBuf>,
    monitor: Option<PathBuf>,
    id: String,
    json: Option<PathBuf>,
}

fn options() -> Result<Options, lexopt::Error> {
    let (mut chip, mut socket, mut control, mut json) = (Kind::Tw6869, None, None, None);
    let (mut monitor, mut id) = (None, String::new());
    let mut parser = lexopt::Parser::from_env();

    while let Some(arg) = parser.next()? {
        match arg {
            Long("chip") => {
                chip = parser
                    .value()?
                    .parse_with(|name| Kind::parse(name).ok_or("no such chip"))?;
            }
            Long("control") => control = Some(parser.value()?.into()),
            Long("monitor") => monitor = Some(parser.value()?.into()),
            Long("id") => id = parser.value()?.parse()?,
            Long("json") => json = Some(parser.value()?.into()),
            Long("help") => {
                println!("{USAGE}\n\nAt the control socket:\n\n{}", control::USAGE);
                std::process::exit(0);
            }
            Value(value) if socket.is_none() => socket = Some(value.into()),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Options {
        chip,
        socket: socket.ok_or("no socket is given")?,
        control,
        monitor,
        id,
        json,
    })
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(err) => {
            eprintln!("vireo-card: {err}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };

    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("vireo-card: {err}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    // Before the other, which says that all is ready.
    let control = options
        .control
        .as_ref()
        .map(UnixListener::bind)
        .transpose()?;
    let (socket, _) = UnixListener::bind(&options.socket)?.accept()?;
    // There is one as long as the process lives.
    let mut card = Box::new(Card::new(options.chip, Link::new(socket)));

    card.monitor = options
        .monitor
        .clone()
        .map(|path| (path, options.id.clone()));

    let card: &'static Card = Box::leak(card);

    if let Some(control) = control {
        control::listen(card, control);
    }
    let result = server::serve(card);
    let json = card.json();

    match &options.json {
        Some(path) => fs::write(path, json + "\n")?,
        None => println!("{json}"),
    }
    result
}
