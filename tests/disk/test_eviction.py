"""What goes first, and that no more goes than must."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.disk.eviction import Kept, choose

things = st.lists(
    st.tuples(st.integers(0, 5), st.frozensets(st.sampled_from("abcdef"), max_size=4)), max_size=8
)


@given(things, st.frozensets(st.sampled_from("abcdef")), st.integers(0, 70))
def test_choosing_frees_what_it_says_and_no_more_than_it_must(
    drawn: list[tuple[int, frozenset[str]]], protected: frozenset[str], to_free: int
) -> None:
    sizes = dict(zip("abcdef", (1, 2, 4, 8, 16, 32), strict=True))
    here = Path("here")
    kept = [Kept(str(n), here, here, last, keys) for n, (last, keys) in enumerate(drawn)]
    chosen, freed = choose(kept, sizes, protected, to_free)
    left = [thing for thing in kept if thing not in chosen]
    still_used = frozenset().union(*(thing.keys for thing in left)) | protected
    gone = frozenset().union(*(thing.keys for thing in chosen)) - still_used
    assert freed == sum(sizes[key] for key in gone)
    assert [thing.last_used for thing in chosen] == sorted(thing.last_used for thing in chosen)
    if freed < to_free:
        assert all(thing.keys <= protected for thing in left)
    elif chosen:
        before, _ = choose(kept, sizes, protected, freed)
        assert before == chosen
