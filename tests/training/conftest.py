"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iotapretrain.data.page_cache import PageCache
from iotapretrain.models.worker import Budget, Worker


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PageCache:
    return PageCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    with Worker(Budget(seconds=60.0)) as started:
        yield started
