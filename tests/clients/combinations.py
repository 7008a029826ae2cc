# SPDX-License-Identifier: GPL-2.0
"""Sizes that programs are tried with, and the check of what they get."""

import subprocess

CHECK = "build/tests/release/vireo-check"

# Widths of which a line, or one of chroma, is a multiple of 2, 4 or 8 bytes or of
# nothing, and heights of which the half is odd, too.
SIZES = [
    (32, 16), (34, 18), (98, 62), (322, 242), (324, 206), (326, 22),
    (638, 34), (642, 482), (644, 30), (650, 26), (1278, 18),
]  # fmt: skip
# For what is the same in every format.
FEW_SIZES = [(34, 18), (642, 482), (644, 30)]


def check(frames, fourcc, width, height):
    """Says what is wrong with frames without padding, if anything is."""
    result = subprocess.run(
        [CHECK, "--format", fourcc, "--size", f"{width}x{height}", "-"],
        input=frames,
        capture_output=True,
        check=False,
    )
    said = (result.stdout + result.stderr).decode().strip().replace("\n", "; ")
    return said if result.returncode else ""


def run(combinations, capture):
    """Captures each of (NAME, FOURCC, SIZE); returns whether all of them are right.

    CAPTURE(NAME, FOURCC, WIDTH, HEIGHT) returns a fault or nothing. Faults are
    printed, and last how many combinations are right.
    """
    good = 0
    for name, fourcc, (width, height) in combinations:
        fault = capture(name, fourcc, width, height)
        if fault:
            print(f"{name} {width}x{height}: {fault}", flush=True)
        else:
            good += 1
    print(f"{good} of {len(combinations)} combinations")
    return good == len(combinations) and good > 0
