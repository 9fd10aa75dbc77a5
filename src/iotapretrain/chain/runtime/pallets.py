"""What the chain holds, accepts and answers: pallets, and the methods of its runtime APIs.

Names, and the indices of errors, are those of the public network: the SDK asks by the first, and
tells its error codes by both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from iotapretrain.chain.runtime import grammar, subtensor
from iotapretrain.chain.runtime.grammar import ApiMethod, StorageItem, Variant, lines
from iotapretrain.chain.runtime.types import encode


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that is part of the description itself."""

    name: str
    type: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Pallet:
    """One part of the chain's state with the calls that change it."""

    name: str
    index: int
    storage: tuple[StorageItem, ...]
    calls: tuple[Variant, ...]
    events: tuple[Variant, ...]
    errors: tuple[Variant, ...]
    constants: tuple[Constant, ...]


def _pallet(
    name: str,
    index: int,
    *,
    storage: str = "",
    calls: str = "",
    events: str = "",
    errors: str = "",
    constants: tuple[tuple[str, str, int], ...] = (),
) -> Pallet:
    return Pallet(
        name,
        index,
        tuple(item for line in lines(storage) for item in grammar.parse_items(line)),
        grammar.parse_variants(lines(calls)),
        grammar.parse_variants(lines(events)),
        tuple(map(grammar.parse_error, lines(errors))),
        tuple(Constant(item, kind, encode(kind, value)) for item, kind, value in constants),
    )


_PALLETS = (
    _pallet(
        "System",
        0,
        storage="""
            Account: b AccountId32 -> AccountInfo
            BlockHash: t u32 -> H256
            Number -> u32
            ParentHash -> H256
            Events -> Vec<EventRecord>
        """,
        events="""
            0 ExtrinsicSuccess(dispatch_info: DispatchEventInfo)
            1 ExtrinsicFailed(dispatch_error: DispatchError, dispatch_info: DispatchEventInfo)
        """,
        errors="5 CallFiltered: this chain does not have this call",
        constants=(("SS58Prefix", "u16", 42),),
    ),
    _pallet("Timestamp", 2, storage="Now -> u64", calls="0 set(now: Compact<u64>)"),
    _pallet("Aura", 3),
    _pallet(
        "Balances",
        5,
        storage="TotalIssuance -> u64",
        calls="""
            0 transfer_allow_death(dest: MultiAddress, value: Compact<u64>)
            3 transfer_keep_alive(dest: MultiAddress, value: Compact<u64>)
            4 transfer_all(dest: MultiAddress, keep_alive: bool)
        """,
        events="2 Transfer(from: AccountId32, to: AccountId32, amount: u64)",
        errors="""
            2 InsufficientBalance: the free balance does not cover the amount
            3 ExistentialDeposit: the amount is too small to open an account
            4 Expendability: too little would be left to keep the account alive
        """,
        constants=(("ExistentialDeposit", "u64", 500),),
    ),
    _pallet(
        "TransactionPayment",
        6,
        events="0 TransactionFeePaid(who: AccountId32, actual_fee: u64, tip: u64)",
    ),
    _pallet(
        "SubtensorModule",
        7,
        storage=subtensor.NETWORK_STORAGE + subtensor.SETTINGS_STORAGE + subtensor.NEURON_STORAGE,
        calls=subtensor.CALLS,
        events=subtensor.EVENTS,
        errors=subtensor.ERRORS,
    ),
    _pallet(
        "Commitments",
        18,
        storage="""
            CommitmentOf: i u16, t AccountId32 -> Registration?
            LastCommitment: i u16, t AccountId32 -> u32?
            RevealedCommitments: i u16, t AccountId32 -> Vec<(Vec<u8>, u64)>?
            UsedSpaceOf: i u16, t AccountId32 -> UsageTracker?
            MaxSpace -> u32 = 3100
        """,
        calls="0 set_commitment(netuid: u16, info: CommitmentInfo)",
        events="0 Commitment(netuid: u16, who: AccountId32)",
        errors="""
            0 TooManyFieldsInCommitmentInfo: a commitment has at most three fields
            1 AccountNotAllowedCommit: only hotkeys with a uid on the subnet may commit
            2 SpaceLimitExceeded: the hotkey has used up its bytes for this epoch
            4 TimelockRevealFailedNotAllowed: only the chain marks a reveal as failed
        """,
        constants=(("MaxFields", "u32", 3),),
    ),
    _pallet("AdminUtils", 19, calls=subtensor.ADMIN_CALLS, errors=subtensor.ADMIN_ERRORS),
    _pallet(
        "MevShield",
        30,
        storage="NextKey -> Vec<u8>?",
        calls="1 submit_encrypted(ciphertext: Vec<u8>)",
    ),
)


@cache
def pallets(block_ms: int) -> tuple[Pallet, ...]:
    """All pallets of a chain whose blocks are this many milliseconds apart."""
    slot = _pallet("Aura", 3, constants=(("SlotDuration", "u64", block_ms),))
    return tuple(slot if pallet.name == slot.name else pallet for pallet in _PALLETS)


