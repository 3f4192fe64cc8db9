"""Claims and verdicts: what is asserted, how it is measured, and when the evidence supports it.

A claim says everything before anything is run: where it is tested, which networks are trained for it
(`recipes`), what is measured on them and what must come out, and what else would explain it. `rule` is the
rule by which that is decided, the same for every claim; `analysis/lab.py` carries it out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args

import numpy as np
from jaxtyping import Float

import processes

from .finding import Asked, Over, finite
from .shown import arrays, restored

if TYPE_CHECKING:  # a command that refuses what it is asked for has to know claims, and no JAX
    import train

E = TypeVar("E")
"""The evidence of a claim."""
F = TypeVar("F")
S = TypeVar("S")
"""What its figure is drawn from."""
Role = Any
"""What a run is to its claim: a string, or a NamedTuple whose `str` is how it is written; hashable."""
Values = Float[np.ndarray, "seeds"] | None
"""One number for each trained network; None where the process gives nothing to discriminate."""


class ClaimError(ValueError):
    """A claim put to a process on which it cannot be tested; the message gives the reason."""


Predicted = int | float | str | Sequence[int | float] | Mapping[str, int | float]
"""What a theory says beforehand, by the name of the quantity: a number, a few, or words."""
Training = Literal["short", "floor", "sharp"]
"""How far networks are trained."""
Size = Literal["small", "default", "large"]
"""How large networks are, and how long contexts."""


@dataclass(frozen=True)
class Setting:
    """How large a test of a claim is made."""

    seeds: int = 8
    """Trained networks per recipe at the first look; twice and four times as many at the next."""
    looks: int = 3
    """Looks that are taken at most, until the claim is decided."""
    size: Size = "default"
    """Small networks and short contexts, for searches over many processes; what the claim asks for; or its
    published or otherwise larger size.
    """
    training: Training = "floor"
    """How far networks are trained, where the claim has no training of its own (see `recipes.trained`): for a
    minute, with Adam; until, on most processes, less than a ten thousandth of what contexts are worth is left
    to learn; or as near to the floor as float32 gets in minutes.
    """
    run: int = 1
    """Of the same test on networks of its own: the second's seeds begin a thousand after the first's."""

    def __post_init__(self) -> None:
        for name in ("seeds", "looks", "run"):
            if (value := getattr(self, name)) < 1:
                raise ClaimError(f"{name} is {value}; it must be at least 1")
        for name, choices in (("size", get_args(Size)), ("training", get_args(Training))):
            if (value := getattr(self, name)) not in choices:
                raise ClaimError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")


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
    # What is judged: their mean, whether most networks are on the claimed side, or nearly all (see
    # `finding.Over`).
    over: Over = "mean"
    # Of a control: what explains the effect if this does not come out; the others say whether the instrument
    # works.
    rival: str = ""
    # Of a control of the instrument: what it would mean if it did not come out, in words that follow
    # "otherwise".
    means: str = ""
    # Where it has no say, whatever the networks do.
    only_if: Callable[[E], bool] = lambda evidence: True

    def measured_by(self, measure: "Callable[[F], Values]") -> "Criterion[F]":
        """The same question, put to another kind of evidence."""
        other: Any = replace(self, measure=measure, only_if=lambda evidence: True)  # type: ignore[arg-type]
        return other

    @property
    def asked(self) -> Asked:
        """What is asked of it, without how it is measured."""
        return Asked(self.name, self.above, self.below, self.over, self.rival)

    def values(self, evidence: E) -> Values:
        """The statistic of every network; None where it does not apply."""
        return self.measure(evidence) if self.only_if(evidence) else None


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


@dataclass(frozen=True)
class Published(Generic[E]):
    """What others report, by their protocol and statistic, and the same of our networks: told beside the
    verdict, of which it is no part.
    """

    statistic: str
    theirs: str
    """The number as they give it, and where."""
    measure: Callable[[E], Values]
    untrained: Callable[[E], Values] | None = None
    """The same of untrained networks."""
    training: str = "not run: our own training"
    """Whether the networks were trained as theirs."""


def single(runs: "Mapping[Role, train.Run]") -> Any:
    """The evidence of a claim about the networks of one recipe: their `Study`."""
    from ..instruments.probing.study import study

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
    prediction: Callable[[Any, int], Mapping[str, Predicted]]
    criteria: Sequence[Criterion[E]]
    # Whether the instrument works, and what else explains the effect (those with a `rival`).
    controls: Sequence[Criterion[E]]
    # Where it is tested by default.
    tested_on: Sequence[str] = ()
    # What is trained to test it on a process, by role.
    recipes: "Callable[[str, Setting], Mapping[Role, train.Recipe]]" = lambda process, setting: {}
    # From the finished runs, by role, to what criteria are measured on.
    evidence: "Callable[[Mapping[Role, train.Run]], E]" = single
    # Why it cannot be tested there.
    refusal: Callable[[Any, int], str | None] = lambda process, n_ctx: None
    # Least number of trained networks.
    seeds: int = 8
    # How often it is tested, each time on fresh seeds; all verdicts are shown.
    runs: int = 1
    # What its figure is drawn from, beyond criteria and controls: a record (see `shown`) of type
    # `drawn_from`, or, where that is None, a mapping of arrays.
    shown: Callable[[E], S] = _itself
    drawn_from: type[S] | None = None
    # What others report, measured on our networks too.
    published: Sequence[Published[E]] = ()
    # What others report, in words: {process or statistic: value and source}.
    literature: Mapping[str, str] = field(default_factory=dict)
    # What a reader should know that the verdict does not say.
    limits: str = ""
    # What would change our mind.
    would_change: str = ""
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
    def means(self) -> Mapping[str, str]:
        """What each control of the instrument would mean if it did not come out, by name."""
        return {c.name: c.means for c in self.controls if c.means}

    @property
    def rules(self) -> list[list[Any]]:
        """What is asked of each criterion and control, as plain values: a verdict by other rules is another
        verdict.
        """
        return [
            [c.name, finite(c.above), finite(c.below), c.over, c.rival]
            for side in (self.criteria, self.controls)
            for c in side
        ]

    def check(self, process: processes.Source, n_ctx: int) -> None:
        """Raises `ClaimError` with the reason if the claim cannot be tested on this process."""
        reason = self.refusal(process, n_ctx)
        if reason is not None:
            raise ClaimError(f"{self.id} cannot be tested on {process.name}: {reason}")
