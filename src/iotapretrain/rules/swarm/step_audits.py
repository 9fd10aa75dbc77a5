"""Which steps are replayed, what that deters, and what the verdicts on a step come to.

The beacon is the hash of a block after an epoch's links were filed, and suspects of that epoch's
losses are audited for that very epoch: who behaves once it is suspected gains nothing by it.
A replay gives everybody of a determinism class the same bytes: of two verdicts that differ on the
same evidence one is wrong, and a reader's own replay outranks any number of them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from iotapretrain.errors import InputError
from iotapretrain.rules.sampling import Permutation, Stream, seed_of, shuffled

DOMAIN = b"iotapretrain/audit/1\0"
SHARE = 0.1  # of a stage's miners, by each validator
SUSPECT_STEPS = 4  # of each suspect
CONVICTING = 2  # validators that must have seen the same fault
UNFIT = b""  # replayed from evidence that is not what links and receipts commit to

Ruling = Literal["silent", "open", "passed", "convicted"]
"""On a step: `passed` earns its pay, `convicted` forfeits that of the window too."""


def draw_audits(
    beacon: str,
    labels: tuple[str | int, ...],
    filed: Mapping[str, int],
    suspects: Collection[str],
    share: float = SHARE,
) -> tuple[tuple[str, int], ...]:
    """Miners of a stage and steps from 0, from how many links each filed in an epoch.

    A share of the miners, rounded up, by a step each, and suspects by more. `labels` are run,
    epoch, stage and validator: each draws for itself.
    """
    if not 0 < share <= 1:
        raise InputError(f"audits: a share of {share}; give more than 0, up to 1")
    miners = sorted(miner for miner, count in filed.items() if count)
    seed, some = seed_of(beacon), math.ceil(round(share * len(miners), 9))
    order = shuffled(Stream.of(seed, "audited miners", *labels), len(miners))
    wanted = dict.fromkeys((miners[at] for at in order[:some]), 1)
    wanted |= {each: min(SUSPECT_STEPS, filed[each]) for each in miners if each in suspects}
    audits = []
    for miner, count in sorted(wanted.items()):
        steps = Permutation(Stream.of(seed, "audited steps", *labels, miner), filed[miner])
        audits += [(miner, steps[at]) for at in range(count)]
    return tuple(audits)


def draw_arbiter(beacon: str, evidence: bytes, others: Collection[str]) -> str:
    """Of the validators of the miner's class that were not heard yet, who is to be heard next."""
    stream = Stream.of(seed_of(beacon), "arbiter", evidence.hex())
    return sorted(others)[stream.below(0, len(others))]


def caught(faked: float, audits: int, chance: float = 1.0) -> float:
    """How likely one of so many audits, each drawn with a chance, meets a faked share of steps."""
    return 1 - (1 - chance * faked) ** audits


def cheating_loses(faked: float, audits: int, chance: float, window: float, gain: float) -> bool:
    """Whether the pay of the window, forfeited once if caught, is more than what faking gained."""
    return caught(faked, audits, chance) * window > gain


@dataclass(frozen=True)
class StepVerdict:
    """The link that a validator got by replaying a step, beside the `link` that its miner filed.

    `evidence` is the digest of what the miner handed over: the state before the step, its inputs.
    """

    validator: str
    miner: str
    link: bytes
    evidence: bytes
    replayed: bytes
    same_class: bool = True
    signature: bytes = bytes(64)

    def __post_init__(self) -> None:
        sizes = (len(self.link), len(self.evidence), len(self.replayed) or 32, len(self.signature))
        if sizes != (32, 32, 32, 64):
            raise InputError("verdict: give digests of 32 bytes and a signature of 64")

    def signed_bytes(self) -> bytes:
        """What the validator signs."""
        names = (self.validator.encode(), self.miner.encode())
        fields = (*names, self.link, self.evidence, self.replayed, bytes([self.same_class]))
        return DOMAIN + b"".join(len(each).to_bytes(4, "little") + each for each in fields)


def settle(
    link: bytes, evidence: bytes | None, verdicts: Iterable[StepVerdict], own: bytes | None = None
) -> tuple[Ruling, frozenset[str]]:
    """What stands about a filed link, and the validators whom its evidence shows to be wrong.

    Without evidence nobody is convicted. One replay that gives the link is enough to pass, two that
    give the same other one to convict, against fewer; while it is open, an arbiter is drawn.
    Verdicts of another class or on other evidence say nothing here. `own` is the reader's replay.
    """
    if evidence is None:
        return "silent", frozenset()
    said: dict[str, set[bytes]] = defaultdict(set)
    for each in verdicts:
        if (each.link, each.evidence, each.same_class) == (link, evidence, True):
            said[each.validator].add(each.replayed)
    truth = own
    counts = Counter(min(links) for links in said.values() if len(links) == 1)
    for replayed, votes in counts.most_common(1):
        enough = votes >= (1 if replayed == link else CONVICTING)
        if own is None and enough and 2 * votes > counts.total():
            truth = replayed
    if truth is None:
        return "open", frozenset(who for who, links in said.items() if len(links) > 1)
    wrong = frozenset(who for who, links in said.items() if links != {truth})
    return "passed" if truth == link else "convicted", wrong
