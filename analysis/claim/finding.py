"""Findings: what is asked of a statistic, what it came to, how that is written, and how it is said."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple

import numpy as np

from ..instruments.statistics import TIED, Interval

Over = Literal["mean", "most", "nearly all"]
"""What of the networks is judged: the interval of their mean; the share of networks on the claimed side, of
which the bound must reach `rule.MOST`; or that share as observed, of which no more than `rule.FEW` may be
missing.
"""
State = Literal["holds", "fails", "open", "undefined", "does not apply"]
"""Of a criterion or control at one look: where it is claimed to be; on the other side; neither can be said;
not a number for some network; or the process gives it nothing to discriminate.
"""
ROUNDING = 1e-14
"""What is no larger is written as 0: statistics are of numbers near one, in float64."""
MARKS = {"holds": "✓", "fails": "✗", "open": "?", "undefined": "✗", "does not apply": "–"}
"""How the state of a finding is drawn in a line of letters."""


class Asked(NamedTuple):
    """What is asked of a statistic that has one value for each network."""

    name: str
    above: float
    below: float
    over: Over
    rival: str  # what explains the effect if it is not beyond; empty for a criterion or a control of validity

    def inside(self, value: np.ndarray | float) -> np.ndarray:
        """Whether values are where they are claimed to be; what is at a threshold is not."""
        return np.asarray((value > self.above + TIED) & (value < self.below - TIED))


@dataclass(frozen=True)
class Finding:
    """What one criterion or control came to at one look."""

    name: str
    above: float
    below: float
    over: Over
    rival: str
    applies: bool  # False where the process gives it nothing to discriminate
    values: tuple[float, ...]  # one per network; empty if it does not apply, or is undefined for some network
    interval: Interval | None  # of the mean
    share: Interval | None  # of networks on the claimed side, where they are judged: as seen, and bounds
    state: State

    @property
    def holds(self) -> bool:
        """Whether it is where it is asked to be. One that does not apply holds nothing up."""
        return self.state in ("holds", "does not apply")

    def to_json(self) -> dict[str, Any]:
        """Plain values; thresholds and bounds that are infinite become None."""
        sides = {"above": finite(self.above), "below": finite(self.below)}
        bounds = {"interval": plain(self.interval), "share": plain(self.share)}
        return asdict(self) | sides | {"values": list(self.values), "holds": self.holds} | bounds

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Finding":
        """A finding out of its plain values."""
        above, below = written["above"], written["below"]
        read = {
            "above": -math.inf if above is None else above,
            "below": math.inf if below is None else below,
            "values": tuple(written["values"]),
            "interval": interval_of(written["interval"]),
            "share": interval_of(written["share"]),
        }
        return cls(**{f.name: written[f.name] for f in fields(cls)} | read)


def finite(value: float) -> float | None:
    """The value, or None if it is infinite or not a number: JSON has neither."""
    return float(value) if math.isfinite(value) else None


def plain(values: Sequence[float] | None) -> list[float | None] | None:
    """Numbers as JSON has them."""
    return None if values is None else list(map(finite, values))


def interval_of(written: Sequence[float | None] | None) -> Interval | None:
    """An interval out of its plain values: a bound that is None is infinite, all of it is not a number where
    the mean is None.
    """
    if written is None:
        return None
    mean, low, high = written
    if mean is None:
        return Interval(math.nan, math.nan, math.nan)
    return Interval(mean, -math.inf if low is None else low, math.inf if high is None else high)


def squared(words: str) -> str:
    """Words as they are printed: R2, as it stands in keys, is R²."""
    return re.sub(r"\bR2\b", "R²", words)


def must(asked: Asked | Finding) -> str:
    """Where a criterion or control has to be: "> 0.5", "< 2", "-0.1 to 0.1, most networks"."""
    above, below = asked.above, asked.below
    side = f"> {above:g}" if math.isinf(below) else f"{above:g} to {below:g}"
    side = f"< {below:g}" if math.isinf(above) else side
    return side + ("" if asked.over == "mean" else f", {asked.over} networks")


def tabled(value: float) -> str:
    """A number in a table: four digits, and 0 for what is below rounding."""
    return f"{value if abs(value) > ROUNDING else 0.0:z.4g}"


def spread(interval: Interval | None) -> str:
    """A mean with its interval."""
    if interval is None or not math.isfinite(interval.mean):
        return "–"
    mean, low, high = map(tabled, interval)
    return f"{mean} [{low}, {high}]" if np.isfinite(interval).all() else mean


def briefly(value: float) -> str:
    """A number in a sentence: two digits, or four where it is nearly one."""
    if abs(value) <= ROUNDING:
        return "0"
    return f"{value:.4f}" if 0.99 < value < 1 else f"{value:.2g}"


def came(f: Finding) -> str:
    """What a criterion or control of a verdict came to: the mean with its interval; where networks are
    counted, how many are where they must be, with the bound of their share that decides, and their mean.
    """
    if f.interval is None:
        return "not a number for some network" if f.applies else "does not apply"
    if f.share is None:
        return spread(f.interval)
    share, low, high = f.share
    bound = f"share at least {low:.2f}" if share > 0.5 else f"share at most {high:.2f}"
    return f"{counted(f)} ({bound}); mean {tabled(f.interval.mean)}"


def counted(f: Finding) -> str:
    """How many networks are where they must be, of how many, where that is judged."""
    assert f.share is not None, f"{f.name} is judged by its mean"
    return f"{round(f.share.mean * len(f.values))} of {len(f.values)} networks"
