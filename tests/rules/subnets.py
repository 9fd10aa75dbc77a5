"""Random small subnets with every kind of mishap, for our epoch and for the plain one."""

from __future__ import annotations

from hypothesis import strategies as st

from bench.plain import yuma as plain

EDGES = [0, 1, 2, 32767, 32768, 65534, 65535]

values = st.one_of(st.sampled_from(EDGES), st.integers(0, 65535))


@st.composite
def subnets(draw: st.DrawFn, largest: int = 9) -> plain.Subnet:
    """Any state that the chain can be in, and some that it cannot: bonds without a permit."""
    size = draw(st.integers(1, largest))
    block = draw(st.integers(1, 50))

    def each(strategy: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(strategy, min_size=size, max_size=size))

    def rows() -> list[list[tuple[int, int]]]:
        row = st.dictionaries(st.integers(0, size - 1), values, max_size=size)
        return [list(entries.items()) for entries in each(row)]

    blocks = st.integers(0, block)
    return plain.Subnet(
        block=block,
        stake=each(st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1))),
        permit=each(st.sampled_from([True, True, False])),
        last_update=each(blocks),
        registered=each(st.one_of(st.just(0), st.just(0), blocks)),
        weights=rows(),
        bonds=rows(),
        emission=draw(st.one_of(st.integers(0, 2**40), st.integers(0, 2**63 - 1))),
        last_step=draw(blocks),
        commit_block=each(st.one_of(st.none(), blocks)),
        tempo=draw(st.integers(0, 60)),
        activity_cutoff=draw(st.integers(0, 60)),
        kappa_u16=draw(values),
        bonds_penalty_u16=draw(values),
        bonds_moving_average_ppm=draw(st.sampled_from([0, 900_000, 975_000, 999_999, 1_000_000])),
        max_allowed_validators=draw(st.integers(0, largest + 1)),
        stake_threshold=draw(st.sampled_from([0, 2, 10**6])),
        yuma3=draw(st.booleans()),
        liquid_alpha=draw(st.booleans()),
        alpha_low_u16=draw(st.integers(0, 45875)),
        alpha_high_u16=draw(st.integers(45875, 65535)),
        alpha_sigmoid_steepness=draw(st.one_of(st.just(1000), st.integers(-32768, 32767))),
        owner_uid=draw(st.one_of(st.none(), st.integers(0, size - 1))),
        commit_reveal=draw(st.booleans()),
    )
