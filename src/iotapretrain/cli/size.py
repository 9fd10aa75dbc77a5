"""Sizes as people write them: `500MB`, `15GiB`, `1073741824`."""

from __future__ import annotations

import re

from iotapretrain.errors import InputError

_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes; the letter i makes a unit a power of 1,024."""
    match = _SIZE.fullmatch(text.strip())
    units = {unit.lower(): factor for unit, factor in _UNITS.items()}
    if match is None or match[2].lower() not in units:
        raise InputError(f"size {text!r}: write it like 500MB or 15GiB")
    return int(float(match[1]) * units[match[2].lower()])
