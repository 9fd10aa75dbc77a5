"""One Yuma epoch as the specification writes it, in whole numbers of 2^-32.

Every formula runs over all i and j, a cell at a time. Nothing is shared with the package, so that
equal numbers mean two independent readings of the same text. A cell is None where the chain has no
entry, which is not the same as an entry of 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ONE = 2**32
LARGEST = 65535

Vector = list[int]
Matrix = list[list[int | None]]


@dataclass
class Subnet:
    """What one epoch reads: the parameters of the subnet, and one value a neuron in each list."""

    block: int
    stake: list[int]
    permit: list[bool]
    last_update: list[int]
    registered: list[int]
    weights: list[list[tuple[int, int]]]
    bonds: list[list[tuple[int, int]]]
    emission: int
    last_step: int = 0
    commit_block: list[int | None] = field(default_factory=list)
    tempo: int = 360
    activity_cutoff: int = 5000
    kappa_u16: int = 32767
    bonds_penalty_u16: int = 65535
    bonds_moving_average_ppm: int = 900_000
    max_allowed_validators: int = 64
    stake_threshold: int = 0
    yuma3: bool = False
    liquid_alpha: bool = False
    alpha_low_u16: int = 45875
    alpha_high_u16: int = 58982
    alpha_sigmoid_steepness: int = 1000
    owner_uid: int | None = None
    commit_reveal: bool = False


def multiply(left: int, right: int) -> int:
    return left * right >> 32


def divide(left: int, right: int) -> int:
    if right == 0:
        return 0
    size = (abs(left) << 32) // abs(right)
    return size if (left < 0) == (right < 0) else -size


def stored(value: int) -> int:
    return min(max(LARGEST * value >> 32, 0), LARGEST)


def normalised(values: Vector) -> Vector:
    total = sum(values)
    return [divide(value, total) for value in values] if total else list(values)


def row_normalised(matrix: Matrix) -> Matrix:
    n = len(matrix)
    result = blank(n)
    for i in range(n):
        total = 0
        for j in range(n):
            total += matrix[i][j] or 0
        for j in range(n):
            value = matrix[i][j]
            if value is not None:
                result[i][j] = divide(value, total) if total else value
    return result


def column_scaled(matrix: Matrix, scale: Vector) -> Matrix:
    n = len(matrix)
    result = blank(n)
    for i in range(n):
        for j in range(n):
            value = matrix[i][j]
            if value is not None:
                result[i][j] = divide(value, scale[j]) if scale[j] else value
    return result


def column_normalised(matrix: Matrix) -> Matrix:
    n = len(matrix)
    totals = [0] * n
    for i in range(n):
        for j in range(n):
            totals[j] += matrix[i][j] or 0
    return column_scaled(matrix, totals)


def column_upscaled(matrix: Matrix) -> Matrix:
    n = len(matrix)
    largest = [0] * n
    for i in range(n):
        for j in range(n):
            largest[j] = max(largest[j], matrix[i][j] or 0)
    return column_scaled(matrix, largest)


def blank(n: int) -> Matrix:
    return [[None] * n for _ in range(n)]


def dense(rows: list[list[tuple[int, int]]]) -> Matrix:
    result = blank(len(rows))
    for i, row in enumerate(rows):
        for j, value in row:
            result[i][j] = value * ONE
    return result


def exponential(x: int) -> int:
    x = max(min(x, 20 * ONE), -20 * ONE)
    if x == 0:
        return ONE
    if x == ONE:
        return 22802600 << 9
    term = abs(x)
    total = ONE + term
    for power in range(2, 32):
        term = multiply(term, abs(x)) // power
        total += term
    return divide(ONE, total) if x < 0 else total


def normalised_stake(s: Subnet) -> Vector:
    kept = [
        0 if stake < s.stake_threshold and uid != s.owner_uid else stake
        for uid, stake in enumerate(s.stake)
    ]
    total = sum(kept)
    return [(stake << 64) // total >> 32 if total else 0 for stake in kept]


def masked_weights(s: Subnet, permit: list[bool]) -> Matrix:
    weights = dense(s.weights)
    n = len(weights)
    for i in range(n):
        committed = s.commit_block[i] if s.commit_reveal and s.commit_block else None
        for j in range(n):
            itself = i == j and i != s.owner_uid
            outdated = s.last_update[i] <= s.registered[j]
            sniped = committed is not None and committed < s.registered[j]
            if not permit[i] or itself or outdated or sniped:
                weights[i][j] = None
    return row_normalised(weights)


def consensus_of(weights: Matrix, active_stake: Vector, kappa: int, n: int) -> Vector:
    rows = [i for i in range(n) if active_stake[i] > 0]
    stake = normalised([active_stake[i] for i in rows])
    minority = sum(stake) - kappa
    result = []
    for j in range(n):
        scores = sorted((weights[i][j] or 0, share) for i, share in zip(rows, stake, strict=True))
        consensus = scores[-1][0] if scores else 0
        position = reached = 0
        while position < len(scores):
            score = scores[position][0]
            while position < len(scores) and scores[position][0] == score:
                reached += scores[position][1]
                position += 1
            if reached > minority:
                consensus = score
                break
        result.append(consensus)
    return result


def clipped(weights: Matrix, consensus: Vector) -> Matrix:
    n = len(weights)
    result = blank(n)
    for i in range(n):
        for j in range(n):
            value = weights[i][j]
            if value is not None and (value <= consensus[j] or consensus[j] > 0):
                result[i][j] = min(value, consensus[j])
    return result


def weights_for_bonds(weights: Matrix, clipped_weights: Matrix, beta: int) -> Matrix:
    if beta == 0:
        return weights
    if beta == ONE:
        return clipped_weights
    n = len(weights)
    result = blank(n)
    for i in range(n):
        for j in range(n):
            weight = weights[i][j] or 0
            mixed = weight + multiply(beta, (clipped_weights[i][j] or 0) - weight)
            if mixed > 0:
                result[i][j] = mixed
    return result


def moving_average(new: Matrix, old: Matrix, alpha: int) -> Matrix:
    n = len(new)
    result = blank(n)
    for i in range(n):
        for j in range(n):
            mixed = multiply(alpha, new[i][j] or 0) + multiply(ONE - alpha, old[i][j] or 0)
            if mixed > 0:
                result[i][j] = mixed
    return result


def liquid_alpha(weight: int, bond: int, consensus: int, s: Subnet) -> int:
    low, high = divide(s.alpha_low_u16, LARGEST), divide(s.alpha_high_u16, LARGEST)
    distance = weight - consensus if weight >= bond else bond - weight
    distance = max(0, min(ONE, distance))
    slope = divide(s.alpha_sigmoid_steepness * ONE, -100 * ONE)
    sigmoid = divide(ONE, ONE + exponential(multiply(slope, distance - ONE // 2)))
    return max(low, min(high, low + multiply(sigmoid, high - low)))


def liquid_average(new: Matrix, old: Matrix, consensus: Vector, s: Subnet) -> Matrix:
    n = len(new)
    result = blank(n)
    for i in range(n):
        for j in range(n):
            weight, bond = new[i][j], old[i][j] or 0
            if weight is not None:
                alpha = liquid_alpha(weight, bond, consensus[j], s)
                mixed = min(ONE, multiply(alpha, weight) + multiply(ONE - alpha, bond))
                if mixed > 0:
                    result[i][j] = mixed
    return result


def old_bonds(s: Subnet) -> Matrix:
    last_tempo = s.last_step + 1 if s.last_step > 0 else max(s.block - s.tempo, 0)
    bonds = dense(s.bonds)
    n = len(bonds)
    for i in range(n):
        for j in range(n):
            if last_tempo <= s.registered[j]:
                bonds[i][j] = None
    return bonds


def classic_bonds(
    s: Subnet, weights: Matrix, active: Vector, incentive: Vector, alpha: int
) -> tuple[Matrix, Matrix, Vector]:
    n = len(weights)
    new = blank(n)
    for i in range(n):
        for j in range(n):
            value = weights[i][j]
            if value is not None:
                new[i][j] = multiply(value, active[i])
    mixed = moving_average(column_normalised(new), column_normalised(old_bonds(s)), alpha)
    bonds = column_normalised(mixed)
    return bonds, column_upscaled(bonds), normalised(earned(bonds, incentive))


def yuma3_bonds(
    s: Subnet, weights: Matrix, active: Vector, incentive: Vector, consensus: Vector, alpha: int
) -> tuple[Matrix, Matrix, Vector]:
    old = old_bonds(s)
    n = len(old)
    for i in range(n):
        for j in range(n):
            value = old[i][j]
            if value is not None:
                old[i][j] = divide(value, LARGEST * ONE)
    if s.liquid_alpha and any(consensus):
        bonds = liquid_average(weights, old, consensus, s)
    else:
        bonds = moving_average(weights, old, alpha)
    held = earned(column_normalised(bonds), incentive)
    return bonds, bonds, normalised([multiply(held[i], active[i]) for i in range(n)])


def earned(bonds: Matrix, incentive: Vector) -> Vector:
    n = len(bonds)
    result = [0] * n
    for i in range(n):
        for j in range(n):
            result[i] += multiply(bonds[i][j] or 0, incentive[j])
    return result


def emission_shares(
    incentive: Vector, dividends: Vector, active: Vector, stake: Vector
) -> tuple[Vector, Vector, Vector]:
    total = sum(incentive) + sum(dividends)
    if total == 0:
        fallback = active if sum(active) else stake
        return [0] * len(stake), fallback, fallback
    both = [i + d for i, d in zip(incentive, dividends, strict=True)]
    return (
        [divide(i, total) for i in incentive],
        [divide(d, total) for d in dividends],
        normalised(both),
    )


def new_permits(s: Subnet, stake: Vector) -> list[bool]:
    n = len(stake)
    permits = [share > 0 for share in stake]
    if n >= s.max_allowed_validators:
        for uid in sorted(range(n), key=lambda uid: stake[uid])[: n - s.max_allowed_validators]:
            permits[uid] = False
    if s.owner_uid is not None:
        permits[s.owner_uid] = True
    return permits


def epoch(s: Subnet) -> dict[str, Any]:
    """Every output of the epoch, and the real values on the way as whole numbers of 2^-32."""
    n = len(s.stake)
    inactive = [updated + s.activity_cutoff < s.block for updated in s.last_update]
    permit = [held or uid == s.owner_uid for uid, held in enumerate(s.permit)]
    stake = normalised_stake(s)
    active = normalised([0 if inactive[i] or not permit[i] else stake[i] for i in range(n)])
    weights = masked_weights(s, permit)
    consensus = consensus_of(weights, active, divide(s.kappa_u16, LARGEST), n)
    limited = clipped(weights, consensus)
    trust, rank = [0] * n, [0] * n
    for i in range(n):
        for j in range(n):
            value = limited[i][j] or 0
            trust[i] += value
            rank[j] += multiply(active[i], value)
    incentive = normalised(rank)
    for_bonds = weights_for_bonds(weights, limited, divide(s.bonds_penalty_u16, LARGEST))
    alpha = ONE - divide(s.bonds_moving_average_ppm, 1_000_000)
    if s.yuma3:
        bonds, to_store, dividends = yuma3_bonds(s, for_bonds, active, incentive, consensus, alpha)
    else:
        bonds, to_store, dividends = classic_bonds(s, for_bonds, active, incentive, alpha)
    servers, validators, combined = emission_shares(incentive, dividends, active, stake)
    permits = new_permits(s, stake)
    return {
        "stake_weight": [stored(value) for value in stake],
        "active": [not value for value in inactive],
        "consensus": [stored(value) for value in consensus],
        "incentive": [stored(value) for value in incentive],
        "dividends": [stored(value) for value in dividends],
        "validator_trust": [stored(value) for value in trust],
        "validator_permit": permits,
        "emission": [multiply(share, s.emission) for share in combined],
        "server_emission": [multiply(share, s.emission) for share in servers],
        "validator_emission": [multiply(share, s.emission) for share in validators],
        "bonds": [
            [(j, stored(value)) for j, value in enumerate(row) if value is not None]
            if permits[i]
            else []
            for i, row in enumerate(to_store)
        ],
        "stake": stake,
        "active_stake": active,
        "weights": weights,
        "clipped_weights": limited,
        "rank": rank,
        "ema_bonds": bonds,
    }
