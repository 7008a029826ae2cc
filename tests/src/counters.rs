// SPDX-License-Identifier: GPL-2.0

//! What a camera has counted, from debugfs.

use std::collections::BTreeMap;
use std::fs;
use std::io;

/// Names that come in pairs: what is done, and what undoes it.
const PAIRS: [(&str, &str); 3] = [
    ("attaches", "detaches"),
    ("maps", "unmaps"),
    ("vmaps", "vunmaps"),
];

/// Names of what is there now, but for one, which never is.
const GAUGES: [&str; 5] = [
    "pages_pinned",
    "pages_allocated",
    "segments",
    "exports",
    "bytes_copied",
];

/// The counters of one camera at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters(BTreeMap<String, u64>);

impl Counters {
    /// Reads those of the camera with a name such as `vireo.0`.
    pub fn read(camera: &str) -> io::Result<Self> {
        let path = format!("/sys/kernel/debug/{camera}/counters");
        let text = fs::read_to_string(path)?;
        let line = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_string(), value.parse().ok()?))
        };
        text.lines()
            .map(|text| line(text).ok_or_else(|| io::Error::other(format!("counters: {text}"))))
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// A counter by its name; 0 where there is none of it is no answer, so this panics.
    pub fn get(&self, name: &str) -> u64 {
        self.0[name]
    }

    /// How much a counter has grown since `before`.
    pub fn since(&self, before: &Self, name: &str) -> u64 {
        self.get(name).wrapping_sub(before.get(name))
    }

    /// What is not as it must be when nobody uses the camera: names, and by how much.
    pub fn unbalanced(&self) -> Vec<(&'static str, i64)> {
        let pairs = PAIRS
            .iter()
            .map(|(made, undone)| (*made, self.get(made).wrapping_sub(self.get(undone)) as i64));
        let gauges = GAUGES.iter().map(|name| (*name, self.get(name) as i64));

        pairs.chain(gauges).filter(|(_, by)| *by != 0).collect()
    }
}
