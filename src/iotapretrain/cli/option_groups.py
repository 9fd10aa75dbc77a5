"""Options that belong together, as one value: a dataclass whose fields are options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer shall see it: every dataclass that it takes is given by its fields."""
    hints = get_type_hints(command)
    types = {name: kind for name, kind in hints.items() if isinstance(kind, type)}
    groups = {name: kind for name, kind in types.items() if is_dataclass(kind)}

    @wraps(command)
    def grouped(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{each.name: given.pop(each.name) for each in fields(kind)})
        command(**given)

    parameters: list[Parameter] = []
    for name, own in signature(command, eval_str=True).parameters.items():
        kind = groups.get(name)
        parameters += [own] if kind is None else signature(kind, eval_str=True).parameters.values()
    keywords = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]
    vars(grouped)["__signature__"] = Signature(keywords)
    return grouped
