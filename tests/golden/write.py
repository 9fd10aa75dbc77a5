"""The golden files anew, as the commands of the checked-out version write them.

    python -m tests.golden.write        (about two minutes)

Golden files are what an earlier version left on a disk: a later one must open them. So they are
written anew only by whoever changes a format on purpose, and says so. Everything here goes through
the command line, so that it works whatever the rooms behind it are called.

    network.tar.xz    a network's folder: a chain of three epochs, a hub with models and records, a
                      validator that was killed in a round, a publication that was killed between
                      upload and commitment, a run that was interrupted half-way; and caches
    expected.json     what the commands said of all that then

They come as an archive because git keeps neither empty folders nor who may read a file.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ARCHIVE, EXPECTED = HERE / "network.tar.xz", HERE / "expected.json"
SCHEDULE = "net/competitions.toml"
RUN = "net/miners/miner-3/run"
STATE = "net/validators/validator-1"
WALLETS = ("validator-1", "validator-2", "miner-1", "miner-2", "miner-3", "miner-4")
"""Their uids are their places here."""
ROWS = 800
TEXTS = {
    "sums": "{one} and {two} make {sum}. ",
    "bills": "Paid: {one} for bread, {two} for wine; in all {sum}. ",
}
DATASET = """title = "Golden {name}"
location = "{name}"
format = "jsonl"
files = "*.jsonl"
licence = "none"
access = "open"
"""
NOWHERE = f"miner-4:nothing:{'0' * 40}:{'A' * 43}=:0"
"""A commitment to a model that nobody can fetch."""
VALIDATE = ("validate", "--once", "--wallet", "validator-1", "--weights-every", 5, "--poll", 0.2)


@dataclass(frozen=True)
class Place:
    """A folder with `net/` and `cache/` in it, and `iota` at work there."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing of the user's is read or written."""
        own = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache")}
        own |= {"IOTA_NETWORK": "net", "OMP_NUM_THREADS": "1"}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("IOTA_")}
        return kept | own

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """A command that is under way."""
        code = "from iotapretrain.cli.main import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def iota(self, *arguments: object, code: int = 0) -> str:
        """What a command prints."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=280)
        assert process.returncode == code, f"{arguments}: {process.returncode}: {errors}"
        return output

    def told(self, *arguments: object, code: int = 0) -> Any:
        """What a command says as data."""
        return json.loads(self.iota(*arguments, "--json", code=code))

    def kill(self, moment: Callable[[str], bool], *arguments: object) -> None:
        """Start a command and kill it at the first line on standard error that tells the moment."""
        process = self.start(*arguments)
        assert process.stderr is not None
        seen = next((line for line in process.stderr if moment(line)), None)
        process.kill()
        process.communicate()
        assert seen is not None, f"{arguments} ended by itself"


def unpack(folder: Path) -> Place:
    """The golden files in a folder of one's own."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="tar")
    return Place(folder)


def train_losses(run: Path) -> dict[str, float]:
    """By step, from a run's records."""
    events = map(json.loads, (run / "records.jsonl").read_text().splitlines())
    return {str(each["step"]): each["loss"] for each in events if each["kind"] == "train-step"}


def state_of(place: Place) -> dict[str, Any]:
    """What the validator's journal says, folded: the one thing here that no command prints."""
    from iotapretrain.competition.validator.journal import open_memory

    record = json.loads((place.folder / STATE / "rounds" / "000001.json").read_bytes())["record"]
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(place.folder / STATE, copy, dirs_exist_ok=True)
        whose = (record["network"], record["netuid"], record["validator"])
        journal, memory = open_memory(Path(copy) / "journal.sqlite", *whose)
        with journal, memory:
            return _figures(memory.state)


def _figures(state: Any) -> dict[str, Any]:
    opened = state.opened
    return {
        "rounds": state.rounds,
        "previous": state.previous,
        "opened": opened
        and {key: getattr(opened, key) for key in ("round", "competition", "block", "seed_hash")},
        "turn": state.turn,
        "done": {str(key): block for key, block in state.done.items()},
        "tries": {str(key): [each.block, each.count] for key, each in state.tries.items()},
        "missed": {who: [each.block, each.count] for who, each in state.missed.items()},
        "origins": {digest: each.hotkey for digest, each in state.origins.items()},
        "looks": {who: [each.at, each.outcome.value] for who, each in state.looks.items()},
        "standings": {
            str(key): dict(averages) for key, averages in state.standings.competitions.items()
        },
        "attempts": {
            f"{who} {key}": [[each.block, each.outcome.value] for each in tried]
            for (who, key), tried in state.history.attempts.items()
        },
        "weights": dict(state.weights),
        "unpublished": sorted(state.unpublished),
    }


