"""The schedule of competitions as a TOML file; `docs/competitions.md` is its reference.

A file either gives a `Schedule` or one line: file, key, what is wrong, what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from iotapretrain.rules.competition import epsilon
from iotapretrain.rules.competition.schedule import (
    Blocks,
    Competition,
    Constraints,
    Schedule,
    Slot,
    TextTask,
)
from iotapretrain.rules.competition.size_limits import NormRule
from iotapretrain.rules.competition.task_score import Method
from iotapretrain.rules.competition.tournament import MODES, RoundRules
from iotapretrain.rules.sampling import SYNC_CADENCE
from iotapretrain.rules.toml_table import TomlTable

MODE = "score-level"

Readers = Mapping[str, Callable[[TomlTable, str], Any]]
TASK: Readers = {
    "name": TomlTable.text,
    "dataset": TomlTable.text,
    "config": TomlTable.text,
    "pages": TomlTable.integer,
    "page_rows": TomlTable.integer,
    "sequences": TomlTable.integer,
    "packed": TomlTable.flag,
    "weight": TomlTable.number,
    "ceiling": TomlTable.number,
}
CONSTRAINTS: Readers = {
    "sequence_length": TomlTable.integer,
    "tokenizer": TomlTable.text,
    "max_bytes": TomlTable.integer,
    "dtype": TomlTable.text,
    "trainable": TomlTable.flag,
}
ROUND: Readers = {"temperature": TomlTable.number, "temperature_in_ranks": TomlTable.flag}
AVERAGE: Readers = {"alpha": TomlTable.number, "eval_block_delay": TomlTable.integer}
CONSTRAINT_KEYS = ("parameters", *CONSTRAINTS, "architectures", "norms")
RULE_KEYS = ("tasks", "epsilon", "mode", *ROUND, *AVERAGE)
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "the file": ("sync_cadence", "architectures", "tasks", "competition", "reserved"),
        "tasks.LIST": (*TASK, "normalisation"),
        "competition": ("name", "id", "models", "active", *CONSTRAINT_KEYS, *RULE_KEYS),
        "competition.norms": ("hard", "soft", "share"),
        "competition.active": ("from", "until", "share", *RULE_KEYS),
        "reserved": ("name", "id", "from", "until", "share"),
    }
)
"""Every key by the table that it stands in."""

Owners = Mapping[str, tuple[int, Constraints]]
TaskLists = Mapping[str, tuple[TextTask, ...]]


def parse(text: str, source: str) -> Schedule:
    """The schedule that a file holds; `source` names the file in errors."""
    root = TomlTable.of_text(text, source)
    root.check_keys(KEYS["the file"])
    tables = root.tables("competition")
    owners = _owners(tables, root.table("architectures"))
    tasks = _task_lists(root.table("tasks"))
    competitions = [part for table in tables for part in _competitions(table, owners, tasks)]
    reserved = map(_reserved, root.tables("reserved") if "reserved" in root else [])
    with root.naming():
        cadence = root.integer("sync_cadence", SYNC_CADENCE)
        return Schedule(tuple(competitions), tuple(reserved), cadence)


def _owners(tables: Sequence[TomlTable], architectures: TomlTable) -> Owners:
    """Id and constraints of every competition that has models of its own, by name."""
    owners: dict[str, tuple[int, Constraints]] = {}
    seen: set[str] = set()
    for table in tables:
        table.check_keys(KEYS["competition"])
        name = table.text("name")
        if name in seen:
            raise table.wrong("name", f"{name!r} again", "each name once")
        seen.add(name)
        if "models" not in table:
            owners[name] = table.integer("id"), _constraints(table, architectures)
    return owners


def _constraints(table: TomlTable, architectures: TomlTable) -> Constraints:
    smallest, largest = table.integers("parameters", count=2)
    with table.naming():
        return Constraints(
            min_parameters=smallest,
            max_parameters=largest,
            architectures=frozenset(
                architectures.texts(table.choice("architectures", architectures))
            ),
            norms=_norms(table.table("norms")) if "norms" in table else None,
            **_given(table, CONSTRAINTS, "sequence_length", "tokenizer", "max_bytes"),
        )


def _norms(table: TomlTable) -> NormRule:
    table.check_keys(KEYS["competition.norms"])
    with table.naming():
        return NormRule(table.number("hard"), table.number("soft"), table.number("share"))


def _task_lists(lists: TomlTable) -> TaskLists:
    return {name: tuple(_task(table) for table in lists.tables(name)) for name in lists}


def _task(table: TomlTable) -> TextTask:
    table.check_keys(KEYS["tasks.LIST"])
    with table.naming():
        method = Method(table.choice("normalisation", [*Method], Method.NONE))
        given = _given(table, TASK, "name", "weight", "dataset", "pages")
        return TextTask(method=method, **given)


def _given(table: TomlTable, readers: Readers, *required: str) -> dict[str, Any]:
    """The keys that are there, or must be; for others the default is that of what they describe."""
    return {key: read(table, key) for key, read in readers.items() if key in (*table, *required)}


def _competitions(table: TomlTable, owners: Owners, tasks: TaskLists) -> list[Competition]:
    """One competition for each of its ranges of blocks."""
    owner = table.text("name")
    if "models" in table:
        owner = table.choice("models", owners)
        for key in CONSTRAINT_KEYS:
            if key in table:
                raise table.wrong(key, f"given beside models = {owner!r}", "only without models")
    models, constraints = owners[owner]
    parts = []
    for active in table.tables("active"):
        active.check_keys(KEYS["competition.active"])
        with active.naming():
            parts.append(_part(table, active, models, constraints, tasks))
    return parts


def _part(
    table: TomlTable, active: TomlTable, models: int, constraints: Constraints, tasks: TaskLists
) -> Competition:
    """A competition in one range; a rule that the range does not give is the competition's."""
    where = {key: active if key in active else table for key in RULE_KEYS}
    return Competition(
        id=table.integer("id"),
        name=table.text("name"),
        models=models,
        blocks=_blocks(active),
        share=active.number("share"),
        constraints=constraints,
        tasks=tasks[where["tasks"].choice("tasks", tasks)],
        rules=_rules(where),
        **_inherited(where, AVERAGE),
    )


def _inherited(where: Mapping[str, TomlTable], readers: Readers) -> dict[str, Any]:
    return {key: read(where[key], key) for key, read in readers.items() if key in where[key]}


def _rules(where: Mapping[str, TomlTable]) -> RoundRules:
    with where["epsilon"].naming():
        advantage = epsilon.parse(where["epsilon"].document("epsilon"))
    mode = MODES[where["mode"].choice("mode", MODES, MODE)]
    with where["temperature"].naming():
        return RoundRules(advantage, mode, **_inherited(where, ROUND))


def _reserved(table: TomlTable) -> Slot:
    table.check_keys(KEYS["reserved"])
    with table.naming():
        return Slot(table.integer("id"), table.text("name"), _blocks(table), table.number("share"))


def _blocks(table: TomlTable) -> Blocks:
    return Blocks(table.integer("from"), table.integer("until") if "until" in table else None)
