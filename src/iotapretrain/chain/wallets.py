"""The SDK's wallets. Demo wallets live in the network's own folder, never in the home directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import bittensor_core

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from bittensor import Wallet


def is_address(text: str) -> bool:
    """Whether a text is an ss58 address of Bittensor."""
    try:
        key = bytes(bittensor_core.decode_ss58(text))
    except ValueError:
        return False
    return str(bittensor_core.encode_ss58(key)) == text


def is_signature(address: str, message: bytes, signature: bytes) -> bool:
    """Whether the key of an address has signed the message; False for what is no signature."""
    try:
        return bool(bittensor_core.verify(message, signature, address))
    except ValueError:
        return False


def make_wallet(folder: Path, name: str, hotkeys: Iterable[str]) -> Mapping[str, str]:
    """Make a demo wallet with unencrypted keys; the addresses of `name` and each `name/hotkey`.

    A key that exists is kept.
    """
    addresses = {}
    for hotkey in hotkeys:
        wallet = open_wallet(f"{name}/{hotkey}", folder)
        if not wallet.coldkey_file.exists_on_device():
            wallet.create_new_coldkey(use_password=False, suppress=True)
        if not wallet.hotkey_file.exists_on_device():
            wallet.create_new_hotkey(use_password=False, suppress=True)
        addresses[name] = wallet.coldkeypub.ss58_address
        addresses[f"{name}/{hotkey}"] = wallet.hotkeypub.ss58_address
    return addresses


def open_wallet(name: str, folder: Path | None = None) -> Wallet:
    """A wallet by `name` or `name/hotkey`, in a folder or where `btcli` keeps them."""
    from bittensor import Wallet

    if folder is None:
        return Wallet(name)
    return Wallet(name, path=str(folder))


def existing_wallet(name: str, folder: Path | None = None) -> Wallet:
    """The same, refused in one line when there is no such wallet."""
    if folder is not None and not (folder / name.partition("/")[0]).is_dir():
        raise _missing(name, folder)  # the SDK, which would say so too, is long in coming
    wallet = open_wallet(name, folder)
    if not wallet.coldkeypub_file.exists_on_device() or not wallet.hotkey_file.exists_on_device():
        raise _missing(name, Path(wallet.path))
    return wallet


def _missing(name: str, folder: Path) -> InputError:
    return InputError(
        f"{name}: there is no such wallet in {folder.expanduser()}; name it as wallet or"
        " wallet/hotkey"
    )
