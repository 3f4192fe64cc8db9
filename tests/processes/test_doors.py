"""Every public callable of `processes`, called with odd values in every argument: it works, or says in one
sentence what is wrong.
"""

import inspect
import itertools
import operator
import types
import typing
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from good_arguments import ASKED, COIN, EVEN, GOOD, HORIZON, LEDGER, METHODS, NO_11, VALUES

import processes as P
from processes import Process, ProcessError, constraints
from processes.values.checks import checked
from processes.values.float32 import Float32Warning

INT_NOT, INT_ODD = (
    [2.0, np.float64(2), True, np.True_, "2", [2], (1, 2), 2**70, 1 + 0j, Decimal(2)],
    [-1, 0, 1, np.int64(1), np.uint8(1), np.array(1)],
)
FLOAT_NOT = ["0.5", True, [0.5], [0.5, 0.5], np.nan, np.inf, -np.inf, 0.5 + 0j, 10**400, {}]
FLOAT_ODD = [-1.0, 0, 1, 2, 0.25, 1e-300, 1e300, np.float32(0.5), np.int64(1), Fraction(1, 2), np.array(0.5)]
TEXT_NOT, TEXT_ODD = (
    [3, b"coin", ["coin"], EVEN, "\ud800"],
    ["", " ", "coin\n", "\0", "nothing", "(", "caf\u00e9", "coin(p=2)", "x.json", "a\0.json"],
)
NO_ARRAY = [
    object(),
    [[0.5, 0.5], [0.5]],
    "words",
    "0.5",
    [None],
    {},
    {0, 1},
    [object()],
    np.array(["a"]),
    np.array(["2020-01-01"], "datetime64[D]"),
]
ARRAY_ODD = [
    *NO_ARRAY, 0, 1, 0.5, -1, [], [[]], [[], []], [0], [1, -1], [5], [0.5], [0.5, 0.5], [np.nan, 0.5],
    [np.inf, 0], [-np.inf, 0], [0.3, 0.7, 0.0],
    [10**400], [1e308, 1e308], [True], [[0, 1], [1, 0]], [[0.5, 0.5]], [0.5 + 0j, 0.5], np.zeros((2, 2, 2)),
    np.zeros((0, 2)), np.ones((1, 1, 1, 1)),
    np.eye(2), np.array([0, 1], np.uint8), np.array([0.5, 0.5], np.float32), np.array([2**63], np.uint64),
    [2**70], range(2),
    b"01", [Fraction(1, 2), Fraction(1, 2)],
]  # fmt: skip
KINDS: Mapping[object, tuple[list, list]] = {
    int: (INT_NOT, INT_ODD),
    float: (FLOAT_NOT, FLOAT_ODD),
    bool: ([1, 0, "yes", [True], np.array(True)], [False, True, np.True_]),
    str: (TEXT_NOT, TEXT_ODD),
    str | int | float: (
        [True, b"x", ["x"], "\ud800", 0.5j],
        ["", 3, 0.5, np.float64(0.5), 10**5000, "a\nb", "\0"],
    ),
    str | Path: ([3, b"x.json", ["x"], "a\0.json", EVEN], ["", "x", "nowhere/x.json", Path("x.json"), "."]),
    np.random.Generator: ([0, np.int64(3), "rng", np.random.RandomState(0), np.random.default_rng], []),
}
"""Of every kind of argument: values that are refused whatever the function, and odd ones."""


