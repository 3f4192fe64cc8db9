"""No public function warns on any legal process, and none prints -0 or a little less than nothing."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace

import jaxtyping
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_doors import FUNCTIONS, GOOD, call

import processes as P
from processes import CATALOGUE, Process, hmm, named, strategies
from processes.constraints import anything, at_most_in_a_row, forbidden_word, restricted
from processes.names.catalogue import NOT_ERGODIC

pytestmark = pytest.mark.usefixtures("without_hook")


@pytest.fixture
def without_hook():
    """Without the run-time annotations of the test suite: they take most of the time, and the arguments here
    fit theirs by construction.
    """
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def never_first(process: Process) -> Process:
    """The process with a symbol that is never emitted before all others."""
    return P.relabelled(process, range(1, process.vocab + 1), vocab=process.vocab + 1)


def never_last(process: Process) -> Process:
    """The same after them."""
    return P.relabelled(process, range(process.vocab), vocab=process.vocab + 1)


def deterministic(process: Process) -> Process:
    """The same states, each with one successor and one symbol: entropy zero, to the last bit."""
    S = process.n_states
    T = np.zeros((process.vocab, S, S))
    T[np.arange(S) % process.vocab, np.arange(S), (np.arange(S) + 1) % S] = 1
    return hmm(T, process.start if process.kind == "hmm" else None, name="deterministic")


def from_a_state(process: Process) -> Process:
    """The same from its first hidden state; a generalised HMM is left as it is, for its states are none."""
    return replace(process, start=np.eye(process.n_states)[0]) if process.kind == "hmm" else process


SHAPES: Mapping[str, Callable[[Process], Process]] = {
    "itself": lambda p: p, "never first": never_first, "never last": never_last,
    "deterministic": deterministic, "from a state": from_a_state,
}  # fmt: skip
MEMBERS = [
    f"{n}:{s}" for table in (CATALOGUE, NOT_ERGODIC) for n, entry in table.items() for s in entry.published
]
MEMBERS += [
    "cycle(n=3, p=1)",
    "coin(p=1)",
    "golden_mean(p=1)",
    "even(p=0)",
    "sns(p=1, q=1)",
    "given(coin; no 11)",
    "guarded(coin; no 11; p=0.5)",
]
SLOW = {"decoy", "lyapunov", "card", "epsilon_machine"}
"""Tried on fewer processes: each takes a second or, of some members, more."""


def arguments(name: str, process: Process) -> dict | None:
    """Arguments of a public function for this process, those of the tables fitted to it; None if it takes no
    process.
    """
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    wanted = [n for n, p in parameters.items() if p.annotation is Process]
    if not wanted:
        return None
    V, S = process.vocab, process.n_states
    some = [at_most_in_a_row(3, 0, vocab=V), forbidden_word([0, 0], vocab=V)] if V > 1 else [anything(1)] * 2
    fitted = {
        "belief": process.start[None], "token": np.zeros(1, int), "A": np.eye(S) + 0.25 * np.eye(S, k=1),
        "symbols": np.arange(V)[::-1], "vocab": V,
        "channel": np.full((V, 2), 0.5), "order": range(S)[::-1] if name == "permuted" else 3,
        "constraint": some[0],
        "constraints": some, "first": some[0], "second": some[1],
        "radix": V, "digits": 1, "max_nodes": 200, "seed": 0, "depth": 3, "max_pairs": 1000,
        "max_states": 200,
    }  # fmt: skip
    if name == "beliefs_along":
        fitted["tree"] = P.prefix_tree(process, 3)
    return {
        **GOOD[name],
        **{n: v for n, v in fitted.items() if n in GOOD[name]},
        **dict.fromkeys(wanted, process),
    }


OF_A_PROCESS = [name for name in FUNCTIONS if arguments(name, named("coin"))]
QUICK = [name for name in OF_A_PROCESS if name not in SLOW]


def numbers(value) -> Iterator[float]:
    """The numbers in a result, and in what it is made of."""
    if isinstance(value, float | np.ndarray):
        yield from np.real(np.ravel(value)).tolist()
    elif isinstance(value, Mapping):
        for v in value.values():
            yield from numbers(v)
    elif isinstance(value, tuple | list):
        for v in value:
            yield from numbers(v)
    elif is_dataclass(value) and not isinstance(value, Process):
        for f in fields(value):
            yield from numbers(getattr(value, f.name))


NON_NEGATIVE = [
    "block_entropy", "bounded_excess", "bounded_rate", "card", "crypticity", "entropy_rate",
    "excess_entropy", "excess_entropy_bounds", "finite_load",
    "h", "floor_by_position", "load", "markov_order", "mixed_states", "prefix_tree", "probability",
    "statistical_complexity", "synchronisation",
    "synchronising_words", "transient_information",
]  # fmt: skip
"""Functions of a process whose results cannot be negative, whatever the process (of records: nor anything in
them but -1 for "none").
"""


def below_zero(value) -> list[float]:
    """What is -0, or a little less than nothing; -1 stands for "no such state" in tables."""
    return [v for v in numbers(value) if (v == 0 and math.copysign(1, v) < 0) or -1 < v < 0]


def quiet(process: Process, names) -> None:
    for name in names:
        call(FUNCTIONS[name], arguments(name, process))


def positive(process: Process) -> None:
    for name in NON_NEGATIVE:
        if name in SLOW or (
            process.kind == "ghmm" and name in ("prefix_tree", "mixed_states")
        ):  # whose beliefs are signed
            continue
        try:
            value = FUNCTIONS[name](**arguments(name, process))
        except P.ProcessError:
            continue
        assert below_zero(value) == [], (name, process)


@pytest.mark.thorough
@pytest.mark.parametrize("k", range(len(MEMBERS)), ids=MEMBERS)
def test_members_are_quiet_and_positive(k):
    """Each in one of the shapes, in turns: all shapes of all members take half a minute."""
    process = list(SHAPES.values())[k % len(SHAPES)](named(MEMBERS[k]))
    quiet(process, QUICK)
    positive(process)


@pytest.mark.thorough
@pytest.mark.parametrize("member", ["coin", "coin(p=1)", "even", "moon", "cycle(n=3, p=1)"])
def test_slow_functions_are_quiet_too(member):
    quiet(SHAPES["never first"](named(member)), SLOW)
    assert (
        below_zero(
            {
                k: v
                for k, v in P.card(named(member), n_ctx=3).items()
                if k not in ("transition_matrices", "initial_state")
            }
        )
        == []
    )


@pytest.mark.thorough
@given(
    st.one_of(strategies.hmms(max_states=3), strategies.ghmms(max_states=3)),
    st.sampled_from(list(SHAPES.values())),
)
@settings(max_examples=12, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_processes_are_quiet_and_positive(process, shape):
    process = shape(process)
    quiet(process, QUICK)
    positive(process)


def test_a_planted_warning_and_a_planted_minus_zero_are_caught(monkeypatch):
    def warns(process: Process, order: int, most: int):
        return np.log(process.T) * 0

    def less_than_nothing(process: Process, order: int, most: int):
        return np.array([-0.0])

    monkeypatch.setitem(FUNCTIONS, "h", warns)
    with pytest.raises(RuntimeWarning):
        quiet(named("even"), ["h"])
    monkeypatch.setitem(FUNCTIONS, "h", less_than_nothing)
    with pytest.raises(AssertionError):
        positive(named("even"))
    assert below_zero([{"a": -0.0}, (1.0, -1e-17)]) == [-0.0, -1e-17] and below_zero([0.0, -1.0]) == []


@pytest.mark.parametrize("member", ["mess3", "moon", "leaky_rrxor"])
def test_synchronisation_does_not_depend_on_the_place_of_a_symbol_that_is_never_emitted(member):
    process = named(member)
    expected = P.synchronisation(process, 4)
    assert expected is not None
    for other in (never_first(process), never_last(process)):
        np.testing.assert_allclose(P.synchronisation(other, 4), expected, atol=1e-12)


def test_a_restricted_operator_of_a_symbol_that_is_never_emitted_is_quiet():
    process = never_first(named("even"))
    assert len(restricted(process, forbidden_word([0], vocab=3))) == 2
