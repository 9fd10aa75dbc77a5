"""What a subnet sets for its epochs (Yuma, section 3)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from iotapretrain.errors import InputError
from iotapretrain.rules.chain.fixed_point import BITS, ONE, U16, U64, proportion

_PARTS = 1_000_000
T = TypeVar("T", int, None)


def within(lowest: int, highest: int, default: T) -> T:
    """A setting that is a whole number between two bounds."""
    return field(default=default, metadata={"bounds": (lowest, highest)})


def bounds_of(settings: type[Any]) -> dict[str, tuple[int, int]]:
    """The bounds of every setting that has them; the others are true or false."""
    return {each.name: each.metadata["bounds"] for each in fields(settings) if each.metadata}


@dataclass(frozen=True)
class Hyperparameters:
    """The parameters of an epoch as the chain stores them; `_u16` means in parts of 65535."""

    tempo: int = within(0, U16, default=360)
    activity_cutoff: int = within(0, 2**32, default=5000)
    kappa_u16: int = within(0, U16, default=32767)
    bonds_penalty_u16: int = within(0, U16, default=U16)
    bonds_moving_average_ppm: int = within(0, _PARTS, default=900_000)
    max_allowed_validators: int = within(0, U16, default=128)
    stake_threshold: int = within(0, U64, default=0)
    yuma3: bool = False
    liquid_alpha: bool = False
    alpha_low_u16: int = within(0, U16, default=45875)
    alpha_high_u16: int = within(0, U16, default=58982)
    alpha_sigmoid_steepness: int = within(-(2**15), 2**15 - 1, default=1000)
    owner_uid: int | None = within(0, U16, default=None)
    commit_reveal: bool = True

    def __post_init__(self) -> None:
        check_settings(self)
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


def check_settings(settings: Any, wrong: type[Exception] = InputError) -> None:
    """Refuse the first setting of the wrong type or outside its bounds."""
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.metadata:
            if value is not None or each.default is not None:
                low, high = each.metadata["bounds"]
                check_whole(each.name, value, low, high, wrong)
        elif not isinstance(value, bool):
            raise wrong(f"{each.name}: {value!r} is neither true nor false")


def check_whole(
    name: str, value: object, low: int, high: int, wrong: type[Exception] = InputError
) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(f"{name}: {value!r} is not a whole number from {low} to {high}")
