"""Every error a user can meet, in one tree.

IotaError                what went wrong, for a person; the CLI prints it and exits with `exit_code`
├── ChainError           the chain said no, or could not be read
│   ├── ServeError           the chain cannot be served at this address
│   ├── RefusedError         an invalid transaction: nothing stored, no nonce spent
│   ├── RefusedCallError     a call that would fail in its block: not put into one
│   ├── SubmissionError      what came back from a submission: the SDK's code, and why
│   ├── UnreachableError     no answer before the deadline
│   ├── StateDiscardedError  the state of a block that is no longer kept
│   └── UnfinishedError      the answer takes longer than one turn; the same question goes on
├── SourceError          text could not be had: which source, what happened, what to do
│   ├── UnavailableSourceError   still slow, cut off or refusing when patience ended
│   ├── ChangedSourceError       it no longer serves the revision that is pinned
│   └── CorruptSourceError       bytes that cannot be what the pinned revision holds
├── HubError             the model hub, or what lies on it: which, what happened, what to do
│   ├── MissingModelError    no such repository, commit or file, or it is private to somebody else
│   ├── RefusedModelError    must not be fetched as published: too large, hostile names, no weights
│   ├── CorruptModelError    other bytes than the listing promised
│   ├── BadRoundError        a published round record that is none
│   ├── HubRightsError       the hub does not let this login do that
│   ├── UnavailableHubError  still unreachable, slow or overloaded when patience ended
│   └── FullCacheError       no room left in the cache's budget or on its disk
├── InputError           what the user gave is wrong: which input, where in it, and what to do
│   ├── ConfigError      a configuration file: file, key, what is wrong, what is allowed
│   ├── RecordError      a value that cannot be a record of a journal
│   └── VectorError      a file that claims to be conformance vectors and cannot be read as such
├── AwayError            a participant of a swarm does not answer now: who, and what was asked
├── FrameError           a peer sent what is no frame of this run: who, and what is wrong with it
├── RunError             a training run cannot go on: which part of it, why, what to do
├── WorkerError          a process in which models are opened cannot be started here
└── StoreError           a journal cannot be opened, read or written: which, why, what to do
    ├── BrokenError      a record of a journal does not hold: which and why
    └── ConflictError    another writer was faster than this append

A traceback that reaches a user is a bug.
"""

from __future__ import annotations

from typing import Literal

InvalidTransaction = Literal[
    "BadProof",
    "Stale",
    "Future",
    "AncientBirthBlock",
    "Payment",
    "Call",
    "ExhaustsResources",
]
"""Why a transaction cannot enter any block, by the names that Substrate gives."""


class IotaError(Exception):
    """One line for a person: what was wrong, with which input, and what to do next."""

    exit_code = 2


class InputError(IotaError):
    """The input is wrong; the same call with better input can succeed."""


class ConfigError(InputError):
    """A configuration value is missing, unknown or out of range."""

    def __init__(self, file: str, key: str, problem: str, allowed: str) -> None:
        super().__init__(f"{file}: {key}: {problem}; allowed: {allowed}")
        self.file, self.key, self.problem, self.allowed = file, key, problem, allowed


class VectorError(InputError):
    """A conformance vector file that cannot be read."""


class AwayError(IotaError):
    """Nobody answers now; whoever asked asks again later, or somebody else."""


class FrameError(IotaError):
    """What a peer sent is no frame of this run; nothing of it is used."""

    def __init__(self, sender: str, problem: str) -> None:
        super().__init__(f"frame of {sender}: {problem}; it is refused")
        self.sender, self.problem = sender, problem


class RunError(IotaError):
    """A training run cannot go on; what it wrote before is whole."""


class WorkerError(IotaError):
    """A process in which models are opened cannot be started; it says nothing about a model."""


class ChainError(IotaError):
    """The chain said no, or could not be read."""


class ServeError(ChainError):
    """The chain cannot be served at this address."""


class RefusedError(ChainError):
    """The transaction is invalid: nothing is stored, and its nonce is not spent."""

    def __init__(self, reason: InvalidTransaction, detail: str) -> None:
        super().__init__(f"transaction refused ({reason}): {detail}")
        self.reason, self.detail = reason, detail


class RefusedCallError(ChainError):
    """A call that would fail in its block, and was therefore not put into one.

    `name` is the error's own, in its pallet; without a pallet it is one of the dispatcher.
    """

    def __init__(self, pallet: str | None, name: str) -> None:
        super().__init__(f"call refused: {pallet}.{name}" if pallet else f"call refused: {name}")
        self.pallet, self.name = pallet, name


class SubmissionError(ChainError):
    """An extrinsic was refused, or failed in its block; `code` is the SDK's own."""

    def __init__(self, code: str, name: str | None, problem: str, advice: str) -> None:
        super().__init__(f"{code}{f' ({name})' if name else ''}: {problem}; {advice}")
        self.code, self.name, self.problem, self.advice = code, name, problem, advice


class UnreachableError(ChainError):
    """The chain gave no answer before the deadline."""


class StateDiscardedError(ChainError):
    """The state of a block is no longer kept, though its header is."""

    def __init__(self, block: int) -> None:
        super().__init__(f"the state of block {block} is no longer kept; ask for a later block")
        self.block = block


class UnfinishedError(ChainError):
    """A turn is over before the answer is known; asked again, it goes on from where it was."""

    def __init__(self) -> None:
        super().__init__("an old block takes longer to replay than one turn lasts; ask again")


class SourceError(IotaError):
    """Text could not be had; the task that needs it drops out of the round.

    `reason` is what the round's record calls it.
    """

    reason: str

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source


class UnavailableSourceError(SourceError):
    """Still slow, cut off or refusing when patience ended."""

    reason = "unavailable"


class ChangedSourceError(SourceError):
    """The place no longer serves the revision that is pinned."""

    reason = "changed"


class CorruptSourceError(SourceError):
    """Bytes that cannot be what the pinned revision holds."""

    reason = "corrupt"


class RecordError(InputError):
    """A value that cannot be a record of a journal: not canonical, too large, or badly named."""


class StoreError(IotaError):
    """A journal cannot be opened, read or written; what was acknowledged before is untouched."""


class BrokenError(StoreError):
    """A record that does not hold: changed, cut off, missing, or out of its place."""

    exit_code = 1

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"record {sequence} does not hold: {reason}")
        self.sequence, self.reason = sequence, reason


class ConflictError(StoreError):
    """An append decided on a head that is no longer the head; decide again."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"expected record {expected} to be the last, but it is {found}: "
            "another writer was faster; read what is new and decide again"
        )
        self.expected, self.found = expected, found


class HubError(IotaError):
    """A model hub failed, or what lies on it is not as it must be."""


class MissingModelError(HubError):
    """The hub has no such repository, commit or file, or does not show it to us."""


class RefusedModelError(HubError):
    """What a stranger published must not be fetched; a property of the pinned commit, so final."""


class CorruptModelError(HubError):
    """The bytes that arrived are not those that the listing of the commit promised."""


class BadRoundError(HubError):
    """What a validator published as the record of a round cannot be read as one."""


class HubRightsError(HubError):
    """The hub does not let this login do that."""


class UnavailableHubError(HubError):
    """The hub could not be reached in time; it says nothing about the model.

    `retry_after` is the number of seconds that the hub asked us to wait, if it named one.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FullCacheError(HubError):
    """No room in the cache: everything in it is in use or too young, or the disk is full."""