_ERRORS = {
    (pallet.name, error.name): (pallet.index, error)
    for pallet in _PALLETS
    for error in pallet.errors
}


def module_error(pallet: str, name: str) -> dict[str, object]:
    """A pallet's error as the `dispatch_error` of `System.ExtrinsicFailed`."""
    index, error = _ERRORS[pallet, name]
    return {"Module": {"index": index, "error": f"0x{error.index:02x}000000"}}


def error_text(pallet: str | None, name: str) -> str:
    """What an error means, in the words of the chain's description."""
    found = _ERRORS.get((pallet or "", name))
    return found[1].doc if found else name


_API_TEXTS = {
    "Core": "version() -> RuntimeVersion",
    "Metadata": """
        metadata() -> OpaqueMetadata
        metadata_at_version(version: u32) -> Option<OpaqueMetadata>
        metadata_versions() -> Vec<u32>
    """,
    "AccountNonceApi": "account_nonce(account: AccountId32) -> u32",
    "TransactionPaymentApi": """
        query_info(uxt: UncheckedExtrinsic, len: u32) -> RuntimeDispatchInfo
        query_fee_details(uxt: UncheckedExtrinsic, len: u32) -> FeeDetails
    """,
    "NeuronInfoRuntimeApi": """
        get_neurons(netuid: u16) -> Vec<NeuronInfo>
        get_neuron(netuid: u16, uid: u16) -> Option<NeuronInfo>
        get_neurons_lite(netuid: u16) -> Vec<NeuronInfoLite>
        get_neuron_lite(netuid: u16, uid: u16) -> Option<NeuronInfoLite>
    """,
    "SubnetInfoRuntimeApi": """
        get_metagraph(netuid: u16) -> Option<Metagraph>
        get_all_metagraphs() -> Vec<Option<Metagraph>>
        get_selective_metagraph(netuid: u16, metagraph_indexes: Vec<u16>)
            -> Option<SelectiveMetagraph>
        get_dynamic_info(netuid: u16) -> Option<DynamicInfo>
        get_all_dynamic_info() -> Vec<Option<DynamicInfo>>
        get_subnet_info_v2(netuid: u16) -> Option<SubnetInfoV2>
        get_subnets_info_v2() -> Vec<Option<SubnetInfoV2>>
        get_subnet_hyperparams_v2(netuid: u16) -> Option<SubnetHyperparamsV2>
        get_subnet_hyperparams_v3(netuid: u16) -> Option<Vec<HyperparamEntry>>
        get_next_epoch_start_block(netuid: u16) -> Option<u64>
        get_subnet_to_prune() -> Option<u16>
    """,
    "SubnetRegistrationRuntimeApi": "get_network_registration_cost() -> u64",
    "StakeInfoRuntimeApi": """
        get_stake_info_for_coldkey(coldkey_account: AccountId32) -> Vec<StakeInfo>
        get_stake_info_for_coldkeys(coldkey_accounts: Vec<AccountId32>)
            -> Vec<(AccountId32, Vec<StakeInfo>)>
        get_stake_info_for_hotkey_coldkey_netuid(
            hotkey_account: AccountId32, coldkey_account: AccountId32, netuid: u16
        ) -> Option<StakeInfo>
        get_stake_availability_for_coldkeys(
            coldkey_accounts: Vec<AccountId32>, netuids: Option<Vec<u16>>
        ) -> BTreeMap<AccountId32, BTreeMap<u16, StakeAvailability>>
        get_stake_fee(
            origin: Option<(AccountId32, u16)>, origin_coldkey_account: AccountId32,
            destination: Option<(AccountId32, u16)>, destination_coldkey_account: AccountId32,
            amount: u64
        ) -> u64
    """,
    "DelegateInfoRuntimeApi": """
        get_delegates() -> Vec<DelegateInfo>
        get_delegate(delegate_account: AccountId32) -> Option<DelegateInfo>
        get_delegated(delegatee_account: AccountId32)
            -> Vec<(DelegateInfo, (Compact<u16>, Compact<u64>))>
    """,
    "SwapRuntimeApi": """
        current_alpha_price(netuid: u16) -> u64
        current_alpha_price_all() -> Vec<AlphaPrice>
        sim_swap_tao_for_alpha(netuid: u16, tao: u64) -> SimSwapResult
        sim_swap_alpha_for_tao(netuid: u16, alpha: u64) -> SimSwapResult
    """,
    "BetaBasketRuntimeApi": """
        get_root_basket_positions(coldkey: AccountId32) -> Vec<(AccountId32, u64)>
        get_root_basket_owed(coldkey: AccountId32) -> u64
    """,
}

APIS: dict[str, tuple[ApiMethod, ...]] = {
    api: tuple(map(grammar.parse_method, lines(text))) for api, text in _API_TEXTS.items()
}
