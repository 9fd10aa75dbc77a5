"""The subnets' own pallets, in the notation of `grammar`: registration, weights, stake, settings.

Defaults are those of the public network, except where a small network would otherwise
stand still: one weight is enough, and commit-reveal is off (its randomness comes from outside).
"""

from __future__ import annotations

NETWORK_STORAGE = """
    TokenSymbol: i u16 -> Vec<u8> = "τ"
    SubnetIdentitiesV3: b u16 -> SubnetIdentityV3?
    NetworksAdded: i u16 -> bool
    NetworkRegisteredAt: i u16 -> u64
    NetworkRegistrationAllowed: i u16 -> bool = True
    NetworkPowRegistrationAllowed: i u16 -> bool
    SubnetEmissionEnabled, SubtokenEnabled, TransferToggle: i u16 -> bool = True
    SubnetOwner, SubnetOwnerHotkey: i u16 -> AccountId32
    SubnetworkN, SubnetMechanism: i u16 -> u16
    SubnetTAO, SubnetAlphaIn, SubnetAlphaOut, SubnetTaoInEmission: i u16 -> u64
    SubnetEmaTaoFlow: i u16 -> (u64, I64F64)?
    MechanismCountCurrent: t u16 -> u8 = 1
    MechanismEmissionSplit: t u16 -> Vec<u16>?
    TotalNetworks -> u16
    SubnetLimit -> u16 = 128
    TotalIssuance, TotalStake, TxRateLimit, StakeThreshold, TaoWeight -> u64
    AdminFreezeWindow, OwnerHyperparamRateLimit -> u16
    SubnetOwnerCut -> u16 = 11796
    CommitRevealWeightsVersion -> u16 = 4
    MinDelegateTake -> u16
    MaxDelegateTake -> u16 = 11796
    NetworkRegistrationQueue -> Vec<NetworkRegistrationInfo>
    DissolveCleanupQueue -> Vec<u16>
"""

SETTINGS_STORAGE = """
    Tempo: i u16 -> u16 = 360
    Burn: i u16 -> u64 = 100_000_000
    MinBurn: i u16 -> u64 = 500_000
    MaxBurn: i u16 -> u64 = 100_000_000_000
    BurnHalfLife: i u16 -> u16 = 360
    BurnIncreaseMult: i u16 -> U64F64 = 23_243_737_132_853_815_286
    MaxAllowedUids: i u16 -> u16 = 256
    MaxAllowedValidators: i u16 -> u16 = 128
    MinNonImmuneUids: i u16 -> u16 = 10
    ImmuneOwnerUidsLimit: i u16 -> u16 = 1
    ImmunityPeriod: i u16 -> u16 = 4096
    MinAllowedWeights: i u16 -> u16 = 1
    MaxWeightsLimit: i u16 -> u16 = 65535
    WeightsVersionKey: i u16 -> u64
    WeightsSetRateLimit: i u16 -> u64 = 100
    ServingRateLimit: i u16 -> u64 = 50
    ActivityCutoff: i u16 -> u16 = 5000
    ActivityCutoffFactorMilli: i u16 -> u32 = 13889
    Rho: i u16 -> u16 = 10
    Kappa: i u16 -> u16 = 32767
    BondsMovingAverage: i u16 -> u64 = 900_000
    BondsPenalty: i u16 -> u16 = 65535
    BondsResetOn: i u16 -> bool
    AlphaSigmoidSteepness: i u16 -> i16 = 1000
    AlphaValues: i u16 -> (u16, u16) = (45875, 58982)
    LiquidAlphaOn, Yuma3On: b u16 -> bool
    CommitRevealWeightsEnabled: i u16 -> bool
    RevealPeriodEpochs: t u16 -> u64 = 1
    SubnetEpochConsensus: i u16 -> EpochConsensus
    RecycleOrBurn: i u16 -> RecycleOrBurnEnum
    OwnerCutEnabled: i u16 -> bool = True
    OwnerCutAutoLockEnabled: i u16 -> bool
    CollateralLockShare: i u16 -> u16
    CollateralDrainRatio: i u16 -> U64F64
    MinChildkeyTakePerSubnet: i u16 -> u16
    AdjustmentAlpha: i u16 -> u64
    AdjustmentInterval: i u16 -> u16 = 112
    TargetRegistrationsPerInterval: i u16 -> u16 = 2
    MaxRegistrationsPerBlock: i u16 -> u16 = 1
    Difficulty, MinDifficulty, MaxDifficulty: i u16 -> u64 = 18_446_744_073_709_551_615
"""

