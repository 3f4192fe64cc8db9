"""The rule of evidence, second edition: from one number for each network to an outcome, the same for every
claim (docs/evidence.md).

Networks are looked at when there are 8, 16 and 32 of them. The error, 5 % in all, is spent over these looks
in proportion to the networks that each adds: an interval of a mean errs with at most 1.25 %, 1.25 % and 2.5
%, which add up whatever the looks have in common. Bounds of shares spend the same, one half on each side, and
exactly: what an earlier look could not spend, because no count of so few networks decides, is left to the
next.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from ..instruments.statistics import TIED, Interval, interval
from .finding import Asked, Finding, State

ERROR = 0.05
"""Error of the intervals of one criterion, over all looks and both sides."""
MOST = 0.75
"""Most networks are at least this share of those that could be trained."""
FEW = 0.1
"""At most this share of networks may be other than nearly all."""
DRAWS = 400
"""Verdicts behind the probability that one comes out again."""
FARTHEST = 100_000
"""Numbers of networks beyond this are not told as what would decide."""

Outcome = Literal["supported", "refuted", "explained", "undecided", "invalid"]


class Looks(NamedTuple):
    """When networks are looked at, and what error each look may spend.

    >>> from analysis.claim import Looks
    >>> Looks.doubling(8).networks
    (8, 16, 32)
    """

    networks: tuple[int, ...]
    """How many there are at each look."""

    @classmethod
    def doubling(cls, first: int) -> "Looks":
        """Three looks: at so many networks, twice and four times as many."""
        return cls((first, 2 * first, 4 * first))

    def error(self, look: int) -> float:
        """Two-sided error that the interval of a mean spends at this look."""
        before = self.networks[look - 1] if look else 0
        return ERROR * (self.networks[look] - before) / self.networks[-1]

    def share_errors(self, look: int) -> tuple[float, float]:
        """Errors that the lower and the upper bound of a share have left at this look: what may be spent
        until then, less the probability, at a share of `MOST`, that an earlier look has decided that way.
        """
        return _share_errors(self.networks, look)


@cache
def _share_errors(networks: tuple[int, ...], look: int) -> tuple[float, float]:
    from scipy import stats  # slow to import, which every command would pay

    mass, spent, there = np.ones(1), np.zeros(2), 0  # mass: of every count so far, undecided ones only
    for k in range(look + 1):
        n = networks[k]
        left = ERROR / 2 * n / networks[-1] - spent
        added = stats.binom.pmf(np.arange(n - there + 1), n - there, MOST)
        mass, there = np.convolve(mass, added), n
        count = np.arange(n + 1)
        decided = [f(count, n, error) for f, error in zip((_many, _too_few), left, strict=True)]
        spent = spent + [float(mass[side].sum()) for side in decided]
        mass = np.where(decided[0] | decided[1], 0.0, mass)
    return float(left[0]), float(left[1])


def _many(count: np.ndarray, n: int, error: float) -> np.ndarray:
    """Whether the lower bound of a share, of which so many of n were seen, reaches `MOST`."""
    from scipy import stats

    return np.asarray(stats.binom.sf(count - 1, n, MOST) <= error)


def _too_few(count: np.ndarray, n: int, error: float) -> np.ndarray:
    """Whether its upper bound is below."""
    from scipy import stats

    return np.asarray(stats.binom.cdf(count, n, MOST) <= error)


def find(
    asked: Asked, values: Sequence[float] | np.ndarray | None, looks: Looks, look: int, among: int = 1
) -> Finding:
    """What a statistic came to at a look; `among` criteria, of which any may refute, each spends so much less
    error on that (the first step of Holm's procedure, which decides whether any is rejected).
    """
    if values is None:
        return Finding(*asked, False, (), None, None, "does not apply")
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        return Finding(*asked, True, (), None, None, "undefined")
    inside = asked.inside(array)
    state = _states(asked, array[None], inside[None], looks, look, among)[0]
    share = None if asked.over == "mean" else _share(int(inside.sum()), len(array), looks.share_errors(look))
    spread = interval(array, confidence=1 - looks.error(look))
    return Finding(*asked, True, tuple(map(float, array)), spread, share, state)


def _share(count: int, n: int, errors: tuple[float, float]) -> Interval:
    """An observed share with its bounds (Clopper and Pearson 1934), each at an error of its own."""
    from scipy import stats

    low = float(stats.beta.ppf(errors[0], count, n - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(1 - errors[1], count + 1, n - count)) if count < n else 1.0
    return Interval(count / n, low, high)


def _states(
    asked: Asked,
    values: Float[np.ndarray, "draws n"],
    inside: np.ndarray,
    looks: Looks,
    look: int,
    among: int,
) -> list[State]:
    """The state of a statistic for several draws of the networks at once."""
    n = values.shape[1]
    deviation = values.std(1, ddof=1) if n > 1 else np.full(len(values), np.inf)
    return _decided(asked, n, (inside.sum(1), values.mean(1), deviation), looks, look, among)


def _decided(
    asked: Asked, n: int, seen: Sequence[np.ndarray], looks: Looks, look: int, among: int
) -> list[State]:
    """The state of n networks, of which so many are seen inside, with this mean and standard deviation."""
    count, mean, deviation = seen
    if asked.over == "nearly all":
        most = FEW * max(n, looks.networks[-1])  # beyond which no later look could have few enough
        holds, fails = n - count <= FEW * n, n - count > most
    elif asked.over == "most":
        many, few = looks.share_errors(look)
        holds, fails = _many(count, n, many), _too_few(count, n, few / among)
    else:
        error, deviation = looks.error(look), deviation / math.sqrt(n)
        near, far = (_quantile(e, n) * deviation if n > 1 else deviation for e in (error, error / among))
        holds = asked.inside(mean - near) & asked.inside(mean + near)
        fails = (mean + far < asked.above - TIED) | (mean - far > asked.below + TIED)
    return ["holds" if h else "fails" if f else "open" for h, f in zip(holds, fails, strict=True)]


@cache
def _quantile(error: float, n: int) -> float:
    from scipy import stats

    return float(stats.t.ppf(1 - error / 2, n - 1))


def decide(
    criteria: Sequence[tuple[Asked, State]], controls: Sequence[tuple[Asked, State]]
) -> tuple[Outcome, str]:
    """The outcome, and what decided it. In this order: a control of validity fails (invalid) or is open
    (undecided); a criterion fails (refuted) or is open (undecided); a rival does as well (explained), or that
    is open (undecided); else supported.
    """

    def named(found: Sequence[tuple[Asked, State]], *states: State) -> str:
        return "; ".join(asked.name for asked, state in found if state in states)

    validity = [(asked, state) for asked, state in controls if not asked.rival]
    rivals = [(asked, state) for asked, state in controls if asked.rival]
    if bad := named([*validity, *criteria, *rivals], "undefined"):
        return "invalid", f"not a number for some network: {bad}"
    if bad := named(validity, "fails"):
        return "invalid", bad
    if all(state == "does not apply" for _, state in criteria):
        return "invalid", "no criterion applies"
    if vague := named(validity, "open"):
        return "undecided", f"whether the instrument works: {vague}"
    if against := named(criteria, "fails"):
        return "refuted", f"on the other side: {against}"
    if vague := named(criteria, "open"):
        return "undecided", vague
    if explaining := [asked.rival for asked, state in rivals if state == "fails"]:
        return "explained", "; ".join(dict.fromkeys(explaining))
    if vague := named(rivals, "open"):
        return "undecided", f"whether a rival does as well: {vague}"
    return "supported", "every criterion met, every control as stated"


def again(
    criteria: Sequence[Finding], controls: Sequence[Finding], looks: Looks, outcome: Outcome, *, seed: int = 0
) -> float | None:
    """Probability that the outcome comes out again: of `DRAWS` tests of networks drawn from these with
    replacement, all looks included, the share that ends in it. None where no number was measured.
    """
    found = (*criteria, *controls)
    measured = [f for f in found if f.values]
    if not measured:
        return None
    total, n = looks.networks[-1], min(len(f.values) for f in measured)
    drawn = np.random.default_rng(seed).integers(n, size=(DRAWS, total))
    ended: list[Outcome | None] = [None] * DRAWS
    for look, size in enumerate(looks.networks):
        columns = [_drawn(f, drawn[:, :size], looks, look, len(criteria)) for f in criteria]
        columns += [_drawn(f, drawn[:, :size], looks, look, 1) for f in controls]
        last = look == len(looks.networks) - 1
        for i, states in enumerate(zip(*columns, strict=True)):
            if ended[i] is None:
                told = [(_asked(f), state) for f, state in zip(found, states, strict=True)]
                came, _ = decide(told[: len(criteria)], told[len(criteria) :])
                ended[i] = came if last or came != "undecided" else None
    return sum(came == outcome for came in ended) / DRAWS


def _drawn(f: Finding, drawn: np.ndarray, looks: Looks, look: int, among: int) -> list[State]:
    if not f.values:
        return [f.state] * len(drawn)
    values, asked = np.array(f.values)[drawn], _asked(f)
    return _states(asked, values, asked.inside(values), looks, look, among)


def _asked(f: Finding) -> Asked:
    return Asked(f.name, f.above, f.below, f.over, f.rival)


def needed(criteria: Sequence[Finding], controls: Sequence[Finding], looks: Looks) -> int | None:
    """How many networks would decide everything that is open, were they like these; None if nothing is open,
    or more than `FARTHEST` would be needed.
    """
    found = [(f, len(criteria)) for f in criteria] + [(f, 1) for f in controls]
    wanted = [_needed(f, looks, among) for f, among in found if f.state == "open"]
    return max((n for n in wanted if n is not None), default=None) if None not in wanted else None


def _needed(f: Finding, looks: Looks, among: int) -> int | None:
    values, asked, last = np.array(f.values), _asked(f), len(looks.networks) - 1
    if len(values) < 2:
        return None
    share, mean, deviation = asked.inside(values).mean(), values.mean(), values.std(ddof=1)
    n = len(values) + 1
    while n <= FARTHEST:
        like = np.array([round(float(share) * n)]), np.array([mean]), np.array([deviation])
        if _decided(asked, n, like, looks, last, among) != ["open"]:
            return n
        n = math.ceil(1.02 * n + 1)
    return None
