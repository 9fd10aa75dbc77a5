"""A typo is told before torch, which takes seconds to import, is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAID = """
import sys
from iotapretrain.cli.main import main
try:
    main()
finally:
    print(*sorted({"torch", "transformers", "bittensor"} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty model, a run that began, and a network's wallets without any."""
    folder = tmp_path_factory.mktemp("typos")
    for name in ("model", "begun/checkpoints/step-00000001", "net/wallets"):
        (folder / name).mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("train --competition tiny/nona", "competition tiny/nona: "),
        ("train --from nowhere", "nowhere: no such folder"),
        ("train --out begun", "begun: holds a run already"),
        ("validate --network net --wallet nobody", "nobody: there is no such wallet in net"),
        ("validate --network net --wallet x --competitions nope.toml", "nope.toml cannot be read"),
        ("benchmark nowhere", "nowhere: no such folder"),
        ("benchmark model --tasks nope", "task 'nope': unknown"),
        ("benchmark model --tasks python-docs --device abacus", "--device abacus: give cpu"),
        ("score nowhere --competition tiny/nano", "nowhere: no such folder"),
        ("publish nowhere --competition tiny/nano --repo a/b --wallet x", "no such folder"),
        ("pull best --competition tiny/x --to y", "competition tiny/x: "),
        ("generate nowhere x", "nowhere: no such folder"),
        ("swarm try nope.toml", "nope.toml: no such file"),
    ],
)
def test_a_typo_imports_nothing_heavy(place: Path, line: str, problem: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAID, *line.split()],
        cwd=place,
        env=os.environ | {"IOTA_CACHE": str(place / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert problem in done.stderr
    assert done.stdout.split() == []
    assert not (place / "net" / "validators").exists()
