"""Sampling staff in a round (R-B05): how many, and who. Pure: the same numbers and the same seed give the same sample."""

import math
import random
from collections.abc import Collection
from dataclasses import dataclass

from hall.limits import Limits


@dataclass(frozen=True)
class Drawn:
    """Whom a draw named, in order. `first` were not seen in this turn; `again` begin the next, for everybody else was seen."""

    first: list[int]
    again: list[int]


def sample_size(on_duty: int, limits: Limits) -> int:
    """How many of so many people on duty are sampled: all of up to 5, half of up to 20, 30 % of more, rounded up (X-03).

    With the limit `never_below_middle` set to yes, a greater hall samples no fewer than the middle band's greatest does.
    """
    middle = limits.count("R-B05", "middle_up_to")
    share = limits.share("R-B05", "middle_share")
    if on_duty <= limits.count("R-B05", "all_up_to"):
        return on_duty
    if on_duty <= middle:
        return math.ceil(on_duty * share / 100)
    size = math.ceil(on_duty * limits.share("R-B05", "large_share") / 100)
    if limits.values.get(("R-B05", "never_below_middle")) == "yes":
        size = max(size, math.ceil(middle * share / 100))
    return size


def draw(on_duty: Collection[int], unseen: Collection[int], size: int, seed: int) -> Drawn:
    """Draw so many person ids; nobody comes twice before everybody on duty was seen.

    `unseen` are those of `on_duty` whom this turn has not seen. The order of the ids does not matter.
    """
    generator = random.Random(seed)  # noqa: S311 (anybody can draw it again by the recorded seed: that is the point)
    first = generator.sample(sorted(unseen), min(size, len(unseen)))
    rest = sorted(set(on_duty) - set(first))
    return Drawn(first, generator.sample(rest, min(size - len(first), len(rest))))
