"""Who may validate, and since when: from the epochs that the dashboard follows anyway."""

from __future__ import annotations

from typing import final

from iotapretrain.dashboard.index import Index


@final
class Permits:
    """Permits change at epochs alone, so that no block needs a look of its own."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def ever(self) -> frozenset[str]:
        """Everybody with a permit at any of the epochs: of nobody else are records asked for."""
        rows = self._index.rows(
            "SELECT DISTINCT h.hotkey FROM epochs e JOIN hotkeys h ON h.id = e.hotkey "
            "WHERE e.permit"
        )
        return frozenset(row["hotkey"] for row in rows)

    def at(self, hotkey: str, block: int) -> bool:
        """By the last epoch until this block, or by the earliest that is known."""
        row = self._index.row(
            "SELECT e.permit FROM epochs e JOIN hotkeys h ON h.id = e.hotkey WHERE h.hotkey = ? "
            "AND e.block = coalesce((SELECT max(block) FROM epochs WHERE block <= ?), "
            "(SELECT min(block) FROM epochs))",
            (hotkey, block),
        )
        return row is not None and bool(row["permit"])