NEURON_STORAGE = """
    Uids: i u16, b AccountId32 -> u16?
    Keys: i u16, i u16 -> AccountId32
    IsNetworkMember: b AccountId32, i u16 -> bool
    Owner: b AccountId32 -> AccountId32?
    OwnedHotkeys, StakingHotkeys: b AccountId32 -> Vec<AccountId32>
    Delegates: b AccountId32 -> u16 = 11796
    BlockAtRegistration: i u16, i u16 -> u64
    Axons: i u16, b AccountId32 -> AxonInfo?
    Prometheus: i u16, b AccountId32 -> PrometheusInfo?
    IdentitiesV2: b AccountId32 -> ChainIdentityV2?
    ColdkeySwapAnnouncements: t AccountId32 -> (u32, H256)?
    TotalHotkeyAlpha: b AccountId32, i u16 -> u64
    TotalAlphaStaked: i u16 -> u64
    Lock: b AccountId32, i u16, b AccountId32 -> LockState?
    Active, ValidatorPermit: i u16 -> Vec<bool>
    ValidatorTrust, Consensus, Incentive, Dividends, StakeWeight: i u16 -> Vec<u16>
    Emission, LastUpdate: i u16 -> Vec<u64>
    Weights, Bonds: i u16, i u16 -> Vec<(u16, u16)>
    BlocksSinceLastStep, LastMechansimStepBlock, LastEpochBlock, PendingEpochAt, SubnetEpochIndex,
        PendingServerEmission, PendingValidatorEmission, PendingRootAlphaDivs,
        PendingOwnerCut: i u16 -> u64
    WeightCommits: t u16, t AccountId32 -> Vec<(H256, u64, u64, u64)>?
    TimelockedWeightCommits: t u16, t u64 -> Vec<(AccountId32, u64, Vec<u8>, u64)>
"""

CALLS = """
    0 set_weights(netuid: u16, dests: Vec<u16>, weights: Vec<u16>, version_key: u64)
    2 add_stake(hotkey: AccountId32, netuid: u16, amount_staked: u64)
    3 remove_stake(hotkey: AccountId32, netuid: u16, amount_unstaked: u64)
    4 serve_axon(netuid: u16, version: u32, ip: u128, port: u16, ip_type: u8, protocol: u8,
        placeholder1: u8, placeholder2: u8)
    5 serve_prometheus(netuid: u16, version: u32, ip: u128, port: u16, ip_type: u8)
    7 burned_register(netuid: u16, hotkey: AccountId32)
    59 register_network(hotkey: AccountId32)
    62 root_register(hotkey: AccountId32)
    88 add_stake_limit(hotkey: AccountId32, netuid: u16, amount_staked: u64, limit_price:
        u64, allow_partial: bool)
    89 remove_stake_limit(hotkey: AccountId32, netuid: u16, amount_unstaked: u64,
        limit_price: u64, allow_partial: bool)
    92 start_call(netuid: u16)
    96 commit_weights(netuid: u16, commit_hash: H256)
    97 reveal_weights(netuid: u16, uids: Vec<u16>, values: Vec<u16>, salt: Vec<u16>,
        version_key: u64)
    115 commit_mechanism_weights(netuid: u16, mecid: u8, commit_hash: H256)
    116 reveal_mechanism_weights(netuid: u16, mecid: u8, uids: Vec<u16>, values: Vec<u16>,
        salt: Vec<u16>, version_key: u64)
    118 commit_timelocked_mechanism_weights(netuid: u16, mecid: u8, commit: Vec<u8>,
        reveal_round: u64, commit_reveal_version: u16)
    119 set_mechanism_weights(netuid: u16, mecid: u8, dests: Vec<u16>, weights: Vec<u16>,
        version_key: u64)
"""

EVENTS = """
    2 StakeAdded(coldkey: AccountId32, hotkey: AccountId32, tao: u64, alpha: u64, netuid: u16,
        fee: u64)
    3 StakeRemoved(coldkey: AccountId32, hotkey: AccountId32, tao: u64, alpha: u64, netuid: u16,
        fee: u64)
    5 WeightsSet(netuid: u16, uid: u16)
    6 NeuronRegistered(netuid: u16, uid: u16, hotkey: AccountId32)
    28 AxonServed(netuid: u16, hotkey: AccountId32)
"""

