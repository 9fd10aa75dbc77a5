"""The board: which model stands on which hotkey, and since when."""

from __future__ import annotations

import math

import numpy as np

from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import Field, IntArray
from iotapretrain.rules.competition.validator.inspection_queue import earlier_owner
from iotapretrain.rules.competition.validator.state import Origin, State

OWN_NOISE_OF_A_COPY = 0.01
"""The share of a damaged copy's page noise, as variance, that it does not share with its origin."""


NOTHING = -1
"""The content of a hotkey that has not committed."""


class Board:
    """What all hotkeys have committed; a content is a number.

    `origins` says whose page noise a content shares: its own, or for a damaged copy that of what it
    was copied from.
    """

    def __init__(self, hotkeys: int) -> None:
        self.losses = np.full(hotkeys, math.inf)
        self.blocks = np.full(hotkeys, math.inf)
        self.contents = [NOTHING] * hotkeys
        self.origins = [NOTHING] * hotkeys
        self._copied = np.zeros(hotkeys, dtype=np.bool_)
        self._firsts: dict[str, Origin] = {}
        self._known = 0
        self._kinship: tuple[IntArray, FloatArray, FloatArray] | None = None

    def new_content(self) -> int:
        self._known += 1
        return self._known

    def publish(self, hotkey: int, loss: float, block: int, content: int, origin: int) -> None:
        """Replace what a hotkey has, and date it anew."""
        mine, digest = Origin(block, str(hotkey)), str(content)
        owner = earlier_owner(State(origins=self._firsts), (digest,), mine)
        self._copied[hotkey] = owner is not None
        self._firsts[digest] = min(mine, self._firsts.get(digest, mine))
        self.losses[hotkey], self.blocks[hotkey] = loss, block
        self.contents[hotkey], self.origins[hotkey] = content, origin
        self._kinship = None

    def page_losses(self, draws: FloatArray, noise: float) -> FloatArray:
        """Losses by hotkey and page: the true ones, and noise from a standard normal draw each."""
        rows, shared, own = self._kin()
        return np.asarray(self.losses[:, np.newaxis] + noise * (shared * draws[rows] + own * draws))

    def field(self, losses: FloatArray, remembering: bool) -> Field:
        """The models of a round, with their losses by page.

        Validators who remember the first owner of every content, for ever, admit nobody else's.
        """
        there = np.isfinite(self.losses)
        present = np.flatnonzero(there & ~self._copied if remembering else there)
        digests = [str(self.contents[key]) for key in present.tolist()]
        return Field.of(present, self.blocks[present], losses=losses[present], digests=digests)

    def _kin(self) -> tuple[IntArray, FloatArray, FloatArray]:
        """For each hotkey whose draw it shares, and how much is that and how much its own."""
        if self._kinship is None:
            _, first, group = np.unique(self.origins, return_index=True, return_inverse=True)
            rows = first[group]
            kin = rows != np.arange(len(rows))
            changed = kin & (np.array(self.contents) != np.array(self.origins))
            own = np.where(changed, OWN_NOISE_OF_A_COPY, 0.0)[:, np.newaxis]
            self._kinship = rows.astype(np.int64), np.sqrt(1 - own), np.sqrt(own)
        return self._kinship
