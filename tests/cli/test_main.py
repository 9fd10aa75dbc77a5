"""The command line as a person meets it: a real process, its output and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from iotapretrain.cli.main import COMMANDS
from iotapretrain.disk.whole_files import shipped, shipped_file
from tests.golden.write import unpack

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "conformance" / "vectors" / "competition"


def iota(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from iotapretrain.cli.main import main; main()",
        *map(str, arguments),
    ]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_help_lists_the_groups() -> None:
    shown = iota("--help")
    assert shown.returncode == 0
    assert "conformance" in shown.stdout
    assert "rules" in shown.stdout


HEAVY = frozenset(
    {
        *("torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"),
        *("bittensor", "bittensor_core", "sqlalchemy", "cryptography"),
        *("numpy", "pyarrow", "fsspec", "httpx2", "matplotlib", "fastapi", "uvicorn"),
        *("msgspec", "blake3", "iotapretrain.rules"),
    }
)
"""What takes a person's time to import, and the door to what takes it."""
MODELS = frozenset({"torch", "transformers", "tokenizers", "safetensors"})
NETWORK = frozenset({"bittensor", "bittensor_core", "sqlalchemy"})


def imported(*arguments: str) -> set[str]:
    """The modules that a command leaves behind in its process."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr))\n"
        "from iotapretrain.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), *((name, "--help") for name in COMMANDS)],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not imported(*arguments) & HEAVY


def test_the_list_spares_parsers_that_it_does_not_use() -> None:
    assert not imported("--help") & {"markdown_it", "pygments", "rich.markdown", "rich.traceback"}


@pytest.mark.parametrize(
    ("line", "unneeded"),
    [
        ("conformance tests/conformance/vectors/competition/normalise.json", MODELS | NETWORK),
        ("rules explain examples/rules/paper.json", MODELS | NETWORK),
        ("hub list miner-1/model --hub folder:{net}/hub", MODELS | NETWORK),
        ("records export {net}", MODELS | NETWORK),
        ("chain status {net}", MODELS),
        ("leaderboard --network {net} --competition {net}/competitions.toml:mini", MODELS),
    ],
    ids=["conformance", "rules", "hub", "records", "chain", "leaderboard"],
)
def test_a_light_command_stays_light(line: str, unneeded: frozenset[str], tmp_path: Path) -> None:
    unpack(tmp_path)
    assert not imported(*line.format(net=tmp_path / "net").split()) & unneeded


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    """The table spares importing it, and must not say anything else."""
    first = COMMANDS[name].load(name).help.partition("\n\n")[0]
    assert " ".join(first.split()) == COMMANDS[name].summary


def test_version() -> None:
    assert iota("--version").stdout.startswith("iota ")


def test_the_wheel_holds_what_commands_name() -> None:
    """Beside the installed package lies what `shipped` finds in the source tree."""
    installed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    given: dict[str, set[Path]] = defaultdict(set)
    for place, patterns in installed["data-files"].items():
        kind, _, below = place.removeprefix("share/iotapretrain/").partition("/")
        for found in (path for pattern in patterns for path in ROOT.glob(pattern)):
            assert found.relative_to(shipped(kind)).parent == Path(below), "in the same folder"
            given[kind].add(found)
    for kind in ("competitions", "datasets", "networks", "rules", "runs", "vectors"):
        files = {path for path in shipped(kind).rglob("*.*") if path.suffix in (".toml", ".json")}
        assert given[kind] == files, kind


def test_what_ships_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped_file(Path("paper"), "rules", ".json").is_file()
    assert shipped_file(Path("own.json"), "rules", ".json") == Path("own.json")
    done = iota("conformance", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["passed"] > 100


def test_conformance_counts() -> None:
    done = iota("conformance", VECTORS / "normalise.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith(" passed, 0 failed")


def test_conformance_names_what_failed(tmp_path: Path) -> None:
    document = json.loads((VECTORS / "normalise.json").read_text())
    document["cases"][0]["expect"] = 0.123
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(document))
    done = iota("conformance", path)
    assert done.returncode == 1
    assert "expected 0.123, got" in done.stdout
    as_data = json.loads(iota("conformance", path, "--json").stdout)
    assert as_data["failed"] == 1
    assert as_data["passed"] == len(document["cases"]) - 1


def test_bad_input_is_one_line_and_exit_2(tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    cut.write_text('{"format": "yuma-vectors/1", "kind": "epo')
    for path in ("README.md", cut, tmp_path / "absent"):
        done = iota("conformance", path)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (ROOT / "examples" / "rules").glob("*.json"))
)
def test_every_example_is_explained_for_people_and_as_data(name: str) -> None:
    path = ROOT / "examples" / "rules" / name
    shown = iota("rules", "explain", path)
    assert shown.returncode == 0, shown.stderr
    tables = json.loads(iota("rules", "explain", path, "--json").stdout)["tables"]
    assert tables
    for table in tables:
        assert table["title"] in shown.stdout
        assert table["rows"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "docs/explain.md"),
        ('{"kind": "seance"}', "seance"),
        (
            '{"kind": "round", "models": [], "current_block": 1,'
            ' "epsilon": {"type": "fixed", "epsilon": 2}}',
            "2",
        ),
        ('{"kind": "yuma", "stake": [1, -1], "weights": [[], []]}', "stake"),
        ('{"kind": "yuma", "stake": [1], "weights": [[[9, 1]]]}', "9"),
        ('{"kind": "yuma", "stake": [1], "weights": [[[0, 99999]]]}', "65535"),
    ],
)
def test_explain_refuses_in_one_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "input.json"
    path.write_text(text)
    done = iota("rules", "explain", path)
    assert done.returncode == 2, done.stdout
    assert done.stderr.count("\n") == 1
    assert what in done.stderr
