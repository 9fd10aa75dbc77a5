"""Questions of the page Audit: what can be recomputed, and how it goes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from iotapretrain.dashboard.api_types import Auditable, AuditJob, AuditPage
from iotapretrain.dashboard.audits import Audits, Job
from iotapretrain.dashboard.names import People
from iotapretrain.errors import InputError

ROUNDS = 50
LONGEST_HOTKEY = 64
LARGEST_NUMBER = 2**53 - 1
"""As of a round's record: no number of an API is larger."""


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to audit."""

    validator: Annotated[str, msgspec.Meta(max_length=LONGEST_HOTKEY)]
    round: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)]


def audit_page(people: People, audits: Audits) -> AuditPage:
    """Rounds of every validator, newest first, and the audits that were started here."""
    return AuditPage(
        audits.problem,
        tuple(_auditable(people, who.hotkey) for who in people.validators()),
        tuple(_shown(people, job) for job in audits.jobs),
    )


def requested(people: People, body: bytes) -> tuple[str, int]:
    """Validator and round of a request, both known here."""
    try:
        wanted = msgspec.json.decode(body, type=Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"audit: {error}") from error
    known = people.index.row(
        "SELECT 1 FROM rounds r JOIN hotkeys h ON h.id = r.validator "
        "WHERE h.hotkey = ? AND r.round = ?",
        (wanted.validator, wanted.round),
    )
    if known is None:
        raise InputError(f"audit: round {wanted.round} of {wanted.validator} is not known here")
    return wanted.validator, wanted.round


def _auditable(people: People, hotkey: str) -> Auditable:
    rows = people.index.rows(
        "SELECT round FROM rounds r JOIN hotkeys h ON h.id = r.validator WHERE h.hotkey = ? "
        "ORDER BY round DESC LIMIT ?",
        (hotkey, ROUNDS),
    )
    return Auditable(people.who(hotkey), tuple(row["round"] for row in rows))


def _shown(people: People, job: Job) -> AuditJob:
    return AuditJob(
        number=job.number,
        validator=people.who(job.validator),
        round=job.round,
        state=job.state,
        steps=tuple(job.steps),
    )
