#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""stamps.py WIDTHxHEIGHT BYTES COUNT FILE: read the first stamp of each frame.

For pictures that a program has converted or compressed: vireo-check compares every
byte, and the bytes are others by then. A pixel has BYTES bytes: one of luma first, or
three of red, green and blue, in this order or the other one. There must be COUNT frames
at least, whose sequence numbers rise.
"""

import re
import sys
import zlib

with open("src/vireo/stamp.rs", encoding="utf-8") as source:
    STAMP = int(re.search(r"const BYTES: usize = (\d+);", source.read())[1])


def luma(frame, at, pixel):
    """About the luma of a pixel, to which chroma adds most in blue."""
    if pixel != 3:
        return frame[at]
    return (frame[at] + 2 * frame[at + 1] + frame[at + 2]) / 4


def stamp(frame, width, line, pixel):
    """The sequence number in the stamp at the top of a frame."""
    bits = ""
    for number in range(8 * STAMP):
        row, column = divmod(number, width)
        bits += "1" if luma(frame, row * line + column * pixel, pixel) >= 128 else "0"
    data = int(bits, 2).to_bytes(STAMP, "big")
    if data[:2] != b"VI":
        raise ValueError("no stamp")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise ValueError("the check of the stamp does not hold")
    return int.from_bytes(data[12:16], "little")


def main():
    """Reads a file of frames without padding."""
    size, pixel, count, path = sys.argv[1:]
    width, height = (int(number) for number in size.split("x"))
    pixel = int(pixel)
    line = width * pixel
    seen = []
    with open(path, "rb") as file:
        while len(frame := file.read(line * height)) == line * height:
            try:
                seen.append(stamp(frame, width, line, pixel))
            except ValueError as error:
                sys.exit(f"frame {len(seen)}: {error}")
    if len(seen) < int(count):
        sys.exit(f"{len(seen)} frames of {size}, not {count}")
    if any(later <= sooner for sooner, later in zip(seen, seen[1:])):
        sys.exit(f"sequence numbers do not rise: {seen}")
    print(f"{len(seen)} frames, {seen[0]} to {seen[-1]}")


if __name__ == "__main__":
    main()
