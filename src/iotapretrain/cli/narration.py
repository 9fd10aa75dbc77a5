"""What a validator does, in plain words on standard error; events cost time to import."""

from __future__ import annotations

from rich.console import Console

from iotapretrain.cli.console import printable
from iotapretrain.observe import events


class Narration:
    """A sink that says in plain words, on standard error, what a validator does."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)

    def emit(self, event: events.AnyEvent) -> None:
        """One line, for events that people follow."""
        if (line := _sentence(event)) is not None:
            self._console.print(printable(line))

    def close(self) -> None:
        """Nothing to lose."""


def _sentence(event: events.AnyEvent) -> str | None:
    match event:
        case events.ValidatorStarted():
            return f"{event.source} on {event.network}: {event.rounds} rounds so far"
        case events.ModelFetched():
            verdict = "admitted" if event.outcome == "evaluated" else "; ".join(event.reasons)
            return f"uid {event.uid}: {event.repository}@{event.commit[:8]}: {verdict}"
        case events.RoundStarted():
            return (
                f"round {event.round}: competition {event.competition} at block {event.block},"
                f" {event.models} models"
            )
        case events.RoundFinished():
            return f"round {event.round}: {_result(event)}"
        case events.WeightsSet():
            row = ", ".join(f"{uid}: {weight:.4f}" for uid, weight in event.weights.items())
            return f"weights set at block {event.block}: {row}"
        case events.RecordPublished():
            return f"round {event.round}: record published in {event.repository}"
        case events.Waiting():
            return f"{event.what}: {event.reason} (waiting {event.seconds:.0f} s)"
    return None


def _result(event: events.RoundFinished) -> str:
    pages = f"{event.pages_scored} of {event.pages_of_full_round} pages scored"
    if event.champion_loss is None:
        return f"no result; {pages}"
    return f"uid {event.champion_uid} is best with a loss of {event.champion_loss:.4f}; {pages}"
