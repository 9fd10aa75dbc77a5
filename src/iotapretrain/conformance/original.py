"""What the original draws from CPython's Mersenne Twister, and its colliding version key.

Only for comparison with its bytes; `rules.sampling` and `rules.version` are what we use instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from iotapretrain.errors import InputError
from iotapretrain.rules.version import parse_version

MOST_REPEATS = 100

ConfigPage = tuple[str, int]


def seeded(seed: str) -> Random:
    """The generator after `random.seed`: decimal digits seed as the number, other text as text."""
    return Random(int(seed) if seed.lstrip("-").isdecimal() else seed)


def shuffle_truncate(seed: str, n: int, limit: int) -> list[int]:
    """Which of n batches are kept, in which order."""
    order = list(range(n))
    seeded(seed).shuffle(order)
    return order[:limit]


def simple_pages(seed: str, max_pages: int, num_pages: int) -> list[int]:
    """Start rows of pages, repeats included."""
    generator = seeded(seed)
    return [_randint(generator, 1, max_pages) for _ in range(num_pages)]


def config_pages(
    seed: str, configs: Sequence[ConfigPage], rows_per_page: int, num_pages: int
) -> tuple[int, list[ConfigPage]]:
    """The offset of all pages, and the pages: configurations come uniformly, whatever their size.

    A page that came before is drawn again; after a hundred repeats in all there are fewer pages.
    """
    generator = seeded(seed)
    offset = _randint(generator, 0, rows_per_page - 1)
    pages: list[ConfigPage] = []
    repeats = 0
    while len(pages) < num_pages and repeats < MOST_REPEATS:
        name, rows = _choice(generator, configs)
        count = (rows - offset + 1) // rows_per_page
        page = name, offset + _randint(generator, 0, count - 1) * rows_per_page
        if page in pages:
            repeats += 1
        else:
            pages.append(page)
    return offset, pages


def spec_version(version: str) -> int:
    """1000 major + 10 minor + patch: 4.6.2 and 4.5.12 are both 4062."""
    major, minor, patch = parse_version(version)
    return 1000 * major + 10 * minor + patch


def _randint(generator: Random, low: int, high: int) -> int:
    if low > high:
        raise InputError(f"pages: no row from {low} to {high}; give larger configurations")
    return generator.randint(low, high)


def _choice(generator: Random, configs: Sequence[ConfigPage]) -> ConfigPage:
    if not configs:
        raise InputError("pages: no configurations; give one or more")
    name, rows = generator.choice(configs)
    return name, rows
