"""Stake as `StakeInfoRuntimeApi`, `DelegateInfoRuntimeApi` and `SwapRuntimeApi` show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iotapretrain.chain.views.block_view import View
from iotapretrain.rules.chain.ledger.chain_state import Subnet

PRICE = 10**9
"""Rao of TAO for one whole alpha: always one TAO, since there are no pools."""


def positions(view: View, coldkey: str) -> list[dict[str, object]]:
    """Everything that a coldkey has staked."""
    return [
        _position(subnet, hotkey, coldkey)
        for subnet in _subnets(view)
        for hotkey, stakers in subnet.stakes.items()
        if coldkey in stakers
    ]


def positions_of_many(
    view: View, coldkeys: Sequence[str]
) -> list[tuple[str, list[dict[str, object]]]]:
    """The same for several coldkeys."""
    return [(coldkey, positions(view, coldkey)) for coldkey in coldkeys]


def position(view: View, hotkey: str, coldkey: str, netuid: int) -> dict[str, object] | None:
    """What one coldkey has staked on one hotkey of one subnet, be it nothing."""
    subnet = view.state.subnets.get(netuid)
    return None if subnet is None else _position(subnet, hotkey, coldkey)


def availability(
    view: View, coldkeys: Sequence[str], netuids: Sequence[int] | None
) -> dict[str, dict[int, dict[str, int]]]:
    """Stake by coldkey and subnet; nothing is ever locked."""
    shown = list(view.state.subnets) if netuids is None else netuids
    totals = {
        coldkey: {
            subnet.netuid: sum(stakers.get(coldkey, 0) for stakers in subnet.stakes.values())
            for subnet in _subnets(view)
            if subnet.netuid in shown
        }
        for coldkey in coldkeys
    }
    return {
        coldkey: {
            netuid: {"total": total, "locked": 0, "available": total}
            for netuid, total in row.items()
        }
        for coldkey, row in totals.items()
    }


def delegates(view: View) -> list[dict[str, object]]:
    """Every hotkey that somebody has staked on."""
    backed = {hotkey for subnet in _subnets(view) for hotkey in subnet.stakes}
    return [_delegate(view, hotkey) for hotkey in sorted(backed)]


def delegate(view: View, hotkey: str) -> dict[str, object] | None:
    """One hotkey and those who staked on it."""
    return _delegate(view, hotkey) if hotkey in view.state.owners else None


def delegated(view: View, coldkey: str) -> list[tuple[dict[str, object], tuple[int, int]]]:
    """The hotkeys that a coldkey has staked on, with its stake on each."""
    return [
        (_delegate(view, hotkey), (subnet.netuid, stakers[coldkey]))
        for subnet in _subnets(view)
        for hotkey, stakers in subnet.stakes.items()
        if coldkey in stakers
    ]


def price_of_all(view: View) -> list[dict[str, int]]:
    """`current_alpha_price_all`."""
    return [{"netuid": subnet.netuid, "price": PRICE} for subnet in _subnets(view)]


def swap(amount: int) -> dict[str, int]:
    """What a swap of this amount would bring: the same amount."""
    fees = {"tao_fee": 0, "alpha_fee": 0, "tao_slippage": 0, "alpha_slippage": 0}
    return {"tao_amount": amount, "alpha_amount": amount, **fees}


def _subnets(view: View) -> Iterator[Subnet]:
    return iter(view.state.subnets.values())


def _position(subnet: Subnet, hotkey: str, coldkey: str) -> dict[str, object]:
    uid = subnet.uid(hotkey)
    return {
        "hotkey": hotkey,
        "coldkey": coldkey,
        "netuid": subnet.netuid,
        "stake": subnet.stakes.get(hotkey, {}).get(coldkey, 0),
        "locked": 0,
        "emission": 0 if uid is None else subnet.standing.emission[uid],
        "tao_emission": 0,
        "drain": 0,
        "is_registered": uid is not None,
    }


def _delegate(view: View, hotkey: str) -> dict[str, object]:
    stakes: dict[str, list[tuple[int, int]]] = {}
    for subnet in _subnets(view):
        for coldkey, amount in subnet.stakes.get(hotkey, {}).items():
            stakes.setdefault(coldkey, []).append((subnet.netuid, amount))
    places = [(subnet, subnet.uid(hotkey)) for subnet in _subnets(view)]
    return {
        "delegate_ss58": hotkey,
        "take": view.state.network.delegate_take,
        "nominators": list(stakes.items()),
        "owner_ss58": view.state.owners[hotkey],
        "registrations": [subnet.netuid for subnet, uid in places if uid is not None],
        "validator_permits": [
            subnet.netuid
            for subnet, uid in places
            if uid is not None and subnet.standing.permit[uid]
        ],
        "return_per_1000": 0,
        "total_daily_return": 0,
    }