def values_for(hint) -> tuple[list, list]:
    """What is refused of an argument, by its annotation, and what else to try."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint in KINDS:
        refused, odd = KINDS[hint]
        return [None, *refused], odd
    if type(None) in inside:
        refused, odd = values_for(reduce(operator.or_, [h for h in inside if h is not type(None)]))
        return [v for v in refused if v is not None], [None, *odd]
    if hint is inspect.Parameter.empty or origin in (typing.Union, types.UnionType):
        return [], [None, "\ud800", EVEN, *ARRAY_ODD]
    if origin is typing.Literal:
        return [None, "other", 3, ["hmm"]], list(inside)
    if origin in (Sequence, Collection, tuple, list):
        refused, odd = values_for(inside[0])
        return [None, 3, 0.5, "01", {}, iter([])], [
            [],
            [[]],
            *([v] for v in [*refused, *odd]),
            *([v, v] for v in odd),
            *ARRAY_ODD,
        ]
    if origin is Mapping:
        return [None, 3, [1], "x"], [
            {},
            {(): 0.5},
            {(): -1.0, (0,): 2.0},
            {0: 1.0},
            {(5,): 1.0},
            {(): "x"},
            {(): np.nan},
            {(0, 0): 1.0},
        ]
    if inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray):
        return [None, *NO_ARRAY], ARRAY_ODD
    if inspect.isclass(hint):
        return [None, "mess3", 3, 0.5, np.eye(2), [EVEN], object, hint], []
    return [None, 3, "x"], []  # a function


def parameters(function) -> dict[str, inspect.Parameter]:
    return {name: p for name, p in inspect.signature(function).parameters.items() if name != "self"}


def public() -> dict[str, object]:
    """Everything callable that the room exports, by name."""
    return {
        name: v
        for room in (P, constraints)
        for name, v in vars(room).items()
        if callable(v) and not name.startswith("_")
    }


def methods() -> dict[str, object]:
    """Every public method that takes arguments of every public class with values of its own."""
    classes = {v for v in [*public().values(), *VALUES] if is_dataclass(v)}
    return {
        f"{c.__name__}.{name}": m
        for c in classes
        for name, m in vars(c).items()
        if inspect.isfunction(m) and not name.startswith("_") and len(inspect.signature(m).parameters) > 1
    }


NUMBERS = {name: v for name, v in public().items() if inspect.isclass(v) and issubclass(v, float)}
FUNCTIONS = {name: v for name, v in public().items() if not inspect.isclass(v)} | NUMBERS
RECORDS = {name: v for name, v in public().items() if is_dataclass(v)}


def call(function, arguments: dict) -> str | None:
    """None if the call works, its sentence if it raises `ProcessError`; anything else, warnings included, is
    a failure.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            out = function(**arguments)
            if isinstance(out, Iterator):
                list(itertools.islice(out, 3))
        except ProcessError as error:
            sentence = str(error)
            assert sentence and "\n" not in sentence and sentence.isprintable()
            return sentence
    return None


def failures(function, good: dict) -> list[str]:
    """Odd calls of a function that neither work nor say in one sentence why not, or that should have been
    refused and were not.
    """
    found = []
    for name, p in parameters(function).items():
        refused, odd = values_for(p.annotation)
        if inspect.isclass(function) and p.annotation is float:  # results may be infinite or unknown
            refused = [v for v in refused if not isinstance(v, float)]
        for value, must in [*((v, True) for v in refused), *((v, False) for v in odd)]:
            try:
                sentence = call(function, {**good, name: value})
            except Exception as error:
                found.append(f"{name}={value!r:.80}: {type(error).__name__}: {error!s:.120}")
            else:
                if must and sentence is None:
                    found.append(f"{name}={value!r:.80} is accepted")
    return found


@pytest.fixture(autouse=True)
def as_users_call_it(tmp_path, monkeypatch):
    """Without the run-time annotations of the test suite, which users do not have; in an empty folder."""
    monkeypatch.chdir(tmp_path)
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


def test_nothing_public_is_missing_from_the_tables():
    assert set(FUNCTIONS) <= set(GOOD)
    assert set(METHODS) == set(methods())
    assert {c for c in RECORDS.values()} <= set(VALUES)
    assert {n for n, v in public().items() if inspect.isclass(v)} == set(RECORDS) | set(NUMBERS) | {
        "ProcessError",
        "Question",
    }
    assert all(
        set(good) == set(parameters(FUNCTIONS[name])) for name, good in GOOD.items() if name in FUNCTIONS
    )
    assert all(set(good) == set(parameters(methods()[name])) for name, good in METHODS.items())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_odd_values_or_say_why_not(name):
    assert call(FUNCTIONS[name], GOOD[name]) is None or name in ("read", "write", "to_networkx")
    assert failures(FUNCTIONS[name], GOOD[name]) == []


@pytest.mark.parametrize("name", METHODS)
def test_methods_take_odd_values_or_say_why_not(name):
    cls, method = name.split(".")
    (value,) = (v for c, v in VALUES.items() if c.__name__ == cls)
    assert call(getattr(value, method), METHODS[name]) is None
    assert failures(getattr(value, method), METHODS[name]) == []


@pytest.mark.parametrize("cls", VALUES, ids=lambda c: c.__name__)
def test_records_take_odd_fields_or_say_why_not(cls):
    good = {f.name: getattr(VALUES[cls], f.name) for f in fields(cls) if f.init}
    assert failures(cls, good) == []


