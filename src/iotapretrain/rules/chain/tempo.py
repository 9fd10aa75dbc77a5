"""When epochs run, and how long a validator counts as active without one (Yuma, section 15)."""

from __future__ import annotations

from dataclasses import dataclass, replace

LONGEST_STEP = 50_400
NEVER = 2**64 - 1


def activity_cutoff(factor_milli: int, tempo: int) -> int:
    """After how many blocks without an update a validator is inactive (section 3)."""
    return max(factor_milli * tempo // 1000, 1)


@dataclass(frozen=True)
class EpochClock:
    """What a subnet remembers of its epochs; `pending_epoch_at` 0 means that none is asked for."""

    tempo: int
    last_epoch_block: int
    pending_epoch_at: int = 0
    blocks_since_last_step: int = 0

    def due(self, block: int) -> bool:
        """Whether an epoch is to run in this block."""
        if self.tempo == 0:
            return False
        asked_for = 0 < self.pending_epoch_at <= block
        overdue = self.blocks_since_last_step > LONGEST_STEP
        return asked_for or overdue or block - self.last_epoch_block >= self.tempo

    def blocks_until(self, block: int) -> int:
        """Blocks until the regular epoch; `NEVER` with tempo 0."""
        return max(self.last_epoch_block + self.tempo - block, 0) if self.tempo else NEVER

    def next_block(self) -> int | None:
        """The block of the next epoch, regular or asked for; None with tempo 0."""
        if self.tempo == 0:
            return None
        regular = self.last_epoch_block + self.tempo
        return min(regular, self.pending_epoch_at) if self.pending_epoch_at else regular

    def ticked(self) -> EpochClock:
        """A block later."""
        return replace(self, blocks_since_last_step=self.blocks_since_last_step + 1)

    def ran(self, block: int) -> EpochClock:
        """After the epoch of this block."""
        return EpochClock(self.tempo, block)
