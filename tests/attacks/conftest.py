"""The worker in which models are opened, as in the tests of the competition."""

from __future__ import annotations

from tests.competition.conftest import worker

__all__ = ["worker"]
