"""Audits started from the page: one child process at a time, its lines shown as they come."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, final

import msgspec

from iotapretrain.dashboard.api_types import Auditable, AuditJob, AuditPage, Step, Who
from iotapretrain.dashboard.names import People
from iotapretrain.errors import InputError

ROUNDS = 50
LONGEST_HOTKEY = 64
LARGEST_NUMBER = 2**53 - 1
"""As of a round's record: no number of an API is larger."""
MOST_STEPS = 400
KEPT = 20
LIMIT_SECONDS = 900.0
PATIENCE_SECONDS = 5.0
HELD, EXPOSED = 0, 1


@final
class Audits:
    """Runs `COMMAND ROUND --validator HOTKEY`; an empty command runs nothing."""

    def __init__(self, command: tuple[str, ...], changed: Callable[[], None]) -> None:
        self._command, self._changed = command, changed
        self.jobs: deque[AuditJob] = deque(maxlen=KEPT)
        self._started = 0
        self._running: asyncio.Task[None] | None = None

    @property
    def problem(self) -> str | None:
        """Why no audit can be started; None if one can."""
        if not self._command:
            return "this dashboard was started without a way to audit"
        if self._running is not None and not self._running.done():
            return "an audit is running; one at a time"
        return None

    def start(self, validator: Who, round_: int) -> AuditJob:
        """Start one; InputError where one is running."""
        if self.problem is not None:
            raise InputError(self.problem)
        self._started += 1
        job = AuditJob(self._started, validator, round_)
        self.jobs.appendleft(job)
        self._running = asyncio.create_task(self._run(job))
        self._changed()
        return job

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self, job: AuditJob) -> None:
        began = time.monotonic()

        def say(text: str) -> None:
            step = Step(round(time.monotonic() - began, 2), text)
            job.steps = (*job.steps, step)[-MOST_STEPS:]
            self._changed()

        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                job.state = await self._watched(job, say)
        except TimeoutError:
            job.state = "stopped"
            say(f"stopped after {LIMIT_SECONDS:g} s")
        except OSError as error:
            job.state = "stopped"
            say(f"cannot be started: {error}")
        except asyncio.CancelledError:
            job.state = "stopped"
            raise
        finally:
            self._changed()

    async def _watched(self, job: AuditJob, say: Callable[[str], None]) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            str(job.round),
            "--validator",
            job.validator.hotkey,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            if process.stdout is not None:
                async for line in process.stdout:
                    say(line.decode(errors="replace").rstrip())
            code = await process.wait()
        finally:
            await _ended(process)
        return {HELD: "held", EXPOSED: "failed"}.get(code, "stopped")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Terminated, and killed if that does not help."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class _Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    validator: Annotated[str, msgspec.Meta(max_length=LONGEST_HOTKEY)]
    round: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)]


def audit_page(people: People, audits: Audits) -> AuditPage:
    """Rounds of every validator, newest first, and the audits that were started here."""
    newest = "SELECT round FROM decided WHERE validator_hotkey = ? ORDER BY round DESC LIMIT ?"
    validators = tuple(
        Auditable(
            who, tuple(row["round"] for row in people.index.rows(newest, (who.hotkey, ROUNDS)))
        )
        for who in people.validators()
    )
    return AuditPage(audits.problem, validators, tuple(audits.jobs))


def requested(people: People, body: bytes) -> tuple[Who, int]:
    """Validator and round of a request, both known here."""
    try:
        wanted = msgspec.json.decode(body, type=_Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"audit: {error}") from error
    known = people.index.row(
        "SELECT 1 FROM decided WHERE validator_hotkey = ? AND round = ?",
        (wanted.validator, wanted.round),
    )
    if known is None:
        raise InputError(f"audit: round {wanted.round} of {wanted.validator} is not known here")
    return people.who(wanted.validator), wanted.round
