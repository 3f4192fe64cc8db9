"""Claims and verdicts: what is asserted, how it is measured, and when the evidence supports it.

The rule of evidence, the same for every claim. A claim is `supported` if every criterion has its whole 95 %
interval over trained networks beyond the threshold (and every single network, where the claim says so) and
every control behaves as stated; `refuted` if the interval of some criterion lies wholly on the other side and
every control behaves; else `inconclusive`. A number within rounding (`statistics.TIED`) of a threshold is at
it, and so on neither side. A misbehaving control makes it inconclusive whatever the criteria say, and so do
fewer networks than the claim asks for.

A claim says everything before anything is run: where it is tested, which networks are trained for it
(`recipes`), what is measured on them and what must come out. `analysis/lab.py` carries it out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from jaxtyping import Float

import processes
import train

from .instruments.statistics import TIED, Interval, interval
from .instruments.study import study
from .shown import arrays, restored

E = TypeVar("E")
"""The evidence of a claim."""
F = TypeVar("F")
S = TypeVar("S")
"""What its figure is drawn from."""
Role = Any
"""What a run is to its claim: a string, or a NamedTuple whose `str` is how it is written; hashable."""
Values = Float[np.ndarray, "seeds"] | None
"""One number for each trained network; None where the process gives nothing to discriminate."""
Outcome = Literal["supported", "refuted", "inconclusive"]


class ClaimError(ValueError):
    """A claim put to a process on which it cannot be tested; the message gives the reason."""


Training = Literal["short", "floor", "sharp"]
"""How far networks are trained."""


@dataclass(frozen=True)
class Setting:
    """How large a test of a claim is made."""

    seeds: int = 8
    """Trained networks per recipe: the unit of replication."""
    size: Literal["small", "default", "large"] = "default"
    """Small networks and short contexts, for searches over many processes; what the claim asks for; or its
    published or otherwise larger size.
    """
    training: Training = "short"
    """How far networks are trained, where the claim has no training of its own (see `recipes.trained`): as
    the published verdicts were, with Adam; until less than a ten thousandth of what beliefs are worth is left
    to learn; or as near to the floor as float32 gets in minutes.
    """


DEFAULT = Setting()


@dataclass(frozen=True)
class Criterion(Generic[E]):
    """A statistic with one value per trained network, and the side or sides of a threshold on which it must
    be.

    Criteria and controls have this same form. With both thresholds the statistic must lie between them.
    """

    name: str
    measure: Callable[[E], Values]
    _: KW_ONLY
    above: float = -math.inf
    below: float = math.inf
    # Whether each network must be on the claimed side, not only the interval of their mean.
    every_seed: bool = False
    # A control that asks what else explains an effect has no say where there is no effect (see `present`).
    only_if: Callable[[E], bool] = lambda evidence: True

    def measured_by(self, measure: "Callable[[F], Values]") -> "Criterion[F]":
        """The same question, put to another kind of evidence."""
        return Criterion(self.name, measure, above=self.above, below=self.below, every_seed=self.every_seed)

    def values(self, evidence: E) -> Values:
        """The statistic of every network; None where it does not apply."""
        return self.measure(evidence) if self.only_if(evidence) else None


def present(effect: Callable[[E], Float[np.ndarray, "seeds"]], least: float = 0.0) -> Callable[[E], bool]:
    """Whether an effect is there to be explained: above `least` in the mean over networks, rounding aside."""
    return lambda evidence: bool(np.mean(effect(evidence)) > least + TIED)


def of_role(role: Any, measure: Callable[[E], Values]) -> Callable[[Mapping[Any, E]], Values]:
    """A measure of the evidence that stands under `role`, where a claim has several (architectures, say);
    None where it has not this one.
    """
    return lambda evidence: measure(evidence[role]) if role in evidence else None


def by_role(
    roles: Sequence[Any], asked: Callable[[Any], Sequence[Criterion[E]]]
) -> tuple[Criterion[Mapping[Any, E]], ...]:
    """What is asked of the evidence of each role, of a claim whose evidence stands under roles."""
    return tuple(c.measured_by(of_role(role, c.values)) for role in roles for c in asked(role))


def single(runs: Mapping[Role, train.Run]) -> Any:
    """The evidence of a claim about the networks of one recipe: their `Study`."""
    (run,) = runs.values()
    return study(run)


def _itself(evidence):
    return evidence


@dataclass(frozen=True)
class Claim(Generic[E, S]):
    """A statement that could be false, fixed before any run."""

    id: str
    statement: str
    source: str
    # From the process (or task) and context length alone.
    prediction: Callable[[Any, int], Mapping[str, Any]]
    criteria: Sequence[Criterion[E]]
    controls: Sequence[Criterion[E]]
    # Where it is tested by default.
    tested_on: Sequence[str] = ()
    # What is trained to test it on a process, by role.
    recipes: Callable[[str, Setting], Mapping[Role, train.Recipe]] = lambda process, setting: {}
    # From the finished runs, by role, to what criteria are measured on.
    evidence: Callable[[Mapping[Role, train.Run]], E] = single
    # Why it cannot be tested there.
    refusal: Callable[[Any, int], str | None] = lambda process, n_ctx: None
    # Least number of trained networks.
    seeds: int = 8
    # What its figure is drawn from, beyond criteria and controls: a record (see `shown`) of type
    # `drawn_from`, or, where that is None, a mapping of arrays.
    shown: Callable[[E], S] = _itself
    drawn_from: type[S] | None = None
    # What others report: {process or statistic: value and source}.
    literature: Mapping[str, str] = field(default_factory=dict)
    # What a reader should know that the verdict does not say.
    limits: str = ""
    # Raise it when the measurement changes its meaning, so that older verdicts are made anew.
    revision: int = 1

    def numbers(self, evidence: E) -> dict[str, np.ndarray]:
        """What its figure is drawn from, as named arrays; none where the claim shows nothing."""
        if self.drawn_from is None and self.shown is _itself:
            return {}
        return arrays(self.shown(evidence))

    def drawing(self, kept: Mapping[str, np.ndarray]) -> Any:
        """What its figure is drawn from, out of the `numbers` that were kept. Raises `LayoutError`."""
        return kept if self.drawn_from is None else restored(self.drawn_from, kept)

    @property
    def rules(self) -> list[list[Any]]:
        """What is asked of each criterion and control, as plain values: a verdict by other rules is another
        verdict.
        """
        return [
            [c.name, finite(c.above), finite(c.below), c.every_seed]
            for side in (self.criteria, self.controls)
            for c in side
        ]

    def check(self, process: processes.Source, n_ctx: int) -> None:
        """Raises `ClaimError` with the reason if the claim cannot be tested on this process."""
        reason = self.refusal(process, n_ctx)
        if reason is not None:
            raise ClaimError(f"{self.id} cannot be tested on {process.name}: {reason}")


@dataclass(frozen=True)
class Finding:
    """What one criterion or control came to."""

    name: str
    above: float
    below: float
    every_seed: bool
    applies: bool  # False where the process gives it nothing to discriminate
    values: tuple[float, ...]  # one per network; empty if it does not apply, or is undefined for some network
    interval: Interval | None

    @property
    def holds(self) -> bool:
        """Whether it is where the criterion asks. One that does not apply holds nothing up; one that is
        undefined does not hold.
        """
        if self.interval is None:
            return not self.applies
        return self._inside(self.interval.low, self.interval.high) and (
            not self.every_seed or self._inside(min(self.values), max(self.values))
        )

    @property
    def reversed(self) -> bool:
        """Whether the whole interval lies on the other side."""
        return self.interval is not None and (
            self.interval.high < self.above - TIED or self.interval.low > self.below + TIED
        )

    def _inside(self, low: float, high: float) -> bool:
        return bool(low > self.above + TIED and high < self.below - TIED)


@dataclass(frozen=True)
class Verdict:
    """How a claim fared on a process."""

    claim: str
    statement: str
    source: str
    process: str
    outcome: Outcome
    reason: str
    prediction: Mapping[str, Any]
    criteria: tuple[Finding, ...]
    controls: tuple[Finding, ...]
    # Words drawn where contexts are too many to enumerate; the intervals, over networks, do not include that.
    sampled: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; thresholds and bounds that are infinite become None."""

        def plain(f: Finding) -> dict[str, Any]:
            bounds = None if f.interval is None else list(map(finite, f.interval))
            return asdict(f) | {
                "above": finite(f.above),
                "below": finite(f.below),
                "interval": bounds,
                "holds": f.holds,
            }

        return asdict(self) | {
            "criteria": [plain(f) for f in self.criteria],
            "controls": [plain(f) for f in self.controls],
        }


