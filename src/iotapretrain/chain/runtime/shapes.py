"""The named types of the chain, in the notation of `grammar`, by path.

Names, order and widths are those of the public network, since its SDK relies on them.
"""

from __future__ import annotations

from iotapretrain.chain.runtime.grammar import split

MAX_RAW_COMMITMENT = 128
"""A commitment field holds up to this many bytes by a variant for each length."""

_RAW = "|".join(f"Raw{size}([u8; {size}])" for size in range(MAX_RAW_COMMITMENT + 1))

_NEURON = """hotkey: AccountId32, coldkey: AccountId32, uid: Compact<u16>, netuid: Compact<u16>,
    active: bool, axon_info: AxonInfo, prometheus_info: PrometheusInfo,
    stake: Vec<(AccountId32, Compact<u64>)>, rank: Compact<u16>, emission: Compact<u64>,
    incentive: Compact<u16>, consensus: Compact<u16>, trust: Compact<u16>,
    validator_trust: Compact<u16>, dividends: Compact<u16>, last_update: Compact<u64>,
    validator_permit: bool"""

_METAGRAPH = """name: Vec<Compact<u8>>, symbol: Vec<Compact<u8>>,
    identity: Option<SubnetIdentityV3>,
    network_registered_at: Compact<u64>, owner_hotkey: AccountId32, owner_coldkey: AccountId32,
    block: Compact<u64>, tempo: Compact<u16>, last_step: Compact<u64>,
    blocks_since_last_step: Compact<u64>, subnet_emission: Compact<u64>, alpha_in: Compact<u64>,
    alpha_out: Compact<u64>, tao_in: Compact<u64>, alpha_out_emission: Compact<u64>,
    alpha_in_emission: Compact<u64>, tao_in_emission: Compact<u64>,
    pending_alpha_emission: Compact<u64>, pending_root_emission: Compact<u64>,
    subnet_volume: Compact<u128>, moving_price: I96F32, rho: Compact<u16>, kappa: Compact<u16>,
    min_allowed_weights: Compact<u16>, max_weights_limit: Compact<u16>,
    weights_version: Compact<u64>, weights_rate_limit: Compact<u64>, activity_cutoff: Compact<u16>,
    max_validators: Compact<u16>, num_uids: Compact<u16>, max_uids: Compact<u16>,
    burn: Compact<u64>, difficulty: Compact<u64>, registration_allowed: bool,
    pow_registration_allowed: bool, immunity_period: Compact<u16>, min_difficulty: Compact<u64>,
    max_difficulty: Compact<u64>, min_burn: Compact<u64>, max_burn: Compact<u64>,
    adjustment_alpha: Compact<u64>, adjustment_interval: Compact<u16>,
    target_regs_per_interval: Compact<u16>, max_regs_per_block: Compact<u16>,
    serving_rate_limit: Compact<u64>, commit_reveal_weights_enabled: bool,
    commit_reveal_period: Compact<u64>, liquid_alpha_enabled: bool, alpha_high: Compact<u16>,
    alpha_low: Compact<u16>, bonds_moving_avg: Compact<u64>, hotkeys: Vec<AccountId32>,
    coldkeys: Vec<AccountId32>, identities: Vec<Option<ChainIdentityV2>>, axons: Vec<AxonInfo>,
    active: Vec<bool>, validator_permit: Vec<bool>, pruning_score: Vec<Compact<u16>>,
    last_update: Vec<Compact<u64>>, emission: Vec<Compact<u64>>, dividends: Vec<Compact<u16>>,
    incentives: Vec<Compact<u16>>, consensus: Vec<Compact<u16>>, trust: Vec<Compact<u16>>,
    rank: Vec<Compact<u16>>, block_at_registration: Vec<Compact<u64>>,
    alpha_stake: Vec<Compact<u64>>, tao_stake: Vec<Compact<u64>>, total_stake: Vec<Compact<u64>>,
    tao_dividends_per_hotkey: Vec<(AccountId32, Compact<u64>)>,
    alpha_dividends_per_hotkey: Vec<(AccountId32, Compact<u64>)>"""

_SELECTABLE = (
    _METAGRAPH
    + """, validators: Vec<Compact<u16>>,
    commitments: Vec<(AccountId32, Vec<Compact<u8>>)>"""
)


