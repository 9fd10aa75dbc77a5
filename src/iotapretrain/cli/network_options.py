"""How the command line names a Bittensor network, opens it, and signs for a wallet on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from bittensor import Wallet

    from iotapretrain.chain.client import ChainClient

Answer = TypeVar("Answer")

RAO = 10**9
NEEDED = ("bittensor", "bittensor_core", "sqlalchemy", "blake3", "Crypto", "cryptography")
"""What comes with the extra."""
PAGE_NEEDS = ("fastapi", "uvicorn", "bittensor_core")

NetworkName = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="A network's folder, `embedded:PATH`, finney, test, local or ws(s)://…",
        show_default=False,
    ),
]
Netuid = Annotated[int, typer.Option(help="The subnet.", min=1)]
WalletName = Annotated[
    str, typer.Option("--wallet", help="Who signs: `wallet` or `wallet/hotkey`.")
]
WalletFolder = Annotated[
    Path | None,
    typer.Option(
        "--wallets", help="Where the wallets are. Default: the network's folder, or btcli's."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def with_client(network: str, use: Callable[[ChainClient], Awaitable[Answer]]) -> Answer:
    """Open a network, ask or do something, and close it."""
    name = network_name(network)
    with extra():
        from iotapretrain.chain.client import connect

    async def run() -> Answer:
        async with await connect(name) as client:
            return await use(client)

    return asyncio.run(run())


def with_wallet(
    network: str,
    wallet: str,
    wallets: Path | None,
    use: Callable[[ChainClient, Wallet], Awaitable[Answer]],
) -> Answer:
    """The same with a wallet; a network of its own has its own wallets."""
    signer = find_wallet(network, wallet, wallets)
    return with_client(network, lambda client: use(client, signer))


def find_wallet(network: str, wallet: str, wallets: Path | None) -> Wallet:
    """The wallet of that name, or one line that says where there is none."""
    with extra():
        from iotapretrain.chain.wallets import existing_wallet

    own = Path(network.removeprefix("embedded:")) / "wallets"
    return existing_wallet(wallet, wallets or (own if own.is_dir() else None))


def network_folder(network: str) -> Path | None:
    """The folder of a network on this machine; None for others."""
    folder = Path(network.removeprefix("embedded:"))
    return folder if folder.is_dir() else None


def network_name(network: str) -> str:
    """A folder is short for the chain in it; refused is what cannot be a network."""
    from iotapretrain.net.site import EMBEDDED, known_network

    return known_network(f"{EMBEDDED}{network}" if Path(network).exists() else network)


def check_dashboard(instead: str = "") -> None:
    """Refuse, before anything is started, where what the dashboard needs is not installed."""
    missing = next((name for name in PAGE_NEEDS if find_spec(name) is None), None)
    if missing is not None:
        raise InputError(
            f"the dashboard needs {missing}: pip install 'iotapretrain[dashboard,bittensor]'"
            f"{instead}"
        )


@contextmanager
def extra() -> Iterator[None]:
    """Around imports of what is not installed with the package itself."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in NEEDED:
            raise
        raise InputError(
            f"chains need {error.name}: pip install 'iotapretrain[bittensor]'"
        ) from error
