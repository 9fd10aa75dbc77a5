"""The chain as the rest of the project knows it, by the `bittensor` SDK's client and nothing else.

Reads are tried again until their deadline; writes never are: nobody knows whether they arrived.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar, final

import bittensor as bt
import bittensor_core
from bittensor import calls
from bittensor.result import RpcConnectionError

from iotapretrain.chain.freshness import Cached, Freshness
from iotapretrain.chain.metagraph import (
    Commitments,
    Metagraph,
    ReadCommitment,
    commitment_data,
    metagraph_of,
)
from iotapretrain.chain.runtime.extrinsic import digest, parse
from iotapretrain.chain.substrate import EmbeddedSubstrate
from iotapretrain.errors import ChainError, InputError, SubmissionError, UnreachableError
from iotapretrain.net.retry import Patience, duration
from iotapretrain.net.site import EMBEDDED, known_network

Answer = TypeVar("Answer")

TRANSIENT = (RpcConnectionError, ConnectionError, OSError)
COMMITMENT_BYTES = 128
RAO = 10**9
MAY_HAVE_ARRIVED = "it may have arrived: look before you send it again"

HeadBlock = tuple[int, bytes]
"""A block's number and hash."""


@dataclass(frozen=True)
class ChainPatience(Patience):
    """Deadlines in seconds. What each bounds, and in which order they must be: `docs/chain.md`."""

    tries: float = math.inf
    first_pause: float = 0.25
    longest_pause: float = 8.0
    seconds: float = 60.0
    """A read with all its tries and pauses."""
    connect: float = 15.0
    """Opening the connection, once."""
    attempt: float = 20.0
    """One try of a read."""
    submit: float = 120.0
    """A submission until its block is final: several blocks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.attempt <= self.seconds:
            raise InputError(f"attempt: {self.attempt} s is not within read, {self.seconds} s")


@dataclass(frozen=True, slots=True)
class SignedExtrinsic:
    """Signed bytes with what the SDK asks of them, and of their signer."""

    data: bytes

    @property
    def data_hex(self) -> str:
        return "0x" + self.data.hex()

    @property
    def extrinsic_hash(self) -> str:
        return "0x" + digest(self.data).hex()

    @property
    def ss58_address(self) -> str:
        return str(bittensor_core.ss58_encode(parse(self.data).signer))


def sdk_client(network: str) -> bt.Client:
    """The SDK's client for a network: a name, `ws(s)://…`, or `embedded:PATH`."""
    if network.startswith(EMBEDDED):
        return bt.Client("local", substrate=EmbeddedSubstrate(Path(network[len(EMBEDDED) :])))
    return bt.Client(known_network(network))


async def connect(
    network: str,
    patience: ChainPatience | None = None,
    freshness: Freshness | None = None,
) -> ChainClient:
    """An open client. One a process is enough: tasks share it, and it reconnects by itself."""
    client = ChainClient(network, patience or ChainPatience(), freshness or Freshness())
    await client.open()
    return client


