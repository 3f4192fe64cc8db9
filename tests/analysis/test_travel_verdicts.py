"""Counts, orders and verdicts do not hang on a last bit, which is the processor's to choose: by planted
rounding, by a linear algebra that makes every choice it has at random, and by child processes on other BLAS
kernels and instruction sets.
"""

import dataclasses
import functools
import sys

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from hypothesis import given
from scipy import stats

import processes
from analysis.belief_geometry.bg11_constrained_update import rate
from analysis.claim import Asked, Looks, rule
from analysis.constraint_load.cl8_failure_kinds import kind
from analysis.instruments.decompositions.dimensions import axes_needed
from analysis.instruments.probing.ridge import strongest_of_the_best
from analysis.instruments.statistics import (
    levels,
    partial_rank_correlation,
    rank_correlation,
    rank_correlation_given,
    ranks,
    unit_ranks,
)
from benchmarks.travel import (
    FLOAT32,
    FLOAT64,
    KERNELS,
    Machine,
    differences,
    everywhere,
    facts_of,
    judged,
    refusal,
)
from processes.algebra.pivots import pivots, principal_axes
from processes.constraints import ledger
from processes.structure.components import ergodic_components

NOISE = 1e-14
SMALL = (
    "mess3",
    "rrxor",
    "nemo",
    "quantum_rrxor",
    "golden_mean * even",
    "given(coin; no 11; even number of 1 in every 4)",
    "given(rrxor; no 000)",
)


def rounded(x, rng):
    """The same numbers as another processor might have them."""
    return x * (1 + NOISE * rng.uniform(-1, 1, size=np.shape(x)))


STATISTICS = {
    "rank correlation": lambda a, b, c: rank_correlation(a, b, np.ones(len(a))),
    "weighted": lambda a, b, c: rank_correlation(a, b, 1.0 + np.arange(len(a)) % 3),
    "unit ranks": lambda a, b, c: unit_ranks(np.stack([a, b])),
    "given a third": lambda a, b, c: partial_rank_correlation(a, b, c),
    "given several": lambda a, b, c: rank_correlation_given(
        a, b, np.stack([c, 1.0 + np.arange(len(a)) % 3]), np.ones(len(a))
    ),
}


@pytest.mark.thorough
@given(st.integers(0, 2**32), st.integers(2, 5))
def test_ties_are_ties_whatever_the_rounding(seed, values):
    rng = np.random.default_rng(seed)
    data = rng.integers(values, size=(3, 24)) / 7
    for name, statistic in STATISTICS.items():
        np.testing.assert_allclose(
            statistic(*rounded(data, rng)), statistic(*data), rtol=0, atol=1e-9, err_msg=name
        )


def test_ranks_that_do_not_know_ties_are_caught():
    rng = np.random.default_rng(0)
    a, b = rng.integers(3, size=(2, 40)) / 7
    assert abs(stats.spearmanr(rounded(a, rng), rounded(b, rng))[0] - stats.spearmanr(a, b)[0]) > 0.01


def test_levels():
    rng = np.random.default_rng(0)
    x = rng.integers(-5, 5, size=(4, 30)) / 3
    for row, level in zip(x, levels(x), strict=True):
        np.testing.assert_array_equal(level, np.unique(row, return_inverse=True)[1])
    assert levels(np.array([1.0, 1 + 1e-8, 1 + 1e-12, np.inf, np.inf, -np.inf])).tolist() == [
        1,
        2,
        1,
        3,
        3,
        0,
    ]
    assert levels(np.zeros(0)).tolist() == [] and np.isnan(ranks(np.array([1.0, np.nan]))).all()


@pytest.mark.parametrize(
    ("value", "state"), [(1e-16, "open"), (-1e-16, "open"), (1e-6, "holds"), (-1e-6, "fails")]
)
def test_what_is_at_the_threshold_but_for_rounding_is_on_neither_side(value, state):
    values = value * (1 + np.arange(8) / 100)
    looks = Looks((8,))
    assert rule.find(Asked("f", 0.0, np.inf, "mean", ""), values, looks, 0).state == state
    counted = rule.find(Asked("f", 0.0, np.inf, "most", ""), values, looks, 0)
    assert counted.share is not None and counted.share[0] == (state == "holds")


def test_of_penalties_that_score_alike_the_strongest():
    rng = np.random.default_rng(0)
    assert {
        strongest_of_the_best(rounded(np.array([0.5, 0.3, 0.3, 0.3, 0.4]), rng), 1.0) for _ in range(20)
    } == {3}
    assert len({int(np.argmin(rounded(np.array([0.5, 0.3, 0.3, 0.3, 0.4]), rng))) for _ in range(20)}) == 3