def _each_optional(fields: str) -> str:
    named = (field.split(":", 1) for field in split(fields, ","))
    return ", ".join(f"{name}: Option<{kind.strip()}>" for name, kind in named)


SHAPES: dict[str, str] = {
    # What every Substrate chain has.
    "sp_core::crypto::AccountId32": "([u8; 32])",
    "primitive_types::H256": "([u8; 32])",
    "sp_runtime::multiaddress::MultiAddress": """Id(AccountId32) | Index(Compact<()>) | Raw(Vec<u8>)
        | Address32([u8; 32]) | Address20([u8; 20])""",
    "sp_runtime::MultiSignature": "Ed25519([u8; 64]) | Sr25519([u8; 64]) | Ecdsa([u8; 65])",
    "sp_runtime::generic::era::Era": "Immortal |"
    + "|".join(f"Mortal{first}(u8)" for first in range(1, 256)),
    "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic": "(Vec<u8>)",
    "sp_weights::weight_v2::Weight": "{ref_time: Compact<u64>, proof_size: Compact<u64>}",
    "frame_support::dispatch::DispatchClass": "Normal | Operational | Mandatory",
    "frame_support::dispatch::Pays": "Yes | No",
    "frame_system::DispatchEventInfo": "{weight: Weight, class: DispatchClass, pays_fee: Pays}",
    "sp_runtime::ModuleError": "{index: u8, error: [u8; 4]}",
    "sp_runtime::TokenError": """FundsUnavailable | OnlyProvider | BelowMinimum | CannotCreate |
        UnknownAsset | Frozen | Unsupported | CannotCreateHold | NotExpendable | Blocked""",
    "sp_arithmetic::ArithmeticError": "Underflow | Overflow | DivisionByZero",
    "sp_runtime::DispatchError": """Other | CannotLookup | BadOrigin | Module(ModuleError) |
        ConsumerRemaining | NoProviders | TooManyConsumers | Token(TokenError) |
        Arithmetic(ArithmeticError) | 10 Exhausted | Corruption | Unavailable | RootNotAllowed""",
    "frame_system::Phase": "ApplyExtrinsic(u32) | Finalization | Initialization",
    "frame_system::EventRecord": "{phase: Phase, event: RuntimeEvent, topics: Vec<H256>}",
    "frame_system::AccountInfo": """{nonce: u32, consumers: u32, providers: u32, sufficients: u32,
        data: AccountData}""",
    "pallet_balances::types::AccountData": """{free: u64, reserved: u64, frozen: u64,
        flags: ExtraFlags}""",
    "pallet_balances::types::ExtraFlags": "(u128)",
    "sp_version::RuntimeVersion": """{spec_name: str, impl_name: str, authoring_version: u32,
        spec_version: u32, impl_version: u32, apis: Vec<([u8; 8], u32)>, transaction_version: u32,
        system_version: u8}""",
    "sp_core::OpaqueMetadata": "(Vec<u8>)",
    "pallet_transaction_payment::types::RuntimeDispatchInfo": """{weight: Weight,
        class: DispatchClass, partial_fee: u64}""",
    "pallet_transaction_payment::types::InclusionFee": """{base_fee: u64, len_fee: u64,
        adjusted_weight_fee: u64}""",
    "pallet_transaction_payment::types::FeeDetails": """{inclusion_fee: Option<InclusionFee>,
        tip: u64}""",
    # What a transaction carries besides its call, in this order: see `EXTENSIONS`.
    "frame_system::extensions::check_non_zero_sender::CheckNonZeroSender": "{}",
    "frame_system::extensions::check_spec_version::CheckSpecVersion": "{}",
    "frame_system::extensions::check_tx_version::CheckTxVersion": "{}",
    "frame_system::extensions::check_genesis::CheckGenesis": "{}",
    "frame_system::extensions::check_mortality::CheckMortality": "(Era)",
    "frame_system::extensions::check_nonce::CheckNonce": "(Compact<u32>)",
    "frame_system::extensions::check_weight::CheckWeight": "{}",
    "pallet_transaction_payment::ChargeTransactionPayment": "(Compact<u64>)",
    "frame_metadata_hash_extension::Mode": "Disabled | Enabled",
    "frame_metadata_hash_extension::CheckMetadataHash": "{mode: Mode}",
    # Fixed point numbers: the raw integer, scaled by a power of two.
    "substrate_fixed::I96F32": "{bits: i128}",
    "substrate_fixed::I64F64": "{bits: i128}",
    "substrate_fixed::U64F64": "{bits: u128}",
    "substrate_fixed::I32F32": "{bits: i64}",
    # Commitments.
    "pallet_commitments::types::Data": f"""None | {_RAW} | BlakeTwo256([u8; 32]) | Sha256([u8; 32])
        | Keccak256([u8; 32]) | ShaThree256([u8; 32])
        | TimelockEncrypted(encrypted: Vec<u8>, reveal_round: u64) | ResetBondsFlag
        | BigRaw(Vec<u8>)""",
    "pallet_commitments::types::CommitmentInfo": "{fields: Vec<Data>}",
    "pallet_commitments::types::Registration": "{deposit: u64, block: u32, info: CommitmentInfo}",
    "pallet_commitments::types::UsageTracker": "{last_epoch: u64, used_space: u64}",
    # Subnets and neurons.
    "pallet_subtensor::EpochConsensus": "Yuma | Null",
    "pallet_subtensor::RecycleOrBurnEnum": "Burn | Recycle",
    "pallet_subtensor::AxonInfo": """{block: u64, version: u32, ip: u128, port: u16, ip_type: u8,
        protocol: u8, placeholder1: u8, placeholder2: u8}""",
    "pallet_subtensor::PrometheusInfo": """{block: u64, version: u32, ip: u128, port: u16,
        ip_type: u8}""",
    "pallet_subtensor::ChainIdentityV2": """{name: Vec<u8>, url: Vec<u8>, github_repo: Vec<u8>,
        image: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, additional: Vec<u8>}""",
    "pallet_subtensor::SubnetIdentityV3": """{subnet_name: Vec<u8>, github_repo: Vec<u8>,
        subnet_contact: Vec<u8>, subnet_url: Vec<u8>, discord: Vec<u8>, description: Vec<u8>,
        logo_url: Vec<u8>, additional: Vec<u8>}""",
    "pallet_subtensor::LockState": """{locked_mass: u64, conviction: U64F64, last_update: u64}""",
    "pallet_subtensor::NetworkRegistrationInfo": """{coldkey: AccountId32, hotkey: AccountId32,
        registration_block: u64, lock_amount: u64}""",
    "pallet_subtensor::rpc_info::NeuronInfoLite": "{" + _NEURON + ", pruning_score: Compact<u16>}",
    "pallet_subtensor::rpc_info::NeuronInfo": "{"
    + _NEURON
    + """, weights: Vec<(Compact<u16>, Compact<u16>)>, bonds: Vec<(Compact<u16>, Compact<u16>)>,
        pruning_score: Compact<u16>}""",
    "pallet_subtensor::rpc_info::Metagraph": "{netuid: Compact<u16>, " + _METAGRAPH + "}",
    "pallet_subtensor::rpc_info::SelectiveMetagraph": "{netuid: Compact<u16>, "
    + _each_optional(_SELECTABLE)
    + "}",
    "pallet_subtensor::rpc_info::DynamicInfo": """{netuid: Compact<u16>, owner_hotkey: AccountId32,
        owner_coldkey: AccountId32, subnet_name: Vec<Compact<u8>>, token_symbol: Vec<Compact<u8>>,
        tempo: Compact<u16>, last_step: Compact<u64>, blocks_since_last_step: Compact<u64>,
        emission: Compact<u64>, alpha_in: Compact<u64>, alpha_out: Compact<u64>,
        tao_in: Compact<u64>, alpha_out_emission: Compact<u64>, alpha_in_emission: Compact<u64>,
        tao_in_emission: Compact<u64>, pending_alpha_emission: Compact<u64>,
        pending_root_emission: Compact<u64>, subnet_volume: Compact<u128>,
        network_registered_at: Compact<u64>, subnet_identity: Option<SubnetIdentityV3>,
        moving_price: I96F32}""",
    "pallet_subtensor::rpc_info::SubnetInfoV2": """{netuid: Compact<u16>, rho: Compact<u16>,
        kappa: Compact<u16>, difficulty: Compact<u64>, immunity_period: Compact<u16>,
        max_allowed_validators: Compact<u16>, min_allowed_weights: Compact<u16>,
        max_weights_limit: Compact<u16>, scaling_law_power: Compact<u16>,
        subnetwork_n: Compact<u16>, max_allowed_uids: Compact<u16>,
        blocks_since_last_step: Compact<u64>, tempo: Compact<u16>, network_modality: Compact<u16>,
        network_connect: Vec<[u16; 2]>, emission_value: Compact<u64>, burn: Compact<u64>,
        owner: AccountId32, identity: Option<SubnetIdentityV3>}""",
    "pallet_subtensor::rpc_info::SubnetHyperparamsV2": """{rho: Compact<u16>, kappa: Compact<u16>,
        immunity_period: Compact<u16>, min_allowed_weights: Compact<u16>,
        max_weights_limit: Compact<u16>, tempo: Compact<u16>, min_difficulty: Compact<u64>,
        max_difficulty: Compact<u64>, weights_version: Compact<u64>,
        weights_rate_limit: Compact<u64>, adjustment_interval: Compact<u16>,
        activity_cutoff: Compact<u16>, registration_allowed: bool,
        target_regs_per_interval: Compact<u16>, min_burn: Compact<u64>, max_burn: Compact<u64>,
        bonds_moving_avg: Compact<u64>, max_regs_per_block: Compact<u16>,
        serving_rate_limit: Compact<u64>, max_validators: Compact<u16>,
        adjustment_alpha: Compact<u64>, difficulty: Compact<u64>,
        commit_reveal_period: Compact<u64>, commit_reveal_weights_enabled: bool,
        alpha_high: Compact<u16>, alpha_low: Compact<u16>, liquid_alpha_enabled: bool,
        alpha_sigmoid_steepness: I32F32, yuma_version: Compact<u16>, subnet_is_active: bool,
        transfers_enabled: bool, bonds_reset_enabled: bool, user_liquidity_enabled: bool}""",
    "pallet_subtensor::rpc_info::HyperparamValue": """Bool(bool) | U8(u8) | U16(u16) | U32(u32)
        | U64(u64) | U128(u128) | I16(i16) | I32F32(I32F32) | U64F64(U64F64) | Text(Vec<u8>)""",
    "pallet_subtensor::rpc_info::HyperparamEntry": "{name: Vec<u8>, value: HyperparamValue}",
    # Stake and prices.
    "pallet_subtensor::rpc_info::StakeInfo": """{hotkey: AccountId32, coldkey: AccountId32,
        netuid: Compact<u16>, stake: Compact<u64>, locked: Compact<u64>, emission: Compact<u64>,
        tao_emission: Compact<u64>, drain: Compact<u64>, is_registered: bool}""",
    "pallet_subtensor::rpc_info::StakeAvailability": "{total: u64, locked: u64, available: u64}",
    "pallet_subtensor::rpc_info::DelegateInfo": """{delegate_ss58: AccountId32, take: Compact<u16>,
        nominators: Vec<(AccountId32, Vec<(Compact<u16>, Compact<u64>)>)>, owner_ss58: AccountId32,
        registrations: Vec<Compact<u16>>, validator_permits: Vec<Compact<u16>>,
        return_per_1000: Compact<u64>, total_daily_return: Compact<u64>}""",
    "pallet_subtensor_swap::AlphaPrice": "{netuid: u16, price: u64}",
    "pallet_subtensor_swap::SimSwapResult": """{tao_amount: u64, alpha_amount: u64, tao_fee: u64,
        alpha_fee: u64, tao_slippage: u64, alpha_slippage: u64}""",
}

EXTENSIONS: dict[str, tuple[str, str]] = {
    "CheckNonZeroSender": ("CheckNonZeroSender", "()"),
    "CheckSpecVersion": ("CheckSpecVersion", "u32"),
    "CheckTxVersion": ("CheckTxVersion", "u32"),
    "CheckGenesis": ("CheckGenesis", "H256"),
    "CheckMortality": ("CheckMortality", "H256"),
    "CheckNonce": ("CheckNonce", "()"),
    "CheckWeight": ("CheckWeight", "()"),
    "ChargeTransactionPayment": ("ChargeTransactionPayment", "()"),
    "CheckMetadataHash": ("CheckMetadataHash", "Option<[u8; 32]>"),
}
"""Each signed extension's type in the transaction, and of what it adds to the signed payload."""
