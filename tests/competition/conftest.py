"""The hubs of `tests.hub`, for whoever publishes to one or reads from one; a worker for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iotapretrain.models.worker import Budget, Worker
from tests.hub.conftest import hf_server, library_home, world, xet_server

__all__ = ["hf_server", "library_home", "world", "xet_server"]


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """Where models are opened; starting one takes seconds."""
    with Worker(Budget(seconds=60, memory_bytes=2 * 2**30)) as started:
        yield started