def test_axes_that_hold_just_enough():
    rng = np.random.default_rng(0)
    variance = np.full((20, 20), 0.05)
    assert axes_needed(rounded(variance, rng)).tolist() == [19] * 20
    assert len(set((np.cumsum(rounded(variance, rng), 1) < 0.95).sum(1))) == 2


def test_words_of_just_the_least_probability_are_in():
    coin = processes.coin(p=0.3)
    assert (
        len(processes.prefix_tree(coin, 4, least=0.0441)) == 25
    )  # .3 .3 .7 .7 in any order, and what is more probable
    assert (processes.prefix_tree(coin, 4).probability >= 0.0441).sum() < 25


def test_components_are_a_matter_of_the_graph():
    """Two transient states, of which the start is one, lead to a class each; also where the other is a
    neighbour.
    """
    chain = np.array([[0.1, 0.0, 0.9, 0.0], [0.3, 0.2, 0.1, 0.4], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    assert [(m, p.n_states) for m, p in ergodic_components(processes.hmm([chain], [1, 0, 0, 0]))] == [
        (pytest.approx(1.0), 1)
    ]
    assert len(ergodic_components(processes.hmm([chain], [0, 1, 0, 0]))) == 2


def test_a_single_rate_is_told_by_a_polynomial():
    jordan = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])  # eigenvalues 1, .6, .6
    assert rate(processes.hmm([jordan])) == pytest.approx(0.6)
    assert rate(processes.hmm([np.full((3, 3), 1 / 3)])) is None and rate(
        processes.hmm([np.diag([0.5, 0.2]) + [[0.25, 0.25], [0.4, 0.4]]])
    )
    assert rate(processes.named("rrxor")) is None and rate(processes.named("mess3")) == pytest.approx(0.85)


def test_copies_of_a_point_are_one_point():
    rng = np.random.default_rng(0)
    points = processes.prefix_tree(processes.named("mess3"), 8).belief[-(3**8) :]
    cloud = np.repeat(points, 2, axis=0)
    alone, exact, other = (processes.information_dimension(x) for x in (points, cloud, rounded(cloud, rng)))
    for found in (exact, other):
        assert (alone.fitted == found.fitted).all() and alone.value == pytest.approx(found.value, abs=1e-9)
    assert len(np.unique(np.floor(rounded(cloud, rng) * 2.0**45), axis=0)) > len(
        points
    )  # what a grid makes of it


def test_a_word_on_which_nothing_is_on_says_nothing():
    made = ledger(np.full(9, 1 / 9), np.eye(8, 9, 1), p=0.5, g=1)
    light = dataclasses.replace(made, base=np.full(9, (1 - 1e-15) / 9))
    on = np.eye(8, dtype=bool)[[0, 0, 1]] & np.array([[True], [False], [True]])
    for which in (made, light):
        assert len(kind(which, on, np.zeros((3, 0), int), np.log(np.full((3, 9), 1 / 9)))) == 2
    assert (light.load(on) > 0).all()


def test_pivots_and_axes_take_the_first_of_equals():
    rng, x = np.random.default_rng(0), np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    assert {tuple(pivots(rounded(x, rng))) for _ in range(20)} == {(3, 0, 1)}
    assert len({int(np.argmax(np.linalg.norm(rounded(x[:3], rng), axis=1))) for _ in range(20)}) > 1
    cube = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], float) * [
        1,
        1,
        0.5,
    ]  # two axes alike
    np.testing.assert_allclose(principal_axes(cube), np.eye(3), atol=1e-12)


# A linear algebra that makes every choice it has at random.


def perverse(rng):
    """NumPy's decompositions with other signs, other bases where values coincide, and other last bits: as
    right as the usual ones.
    """
    svd, eigh, qr, eig = np.linalg.svd, np.linalg.eigh, np.linalg.qr, np.linalg.eig

    def turn(values):
        """An orthogonal matrix that mixes only what belongs to equal values."""
        label, Q = (
            np.concatenate([[0], np.cumsum(np.abs(np.diff(values)) > 1e-12 * np.abs(values).max())]),
            np.zeros((len(values),) * 2),
        )
        for k in np.unique(label):
            here = np.flatnonzero(label == k)
            Q[np.ix_(here, here)] = qr(rng.normal(size=(len(here),) * 2))[0]
        return Q

    def other_svd(a, full_matrices=True, compute_uv=True, **how):
        if not compute_uv or np.ndim(a) != 2:
            return svd(a, full_matrices=full_matrices, compute_uv=compute_uv, **how)
        u, s, vt = svd(a, full_matrices=full_matrices, **how)
        Q, k = turn(s), len(s)
        u[:, :k], vt[:k] = u[:, :k] @ Q, Q.T @ vt[:k]
        return u, rounded(s, rng), vt

    def other_eigh(a, *args):
        values, vectors = eigh(a, *args)
        turns = np.array(
            [turn(v) for v in values.reshape(-1, values.shape[-1])]
        )  # of every matrix of a stack
        return rounded(values, rng), vectors @ turns.reshape(vectors.shape)

    def other_qr(a, *args, **how):
        q, r = qr(a, *args, **how)
        sign = rng.choice([-1.0, 1.0], size=r.shape[-2])
        return q * sign, r * sign[:, None]

    def other_eig(a):
        values, vectors = eig(a)
        order = rng.permutation(len(values))
        return values[order], vectors[:, order] * rng.choice([-1.0, 1.0], size=len(values))

    return {"svd": other_svd, "eigh": other_eigh, "qr": other_qr, "eig": other_eig}


