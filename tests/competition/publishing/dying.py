"""Publications that die at every step: `python -m tests.competition.publishing.dying FOLDER KIND`.

The first child dies before its first step, the next before its second, until one ends; a step is
a call of the hub or the chain, its return, or a file that gets its name. After each death nobody
may see a model that is not committed, and the same command must end as if nothing had happened.
Prints the number of steps. KIND is `folder` or `huggingface`, where children die at every second.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import close_session

from iotapretrain.chain.client import connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.competition.publishing.run import Publication, Publisher
from iotapretrain.errors import MissingModelError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.huggingface import HuggingFaceHub
from iotapretrain.hub.protocol import Hub
from tests.chain.worlds import hotkey, keys
from tests.competition.publishing.places import (
    MINER,
    REPOSITORY,
    Interrupted,
    announcements,
    make_network,
    offer,
    write_run,
)
from tests.hub.dying import dies_at
from tests.hub.faults import Faults
from tests.hub.hf_server import HfServer, serving

STEPS = ("os.rename", "publishing.")
HubAs = Callable[[str | None], Hub]
HubAt = Callable[[Path], tuple[HubAs, Callable[[], int]]]


def strike(_moment: str) -> None:
    sys.audit("publishing.step")


@dataclass(frozen=True)
class Trial:
    """A publication in a folder of its own. `commits` counts those in the repository's line."""

    folder: Path
    hub_as: HubAs
    commits: Callable[[], int]

    @property
    def model(self) -> Path:
        return self.folder / "run" / "model"

    def publish(self) -> Publication:
        return asyncio.run(self._publish())

    async def _publish(self) -> Publication:
        async with await connect(f"embedded:{self.folder / 'net'}") as client:
            hub = self.hub_as("alice")
            publisher = Publisher(
                Interrupted(client, strike),
                keys(MINER),
                Interrupted(hub, strike),
                lambda _folder: (),
                time.time,
                lambda _line: None,
            )
            return await publisher.publish(offer(self.model))

    def commitments(self) -> int:
        with EmbeddedChain(self.folder / "net") as chain:
            return chain.nonce(hotkey(MINER))

    def is_seen(self) -> bool:
        try:
            return self.hub_as(None).visibility(REPOSITORY) == "public"
        except MissingModelError:
            return False

    def end(self) -> str:
        """Look at a death, go on, and return what there is in the end, as text."""
        if self.is_seen() and not self.commitments():
            raise SystemExit("a stranger could see a model before its commitment")
        done = self.publish()
        head = self.hub_as(None).resolve(REPOSITORY)
        (said,) = announcements(self.model)
        if not head.id == done.model.commitment.commit == said.commit:
            raise SystemExit("hub, chain and records name different commits")
        if list(self.model.with_name("model.publishing").glob("check")):
            raise SystemExit("the comparison's room was not given back")
        return f"{self.commits()} commits, {self.commitments()} commitments, {done.model_hash}"


def killed_publications(folder: Path, hub_at: HubAt, stride: int = 1) -> int:
    asyncio.run(make_network(folder / "net")).close()
    ends = set()
    for step in itertools.count(1, stride):
        place = folder / str(step)
        shutil.copytree(folder / "net", place / "net")
        write_run(place / "run")
        trial = Trial(place, *hub_at(place))
        close_session()
        died = dies_at(step, trial.publish, STEPS)
        ends.add(trial.end())
        if len(ends) > 1:
            raise SystemExit(f"killed at step {step}: {ends}")
        if not died:
            return step - 1
    raise AssertionError


def folder_hub(place: Path) -> tuple[HubAs, Callable[[], int]]:
    root = place / "hub"
    home = root / "repositories" / "alice" / "nano"

    def commits() -> int:
        """A commit that no head ever named is none."""
        newest: str | None = (home / "head").read_text()
        for number in itertools.count():
            if newest is None:
                return number
            newest = json.loads((home / "commits" / f"{newest}.json").read_bytes())["parent"]
        raise AssertionError

    return lambda owner: FolderHub(root, owner), commits


@contextmanager
def huggingface_hub() -> Iterator[HubAt]:
    """One server; every publication finds it empty."""
    with serving(HfServer(Faults(), {"token-of-alice": "alice"})) as server:

        def hub_at(_place: Path) -> tuple[HubAs, Callable[[], int]]:
            server.repositories.clear()
            server.large_files.clear()
            return (
                lambda owner: HuggingFaceHub(server.url, token="token-of-alice" if owner else None),
                lambda: len(server.repositories[str(REPOSITORY)].commits) - 1,
            )

        yield hub_at


def main(folder: Path, kind: str) -> None:
    # A kill, unlike a power cut, loses nothing that was written: no need to wait for the disk.
    os.fsync = lambda _descriptor: None
    if kind == "folder":
        print(killed_publications(folder, folder_hub))
        return
    with huggingface_hub() as hub_at:
        print(killed_publications(folder, hub_at, stride=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