ERRORS = """
    0 RootNetworkDoesNotExist: there is no root network
    1 InvalidIpType: the address is neither IPv4 nor IPv6
    2 InvalidIpAddress: the address is not of its type, or not one that others can reach
    3 InvalidPort: the port is 0
    4 HotKeyNotRegisteredInSubNet: the hotkey has no uid on this subnet
    5 HotKeyAccountNotExists: nobody owns this hotkey
    6 HotKeyNotRegisteredInNetwork: the hotkey has no uid on any subnet
    7 NonAssociatedColdKey: the hotkey belongs to another coldkey
    8 NotEnoughStake: the stake is below what this needs
    9 NotEnoughStakeToWithdraw: there is less stake than is to be withdrawn
    10 NotEnoughStakeToSetWeights: the hotkey's stake is below the threshold for setting weights
    12 NotEnoughBalanceToStake: the coldkey's free balance does not cover the amount
    13 BalanceWithdrawalError: the amount could not be taken from the coldkey
    14 ZeroBalanceAfterWithdrawn: nothing would be left to keep the account alive
    15 NeuronNoValidatorPermit: without a validator permit only a weight on oneself can be set
    16 WeightVecNotEqualSize: there are not as many weights as uids
    17 DuplicateUids: a uid is named twice
    18 UidVecContainInvalidOne: a uid does not exist on this subnet
    19 WeightVecLengthIsLow: the subnet asks for more weights than were given
    20 TooManyRegistrationsThisBlock: the block has all the registrations it takes
    21 HotKeyAlreadyRegisteredInSubNet: the hotkey has a uid on this subnet already
    27 MaxWeightExceeded: a weight is above the subnet's limit
    29 SettingWeightsTooFast: the subnet's rate limit since the last weights has not passed
    30 IncorrectWeightVersionKey: the version key is below the one the subnet asks for
    31 ServingRateLimitExceeded: the subnet's rate limit since the last serving has not passed
    32 UidsLengthExceedUidsInSubNet: there are more weights than uids on the subnet
    33 NetworkTxRateLimitExceeded: this coldkey registered a subnet too recently
    37 SubNetRegistrationDisabled: the subnet's owner has closed registration
    38 TooManyRegistrationsThisInterval: the interval has all the registrations it takes
    41 NotSubnetOwner: only the subnet's owner may do this
    42 RegistrationNotPermittedOnRootSubnet: the root network is joined by its own call
    46 NotRootSubnet: this works on the root network alone
    47 CanNotSetRootNetworkWeights: the root network takes no weights
    48 NoNeuronIdAvailable: the subnet is full and no uid can be replaced
    51 NoWeightsCommitFound: there is no such commit to reveal
    52 InvalidRevealCommitHashNotMatch: what is revealed is not what was committed
    53 CommitRevealEnabled: weights on this subnet must be committed first and revealed later
    54 CommitRevealDisabled: weights on this subnet are set directly
    55 LiquidAlphaDisabled: liquid alpha must be on before its bounds are set
    56 AlphaHighTooLow: the upper alpha is below its minimum
    57 AlphaLowOutOfRange: the lower alpha is below its minimum or above the upper one
    64 TxRateLimitExceeded: the last such call was too recent
    74 MechanismDoesNotExist: the subnet has no such mechanism
    76 SubnetNotExists: there is no subnet of this number
    77 TooManyUnrevealedCommits: ten commits wait to be revealed already
    78 ExpiredWeightCommit: the epoch for revealing this commit is over
    79 RevealTooEarly: the epoch for revealing this commit has not come
    80 InputLengthsUnequal: the lists are not of one length
    81 CommittingWeightsTooFast: the subnet's rate limit since the last commit has not passed
    82 AmountTooLow: the amount is below the smallest stake
    83 InsufficientLiquidity: the pool cannot carry this trade
    84 SlippageTooHigh: the price is past the given limit
    85 TransferDisallowed: the subnet's owner has switched transfers off
    87 CallDisabled: this call is switched off
    88 FirstEmissionBlockNumberAlreadySet: the subnet has been started already
    89 NeedWaitingMoreBlocksToStarCall: the subnet is too young to be started
    94 SubtokenDisabled: the subnet has not been started
    105 Overflow: a number became too large
    108 AdminActionProhibitedDuringWeightsWindow: settings are frozen shortly before an epoch
    111 IncorrectCommitRevealVersion: the commit is of another version
    112 InvalidRevealRound: the reveal round lies in the past
    113 RevealPeriodTooLarge: the reveal period is above 100 epochs
    114 RevealPeriodTooSmall: the reveal period is below one epoch
    115 InvalidValue: the value is not allowed here
    116 SubnetLimitReached: there are as many subnets as the chain takes
    117 CannotAffordLockCost: the coldkey cannot pay for a subnet
    144 TempoOutOfBounds: the tempo is outside what owners may choose
    145 ActivityCutoffFactorMilliOutOfBounds: the factor is outside what owners may choose
"""