def forget():
    """Empty what is remembered of processes and of truths."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "processes" or name in (
            "analysis.instruments.contexts",
            "analysis.instruments.probing.baselines",
            "analysis.belief_geometry.bg17_merging",
            "analysis.belief_geometry.bg13_write_belief",
        ):
            for value in vars(module).values():
                if callable(getattr(value, "cache_clear", None)):
                    value.cache_clear()


def by_any_algebra(monkeypatch, compute):
    usual = compute()
    for name, function in perverse(np.random.default_rng(1)).items():
        monkeypatch.setattr(np.linalg, name, function)
    forget()
    return usual, compute()


@pytest.mark.thorough
@pytest.mark.parametrize("spec", SMALL)
def test_cards_by_any_algebra(monkeypatch, spec):
    usual, other = by_any_algebra(monkeypatch, lambda: facts_of(dataclasses.replace(processes.named(spec))))
    assert list(differences(usual, other, FLOAT64)) == []


def test_what_does_hang_on_a_basis_is_caught(monkeypatch):
    usual, other = by_any_algebra(
        monkeypatch, lambda: processes.minimal_ghmm(processes.named("mess3")).T.tolist()
    )
    assert list(differences(usual, other, FLOAT64))


CLAIMS = ("BG10", "BG14")


@pytest.mark.thorough
def test_verdicts_by_any_algebra(monkeypatch):
    usual, other = by_any_algebra(monkeypatch, lambda: judged(CLAIMS, tiny=True))
    assert list(differences(usual, other, FLOAT64)) == []


# Other processors, as far as this one can play them.


def test_differences_are_found():
    a = {"n": [1, 2], "x": [0.5, None], "s": "supported", "b": True}
    assert list(differences(a, a, FLOAT64)) == []
    for key, value in (
        ("n", [1, 3]),
        ("n", [1]),
        ("x", [0.5 + 1e-6, None]),
        ("x", [0.5, 0.0]),
        ("s", "refuted"),
        ("b", 1),
        ("b", False),
    ):
        assert list(differences(a, a | {key: value}, FLOAT64))
    assert list(differences(a, a | {"x": [0.5 + 1e-12, None]}, FLOAT64)) == []


@functools.cache
def playable() -> dict[str, str | None]:
    return {kernel: refusal(kernel) for kernel in KERNELS}


@functools.cache
def children(what: tuple[str, ...]):
    """What each machine finds, by kernel; two children at a time."""
    able = [kernel for kernel, why in playable().items() if why is None]
    found = [
        Machine(k, {"OPENBLAS_CORETYPE": k, "OPENBLAS_NUM_THREADS": str(1 + i % 2)})
        for i, k in enumerate(able)
    ]
    if what == SMALL:
        found.append(Machine("no AVX2", {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"}))
    else:
        found.append(
            Machine("SSE4.2", {"XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_max_isa=SSE4_2"})
        )
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    return everywhere([Machine(m.name, cache | m.environment) for m in found], ("tiny", *what))


@pytest.mark.parametrize(
    ("what", "machine"),
    [
        # Processes do not use XLA, whose instructions are limited for verdicts; a child that imports JAX
        # takes seconds, so that NumPy without AVX2 is asked of processes only.
        *(pytest.param(SMALL, m, id=f"cards-{m}") for m in (*KERNELS, "no AVX2")),
        *(
            pytest.param(("BG4",), m, id=f"verdicts-{m}", marks=pytest.mark.slow)
            for m in (*KERNELS, "SSE4.2")
        ),
    ],
)
def test_other_processors_find_the_same(machine, what):
    if playable().get(machine):
        pytest.skip(f"{machine}: {playable()[machine]}")
    found = children(what)
    here = next(iter(found.values()))
    assert list(differences(here, found[machine], FLOAT32 if machine == "SSE4.2" else FLOAT64)) == []
