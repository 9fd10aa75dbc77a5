"""What the tests of `data` share: a cache, a web server, patience that does not wait."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from iotapretrain.data.documents import Document, document
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.ranges import PagePatience
from iotapretrain.data.source import Description, SourceConfig, check_page
from iotapretrain.data.tokenizer import Tokenizer, load_tokenizer
from iotapretrain.rules.sampling import Page
from tests.data.web import Web, serving


@pytest.fixture
def cache(tmp_path: Path) -> PageCache:
    return PageCache(tmp_path / "cache")


@pytest.fixture(scope="session")
def tokens() -> Tokenizer:
    return load_tokenizer("bytes")


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as server:
        yield server


@pytest.fixture
def hub(web: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """The web server as the Hugging Face hub."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", web.url)
    template = f"{web.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    return web


@dataclass
class Watch:
    """A clock whose pauses take no time but are counted; other time passes as it does."""

    skipped: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def now(self) -> float:
        return time.monotonic() + self.skipped

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.skipped += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def patience(watch: Watch) -> PagePatience:
    return PagePatience(
        silence_seconds=0.3,
        attempt_seconds=0.6,
        seconds=60.0,
        tries=4,
        clock=watch.now,
        sleep=watch.pause,
        rng=random.Random(0),
    )


@dataclass
class ListSource:
    """A source of texts in memory; `failing` pages raise what they are given."""

    texts: list[str]
    name: str = "list"
    revision: str = "1"
    failing: dict[int, Exception] = field(default_factory=dict)
    fetched: list[Page] = field(default_factory=list)

    def describe(self) -> Description:
        return Description(self.name, self.revision, (SourceConfig("all", len(self.texts)),))

    def fetch(self, page: Page) -> list[Document]:
        check_page(self.describe(), page)
        self.fetched.append(page)
        if page.start in self.failing:
            raise self.failing[page.start]
        return [document(text) for text in self.texts[page.start : page.start + page.rows]]
