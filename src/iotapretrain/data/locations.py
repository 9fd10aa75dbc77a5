"""Where a dataset's files lie: the hub, a web server, a folder or an object store."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fsspec
import httpx2
from huggingface_hub import HfApi, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from iotapretrain.data.ranges import (
    HttpFile,
    PagePatience,
    RangeFile,
    Stamp,
    SystemFile,
    system_stamp,
)
from iotapretrain.errors import InputError, UnavailableSourceError
from iotapretrain.net.retry import PassingFault

WHOLE = "all"
"""The config of a pattern that names none."""
HUB = "hf://datasets/"
COMMIT = re.compile("[0-9a-f]{40}")

_FORMS = {"{config}": "(?P<config>[^/]+)", "*": "[^/]*"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the dataset; its stamp where the listing tells it."""

    config: str
    path: str
    stamp: Stamp | None


@dataclass(frozen=True)
class Pattern:
    """Such as `data/{config}/*.parquet`: `*` stands for anything but a slash, `{config}` for the
    name of the config. With `configs`, only those are taken.
    """

    text: str
    configs: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder below which all matches lie."""
        fixed = re.split(r"[*{]", self.text, maxsplit=1)[0]
        return fixed.rpartition("/")[0]

    def config_of(self, path: str) -> str | None:
        """The config that a path belongs to, or None when it does not match."""
        parts = re.split(r"(\{config\}|\*)", self.text)
        found = re.fullmatch("".join(_FORMS.get(part, re.escape(part)) for part in parts), path)
        return None if found is None else found.groupdict().get("config", WHOLE)

    def chosen(self, paths: Mapping[str, Stamp | None]) -> list[Listed]:
        """The matching files, sorted by path: the order that rows are counted in."""
        found = ((self.config_of(path), path) for path in sorted(paths))
        return [
            Listed(config, path, paths[path])
            for config, path in found
            if config is not None and (not self.configs or config in self.configs)
        ]


class DatasetPlace(ABC):
    """Lists a dataset's files and opens them."""

    commit: str | None = None
    """Fixes all bytes, where the place has such a thing."""

    def __init__(self, source: str, identity: str, patience: PagePatience) -> None:
        """`identity` is what an index of this place is kept under."""
        self._source, self.identity, self._patience = source, identity, patience

    @abstractmethod
    def files(self, pattern: Pattern) -> list[Listed]:
        """All files that match."""

    @abstractmethod
    def open(self, path: str) -> RangeFile:
        """A file by its path in the listing; nothing is read yet."""


class WebPlace(DatasetPlace):
    """Files of a plain web server. HTTP has no listing, so the dataset names them."""

    def __init__(self, source: str, url: str, paths: Sequence[str], patience: PagePatience) -> None:
        if not paths:
            raise InputError(f"{source}: {url} cannot be listed: name its files in `paths`")
        self._paths = tuple(paths)
        super().__init__(source, url.rstrip("/"), patience)

    def files(self, pattern: Pattern) -> list[Listed]:
        return pattern.chosen(dict.fromkeys(self._paths))

    def open(self, path: str) -> RangeFile:
        return HttpFile(self._source, f"{self.identity}/{path}", self._patience)


class SystemPlace(DatasetPlace):
    """A folder, or whatever else `fsspec` has a file system for."""

    def __init__(self, source: str, location: str, patience: PagePatience) -> None:
        try:
            self._system, root = fsspec.core.url_to_fs(
                location, use_listings_cache=False, skip_instance_cache=True
            )
        except (ImportError, ValueError) as error:
            raise InputError(f"{source}: {location}: no file system for it: {error}") from error
        self._root = root.rstrip("/")
        super().__init__(source, location, patience)

    def files(self, pattern: Pattern) -> list[Listed]:
        entries = self._found(f"{self._root}/{pattern.folder}".rstrip("/"))
        prefix = len(self._root) + 1
        return pattern.chosen(
            {path[prefix:]: system_stamp(entry) for path, entry in entries.items()}
        )

    def open(self, path: str) -> RangeFile:
        return SystemFile(self._source, f"{self._root}/{path}", self._patience, self._system)

    def _found(self, folder: str) -> Mapping[str, Any]:
        """What the file system says of every file below a folder."""
        try:
            return dict(self._system.find(folder, detail=True))
        except OSError as error:
            raise UnavailableSourceError(self._source, f"{folder}: {error}") from error


class HubPlace(SystemPlace):
    """A dataset repository of a Hugging Face hub at one commit, which fixes all bytes."""

    def __init__(self, source: str, repo: str, commit: str, patience: PagePatience) -> None:
        self._repo, self.commit = repo, commit
        super().__init__(source, f"{HUB}{repo}@{commit}", patience)

    def open(self, path: str) -> RangeFile:
        url = hf_hub_url(self._repo, path, repo_type="dataset", revision=self.commit)
        token = get_token()
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return HttpFile(self._source, url, self._patience, headers, immutable=True)

    def _found(self, folder: str) -> Mapping[str, Any]:
        def attempt() -> Mapping[str, Any]:
            try:
                return dict(self._system.find(folder, detail=True))
            except FileNotFoundError as error:
                raise UnavailableSourceError(
                    self._source,
                    f"{self.identity}: not there, or not for you: {error};"
                    " check the commit, accept its terms on the hub and set HF_TOKEN or log in",
                ) from error
            except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
                problem = f"{self.identity}: cannot be listed: {error}"
                raise PassingFault(self._source, problem) from error

        return self._patience.keep_trying(attempt)


def latest_commit(repository: str, kind: Literal["dataset", "model"]) -> str:
    try:
        info = HfApi().repo_info(repository, repo_type=kind, timeout=30.0)
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OSError) as error:
        raise UnavailableSourceError(
            repository, f"its commit cannot be read: {error}; check the name, network and HF_TOKEN"
        ) from error
    return str(info.sha)


def place_of(
    source: str, location: str, revision: str | None, paths: Sequence[str], patience: PagePatience
) -> DatasetPlace:
    """The place that `location` names; `hf://datasets/REPO` needs a commit as revision."""
    if location.startswith(HUB):
        repo = location.removeprefix(HUB)
        if revision is None or not COMMIT.fullmatch(revision):
            raise InputError(
                f"{source}: revision {revision!r} is not a commit of 40 hex digits;"
                f" pin one: `iota data pin {repo}` prints the latest"
            )
        return HubPlace(source, repo, revision, patience)
    if location.startswith(("http://", "https://")):
        return WebPlace(source, location, paths, patience)
    return SystemPlace(source, location, patience)
