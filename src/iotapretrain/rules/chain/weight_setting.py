"""What the chain answers to whoever sets weights, reveals them, or bounds liquid alpha.

Each outcome is a word; the first check that fails decides (Yuma, sections 9.3 and 12).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from iotapretrain.rules.chain.fixed_point import BITS, U16, max_upscaled

LOWEST_ALPHA = U16 // 40


class ChainOutcome(StrEnum):
    """How something ends: a word, and the error by which the chain refuses it."""

    refusal: str

    def __new__(cls, word: str, refusal: str = "") -> Self:
        outcome = str.__new__(cls, word)
        outcome._value_, outcome.refusal = word, refusal
        return outcome


class WeightsOutcome(ChainOutcome):
    """How a weight-setting call ends."""

    OK = "ok"
    COMMIT_REVEAL_ENABLED = "commit_reveal_enabled", "CommitRevealEnabled"
    ROOT_NOT_ALLOWED = "root_not_allowed", "CanNotSetRootNetworkWeights"
    LENGTH_MISMATCH = "length_mismatch", "WeightVecNotEqualSize"
    NO_MECHANISM = "no_mechanism", "MechanismDoesNotExist"
    TOO_MANY_UIDS = "too_many_uids", "UidsLengthExceedUidsInSubNet"
    NOT_REGISTERED = "not_registered", "HotKeyNotRegisteredInSubNet"
    NOT_ENOUGH_STAKE = "not_enough_stake", "NotEnoughStakeToSetWeights"
    WRONG_VERSION_KEY = "wrong_version_key", "IncorrectWeightVersionKey"
    TOO_FAST = "too_fast", "SettingWeightsTooFast"
    NO_PERMIT = "no_permit", "NeuronNoValidatorPermit"
    DUPLICATE_UIDS = "duplicate_uids", "DuplicateUids"
    UNKNOWN_UID = "unknown_uid", "UidVecContainInvalidOne"
    TOO_FEW_WEIGHTS = "too_few_weights", "WeightVecLengthIsLow"


class RevealOutcome(StrEnum):
    """Whether a commit may be revealed now."""

    OK = "ok"
    TOO_EARLY = "too_early"
    EXPIRED = "expired"


class AlphaOutcome(ChainOutcome):
    """How an attempt to set the bounds of liquid alpha ends."""

    OK = "ok"
    BAD_ORIGIN = "bad_origin"
    LIQUID_ALPHA_DISABLED = "liquid_alpha_disabled", "LiquidAlphaDisabled"
    ALPHA_HIGH_TOO_LOW = "alpha_high_too_low", "AlphaHighTooLow"
    ALPHA_LOW_OUT_OF_RANGE = "alpha_low_out_of_range", "AlphaLowOutOfRange"


@dataclass(frozen=True, kw_only=True)
class WeightsCall:
    """A call that sets weights, and what the chain knows of the caller and of the subnet.

    `n` is the number of neurons. A `reveal` opens a commit: it came in time or not at all, so
    neither commit-reveal nor the rate limit stands in its way.
    """

    uids: Sequence[int]
    values: Sequence[int]
    n: int
    uid: int
    block: int
    last_update: int
    stake: int
    registered: bool = True
    permit: bool = True
    is_owner: bool = False
    reveal: bool = False
    root: bool = False
    mechanism_exists: bool = True
    commit_reveal: bool = False
    stake_threshold: int = 0
    version_key: int = 0
    network_version_key: int = 0
    rate_limit: int = 100
    min_allowed_weights: int = 1


def judge_weights(call: WeightsCall) -> WeightsOutcome:
    """Whether the call is accepted, or why not."""
    failed = (outcome for fails, outcome in _weights_checks(call) if fails)
    return next(failed, WeightsOutcome.OK)


def upscaled(values: Sequence[int]) -> list[int]:
    """The u16 values of a call as they are stored: the largest becomes 65535."""
    return max_upscaled([value << BITS for value in values])


def reveal_status(commit_epoch: int, reveal_period: int, current_epoch: int) -> RevealOutcome:
    """A commit is revealed in exactly one epoch."""
    if current_epoch < commit_epoch + reveal_period:
        return RevealOutcome.TOO_EARLY
    if current_epoch > commit_epoch + reveal_period:
        return RevealOutcome.EXPIRED
    return RevealOutcome.OK


def judge_alpha_bounds(
    *, is_owner: bool, liquid_alpha: bool, alpha_low_u16: int, alpha_high_u16: int
) -> AlphaOutcome:
    """Whether these bounds of liquid alpha may be set."""
    if not is_owner:
        return AlphaOutcome.BAD_ORIGIN
    if not liquid_alpha:
        return AlphaOutcome.LIQUID_ALPHA_DISABLED
    if alpha_high_u16 < LOWEST_ALPHA:
        return AlphaOutcome.ALPHA_HIGH_TOO_LOW
    if not LOWEST_ALPHA <= alpha_low_u16 <= alpha_high_u16:
        return AlphaOutcome.ALPHA_LOW_OUT_OF_RANGE
    return AlphaOutcome.OK


def _weights_checks(call: WeightsCall) -> Iterator[tuple[bool, WeightsOutcome]]:
    """Every check in the chain's order, each with whether it fails."""
    count = len(call.uids)
    yield call.commit_reveal and not call.reveal, WeightsOutcome.COMMIT_REVEAL_ENABLED
    yield call.root, WeightsOutcome.ROOT_NOT_ALLOWED
    yield count != len(call.values), WeightsOutcome.LENGTH_MISMATCH
    yield not call.mechanism_exists, WeightsOutcome.NO_MECHANISM
    yield count > call.n, WeightsOutcome.TOO_MANY_UIDS
    yield not call.registered, WeightsOutcome.NOT_REGISTERED
    poor = call.stake < call.stake_threshold and not call.is_owner
    yield poor, WeightsOutcome.NOT_ENOUGH_STAKE
    yield call.version_key < call.network_version_key, WeightsOutcome.WRONG_VERSION_KEY
    hasty = call.last_update > 0 and call.block - call.last_update < call.rate_limit
    yield hasty and not call.reveal, WeightsOutcome.TOO_FAST
    on_itself = list(call.uids) == [call.uid]
    yield not (call.permit or call.is_owner or on_itself), WeightsOutcome.NO_PERMIT
    yield len(set(call.uids)) < count, WeightsOutcome.DUPLICATE_UIDS
    yield any(uid >= call.n for uid in call.uids), WeightsOutcome.UNKNOWN_UID
    needed = min(call.n, call.min_allowed_weights)
    yield count < needed and not on_itself, WeightsOutcome.TOO_FEW_WEIGHTS
