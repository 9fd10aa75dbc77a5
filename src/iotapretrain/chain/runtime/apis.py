"""What the chain answers: runtime APIs and their methods, in the notation of `grammar`."""

from __future__ import annotations

from iotapretrain.chain.runtime.grammar import Method, lines, parse_method

_TEXTS = {
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

APIS: dict[str, tuple[Method, ...]] = {
    api: tuple(map(parse_method, lines(text))) for api, text in _TEXTS.items()
}
