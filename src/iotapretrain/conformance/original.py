"""What the original does otherwise, only for comparison with its bytes: it draws from CPython's
Mersenne Twister, lists competitions by their first block, walks over uids, and reads commitments
loosely.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.commitment import PARTS, SEPARATOR
from iotapretrain.rules.competition.schedule import Blocks
from iotapretrain.rules.competition.validator.weights_due import parse_version

MOST_REPEATS = 100
NONE = "None"
SHORTEST_REPO_ID, LONGEST_REPO_ID = 4, 38  # 38 = 128 - 40 - 44 - 2 - 4

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
    if num_pages and not configs:
        raise InputError("pages: no configurations; give one or more")
    generator = seeded(seed)
    offset = _randint(generator, 0, rows_per_page - 1)
    pages: list[ConfigPage] = []
    repeats = 0
    while len(pages) < num_pages and repeats < MOST_REPEATS:
        name, rows = generator.choice(configs)
        count = (rows - offset + 1) // rows_per_page
        page = name, offset + _randint(generator, 0, count - 1) * rows_per_page
        if page in pages:
            repeats += 1
        else:
            pages.append(page)
    return offset, pages


def in_force(starts: Sequence[int]) -> list[Blocks]:
    """When each entry applies in a list of which the last one with start <= block does.

    An entry that a later one hides for ever is empty.
    """
    ranges: list[Blocks] = []
    end: int | None = None
    for start in reversed(starts):
        hidden_from = None if end is None else max(start, end)
        ranges.append(Blocks(start, hidden_from))
        end = start if end is None else min(start, end)
    return ranges[::-1]


@dataclass(frozen=True)
class UidCycle:
    """An endless walk over sorted uids; `place` is the uid that comes next, or where it would be.

    Uids that come and go do not send the walk back to its start.
    """

    uids: tuple[int, ...]
    place: int

    @classmethod
    def over(cls, uids: Iterable[int], start: int) -> UidCycle:
        """A walk over these uids that begins with the first one from `start` on, or wraps."""
        ordered = tuple(sorted(set(uids)))
        if not ordered:
            return cls(ordered, start)
        return cls(ordered, ordered[bisect_left(ordered, start) % len(ordered)])

    def replace(self, uids: Iterable[int]) -> UidCycle:
        """The walk over other uids, from the same place."""
        return UidCycle.over(uids, self.place)

    def take(self, count: int) -> tuple[list[int], UidCycle]:
        """The next `count` uids, and the walk after them."""
        if not self.uids:
            raise InputError("uids: there are none to walk over; wait until miners register")
        first = self.uids.index(self.place)
        taken = [self.uids[(first + step) % len(self.uids)] for step in range(count + 1)]
        return taken[:-1], UidCycle(self.uids, taken[-1])


@dataclass(frozen=True)
class Loose:
    """A commitment as the original reads and writes it: nothing is checked, parts may be missing.

    `hash` is set in the legacy form only, where the plain model hash was enough.
    """

    namespace: str
    name: str
    commit: str | None
    secure_hash: str | None
    competition_id: int = 0
    hash: str | None = None

    @classmethod
    def parse(cls, text: str) -> Loose:
        """Five parts, of which more are ignored, or the four of the legacy form."""
        parts = text.split(SEPARATOR)
        if len(parts) < PARTS - 1:
            raise InputError(f"commitment: {len(parts)} parts; expected four or five")
        namespace, name = parts[:2]
        commit, secure_hash = (None if part == NONE else part for part in parts[2:4])
        if len(parts) < PARTS:
            return cls(namespace, name, commit, secure_hash, hash=secure_hash)
        try:
            competition = int(parts[4])
        except ValueError:
            raise InputError(
                f"commitment: competition_id is {parts[4]!r}; expected a number"
            ) from None
        return cls(namespace, name, commit, secure_hash, competition)

    @property
    def text(self) -> str:
        """Always five parts; the word None where one is missing."""
        parts = (self.namespace, self.name, self.commit, self.secure_hash, self.competition_id)
        return SEPARATOR.join(str(part) for part in parts)


def split_repo_id(text: str) -> tuple[str, str]:
    """The two halves of namespace/name, short enough for any competition."""
    if not SHORTEST_REPO_ID <= len(text) <= LONGEST_REPO_ID or text.count("/") != 1:
        raise InputError(
            f"repository {text!r}: expected namespace/name of {SHORTEST_REPO_ID} to"
            f" {LONGEST_REPO_ID} characters"
        )
    namespace, name = text.split("/")
    return namespace, name


def spec_version(version: str) -> int:
    """1000 major + 10 minor + patch: 4.6.2 and 4.5.12 are both 4062."""
    major, minor, patch = parse_version(version)
    return 1000 * major + 10 * minor + patch


def _randint(generator: Random, low: int, high: int) -> int:
    if low > high:
        raise InputError(f"pages: no row from {low} to {high}; give larger configurations")
    return generator.randint(low, high)
