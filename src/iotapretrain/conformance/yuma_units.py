"""Single operations of the Yuma vectors (`unit`), by the rules' own functions where they have them;
what is one operation on an array in an epoch is that operation here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotapretrain.conformance.compare import Args, Function, by_name
from iotapretrain.errors import InputError
from iotapretrain.rules.chain import fixed_point as grid
from iotapretrain.rules.chain.bonds import liquid_alpha, moving_average
from iotapretrain.rules.chain.fixed_point import ONE, nearest, real
from iotapretrain.rules.chain.hyperparameters import Hyperparameters
from iotapretrain.rules.chain.weight_setting import upscaled
from iotapretrain.rules.chain.yuma import consensus, top_nonzero, weighted_medians

_RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "le": operator.le,
    "lt": operator.lt,
    "ge": operator.ge,
    "gt": operator.gt,
}


def _array(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)


def _on_grid(rule: Callable[..., Any]) -> Function:
    """Real numbers go to the nearest point of the grid; what the rule gives comes back from it."""

    @wraps(rule)
    def answer(**args: Any) -> Any:
        return real(rule(**{name: nearest(value) for name, value in args.items()})).tolist()

    return by_name(answer)


def _on_reals(operation: Callable[..., Any]) -> Function:
    @wraps(operation)
    def answer(**args: Any) -> Any:
        return operation(**{name: _array(value) for name, value in args.items()}).tolist()

    return by_name(answer)


def _steepness(stored_value: int) -> int:
    return Hyperparameters(alpha_sigmoid_steepness=stored_value).steepness


def _alpha_sigmoid(args: Args) -> Any:
    weight, bond, middle = (nearest([args[name]]) for name in ("weight", "bond", "consensus"))
    low, high = (int(nearest(args[name])) for name in ("alpha_low", "alpha_high"))
    alpha = liquid_alpha(weight, bond, middle, low, high, _steepness(args["steepness"]))
    return float(real(alpha)[0])


def _check_max_limited(args: Args) -> Any:
    values = np.asarray(args["vector"], np.int64)
    parts = grid.fractions(values, values.sum())
    return bool(parts.max(initial=0) <= grid.proportion(args["max_limit_u16"]))


def _ema_alpha_sparse(args: Args) -> Any:
    result = []
    for new, old, alpha in zip(args["new"], args["old"], args["alpha"], strict=True):
        before = dict(old)
        mixed = [[j, min((1 - alpha[j]) * before.get(j, 0) + alpha[j] * v, 1)] for j, v in new]
        result.append([entry for entry in mixed if entry[1] > 0])
    return result


def _is_topk(args: Args) -> Any:
    values = _array(args["vector"])
    marked = np.ones(values.size, bool)
    marked[np.argsort(values, kind="stable")[: max(values.size - args["k"], 0)]] = False
    return marked.tolist()


def _liquid_ema_bonds(args: Args) -> Any:
    weights, old = nearest(args["weights"]), nearest(args["bonds"])
    low, high = grid.proportion(args["alpha_low_u16"]), grid.proportion(args["alpha_high_u16"])
    slope = _steepness(args["steepness"])
    alpha = liquid_alpha(weights, old, nearest(args["consensus"]), low, high, slope)
    return real(np.minimum(moving_average(weights, old, alpha), ONE)).tolist()


def _masked(values: Any, mask: Any) -> Any:
    return np.where(mask, 0, _array(values)).tolist()


def _mask_diag(args: Args) -> Any:
    mask = np.eye(len(args["matrix"]), dtype=bool)
    if args.get("except_index") is not None:
        mask[args["except_index"], args["except_index"]] = False
    return _masked(args["matrix"], mask)


def _mask_pairs(args: Args) -> Any:
    relation = _RELATIONS.get(args["mask_if"])
    if relation is None:
        raise InputError(f"mask_if: {args['mask_if']!r} is none of {', '.join(_RELATIONS)}")
    rows, columns = np.asarray(args["row_values"]), np.asarray(args["col_values"])
    return _masked(args["matrix"], relation(rows[:, None], columns))


def _normalize_u64(args: Args) -> Any:
    both = np.array([args["value"], args["total"] - args["value"]], np.uint64)
    return float(real(grid.shares(both))[0])


def _weighted_median(args: Args) -> Any:
    scores, stake = nearest(args["score"])[:, None], nearest(args["stake"])
    return float(real(weighted_medians(scores, stake, int(nearest(args["minority"]))))[0])


FUNCTIONS: Mapping[str, Function] = {
    "alpha_sigmoid": _alpha_sigmoid,
    "bonds_alpha": lambda args: Hyperparameters(**args).bonds_alpha / ONE,
    "check_max_limited": _check_max_limited,
    "col_clip": _on_reals(lambda matrix, threshold: np.minimum(matrix, threshold)),
    "col_max_upscale": _on_grid(lambda matrix: grid.upscale_columns(matrix)),
    "col_normalize": _on_grid(lambda matrix: grid.normalise(matrix, axis=0)),
    "ema_alpha_dense": _on_reals(
        lambda new, old, alpha: np.minimum((1 - alpha) * old + alpha * new, 1)
    ),
    "ema_alpha_sparse": _ema_alpha_sparse,
    "exp_safe": lambda args: float(real(grid.exponential(nearest([args["x"]])))[0]),
    "interpolate": _on_reals(lambda a, b, ratio: b if ratio == 1 else a + ratio * (b - a)),
    "is_topk": _is_topk,
    "is_topk_nonzero": lambda args: top_nonzero(nearest(args["vector"]), args["k"]).tolist(),
    "liquid_ema_bonds": _liquid_ema_bonds,
    "mask_diag": _mask_diag,
    "mask_matrix": lambda args: _masked(args["matrix"], args["mask"]),
    "mask_pairs": _mask_pairs,
    "mask_rows": lambda args: _masked(args["matrix"], np.asarray(args["mask"])[:, None]),
    "mask_vector": lambda args: _masked(args["vector"], args["mask"]),
    "mat_vec_mul": _on_reals(lambda matrix, vector: matrix * vector),
    "matmul": _on_reals(lambda matrix, vector: vector @ matrix),
    "matmul_transpose": _on_reals(lambda matrix, vector: matrix @ vector),
    "normalize": _on_grid(lambda vector: grid.normalise(vector)),
    "normalize_u64": _normalize_u64,
    "proportion_to_u16": lambda args: int(grid.stored(nearest([args["x"]]).clip(0, ONE))[0]),
    "row_hadamard": _on_reals(lambda matrix, vector: matrix * vector[:, None]),
    "row_normalize": _on_grid(lambda matrix: grid.normalise(matrix, axis=1)),
    "row_sum": _on_reals(lambda matrix: matrix.sum(axis=1)),
    "sigmoid_safe": lambda args: real(
        grid.sigmoid(nearest(-args["rho"] * (_array(args["x"]) - args["kappa"])))
    ).tolist(),
    "u16_max_upscale_to_u16": lambda args: upscaled(args["vector"]),
    "vec_div": _on_grid(lambda x, y: grid.quotient(np.where(y == 0, 0, x), y)),
    "vec_max_upscale_to_u16": lambda args: grid.max_upscaled(nearest(args["vector"]).tolist()),
    "weighted_median": _weighted_median,
    "weighted_median_columns": _on_grid(
        lambda weights, stake, majority: consensus(weights, stake, int(majority))
    ),
}
