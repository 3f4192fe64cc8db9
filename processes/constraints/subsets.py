"""Which constraints of a protocol are on together, how probable that is, and how both are written."""

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from ..process import ProcessError
from ..values.checks import checked

Subset = tuple[int, ...]
"""Numbers of the constraints that are switched on, increasing."""

MOST = 20
"""Constraints of which all subsets are listed."""
LONGEST = 64
"""Subsets that are listed, with repetitions, to say how probable each is."""


@checked
def independent_distribution(n_constraints: int, *, p: float) -> dict[Subset, float]:
    """Each constraint is on with probability `p`, independently of the others. Raises `ProcessError` unless 0
    <= n_constraints <= 20.
    """
    if not 0 <= n_constraints <= 20 or not 0 <= p <= 1:
        raise ProcessError(
            f"a distribution over the subsets of {n_constraints} constraints with p = {p:g}; give 0 to 20 of "
            "them and a probability"
        )
    subsets = [on for size in range(n_constraints + 1) for on in combinations(range(n_constraints), size)]
    # By products, not powers: those are the C library's, whose last bit is the machine's, and this
    # distribution is part of what a protocol is.
    return {on: math.prod([p] * len(on) + [1 - p] * (n_constraints - len(on))) for on in subsets}


def equal_distribution(subsets: Sequence[Subset]) -> dict[Subset, float]:
    """Each of these is as probable as the next; one that is listed twice, twice as probable."""
    distribution: dict[Subset, float] = {}
    for on in subsets:
        distribution[on] = distribution.get(on, 0.0) + 1 / len(subsets)
    return distribution


def normalised(distribution: Mapping[Subset, float]) -> dict[Subset, float]:
    """Probabilities over their sum, without those that are zero."""
    total = sum(distribution.values())
    return {on: p / total for on, p in distribution.items() if p > 0}


def written_distribution(distribution: Mapping[Subset, float], n: int) -> str:
    """The distribution over subsets of n constraints as one writes it: `p=0.5` where they are independent,
    `on=none,0,01` where subsets are equally likely (or so many times as likely), else
    `on=none:0.25,01:0.75`.
    """
    if len(distribution) in (1, 2**n) and n <= MOST:
        for p in _near(min(1.0, math.fsum(p for on, p in distribution.items() if 0 in on))):
            if normalised(independent_distribution(n, p=p)) == distribution:
                return f"p={p!r}"
    shares = [Fraction(p).limit_denominator(LONGEST) for p in distribution.values()]
    times = math.lcm(*(share.denominator for share in shares))
    if times <= LONGEST:
        listed = [
            on for on, share in zip(distribution, shares, strict=True) for _ in range(int(share * times))
        ]
        if normalised(equal_distribution(listed)) == distribution:
            return f"on={','.join(map(_written, listed))}"
    return f"on={','.join(f'{_written(on)}:{p!r}' for on, p in distribution.items())}"


def _near(p: float) -> Iterator[float]:
    """A probability that was summed up: short decimals and fractions beside it, then its neighbours."""
    yield from (float(f"{p:.{digits}g}") for digits in range(1, 17))
    yield float(Fraction(p).limit_denominator(1000))
    yield p
    for side in (0.0, 1.0):
        near = p
        for _ in range(4):
            near = math.nextafter(near, side)
            yield near


def _written(on: Subset) -> str:
    """`none`, or the numbers of constraints: side by side, or with `+` where one of them is above 9 (`3+12`,
    `12+`).
    """
    if not on:
        return "none"
    return "".join(map(str, on)) if max(on) < 10 else "+".join(map(str, on)) + "+" * (len(on) == 1)


def read_subset(text: str) -> Subset | None:
    """What `none`, `01`, `3+12` or `12+` means; None of anything else."""
    numbers = [n for n in text.removesuffix("+").split("+")] if "+" in text else list(text)
    if text == "none":
        return ()
    if (
        not numbers
        or not all(n.isascii() and n.isdigit() for n in numbers)
        or len(set(numbers)) < len(numbers)
    ):
        return None
    return tuple(sorted(map(int, numbers)))
