"""The families of the literature by name, with the parameters that papers use: `rrxor`, `mess3(x=0.15,
a=0.6)`."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import zoo
from ..process import Process
from ..values import earlier
from ..values.record import Record


@dataclass(frozen=True)
class Entry(Record):
    """A family of processes and the parameter sets that papers use; the first set is what the bare name
    means.
    """

    build: Callable[..., Process]
    published: Mapping[str, Mapping[str, Any]]  # numbers, or lists of them

    @property
    def summary(self) -> str:
        """First sentence of the family's docstring."""
        paragraph = (self.build.__doc__ or "").strip().partition("\n\n")[0]
        return re.split(r"(?<=[^.\s]\.)\s", " ".join(paragraph.split()))[0]

    @property
    def sets(self) -> dict[str, str]:
        """The published parameter sets as one writes them: {"half": "p=0.5"}."""
        return {
            label: ", ".join(f"{k}={short(v)}" for k, v in values.items())
            for label, values in self.published.items()
        }


CATALOGUE: Mapping[str, Entry] = {
    "coin": Entry(zoo.coin, {"fair": dict(p=0.5)}),
    "golden_mean": Entry(zoo.golden_mean, {"half": dict(p=0.5)}),
    "even": Entry(zoo.even, {"half": dict(p=0.5)}),
    "zero_one_random": Entry(zoo.zero_one_random, {"half": dict(p=0.5)}),
    "rrxor": Entry(zoo.rrxor, {"shai2024": dict(p1=0.5, p2=0.5)}),
    "leaky_rrxor": Entry(zoo.leaky_rrxor, {"tenth": dict(p1=0.5, p2=0.5, epsilon=0.1)}),
    "sns": Entry(zoo.sns, {"half": dict(p=0.5, q=0.5)}),
    "nemo": Entry(zoo.nemo, {"half": dict(p=0.5, q=0.5)}),
    "random_insertion": Entry(zoo.random_insertion, {"half": dict(p=0.5, q=0.5)}),
    "mess3": Entry(zoo.mess3, {"shai2024": dict(x=0.05, a=0.85), "piotrowski2025": dict(x=0.15, a=0.6)}),
    "mess": Entry(zoo.mess, {"four": dict(x=0.05, a=0.85, s=4), "two": dict(x=0.15, a=0.8, s=2)}),
    "cycle": Entry(zoo.cycle, {"five": dict(n=5, p=0.75)}),
    "matching_parens": Entry(
        zoo.matching_parens,
        {"depth3": dict(open=[1.0, 0.5, 0.5]), "depth5": dict(open=[1.0, 0.5, 0.5, 0.5, 0.5])},
    ),
    "checksum": Entry(
        zoo.checksum,
        {"xor": dict(P=[[0.5, 0.5], [0.5, 0.5]]), "ternary": dict(P=[[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])},
    ),
    "tally": Entry(
        zoo.tally, {"parity": dict(M=2, p=0.3), "thirds": dict(M=3, p=0.3), "fifths": dict(M=5, p=0.3)}
    ),
    "fanizza": Entry(zoo.fanizza, {"riechers2025": dict(alpha=2000.0, lam=0.49)}),
    "moon": Entry(zoo.moon, {"riechers2025": dict(alpha=math.e, beta=0.5)}),
    "bloch_walk": Entry(zoo.bloch_walk, {"riechers2025": dict(a=1.0, b=3.0)}),
    "quantum_rrxor": Entry(
        zoo.quantum_rrxor,
        {
            "weak": dict(phi=math.pi / 3, theta=math.pi / 4),
            "sharp": dict(phi=math.pi / 3, theta=0.0),
            "blind": dict(phi=math.pi / 3, theta=math.pi / 2),
        },
    ),
}
NOT_ERGODIC: Mapping[str, Entry] = {
    "uniform_coin": Entry(zoo.uniform_coin, {"six": dict(n=6)}),
}
"""Members that differ for ever by a choice made at the start, so that averages over time are not averages
over words.
"""


def short(value: Any) -> str:
    """A parameter as one would type it, to six digits."""
    if isinstance(value, str):
        return repr(value)
    return f"[{', '.join(map(short, value))}]" if isinstance(value, list | tuple) else f"{value:g}"


__getattr__ = earlier.names(
    __name__,
    {
        "named": "processes.names.reading:named",
        "source": "processes.names.reading:source",
        "Source": "processes.names.forms:Source",
    },
)
