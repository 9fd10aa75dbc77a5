"""Options that belong together, as one value: a dataclass whose fields are options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from iotapretrain.cli.network_options import (
    Answer,
    Netuid,
    network_folder,
    network_name,
    with_client,
)
from iotapretrain.cli.workplace import Competitions, HubAddress, Network, find_schedule

if TYPE_CHECKING:
    from iotapretrain.chain.client import ChainClient
    from iotapretrain.hub.protocol import Hub
    from iotapretrain.rules.competition.schedule import Schedule

NETWORK = "net"
"""Where nobody names one."""


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer shall see it: every dataclass that it takes is given by its fields."""
    hints = get_type_hints(command)
    types = {name: kind for name, kind in hints.items() if isinstance(kind, type)}
    groups = {name: kind for name, kind in types.items() if is_dataclass(kind)}

    @wraps(command)
    def grouped(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{each.name: given.pop(each.name) for each in fields(kind)})
        command(**given)

    parameters: list[Parameter] = []
    for name, own in signature(command, eval_str=True).parameters.items():
        kind = groups.get(name)
        parameters += [own] if kind is None else signature(kind, eval_str=True).parameters.values()
    keywords = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]
    vars(grouped)["__signature__"] = Signature(keywords)
    return grouped


@dataclass(frozen=True)
class Workplace:
    """Where a command works: a network, a subnet of it, and the hub of its models."""

    network: Network = NETWORK
    netuid: Netuid = 1
    hub: HubAddress = None

    @property
    def folder(self) -> Path | None:
        """Of a network on this machine."""
        return network_folder(self.network)

    @property
    def hub_address(self) -> str:
        """The hub that is named, or the one that belongs to the network."""
        if self.hub is not None:
            return self.hub
        return "hf" if self.folder is None else f"folder:{self.folder / 'hub'}"

    @property
    def hub_is_folder(self) -> bool:
        """Whether our namespace has to be told; elsewhere the login knows it."""
        return self.hub_address.startswith("folder:")

    def open_hub(self, owner: str | None = None) -> Hub:
        """The hub, as `owner`, which is our namespace."""
        from iotapretrain.hub.address import open_hub

        return open_hub(self.hub_address, owner if self.hub_is_folder else None)

    def check(self) -> None:
        """Refuse a network that somebody named and that cannot be, although none may be needed."""
        if self.network != NETWORK:
            network_name(self.network)

    def ask(self, question: Callable[[ChainClient], Awaitable[Answer]]) -> Answer:
        """What the network's chain answers."""
        return with_client(self.network, question)


@dataclass(frozen=True)
class ScheduledWorkplace(Workplace):
    """The same with the competitions that run there."""

    competitions: Competitions = None

    def schedule(self) -> tuple[Schedule, str]:
        """With the text that it was read from."""
        return find_schedule(self.competitions, self.network)