def test_a_planted_function_without_a_door_is_caught():
    """Wrong types that are accepted, bare errors, warnings and sentences of two lines are all failures."""

    def bare(process: Process, order: int):
        return process.T[order]

    def warns(belief: jaxtyping.Float[np.ndarray, "S"]):
        return np.asarray(belief) / 0

    def two_lines(text: str):
        raise ValueError(f"no\n{text}")

    assert any("IndexError" in f for f in failures(bare, dict(process=EVEN, order=0)))
    assert any("True is accepted" in f for f in failures(bare, dict(process=EVEN, order=0)))
    assert any(
        "AttributeError" in f for f in failures(checked(bare).__wrapped__, dict(process=EVEN, order=0))
    )
    assert any("RuntimeWarning" in f for f in failures(warns, dict(belief=[1.0])))
    assert any("ValueError" in f for f in failures(two_lines, dict(text="x")))
    assert not [f for f in failures(checked(bare), dict(process=EVEN, order=0)) if "accepted" in f]


def test_a_new_public_function_needs_an_entry(monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "novel", lambda process: process)
    with pytest.raises(AssertionError):
        test_nothing_public_is_missing_from_the_tables()


def test_sentences_are_one_line_whatever_they_quote():
    assert str(ProcessError("a\nb\t\ud800")) == "a\\nb\\t\\ud800"
    with pytest.raises(ProcessError, match=r"order of h is 2.0 \(float\); it must be a whole number"):
        P.h(EVEN, 2.0)
    with pytest.raises(
        ProcessError, match=r"process of h is 'mess3' \(str\); it must be a Process: named\('mess3'\)"
    ):
        P.h("mess3", 2)
    with pytest.raises(
        ProcessError,
        match=r"rng of sample is 3 \(int\); it must be a random generator: np.random.default_rng\(0\)",
    ):
        P.sample(EVEN, (2, 3), 3)


def test_numbers_of_numpy_are_numbers():
    for order in (np.int64(3), np.uint8(3), np.array(3)):
        np.testing.assert_array_equal(P.h(EVEN, order), P.h(EVEN, 3))
    assert P.coin(p=np.float32(0.5)).digest == P.coin(p=0.5).digest


@pytest.mark.parametrize("token", [-1, 2, [-1], [[0, 2]]])
def test_tokens_out_of_range_are_refused_everywhere(token):
    words = np.atleast_1d(token)
    beliefs = np.broadcast_to(EVEN.start, (*np.shape(token), 2))
    for attempt in (
        lambda: P.update(EVEN, beliefs, np.asarray(token)),
        lambda: P.filter(EVEN, words),
        lambda: P.probability(EVEN, words.ravel()),
        lambda: P.as_words(EVEN, words),
        lambda: constraints.runs(NO_11, words),
        lambda: constraints.accepts(NO_11, words),
        lambda: HORIZON.next_token(words),
        lambda: HORIZON.log_probability(words),
        lambda: P.product([EVEN]).split(words),
        lambda: P.product([EVEN]).join([words]),
        lambda: ASKED.satisfiable(np.where(words < 0, -1, 6)),
        lambda: LEDGER.active(np.where(words < 0, -1, 9) * np.ones(2, int)),
    ):
        with pytest.raises(ProcessError):
            attempt()


def test_the_float32_remedy_works_when_followed():
    """Whoever does what the sentence says, word by word, arrives at a process."""
    rng = np.random.default_rng(0)
    T = rng.dirichlet(np.ones(6), size=3).reshape(3, 2, 3).transpose(1, 0, 2).astype(np.float32)
    start = np.array([0.1, 0.2, 0.7], np.float32)
    for _ in range(10):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Float32Warning)
                made = P.hmm(T, start)
            break
        except ProcessError as error:
            said = str(error)
        array = start if said.startswith("start") else T
        if "convert to float64 first" in said:
            array = array.astype(np.float64)
        value = float(said.split("sums to ")[1].split(";")[0])
        if array is T or array.ndim == 3:
            array[:, int(said.split("row ")[1].split()[0]), :] /= value
            T = array
        else:
            start = array / value
    assert made.n_states == 3
    with pytest.raises(ProcessError, match="sums to .* convert to float64 first"):
        P.mixture([EVEN, COIN, COIN], start.astype(np.float32))
