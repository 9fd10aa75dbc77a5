"""The worker's task that reads configuration and headers: without torch, so it starts at once."""

from __future__ import annotations

from typing import Any

import msgspec

from iotapretrain.models.header_checks import Limits, check_claims, read_claims
from iotapretrain.models.open_files import OpenFolder


def claim(files: dict[str, int], limits: dict[str, Any], all_bytes: int) -> dict[str, Any]:
    """What configuration and headers say, and in what that breaks the limits; no weight is read."""
    given = msgspec.convert(limits, Limits)
    claims = read_claims(OpenFolder.of(files, all_bytes), given)
    return {"facts": claims.facts, "findings": list(check_claims(claims, given))}
