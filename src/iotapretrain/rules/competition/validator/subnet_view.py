"""The subnet as a validator sees it at one sync block: everything that a round depends on.

All validators that look at the same block see the same: whose models stand, since when, and who is
paid by others. The head of the chain plays no part, so that a slow validator, or one that was
killed and resumed, decides what a quick one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iotapretrain.rules.competition.attempts import Action, Sighting, action
from iotapretrain.rules.competition.commitment import Commitment, model_commitment
from iotapretrain.rules.competition.schedule import Schedule


@dataclass(frozen=True)
class Candidate:
    """A registered hotkey and the model that it has committed, with the block that dates it."""

    hotkey: str
    uid: int
    block: int
    commitment: Commitment


@dataclass(frozen=True)
class View:
    """`seed_hash` is the hash of `block`, hex without 0x. Candidates come in the order of uids.

    `rewarded` holds the hotkeys that other large validators pay (10.5).
    """

    block: int
    seed_hash: str
    uids: Mapping[str, int]
    candidates: tuple[Candidate, ...]
    rewarded: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        block: int,
        seed_hash: str,
        uids: Mapping[str, int],
        commitments: Mapping[str, tuple[int, str]],
        rewarded: frozenset[str] = frozenset(),
    ) -> View:
        """From commitments as (block, text); what is no strict commitment of a model is nothing."""
        candidates = []
        for hotkey, uid in sorted(uids.items(), key=lambda pair: pair[1]):
            if hotkey in commitments:
                dated, text = commitments[hotkey]
                commitment = model_commitment(text)
                if commitment is not None and dated <= block:
                    candidates.append(Candidate(hotkey, uid, dated, commitment))
        return cls(block, seed_hash, uids, tuple(candidates), rewarded)


def eligible(view: View, schedule: Schedule, models: int) -> list[Candidate]:
    """Who stands in the competition that owns these models and is past its delay, by uid."""
    competition = schedule.accepting(models, view.block)
    if competition is None:
        return []

    def stands(candidate: Candidate) -> bool:
        return candidate.commitment.competition_id == models and Action.FETCH is action(
            Sighting(
                age=view.block - candidate.block,
                delay=competition.eval_block_delay,
                scheduled_then=schedule.accepting(models, candidate.block) is not None,
                scheduled_now=True,
                tracked=False,
            )
        )

    return [candidate for candidate in view.candidates if stands(candidate)]
