"""What a subnet sets for its epochs (Yuma, section 3)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from iotapretrain.errors import InputError
from iotapretrain.rules.chain.fixed_point import BITS, ONE, U16, U64, proportion

_PARTS = 1_000_000
_RANGES = {
    "tempo": (0, U16),
    "activity_cutoff": (0, 2**32),
    "kappa_u16": (0, U16),
    "bonds_penalty_u16": (0, U16),
    "bonds_moving_average_ppm": (0, _PARTS),
    "max_allowed_validators": (0, U16),
    "stake_threshold": (0, U64),
    "alpha_low_u16": (0, U16),
    "alpha_high_u16": (0, U16),
    "alpha_sigmoid_steepness": (-(2**15), 2**15 - 1),
    "owner_uid": (0, U16),
}


@dataclass(frozen=True)
class Hyperparameters:
    """The parameters of an epoch as the chain stores them; `_u16` means in parts of 65535."""

    tempo: int = 360
    activity_cutoff: int = 5000
    kappa_u16: int = 32767
    bonds_penalty_u16: int = U16
    bonds_moving_average_ppm: int = 900_000
    max_allowed_validators: int = 128
    stake_threshold: int = 0
    yuma3: bool = False
    liquid_alpha: bool = False
    alpha_low_u16: int = 45875
    alpha_high_u16: int = 58982
    alpha_sigmoid_steepness: int = 1000
    owner_uid: int | None = None
    commit_reveal: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _RANGES:
                if not isinstance(value, bool):
                    raise InputError(f"{field.name}: {value!r} is neither true nor false")
            elif not (field.name == "owner_uid" and value is None):
                check_whole(field.name, value, *_RANGES[field.name])
        if self.alpha_low_u16 > self.alpha_high_u16:
            raise InputError(
                f"alpha_low_u16: {self.alpha_low_u16} is above alpha_high_u16 {self.alpha_high_u16}"
            )

    @property
    def kappa(self) -> int:
        """The majority ratio, in ticks."""
        return proportion(self.kappa_u16)

    @property
    def beta(self) -> int:
        """The bonds penalty, in ticks."""
        return proportion(self.bonds_penalty_u16)

    @property
    def bonds_alpha(self) -> int:
        """The fixed coefficient of the bonds' moving average, in ticks."""
        return ONE - (self.bonds_moving_average_ppm << BITS) // _PARTS

    @property
    def steepness(self) -> int:
        """The slope of liquid alpha in ticks: a hundredth of the stored number, cut towards 0."""
        size = (abs(self.alpha_sigmoid_steepness) << BITS) // 100
        return size if self.alpha_sigmoid_steepness > 0 else -size


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Refuse what is not a whole number of a range."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name}: {value!r} is not a whole number from {low} to {high}")