ADMIN_CALLS = """
    3 sudo_set_serving_rate_limit(netuid: u16, serving_rate_limit: u64)
    5 sudo_set_max_difficulty(netuid: u16, max_difficulty: u64)
    6 sudo_set_weights_version_key(netuid: u16, weights_version_key: u64)
    7 sudo_set_weights_set_rate_limit(netuid: u16, weights_set_rate_limit: u64)
    9 sudo_set_adjustment_alpha(netuid: u16, adjustment_alpha: u64)
    13 sudo_set_immunity_period(netuid: u16, immunity_period: u16)
    14 sudo_set_min_allowed_weights(netuid: u16, min_allowed_weights: u16)
    15 sudo_set_max_allowed_uids(netuid: u16, max_allowed_uids: u16)
    16 sudo_set_kappa(netuid: u16, kappa: u16)
    17 sudo_set_rho(netuid: u16, rho: u16)
    19 sudo_set_network_registration_allowed(netuid: u16, registration_allowed: bool)
    20 sudo_set_network_pow_registration_allowed(netuid: u16, registration_allowed: bool)
    22 sudo_set_min_burn(netuid: u16, min_burn: u64)
    23 sudo_set_max_burn(netuid: u16, max_burn: u64)
    25 sudo_set_max_allowed_validators(netuid: u16, max_allowed_validators: u16)
    26 sudo_set_bonds_moving_average(netuid: u16, bonds_moving_average: u64)
    30 sudo_set_tempo(netuid: u16, tempo: u16)
    49 sudo_set_commit_reveal_weights_enabled(netuid: u16, enabled: bool)
    50 sudo_set_liquid_alpha_enabled(netuid: u16, enabled: bool)
    51 sudo_set_alpha_values(netuid: u16, alpha_low: u16, alpha_high: u16)
    57 sudo_set_commit_reveal_weights_interval(netuid: u16, interval: u64)
    60 sudo_set_bonds_penalty(netuid: u16, bonds_penalty: u16)
    61 sudo_set_toggle_transfer(netuid: u16, toggle: bool)
    68 sudo_set_alpha_sigmoid_steepness(netuid: u16, steepness: i16)
    69 sudo_set_yuma3_enabled(netuid: u16, enabled: bool)
    70 sudo_set_bonds_reset_enabled(netuid: u16, enabled: bool)
    72 sudo_set_owner_immune_neuron_limit(netuid: u16, immune_neurons: u16)
    200 sudo_set_activity_cutoff_factor(netuid: u16, factor_milli: u32)
    201 sudo_set_burn_half_life(netuid: u16, burn_half_life: u16)
    202 sudo_set_burn_increase_mult(netuid: u16, burn_increase_mult: U64F64)
    203 sudo_set_epoch_consensus(netuid: u16, mode: EpochConsensus)
    204 sudo_set_min_non_immune_uids(netuid: u16, min: u16)
    205 sudo_set_owner_cut_enabled(netuid: u16, enabled: bool)
"""

ADMIN_ERRORS = """
    0 SubnetDoesNotExist: there is no subnet of this number
    2 MaxAllowedUIdsLessThanCurrentUIds: more uids are taken than would be allowed
    3 BondsMovingAverageMaxReached: the moving average is above its maximum
    4 NegativeSigmoidSteepness: the steepness must not be negative
    5 ValueNotInBounds: the value is outside what owners may choose
    10 InvalidValue: the value is not allowed here
    11 NotPermittedOnRootSubnet: the root network has no such setting
    12 POWRegistrationDisabled: nobody registers by proof of work here
"""
