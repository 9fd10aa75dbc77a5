"""Replies that are made to break whoever decodes them."""

from __future__ import annotations

import pytest

from iotapretrain.models.verdict import Code, Rejection
from iotapretrain.models.worker import Budget, Worker


def test_a_reply_nested_too_deeply_ends_the_worker_only() -> None:
    with Worker(Budget(seconds=30, memory_bytes=2**28), "tests.attacks.calling_tasks") as worker:
        place = worker.call("descriptor", (), {})
        with pytest.raises(Rejection, match="sent no message") as caught:
            worker.call("deep", (), {"descriptor": place})
        assert caught.value.finding.code == Code.MISBEHAVED
        assert worker.call("descriptor", (), {}) > 2
