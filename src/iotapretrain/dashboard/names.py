"""Who is who: hotkeys by their numbers in the index, and the names of their wallets."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TypeVar, final

import msgspec

from iotapretrain.dashboard.api_types import Who, Why
from iotapretrain.dashboard.index import Index, Shown, shown

HOTKEY = re.compile(r"\b5[1-9A-HJ-NP-Za-km-z]{47}\b")
Item = TypeVar("Item")


@final
class People:
    """The index with names; `names` may grow while pages are asked for."""

    def __init__(self, index: Index, names: Mapping[str, str]) -> None:
        self.index, self.names = index, names

    def who(self, hotkey: str, uid: int | None = None) -> Who:
        return Who(hotkey, self.names.get(hotkey), self.uid(hotkey) if uid is None else uid)

    def seen(
        self, kind: type[Shown], statement: str, values: Sequence[object]
    ) -> tuple[Shown, ...]:
        """The rows of a question as answers, each with whom its `address` and `uid` name."""
        rows = self.index.rows(statement, values)
        return tuple(shown(kind, row, who=self.who(row["address"], row["uid"])) for row in rows)

    def uid(self, hotkey: str) -> int | None:
        """The uid at the newest epoch, or in the newest round."""
        found = self.index.row(
            "SELECT uid FROM neurons WHERE address = ? ORDER BY block DESC LIMIT 1", (hotkey,)
        ) or self.index.row(
            "SELECT uid FROM judged WHERE address = ? ORDER BY round DESC LIMIT 1", (hotkey,)
        )
        return None if found is None else int(found[0])

    def number(self, hotkey: str) -> int | None:
        """The number of a hotkey in the index; None for a stranger."""
        found = self.index.row("SELECT id FROM hotkeys WHERE hotkey = ?", (hotkey,))
        return None if found is None else int(found[0])

    def named(self, text: str) -> str:
        """A sentence with names in the place of the hotkeys that have one."""
        return HOTKEY.sub(lambda found: self.names.get(found[0], found[0]), text)

    def reasons(self, text: bytes | str | None) -> tuple[Why, ...]:
        """Reasons as the index keeps them, with names."""
        found = msgspec.json.decode(text, type=tuple[Why, ...]) if text else ()
        return tuple(Why(each.code, self.named(each.sentence)) for each in found)

    def validators(self, competition: int | None = None) -> list[Who]:
        """Who has published rounds: most stake first, then most rounds."""
        rows = self.index.rows(
            "SELECT h.hotkey, (SELECT stake FROM epochs e WHERE e.hotkey = r.validator ORDER BY "
            "e.block DESC LIMIT 1) stake, count(*) rounds FROM rounds r JOIN hotkeys h ON "
            "h.id = r.validator WHERE ?1 IS NULL OR r.competition = ?1 GROUP BY r.validator "
            "ORDER BY stake DESC, rounds DESC, h.hotkey",
            (competition,),
        )
        return [self.who(row["hotkey"]) for row in rows]

    def leading(self) -> list[list[sqlite3.Row]]:
        """Of every competition, the rounds that the validator with most stake decided."""
        found = self.index.rows("SELECT DISTINCT competition FROM rounds ORDER BY 1")
        return [self.rounds(each, self.validators(each)[0].hotkey) for (each,) in found]

    def rounds(self, competition: int, validator: str) -> list[sqlite3.Row]:
        """The rounds of a competition that a validator decided, in order."""
        return self.index.rows(
            "SELECT * FROM decided WHERE competition = ? AND validator_hotkey = ? ORDER BY round",
            (competition, validator),
        )


def thinned(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, evenly, the last always among them."""
    step = -(-len(items) // most) if items else 1
    return list(items[::-1][::step][::-1])