@final
class ChainClient:
    """One connection to one network, for all tasks of a process."""

    def __init__(self, network: str, patience: ChainPatience, freshness: Freshness) -> None:
        self.network, self.patience = network, patience
        self._freshness = freshness
        self._sdk = sdk_client(network)
        self._reconnecting = asyncio.Lock()
        self._connections = 0
        self._metagraphs: dict[int, Cached[Metagraph]] = {}

    # Lifecycle

    async def open(self) -> None:
        """Connect; UnreachableError if that takes too long."""
        await self._read(self._connect_once, recover=self._nothing)

    async def close(self) -> None:
        for cached in self._metagraphs.values():
            cached.close()
        await self._sdk.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    @property
    def sdk(self) -> bt.Client:
        """The SDK's client itself, for what this page has no words for."""
        return self._sdk

    # Blocks

    async def head(self) -> HeadBlock:
        async def read() -> HeadBlock:
            number = await self._sdk.block()
            return number, await self._hash(number)

        return await self._read(read)

    async def ended(self) -> int | None:
        """The last block of a chain in a file whose clock was stopped; no other says its end."""
        substrate = self._sdk._substrate
        return substrate.chain.ended() if isinstance(substrate, EmbeddedSubstrate) else None

    async def block_hash(self, number: int) -> bytes:
        return await self._read(lambda: self._hash(number))

    async def block_time(self) -> float:
        return await self._read(self._sdk.block_time)

    async def how_far(self, block: int) -> str:
        """How far away a block is, in words to put behind its number; nothing once it is there."""
        head, _ = await self.head()
        if block <= head:
            return ""
        substrate = self._sdk._substrate
        if isinstance(substrate, EmbeddedSubstrate) and substrate.chain.stands_still:
            return f", while the chain's clock stands at block {head}"
        return f", in about {duration((block - head) * await self.block_time())}"

    async def blocks(self) -> AsyncIterator[int]:
        """The number of the newest block, and of every one that follows."""
        with _translated(self.network):
            async for header in self._sdk.blocks():
                yield header.number

    async def wait_for_block(self, number: int, timeout: float) -> int:
        """The newest block, once this one is there; UnreachableError after `timeout` seconds."""
        try:
            with _translated(self.network):
                return (await self._sdk.wait_for_block(number, timeout=timeout)).number
        except TimeoutError as error:
            raise UnreachableError(f"block {number} did not come within {timeout:g} s") from error

    # Subnets

    async def metagraph(self, netuid: int, block: int | None = None) -> Metagraph:
        """A subnet at a block, or as of late: perhaps some seconds old, and being renewed."""
        if block is not None:
            return await self._read(lambda: self._metagraph(netuid, block))
        if netuid not in self._metagraphs:
            newest = partial(self._read, partial(self._metagraph, netuid, None))
            self._metagraphs[netuid] = Cached(newest, self._freshness)
        return await self._metagraphs[netuid].get()

    async def commitments(self, netuid: int, block: int | None = None) -> Commitments:
        """All commitments in the open, with their blocks, read at one block for all hotkeys."""

        async def read() -> Commitments:
            view = await self._sdk.at(block)
            found = await view.subnets.commitments(netuid)
            read = {each.hotkey: commitment_data(each.fields) for each in found.values()}
            by_hotkey = {
                hotkey: ReadCommitment(hotkey, found[hotkey].block, data)
                for hotkey, data in read.items()
                if data is not None
            }
            return Commitments(view.block, await self._hash(view.block), by_hotkey)

        return await self._read(read)

    async def weights(self, netuid: int, block: int | None = None) -> dict[int, dict[int, float]]:
        """Every validator's row of weights by uid, each summing to 1, at a block or as of late."""

        async def read() -> dict[int, dict[int, float]]:
            view = await self._sdk.at(block)
            return dict(await view.weights.weights(netuid))

        return await self._read(read)

    async def hyperparameters(self, netuid: int) -> Mapping[str, Any]:
        """A subnet's hyperparameters by the SDK's names, raw."""
        found = await self._read(lambda: self._sdk.subnets.subnet_hyperparameters(netuid))
        if found is None:
            raise InputError(f"subnet {netuid}: there is none of this number on {self.network}")
        return dict(found)

    async def balance(self, address: str) -> int:
        return (await self._read(lambda: self._sdk.balances.get(address))).rao

    # Writing

    async def register(self, wallet: bt.Wallet, netuid: int) -> str:
        """Buy a uid for the wallet's hotkey; where the extrinsic is (block-index)."""
        return await self._execute(bt.BurnedRegister(netuid=netuid), wallet)

    async def stake(
        self, wallet: bt.Wallet, netuid: int, rao: int, hotkey: str | None = None
    ) -> str:
        """Stake free coins on a hotkey, by default the wallet's own."""
        target = hotkey or wallet.hotkeypub.ss58_address
        amount = bt.Balance.from_rao(rao)
        return await self._execute(
            bt.AddStake(hotkey_ss58=target, netuid=netuid, amount_tao=amount), wallet
        )

    async def transfer(self, wallet: bt.Wallet, destination: str, rao: int) -> str:
        amount = bt.Balance.from_rao(rao)
        return await self._execute(bt.Transfer(dest_ss58=destination, amount_tao=amount), wallet)

    async def set_weights(
        self, wallet: bt.Wallet, netuid: int, weights: Mapping[int, float], version_key: int = 0
    ) -> str:
        """Set the row of weights of the wallet's hotkey."""
        intent = bt.SetWeights(netuid=netuid, weights=dict(weights), version_key=version_key)
        return await self._execute(intent, wallet)

    async def commit(self, wallet: bt.Wallet, netuid: int, data: bytes) -> str:
        """Replace the commitment of the wallet's hotkey."""
        if len(data) > COMMITMENT_BYTES:
            raise SubmissionError(
                bt.ErrorCode.LIMIT_EXCEEDED.value,
                "SpaceLimitExceeded",
                f"a commitment of {len(data)} bytes",
                f"at most {COMMITMENT_BYTES} fit",
            )
        info = {"fields": [{f"Raw{len(data)}": data}]}
        call = calls.Commitments.set_commitment(netuid=netuid, info=info)
        return await self._submit(self._sdk.submit_call(call, wallet, signer="hotkey"))

    async def submit(self, extrinsic: bytes) -> str:
        """Send an extrinsic that was signed elsewhere."""
        signed = SignedExtrinsic(extrinsic)
        return await self._submit(self._sdk._substrate.submit_signed(signed, signed))

    async def _execute(self, intent: Any, wallet: bt.Wallet) -> str:
        return await self._submit(self._sdk.execute(intent, wallet))

    async def _submit(self, submission: Awaitable[bt.ExtrinsicResult]) -> str:
        try:
            result = await asyncio.wait_for(submission, self.patience.submit)
            result.raise_for_failure()
        except TimeoutError as error:
            problem = f"no word of the extrinsic within {self.patience.submit:g} s"
            raise UnreachableError(f"{problem}; {MAY_HAVE_ARRIVED}") from error
        except (bittensor_core.KeyfileError, bittensor_core.WrongPasswordError) as error:
            raise InputError(f"the wallet's key cannot be used: {error}") from error
        except bt.ChainError as error:
            raise SubmissionError(
                error.code.value, error.name, error.message, error.remediation
            ) from error
        except TRANSIENT as error:
            problem = f"the connection broke during the submission: {error}"
            raise UnreachableError(f"{problem}; {MAY_HAVE_ARRIVED}") from error
        except bt.BittensorError as error:
            raise ChainError(f"{self.network}: {error}") from error
        for cached in self._metagraphs.values():
            cached.forget()
        return result.extrinsic_id or ""

    # Reading

    async def _read(
        self,
        attempt: Callable[[], Awaitable[Answer]],
        recover: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:
        seen = self._connections

        async def tried() -> Answer:
            nonlocal seen
            seen = self._connections
            return await attempt()

        async def reconnect() -> None:
            """Unless another task has done so since this one was disappointed."""
            async with self._reconnecting:
                if self._connections == seen:
                    await self._connect_once()

        with _translated(self.network):
            return await self.patience.keep_asking(
                tried, recover or reconnect, TRANSIENT, self.patience.attempt
            )

    async def _connect_once(self) -> None:
        await self._sdk.close()
        self._sdk = sdk_client(self.network)
        await asyncio.wait_for(self._sdk.connect(), self.patience.connect)
        self._connections += 1

    async def _nothing(self) -> None:
        """Connecting again is all the recovery there is."""

    async def _hash(self, number: int) -> bytes:
        found = await self._sdk._substrate.block_hash(number)  # the SDK's own seam
        return bytes.fromhex(found.removeprefix("0x"))

    async def _metagraph(self, netuid: int, block: int | None) -> Metagraph:
        view = await self._sdk.at(block)
        graph, trust = await asyncio.gather(
            view.subnets.metagraph(netuid, commitments=False),
            view.query(bt.storage.SubtensorModule.ValidatorTrust, [netuid]),
        )
        if graph is None:
            raise InputError(f"subnet {netuid}: there is none of this number on {self.network}")
        return metagraph_of(graph, trust)


@contextmanager
def _translated(network: str) -> Iterator[None]:
    """The SDK's errors in the words of our own tree; those of time are their reader's to tell."""
    try:
        yield
    except RpcConnectionError as error:
        raise UnreachableError(f"{network}: the connection broke: {error}") from error
    except bt.BittensorError as error:
        raise ChainError(f"{network}: {error}") from error
