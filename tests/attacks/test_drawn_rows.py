"""What checks read once was the first sequences of pages, known to whoever forged the rest.

The end token below was read for none of the ten seeds.
"""

from __future__ import annotations

from iotapretrain.competition.evaluation.contender import Terms
from iotapretrain.competition.evaluation.excerpts import checked_rows
from iotapretrain.competition.evaluation.round_pages import RoundPages
from tests.competition.evaluation.rounds import terms, text

END = 300


def drawn(seed: int) -> tuple[RoundPages, dict[str, list[list[int]]]]:
    given = terms(24, ("PROSE", "CODE"), seed)
    given = Terms(given.competition, given.vocabulary, seed, given.block, END)
    written = text(given)
    written.batches["CODE"].pages[20].sequences[1, 120] = END
    pages = RoundPages.of(written, given)
    return pages, dict(checked_rows(pages.pages, given))


def test_an_end_token_is_read_wherever_it_stands() -> None:
    for seed in range(10):
        _, rows = drawn(seed)
        for check in ("sanity", "probe", "exact"):
            assert any(END in row for row in rows[check]), check


def test_rows_follow_from_the_seed_alone_and_are_not_the_first() -> None:
    pages, rows = drawn(1)
    assert drawn(1)[1] == rows
    assert drawn(2)[1] != rows
    firsts = [page.ids[0] for page in pages.pages]
    assert any(row not in firsts for row in rows["probe"])
    assert len({tuple(row) for row in rows["probe"]}) == len(rows["probe"]) == 8
    assert {len(row) for row in rows["sanity"]} == {100}