def finite(value: float) -> float | None:
    """The value, or None if it is infinite or not a number: JSON has neither."""
    return float(value) if math.isfinite(value) else None


def judge(claim: Claim[E, Any], evidence: E, process: processes.Source, n_ctx: int) -> Verdict:
    """Measure a claim and its controls and apply the rule of evidence. Raises `ClaimError` if it cannot be
    tested there.
    """
    claim.check(process, n_ctx)
    criteria = tuple(_find(c, evidence) for c in claim.criteria)
    controls = tuple(_find(c, evidence) for c in claim.controls)
    outcome, reason = _decide(criteria, controls, claim.seeds)
    prediction = claim.prediction(process, n_ctx)
    sampled = getattr(getattr(evidence, "contexts", evidence), "sampled", None)
    about = (claim.id, claim.statement, claim.source, process.name)
    return Verdict(*about, outcome, reason, prediction, criteria, controls, sampled)


def _find(criterion: Criterion[E], evidence: E) -> Finding:
    asked = (criterion.name, criterion.above, criterion.below, criterion.every_seed)
    values = criterion.values(evidence)
    if values is None:
        return Finding(*asked, False, (), None)
    if not np.isfinite(values).all():
        return Finding(*asked, True, (), None)
    return Finding(*asked, True, tuple(map(float, values)), interval(values))


def _decide(criteria: Sequence[Finding], controls: Sequence[Finding], least: int) -> tuple[Outcome, str]:
    n = min((len(f.values) for f in (*criteria, *controls) if f.values), default=0)
    if 0 < n < least:
        return "inconclusive", f"{n} trained networks; this claim asks for at least {least}"
    bad = [c.name for c in controls if not c.holds]
    if bad:
        return "inconclusive", "control misbehaves: " + "; ".join(bad)
    against = [c.name for c in criteria if c.reversed]
    if against:
        return "refuted", "on the other side: " + "; ".join(against)
    if not any(c.applies for c in criteria):
        return "inconclusive", "no criterion applies"
    open_ = [c.name for c in criteria if not c.holds]
    if open_:
        return "inconclusive", "not decided: " + "; ".join(open_)
    return "supported", "every criterion met, every control as stated"
