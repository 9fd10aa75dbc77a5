"""Measures of the source tree: what a test holds, and what a reviewer reads.

python -m tests.house        prints every figure
"""

from __future__ import annotations

import ast
import keyword
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = "iotapretrain"
SMALL_FILE, LONG_FUNCTION, LONG_FILE, RUN = 60, 60, 400, 6
_LAYOUT = frozenset(
    {
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
        *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
    }
)


@dataclass(frozen=True)
class File:
    """A file of the source, parsed."""

    path: Path
    module: str
    lines: int
    tree: ast.Module = field(repr=False)

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@cache
def files() -> tuple[File, ...]:
    """Every file of the package."""
    return tuple(map(_file, sorted((SOURCE / PACKAGE).rglob("*.py"))))


def _file(path: Path) -> File:
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(SOURCE).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return File(path, module, text.count("\n"), ast.parse(text))


# --- size ----------------------------------------------------------------------------------------


def small_files() -> list[str]:
    """Files of 60 lines or fewer, but for `__init__.py`, which name a room."""
    return [each.module for each in files() if each.lines <= SMALL_FILE and not each.is_package]


def long_files() -> dict[str, int]:
    """Files of more than 400 lines."""
    return {each.module: each.lines for each in files() if each.lines > LONG_FILE}


def long_functions() -> dict[str, int]:
    """Functions of more than 60 lines, decorators and docstring with them."""
    found = {}
    for each in files():
        for node in ast.walk(each.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                length = (node.end_lineno or node.lineno) - first + 1
                if length > LONG_FUNCTION:
                    found[f"{each.module}:{node.name}"] = length
    return found


def total_lines() -> int:
    """As `find src -name '*.py' | xargs cat | wc -l` counts."""
    return sum(each.lines for each in files())


# --- names ---------------------------------------------------------------------------------------


def repeated_stems() -> dict[str, list[str]]:
    """File names that mean more than one file."""
    return _repeated((each.path.stem, each.module) for each in files() if not each.is_package)


def repeated_classes() -> dict[str, list[str]]:
    """Public names that mean more than one class, wherever in a file they stand."""
    return _repeated(
        (node.name, each.module)
        for each in files()
        for node in each.tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )


def _repeated(named: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in named:
        places[name].append(place)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


# --- who imports whom ----------------------------------------------------------------------------


def imports(inside_functions: bool = True) -> dict[str, set[str]]:
    """By module, the modules of the package that it imports; not what only type checkers read."""
    modules = {each.module for each in files()}
    return {
        each.module: {
            found
            for name in _imported(each.tree, inside_functions)
            if (found := _known(name, modules)) is not None and found != each.module
        }
        for each in files()
    }


def _known(name: str, modules: set[str]) -> str | None:
    """The module that a dotted name is, or lies in."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def _imported(node: ast.AST, inside_functions: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif _runs(child, inside_functions):
            yield from _imported(child, inside_functions)


def _runs(node: ast.AST, inside_functions: bool) -> bool:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return False
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    return inside_functions or not function


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, however far around (strongly connected parts)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in sorted(edges[module]):
            if other not in number:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            part = path[path.index(module) :]
            del path[-len(part) :]
            if len(part) > 1:
                found.append(sorted(part))

    for module in sorted(edges):
        if module not in number:
            visit(module)
    return found


# --- repetition ----------------------------------------------------------------------------------


def repeated_runs(with_fields: bool = True) -> list[list[str]]:
    """Runs of six or more lines of code that stand in several places, alike but for names.

    Imports, comments and docstrings do not count, `with_fields=False` leaves out annotated ones;
    of a longer run only its first line is listed.
    """
    lines = {each.module: _shapes(each, with_fields) for each in files()}
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for module, shapes in lines.items():
        for start in range(len(shapes) - RUN + 1):
            window = tuple(shape for _, shape in shapes[start : start + RUN])
            places[window].append((module, start))
    groups = [where for where in places.values() if len(where) > 1]
    repeated = {place for where in groups for place in where}
    return [
        [f"{module}:{lines[module][start][0]}" for module, start in where]
        for where in groups
        if any((module, start - 1) not in repeated for module, start in where)
    ]


def _shapes(file: File, with_fields: bool) -> list[tuple[int, str]]:
    """The lines of a file's code, with every name made the same."""
    kinds = (ast.Import, ast.ImportFrom) + (() if with_fields else (ast.AnnAssign,))
    left_out = {line for node in ast.walk(file.tree) for line in _lines_of(node, kinds)}
    shapes: dict[int, list[str]] = defaultdict(list)
    with file.path.open(encoding="utf-8") as text:
        for token in tokenize.generate_tokens(text.readline):
            if token.type not in _LAYOUT and token.start[0] not in left_out:
                is_name = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
                shapes[token.start[0]].append("name" if is_name else token.string)
    return [(line, " ".join(shapes[line])) for line in sorted(shapes)]


def _lines_of(node: ast.AST, kinds: tuple[type[ast.stmt], ...]) -> Iterable[int]:
    """The lines of a node of these kinds, or of a docstring."""
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if isinstance(node, ast.stmt) and (is_text or isinstance(node, kinds)):
        return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return ()


def main() -> None:
    """Print what there is."""
    stems, classes = repeated_stems(), repeated_classes()
    print(f"lines                     {total_lines():,} in {len(files())} files")
    print(f"files of <= {SMALL_FILE} lines      {len(small_files())} (without __init__.py)")
    print(f"files of > {LONG_FILE} lines      {long_files()}")
    print(f"functions > {LONG_FUNCTION} lines      {long_functions()}")
    print(f"repeated file stems       {len(stems)} for {sum(map(len, stems.values()))} files")
    print(f"repeated public classes   {len(classes)} for {sum(map(len, classes.values()))} classes")
    runs = repeated_runs(with_fields=False)
    print(f"repeated runs of lines    {len(repeated_runs())}, without lists of fields {len(runs)}")
    for where in runs:
        print("   " + ", ".join(where))
    for which in (False, True):
        found = circles(imports(which))
        where = "with those in functions" if which else "at import"
        print(f"circles, {where}: {len(found)}")
        for part in found:
            print("   " + ", ".join(part))


if __name__ == "__main__":
    main()
