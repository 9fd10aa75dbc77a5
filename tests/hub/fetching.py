"""A process that fetches: `python -m tests.hub.fetching ADDRESS CACHE BUDGET COMMIT...`, as alice.

It fetches the commits in an order of its own and names each that it held and found sound. With
BUDGET `-` there is no budget; nothing is given any grace.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
from pathlib import Path

from iotapretrain.errors import FullCacheError, MissingModelError
from iotapretrain.hub.address import open_hub
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import Model
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import Commit

LIMIT = 1 << 30


def check(model: Model) -> None:
    for file in model.files:
        content = (model.folder / file.path).read_bytes()
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise SystemExit(f"{file.path} of {model.commit} is not what was published")


def main(address: str, folder: str, budget: str, *texts: str) -> None:
    hub = open_hub(address, "alice" if address.startswith("folder:") else None)
    cache = ModelCache(Path(folder), None if budget == "-" else int(budget), grace=0.0)
    commits = [Commit.parse(text) for text in texts]
    print("ready", flush=True)
    rng = random.Random(os.getpid())
    rng.shuffle(commits)
    for commit in commits:
        while True:
            try:
                fetch(hub, commit, cache, max_bytes=LIMIT)
                with cache.hold(commit) as model:
                    check(model)
            except (FullCacheError, MissingModelError):
                time.sleep(0.02)
                continue
            break
        print(commit, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