def known_losses(place: Place) -> int:
    """How many answers of workers the validator keeps."""
    with closing(sqlite3.connect(place.folder / STATE / "losses.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])


def publish(model: str, miner: int) -> tuple[object, ...]:
    """The command that publishes a model."""
    given = ("--competition", f"{SCHEDULE}:mini", "--repo", f"miner-{miner}/model")
    return ("publish", model, *given, "--wallet", f"miner-{miner}")


def train(out: str, *more: object) -> tuple[object, ...]:
    """The command that trains by the golden recipe."""
    return ("train", "recipe.toml", "--competition", f"{SCHEDULE}:mini", "--out", out, *more)


def make(place: Place) -> dict[str, Any]:
    """Live through all of it; what the commands say afterwards."""
    _begin(place)
    whole = _models(place)
    _interrupt_training(place)
    shutil.rmtree(place.folder / "cache" / "iotapretrain" / "data")  # thousands of rows
    _judge(place)
    _kill_half_way(place)
    return _report(place) | {"losses": whole}


def _begin(place: Place) -> None:
    place.iota("chain", "init", "--genesis", HERE / "network.toml", "net")
    for name, line in TEXTS.items():
        _write_text(place.folder / "net", name, line)
    shutil.copy(HERE / "competitions.toml", place.folder / SCHEDULE)
    shutil.copy(HERE / "recipe.toml", place.folder)
    for wallet in WALLETS:
        place.iota("chain", "register", "net", "--wallet", wallet)
    place.iota("chain", "advance", "net", "--to-epoch", 1)  # it gives validators their permits


def _write_text(net: Path, name: str, line: str) -> None:
    """A dataset of a few hundred rows that are alike enough to be learnt."""
    (net / name).mkdir()
    numbers = [((row * 7919) % 97, (row * 104729) % 89) for row in range(ROWS)]
    rows = [line.format(one=one, two=two, sum=one + two) * 3 for one, two in numbers]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in rows)
    (net / name / "0.jsonl").write_text(lines)
    (net / f"{name}.toml").write_text(DATASET.format(name=name))


def _models(place: Place) -> dict[str, float]:
    """Two models on the chain, and a commitment to nothing; the losses of the whole golden run."""
    place.iota(*train("whole"))
    text = (place.folder / "recipe.toml").read_text()
    for miner, steps in ((1, 12), (2, 48)):
        other = text.replace("seed = 3", f"seed = {miner}").replace("24", str(steps))
        (place.folder / "other.toml").write_text(other)
        given = ("--competition", f"{SCHEDULE}:mini", "--out", f"run-{miner}")
        place.iota("train", "other.toml", *given)
        place.iota(*publish(f"run-{miner}/model", miner))
    place.iota("chain", "commit", "net", NOWHERE, "--wallet", "miner-4")
    return train_losses(place.folder / "whole")


def _judge(place: Place) -> None:
    """Two sync blocks with two competitions each, and an epoch after each.

    In the second a model that took part already cannot be read from the hub: a miss.
    """
    for broken in ((), ("net/hub/repositories/miner-1", "cache/iotapretrain/hub/models/miner-1")):
        place.iota("chain", "advance", "net", "--blocks", 6)
        with _hidden(place, *broken):
            for name in broken[:1]:
                (place.folder / name).touch()  # what is no folder is the hub's fault, not hers
            place.iota(*VALIDATE)
        place.iota("chain", "weights", "net", "2=0.2", "3=0.8", "--wallet", "validator-2")
        place.iota("chain", "advance", "net", "--to-epoch", 1)


def _interrupt_training(place: Place) -> None:
    """A run that stands half-way."""
    run = place.folder / RUN
    process = place.start(*train(RUN))
    while not (run / "records.jsonl").exists() or len(train_losses(run)) < 10:
        time.sleep(0.01)  # it tells nobody how far it is, but in its records
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate()


def _kill_half_way(place: Place) -> None:
    """A publication that is killed before its commitment, a round that is given up for want of
    text, and one that is killed before its decision.
    """
    place.kill(lambda line: line.startswith("uploaded"), *publish(f"{RUN}/model", 3))
    with _hidden(place, *(f"net/{name}" for name in TEXTS), "cache/iotapretrain/data"):
        place.kill(lambda line: "(waiting " in line, *VALIDATE)
    place.kill(lambda line: line.startswith("round ") and " models" in line, *VALIDATE)


@contextmanager
def _hidden(place: Place, *names: str) -> Iterator[None]:
    """Something is not there for a while."""
    for name in names:
        (place.folder / name).rename(place.folder / (name.replace("/", "-")))
    yield
    for name in names:
        if (place.folder / name).is_dir():
            shutil.rmtree(place.folder / name)
        (place.folder / name).unlink(missing_ok=True)
        (place.folder / (name.replace("/", "-"))).rename(place.folder / name)


def _report(place: Place) -> dict[str, Any]:
    """What the commands say of it now, asked of a copy: asking leaves traces."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Place(Path(shutil.copytree(place.folder, Path(folder) / "copy")))
        name = f"{SCHEDULE}:mini"
        audited = copy.told("audit", 1)
        assert audited["verdict"] == "holds"
        return {
            "verdict": copy.told("chain", "verify", "net", "--witness", "validator-1/rounds"),
            "metagraph": copy.told("chain", "metagraph", "net"),
            "leaderboard": copy.told("leaderboard", "--competition", name),
            "history": copy.told("history", "--competition", name),
            "explained": copy.told("explain", "uid:3"),
            "audited": {key: audited[key] for key in ("round", "validator", "losses")},
            "state": state_of(copy),
            "answers": known_losses(copy),
            "step": int(next((copy.folder / RUN / "checkpoints").iterdir()).name[5:]),
        }


def _pack(place: Place) -> None:
    """Only what the tests look at, and nothing of who packed it."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        for name in ("net", "cache", "recipe.toml"):
            archive.add(place.folder / name, name, filter=anonymous)


def main() -> None:
    """Write all golden files."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        expected = make(place)
        _pack(place)
        EXPECTED.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
