"""The sources by name: what every Python carries, what is generated, and datasets described in TOML
(docs/data.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iotapretrain.data.documents import digest_of
from iotapretrain.data.locations import COMMIT, HUB, Pattern, place_of
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.parquet import ParquetSource
from iotapretrain.data.python_text import EMBEDDED, EmbeddedSource
from iotapretrain.data.ranges import PagePatience
from iotapretrain.data.record_files import JsonLines, PlainText, RecordReader, Warc
from iotapretrain.data.source import Source
from iotapretrain.data.synthetic.generated_source import SYNTHETIC, SyntheticSource
from iotapretrain.data.text_folder import FolderSource
from iotapretrain.disk.whole_files import shipped
from iotapretrain.errors import ConfigError, InputError
from iotapretrain.rules.toml_table import TomlTable

FORMATS = ("parquet", "stack", "jsonl", "text", "warc")
REQUIRED = frozenset({"title", "location", "format", "files", "licence", "access"})
KEYS: dict[str, Callable[[TomlTable, str], Any]] = {
    **dict.fromkeys(("title", "location", "revision", "format", "files"), TomlTable.text),
    **dict.fromkeys(("paths", "configs"), TomlTable.texts),
    "text": TomlTable.text,
    "join_rows": TomlTable.flag,
    "row_bytes": TomlTable.integer,
    **dict.fromkeys(("blobs", "blobs_region", "blob", "encoding"), TomlTable.text),
    **dict.fromkeys(("licence", "access", "homepage"), TomlTable.text),
}
"""How each key is read."""


@dataclass(frozen=True)
class Dataset:
    """A dataset as its TOML file describes it."""

    name: str
    title: str
    location: str
    """`hf://datasets/REPO`, an http(s) URL, or a folder; relative to the TOML file."""
    format: str
    files: Pattern
    licence: str
    access: str
    """How to get in: in words, for the person who is refused."""
    homepage: str = ""
    revision: str | None = None
    paths: Sequence[str] = ()
    text: str = "text"
    join_rows: bool = False
    row_bytes: int | None = None
    blobs: str = ""
    blobs_region: str | None = None
    blob: str = "blob_id"
    encoding: str = "src_encoding"

    @property
    def reading(self) -> str:
        """A digest of how files become rows and documents. It ends every revision, so that two who
        read the same files in different ways do not take their pages for the same.
        """
        how = (self.format, self.files, self.text, self.join_rows, self.row_bytes)
        return f"+{digest_of(repr(how), self.blobs, self.blob, self.encoding)[:8]}"

    def open(self, cache: PageCache, patience: PagePatience) -> Source:
        """The source; nothing is fetched yet."""
        readers: dict[str, RecordReader] = {
            "jsonl": JsonLines(self.text),
            "text": PlainText(),
            "warc": Warc(),
        }
        if reader := readers.get(self.format):
            folder, how = Path(self.location), (self.revision, self.reading)
            return FolderSource(self.name, folder, self.files, reader, cache, *how)
        place = place_of(self.name, self.location, self.revision, self.paths, patience)
        counted = (self.revision, self.row_bytes, self.reading)
        rows = (self.name, place, self.files, cache, patience, *counted)
        if self.format == "parquet":
            return ParquetSource(*rows, self.text, self.join_rows)
        try:
            from iotapretrain.data.stack import Blobs, StackSource
        except ImportError as error:
            raise InputError(
                f"{self.name}: its content lies in an object store; install iotapretrain[stack]"
            ) from error
        blobs = Blobs.at(self.name, self.blobs, self.blobs_region, patience)
        return StackSource(*rows, self.blob, self.encoding, blobs=blobs)


def parse_dataset(text: str, name: str, file: str, folder: Path) -> Dataset:
    """The dataset that a TOML file describes; what is wrong is said with file and key."""
    table = TomlTable.of_text(text, file)
    table.check_keys(KEYS)
    form = table.choice("format", FORMATS)
    needed = REQUIRED | {"blobs"} if form == "stack" else REQUIRED
    given = {key: read(table, key) for key, read in KEYS.items() if key in table or key in needed}
    location, revision = given["location"], given.get("revision")
    if "://" not in location:
        given["location"] = str(folder / location)
    elif form not in ("parquet", "stack"):
        raise table.wrong("location", f"{location!r} for format {form}", "a folder")
    if location.startswith(HUB) and revision is not None and not COMMIT.fullmatch(revision):
        raise table.wrong("revision", repr(revision), "a commit of 40 hex digits")
    if given.get("row_bytes", 1) < 1:
        raise table.wrong("row_bytes", str(given["row_bytes"]), "1 or more")
    if form != "stack":
        given["blobs"] = ""
    given["files"] = Pattern(given["files"], tuple(given.pop("configs", ())))
    return Dataset(name=name, **given)


def read_dataset(path: Path) -> Dataset:
    """The dataset of one file, named by it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "file", str(error), "a TOML file in UTF-8") from error
    return parse_dataset(text, path.stem, str(path), path.parent)


def known_datasets() -> dict[str, Dataset]:
    """The datasets that ship with the package, by name."""
    found = (read_dataset(path) for path in sorted(shipped("datasets").glob("*.toml")))
    return {dataset.name: dataset for dataset in found}


def open_source(
    name: str, cache: PageCache, config: str | None = None, patience: PagePatience | None = None
) -> Source:
    """The source of a name, of a known dataset's repository or of a TOML file."""
    if name in EMBEDDED:
        return EmbeddedSource(name)
    if name in SYNTHETIC:
        return SyntheticSource(name)
    return find_dataset(name, config).open(cache, patience or PagePatience())


def find_dataset(name: str, config: str | None = None) -> Dataset:
    """A known dataset, or the one that a TOML file describes.

    A repository that stands for several datasets is told apart by the config.
    """
    if name.endswith(".toml"):
        return read_dataset(Path(name))
    known = known_datasets()
    if name in known:
        return known[name]
    of_repository = [each for each in known.values() if each.location == f"{HUB}{name}"]
    fitting = [each for each in of_repository if config in each.files.configs]
    for candidates in (of_repository, fitting):
        if len(candidates) == 1:
            return candidates[0]
    names = [each.name for each in of_repository] or [*EMBEDDED, *SYNTHETIC, *known]
    raise InputError(
        f"source {name!r}: {'say which' if of_repository else 'unknown'}; there are"
        f" {', '.join(names)}, or give the path of a dataset's TOML file"
    )
