"""Publishing and fetching against plain copying and hashing: `python -m bench.hub [--json]`.

One folder of 1 GB in four files. The peer copies every file and takes the SHA-256 of the copy; it
neither syncs to the disk, as we do, nor can it go on after a kill. Both remove what they wrote,
in the measured time. The last two figures go through the real Hugging Face client and a small
server on loopback that shares the cores; they have no target.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId

FILES, FILE_BYTES = 4, 250_000_000
HTTP_FILES = 1
LIMIT = 1 << 40
SHARE = 0.7
SECOND_FETCH_SECONDS = 0.05
REPOSITORY = RepositoryId("bench", "model")
MEASURE_MEMORY = "--measure-memory"


def write_source(folder: Path, files: int) -> None:
    folder.mkdir()
    for number in range(files):
        with open(folder / f"model-{number}.safetensors", "wb") as file:
            for _ in range(FILE_BYTES // 10_000_000):
                file.write(os.urandom(10_000_000))


def copy_and_hash(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.iterdir():
        shutil.copyfile(path, target / path.name)
        with open(target / path.name, "rb") as copied:
            hashlib.file_digest(copied, "sha256")
    shutil.rmtree(target)


def publish(source: Path, root: Path) -> None:
    FolderHub(root, "bench").publish(ModelFolder.scan(source), REPOSITORY, "a model")
    shutil.rmtree(root)


def fetch_anew(hub: Hub, commit: Commit, root: Path) -> None:
    fetch(hub, commit, ModelCache(root), max_bytes=LIMIT)
    shutil.rmtree(root)


def speed(name: str, seconds: float, peer: float, size: int, target: float | None) -> Figure:
    ratio = peer / seconds
    rule, met = (None, None) if target is None else (f">= {target}", ratio >= target)
    return Figure(name, "MB/s", size / seconds / 1e6, size / peer / 1e6, ratio, rule, met)


def folder_figures(place: Path) -> list[Figure]:
    source, size = place / "source", FILES * FILE_BYTES
    write_source(source, FILES)
    hub = FolderHub(place / "hub", "bench")
    commit = hub.publish(ModelFolder.scan(source), REPOSITORY, "a model")

    def copying() -> None:
        copy_and_hash(source, place / "copy")

    published, fetched, copied = alternate(
        lambda: publish(source, place / "published"),
        lambda: fetch_anew(hub, commit, place / "fetched"),
        copying,
    )
    cache = ModelCache(place / "cache")
    fetch(hub, commit, cache, max_bytes=LIMIT)
    (again,) = alternate(lambda: fetch(hub, commit, cache, max_bytes=LIMIT), runs=25)
    met = again <= SECOND_FETCH_SECONDS
    return [
        speed("publish 1 GB", published, copied, size, SHARE),
        speed("fetch 1 GB", fetched, copied, size, SHARE),
        Figure("second fetch", "ms", again * 1e3, None, None, "<= 50", met),
        Figure("memory of a fetch", "MB", memory(place, commit) / 1e6, None, None, None, None),
    ]


def memory(place: Path, commit: Commit) -> float:
    """Bytes by which the peak of a fresh process grows while it fetches."""
    command = [sys.executable, "-m", "bench.hub", MEASURE_MEMORY, str(place), str(commit)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def print_memory(place: Path, commit: Commit) -> None:
    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    before = peak()
    fetch_anew(FolderHub(place / "hub", "bench"), commit, place / "measured")
    print(peak() - before)


def http_figures(place: Path) -> list[Figure]:
    os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    os.environ["HF_HOME"] = str(place / "home")
    from iotapretrain.hub.huggingface import HuggingFaceHub
    from tests.hub.faults import Faults
    from tests.hub.hf_server import HfServer, serving

    source, size = place / "smaller", HTTP_FILES * FILE_BYTES
    write_source(source, HTTP_FILES)
    with serving(HfServer(Faults(), {"token": "bench"})) as server:
        hub = HuggingFaceHub(server.url, token="token")  # noqa: S106 -- the server's own
        folder = ModelFolder.scan(source)
        commit = hub.publish(folder, REPOSITORY, "a model")

        def publish_anew() -> None:
            server.repositories.clear()
            server.large_files.clear()
            hub.publish(folder, REPOSITORY, "a model")

        calls: list[Callable[[], None]] = [
            publish_anew,
            lambda: fetch_anew(hub, commit, place / "fetched"),
            lambda: copy_and_hash(source, place / "copy"),
        ]
        published, fetched, copied = alternate(*calls)
    return [
        speed("publish 250 MB, Hugging Face client", published, copied, size, None),
        speed("fetch 250 MB, Hugging Face client", fetched, copied, size, None),
    ]


def main() -> None:
    if sys.argv[1:2] == [MEASURE_MEMORY]:
        print_memory(Path(sys.argv[2]), Commit.parse(sys.argv[3]))
        return
    options = arguments(__doc__)
    with tempfile.TemporaryDirectory(prefix="iota-bench-hub-") as place:
        figures = [*folder_figures(Path(place)), *http_figures(Path(place))]
    report("hub", figures, options.json)


if __name__ == "__main__":
    main()
