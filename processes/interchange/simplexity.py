"""Processes by the names and parameters that simplexity gives them, where these differ from ours."""

import difflib
import math
from collections.abc import Callable, Mapping
from typing import Any

from .. import zoo
from ..process import Process, ProcessError
from ..values.checks import checked, number

NAMES: Mapping[str, tuple[Callable[..., Process], Mapping[str, str]]] = {
    "coin": (zoo.coin, {"p": "p"}),
    "even_ones": (zoo.even, {"p": "p"}),
    "fanizza": (zoo.fanizza, {"alpha": "alpha", "lamb": "lam"}),
    "leaky_rrxor": (zoo.leaky_rrxor, {"p1": "p1", "p2": "p2", "epsilon": "epsilon"}),
    "matching_parens": (lambda open: zoo.matching_parens(open=_closed(open)), {"open_probs": "open"}),
    "mess3": (zoo.mess3, {"x": "x", "a": "a"}),
    "no_consecutive_ones": (zoo.golden_mean, {"p": "p"}),
    "post_quantum": (
        lambda log_alpha, beta: zoo.moon(alpha=_exponential(log_alpha), beta=beta),
        {"log_alpha": "log_alpha", "beta": "beta"},
    ),
    "rrxor": (zoo.rrxor, {"p1": "p1", "p2": "p2"}),
    "sns": (zoo.sns, {"p": "p", "q": "q"}),
    "tom_quantum": (zoo.bloch_walk, {"alpha": "a", "beta": "b"}),
    "zero_one_random": (zoo.zero_one_random, {"p": "p"}),
}
"""Name -> what makes it here, and their parameters -> ours."""
ELSEWHERE = {"pR1": "p1", "pR2": "p2"}
"""Parameters as older versions called them."""


@checked
def from_simplexity(process_name: str, process_params: Mapping[str, Any]) -> Process:
    """The process that simplexity's configuration means by `process_name` and `process_params`.

    `even_ones`, `no_consecutive_ones`, `tom_quantum` and `post_quantum` (by the logarithm of its alpha) are
    called `even`, `golden_mean`, `bloch_walk` and `moon` here; `lamb` is `lam`, `open_probs` is `open`, and
    `pR1` and `pR2` are `p1` and `p2`. Raises `ProcessError` on a name that has no counterpart (write its
    matrices as JSON), and on other parameters.
    """
    if process_name not in NAMES:
        near = difflib.get_close_matches(process_name, NAMES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(NAMES)};"
        raise ProcessError(
            f"simplexity's {process_name!r} has no counterpart here; {hint} or write its transition matrices "
            "as JSON"
        )
    build, parameters = NAMES[process_name]
    given = {ELSEWHERE.get(key, key): value for key, value in process_params.items()}
    if set(given) != set(parameters):
        raise ProcessError(
            f"simplexity's {process_name} takes the parameters {', '.join(parameters)}, not "
            f"{', '.join(given) or 'none'}; give these"
        )
    return build(**{parameters[key]: value for key, value in given.items()})


def _exponential(value: Any) -> float:
    return math.exp(min(number(value, "log_alpha"), 700.0))


def _closed(open: Any) -> Any:
    """Theirs ends in a zero or not; ours does not."""
    values = list(open) if isinstance(open, list | tuple) else open
    return values[:-1] if isinstance(values, list) and len(values) > 1 and values[-1] == 0 else values
