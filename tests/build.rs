// SPDX-License-Identifier: GPL-2.0

//! Generates the kernel's user-space interface from the headers that are installed.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("uapi.rs");
    println!("cargo::rerun-if-changed=src/uapi.h");

    // `--clang-macro-fallback` evaluates what needs `sizeof`: the ioctl numbers.
    let status = Command::new("bindgen")
        .args(["--clang-macro-fallback", "--clang-macro-fallback-build-dir"])
        .arg(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"))
        .args([
            "--no-layout-tests",
            "--with-derive-default",
            "--no-doc-comments",
            "--wrap-unsafe-ops",
        ])
        .args(["--default-enum-style", "consts", "--no-prepend-enum-name"])
        .args([
            "--allowlist-file",
            "/usr/include/(linux/(videodev2|v4l2-.*|udmabuf|vfio|dma-.*)|drm/(drm|vgem).*)\\.h",
        ])
        .arg("--output")
        .arg(&out)
        .arg("src/uapi.h")
        .status()
        .expect("bindgen is not installed");
    assert!(status.success(), "bindgen failed");
}
