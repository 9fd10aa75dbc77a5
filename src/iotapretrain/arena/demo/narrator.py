"""A network's events, and the same in plain words: what is happening, and why it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from iotapretrain.observe.events import (
    Acted,
    AnyEvent,
    Audited,
    ModelFetched,
    Published,
    RoundFinished,
    TrainFinished,
    TrainStarted,
    WeightsSet,
)
from iotapretrain.observe.read_records import Tail

RECORDS = "records.jsonl"


class Narrator:
    """Follows every file of events below a network's folder."""

    def __init__(self, network: Path) -> None:
        self._network = network
        self._tails: dict[Path, Tail] = {}

    def new(self) -> Iterator[tuple[str, AnyEvent]]:
        """Who did what since the last look, in the order of time."""
        for path in self._network.rglob(RECORDS):
            self._tails.setdefault(path, Tail(path))
        events = [
            (event.time, self._whose(path), event)
            for path, tail in self._tails.items()
            for event in tail.new()
        ]
        for _, who, event in sorted(events, key=lambda each: each[0]):
            yield who, event

    def _whose(self, path: Path) -> str:
        """Miners and validators have a folder each; what lies above them is a stranger's."""
        _, *folder, _ = ("", *path.relative_to(self._network).parts)
        return folder[1] if len(folder) > 1 else "auditor"


def sentence(event: AnyEvent, names: Mapping[str, str]) -> str | None:
    """One line about what is worth a line."""
    match event:
        case Acted():
            return f"{event.what}: {event.why}" if event.why else event.what
        case TrainStarted():
            return (
                f"trains {event.parameters:,} parameters ({event.architecture}) from {event.origin}"
            )
        case TrainFinished(held_out_loss=float(loss)):
            return f"trained on {event.tokens:,} tokens; loss on unseen pages {loss:.3f}"
        case Published():
            return (
                f"published {event.repository}; validators look at it from block"
                f" {event.judged_from_block} on, when its pages cannot have been known"
            )
        case ModelFetched(reasons=[first, *_]):
            for hotkey, name in names.items():
                first = first.replace(hotkey, name)
            return f"refuses the model of {names.get(event.hotkey, event.hotkey)}: {first}"
        case RoundFinished():
            return _round(event, names)
        case WeightsSet():
            return f"set its weights in block {event.block}; Yuma Consensus turns them into pay"
        case Audited():
            found = "every number holds" if event.held else event.differences[0]
            who = names.get(event.validator, event.validator)
            return f"recomputed round {event.round} of {who}: {found}"
    return None


def _round(event: RoundFinished, names: Mapping[str, str]) -> str:
    if event.champion_hotkey is None or event.champion_loss is None:
        return f"round {event.round} had no result; the standings stay as they were"
    champion = names.get(event.champion_hotkey, event.champion_hotkey)
    scored = f"{event.pages_scored} of {event.pages_of_full_round} pages"
    return (
        f"round {event.round}: {event.models} models, {scored}; best is {champion}"
        f" with loss {event.champion_loss:.3f}"
    )
