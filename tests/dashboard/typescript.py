"""The types of the answers for the page: `python -m tests.dashboard.typescript`."""

from __future__ import annotations

import inspect
import sys
import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from iotapretrain.dashboard import api_types

HEAD = "// Made from the API's types by `make web`: change those, not this.\n"
PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def typescript() -> str:
    classes = (each for each in vars(api_types).values() if inspect.isclass(each))
    ours = (each for each in classes if issubclass(each, Struct) and each is not Struct)
    return HEAD + "".join(map(_interface, ours))


def _interface(struct: type[Struct]) -> str:
    hints, own = get_type_hints(struct), struct.__annotations__
    fields = "".join(f"  {name}: {_type(hints[name])}\n" for name in own)
    (base,) = struct.__bases__
    extends = "" if base is Struct else f" extends {base.__name__}"
    return f"\nexport interface {struct.__name__}{extends} {{\n{fields}}}\n"


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin in (Union, types.UnionType):
        return " | ".join(_type(each) for each in arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        inner = _type(arguments[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is tuple:
        return f"[{', '.join(_type(each) for each in arguments)}]"
    if origin is dict:
        return f"Record<{_type(arguments[0])}, {_type(arguments[1])}>"
    return str(hint.__name__)


if __name__ == "__main__":
    sys.stdout.write(typescript())
