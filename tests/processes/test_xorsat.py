"""Random k-XORSAT: instances against enumeration, cores, thresholds, the stream of equations as a process,
and the decision problem.
"""

import math
import sys
from itertools import product

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from hypothesis import given

import processes
import toy
import train
from analysis.commands.main import main
from benchmarks import xorsat as benchmark
from benchmarks.table import filled
from processes import ProcessError, named
from processes.algebra import gf2
from processes.constraints import (
    dense_consistency,
    gf2_rank,
    instances,
    random_xorsat,
    xorsat,
    xorsat_stream,
    xorsat_thresholds,
)
from processes.tasks.xorsat_thresholds import core_size, density, fixed_point
from train.samplers import sampler

SEED = st.integers(0, 2**32 - 1)
SMALL = st.tuples(st.integers(3, 8), st.integers(0, 12), st.integers(1, 3), SEED)


def every(n):
    return np.array(list(product((0, 1), repeat=n)))


@given(SMALL)
def test_solutions_are_those_of_enumeration(drawn):
    n, m, k, seed = drawn
    instance = random_xorsat(n, m, k, np.random.default_rng(seed))
    solutions = every(n)[instance.satisfies(every(n)).all(1)]
    assert instance.solutions == len(solutions) and instance.satisfiable == (len(solutions) > 0)
    found = instance.solution()
    assert (found is None) == (not instance.satisfiable) and (
        found is None or instance.satisfies(found).all()
    )
    if m:
        assert instance.rank == gf2_rank(instance.checks) and (instance.checks.sum(1) == k).all()


@given(SMALL)
def test_facts_do_not_depend_on_order_or_on_sums_of_equations(drawn):
    n, m, k, seed = drawn
    rng = np.random.default_rng(seed)
    a = random_xorsat(n, m, k, rng)
    rows, columns = rng.permutation(m), rng.permutation(n)
    b = xorsat(a.checks[rows][:, columns], a.right[rows])
    assert (a.satisfiable, a.rank, a.solutions) == (b.satisfiable, b.rank, b.solutions)
    assert [len(x) for x in a.core()] == [len(x) for x in b.core()]
    if m > 1:
        checks, right = a.checks.copy(), a.right.copy()
        checks[0], right[0] = (checks[0] + checks[1]) % 2, (right[0] + right[1]) % 2
        assert xorsat(checks, right).solutions == a.solutions


def test_a_contradiction_by_hand():
    x = xorsat([[1, 1, 0], [0, 1, 1], [1, 0, 1]], [1, 0, 0])
    assert not x.satisfiable and x.solutions == 0 and x.solution() is None and x.rank == 2
    y = xorsat([[1, 1, 0], [0, 1, 1], [1, 0, 1]], [1, 0, 1])
    assert y.satisfiable and y.solutions == 2 and y.word().tolist() == [0, 1, 4, 1, 2, 3, 0, 2, 4, 6]
    assert (
        x.word()[-1] == 5
        and xorsat(np.zeros((1, 2), int), [1]).solutions == 0
        and xorsat(np.zeros((0, 2), int), []).solutions == 4
    )


@given(SMALL)
def test_the_core_is_the_largest_part_without_private_variables_and_decides(drawn):
    n, m, k, seed = drawn
    a = random_xorsat(n, min(m, 8), k, np.random.default_rng(seed))
    clauses, variables = a.core()
    degree = a.checks[clauses].sum(0)
    assert not (degree == 1).any() and (np.flatnonzero(degree) == variables).all()
    stopping = [s for s in every(len(a.checks)).astype(bool) if not (a.checks[s].sum(0) == 1).any()]
    assert set(clauses) == set(np.flatnonzero(np.any(stopping, axis=0)))  # the union of all such parts is one
    assert xorsat(a.checks[clauses], a.right[clauses]).satisfiable == a.satisfiable


# Thresholds


@pytest.mark.parametrize(
    ("k", "clustering", "satisfiability"), [(3, 0.818469, 0.917935), (4, 0.772280, 0.976770)]
)
def test_thresholds_are_the_published_ones(k, clustering, satisfiability):
    found = xorsat_thresholds(k)
    assert found.clustering == pytest.approx(clustering, abs=1e-6) and found.satisfiability == pytest.approx(
        satisfiability, abs=1e-6
    )


@pytest.mark.parametrize("k", [3, 5])
def test_thresholds_are_those_of_the_fixed_point(k):
    """By another route: iteration at a density, not the density of a fixed point."""
    found = xorsat_thresholds(k)
    assert fixed_point(found.clustering - 1e-3, k) == 0 and fixed_point(found.clustering + 1e-3, k) > 0.5
    Q = fixed_point(0.95, k)
    assert density(Q, k) == pytest.approx(0.95)
    below, above = (core_size(fixed_point(found.satisfiability + step, k), k) for step in (-1e-3, 1e-3))
    assert below[0] > below[1] and above[0] < above[1]


@pytest.mark.thorough
def test_large_instances_change_where_they_should():
    """Cores appear with the size that the fixed point says; solutions vanish. 5 standard deviations at n =
    3000: sqrt(n) each.
    """
    rng, n = np.random.default_rng(0), 3000
    assert len(random_xorsat(n, int(0.78 * n), 3, rng).core()[0]) == 0
    clauses, variables = random_xorsat(n, int(0.88 * n), 3, rng).core()
    expected = core_size(fixed_point(0.88, 3), 3)
    assert abs(len(variables) - n * expected[0]) < 5 * math.sqrt(n) and abs(
        len(clauses) - n * expected[1]
    ) < 5 * math.sqrt(n)
    small = 500
    assert all(random_xorsat(small, int(0.84 * small), 3, rng).satisfiable for _ in range(5))
    assert not any(random_xorsat(small, int(1.0 * small), 3, rng).satisfiable for _ in range(5))


@pytest.mark.thorough
def test_dense_consistency():
    """Against all systems of two equations in two variables, and dense draws at n = 20 (four standard
    errors).
    """
    systems = [
        xorsat(np.array(bits[:4]).reshape(2, 2), bits[4:]).satisfiable for bits in product((0, 1), repeat=6)
    ]
    assert (
        dense_consistency(2, 2) == pytest.approx(np.mean(systems))
        and dense_consistency(5, 0) == 1
        and dense_consistency(0, 3) == 1 / 8
    )
    rng = np.random.default_rng(0)
    for m in (16, 20, 24):
        p = dense_consistency(20, m)
        drawn = np.mean(
            [xorsat(rng.integers(2, size=(m, 20)), rng.integers(2, size=m)).satisfiable for _ in range(400)]
        )
        assert abs(drawn - p) < 4 * math.sqrt(p * (1 - p) / 400)
    values = [dense_consistency(20, m) for m in range(30)]
    assert (np.diff(values) < 0).all() and values[20] == pytest.approx(0.61, abs=0.005)


# The stream


@pytest.fixture(scope="module")
def equations():
    return xorsat_stream(n=4, k=2)


def test_verdicts_are_exact(equations):
    """Every word that is drawn says of its equations, since the last contradiction, what elimination says of
    them.
    """
    left = [[int(v in pair) for v in range(4)] for pair in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))]
    words = processes.sample(equations, (60, 24), np.random.default_rng(0))
    contradictions = 0
    for word in words:
        checks, right = [], []
        for token, verdict in word.reshape(-1, 2):
            checks.append(left[token // 2])
            right.append(token % 2)
            satisfiable = xorsat(checks, right).satisfiable
            assert verdict == (12 if satisfiable else 13)
            if not satisfiable:
                contradictions += 1
                checks, right = [], []
    assert contradictions > 60


def test_probability_of_a_verdict_is_that_of_random_instances(equations):
    """P(three equations satisfiable) against all 12^3 of them."""
    chain, belief, alive = equations.T, equations.start, 1.0
    for _ in range(3):
        due = belief @ chain[:12].sum(0)
        good = due @ chain[12]
        alive, belief = alive * good.sum(), good / good.sum()
    pairs = [[int(v in pair) for v in range(4)] for pair in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))]
    exact = [
        xorsat([pairs[t // 2] for t in three], [t % 2 for t in three]).satisfiable
        for three in product(range(12), repeat=3)
    ]
    assert alive == pytest.approx(np.mean(exact), abs=1e-12) and 0.5 < alive < 1


def test_the_law_after_an_equation_is_its_verdict(equations):
    words = processes.sample(equations, (50, 11), np.random.default_rng(1))
    distribution = processes.predict(equations, processes.filter(equations, words).belief)
    np.testing.assert_allclose(distribution[:, ::2].max(-1), 1)
    np.testing.assert_allclose(distribution[:, 1::2, :12], 1 / 12)
    assert (distribution[:, ::2, 12:].sum(-1) > 1 - 1e-12).all()


def test_the_stream_has_a_name_and_can_be_learned():
    process = named("xorsat(n=4, k=3)")
    assert (
        process.vocab == 10 and process.n_states == 163
    )  # 3^4 spans (each of four left sides out, or with one of two right sides), twice, and 1
    model = toy.TransformerConfig(vocab=10, n_ctx=8, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=0)
    assert train.Recipe(
        "xorsat(n=4, k=3)", model, "expected", train.Optimiser("adam", 1e-3), steps=10, batch=8, seeds=1
    ).hash


# The decision problem


@pytest.mark.thorough
@pytest.mark.parametrize(("n", "k", "m"), [(4, 2, 3), (6, 3, 8), (30, 3, 29), (9, 1, 5), (5, 5, 4)])
def test_the_device_draws_what_elimination_says(n, k, m):
    made, batch = instances(n=n, k=k, m=m), 2000
    tokens, verdict, distribution = jax.tree.map(
        np.asarray, jax.jit(sampler(made).draw, static_argnums=1)(jax.random.key(0), batch)
    )
    assert tokens.shape == (batch, m) and tokens.min() >= 0 and tokens.max() < made.equations
    verdict, distribution = verdict[:, 0], distribution[:, 0]  # of one answer
    np.testing.assert_array_equal(distribution, made.next_token(tokens))
    np.testing.assert_array_equal(verdict, distribution.argmax(1))
    for word, told in zip(tokens[:100], verdict, strict=False):  # another elimination, by columns
        assert told == made.equations + (not made.instance(word).satisfiable)
    spread = np.bincount(tokens.ravel(), minlength=made.equations) - tokens.size / made.equations
    assert (
        np.abs(spread) < 6 * math.sqrt(tokens.size / made.equations)
    ).all()  # six standard errors of a count


@given(SMALL)
def test_eliminated(drawn):
    n, m, k, seed = drawn
    a = random_xorsat(n, m, k, np.random.default_rng(seed))
    rows = gf2.eliminated(((a.checks @ (2 << np.arange(n))) + a.right).astype(np.uint32))
    rank, consistent = gf2.rank(rows), gf2.consistent(rows)
    assert (int(rank), bool(consistent)) == (a.rank, a.satisfiable)


def test_words_by_hand():
    made = instances(n=3, k=2, m=3)  # 0 01=0, 1 01=1, 2 02=0, 3 02=1, 4 12=0, 5 12=1; 6 yes, 7 no
    assert made.next_token(np.array([[0, 2, 4], [0, 2, 5], [0, 1, 2], [1, 1, 1]]))[:, 6:].tolist() == [
        [1, 0],
        [0, 1],
        [0, 1],
        [1, 0],
    ]
    assert made.instance(np.array([0, 2, 5])).checks.tolist() == [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    np.testing.assert_allclose(made.next_token(np.array([3])), [1 / 6] * 6 + [0, 0])
    words = made.sample(400, np.random.default_rng(0))
    assert (words[:, 3] == 7 - made.satisfiable(words)).all() and len(set(words[:, 3])) == 2
    for bad, told in (([[6, 0, 0]], "no equation"), ([[0, 0, 0, 6]], "nothing follows")):
        with pytest.raises(ProcessError, match=told):
            made.next_token(np.array(bad))


@pytest.mark.parametrize(("n", "k", "m"), [(4, 2, 3), (4, 3, 4), (3, 1, 4)])
def test_probability_of_satisfiability_is_that_of_all_words(n, k, m, monkeypatch):
    made = instances(n=n, k=k, m=m)
    share = made.satisfiable(np.array(list(product(range(made.equations), repeat=m)))).mean()
    p, error = made.consistency()
    assert error is None and p == pytest.approx(share, abs=1e-12) and 0 < p < 1
    monkeypatch.setattr(sys.modules["processes.tasks.xorsat_instances"], "MOST_SPANS", 1)
    p, error = made.consistency()
    assert error is not None and abs(p - share) < 4 * error  # four standard errors


def test_mean_number_of_solutions_and_card():
    made = instances(n=4, k=2, m=2)
    words = product(range(made.equations), repeat=2)
    assert made.card()["mean number of solutions"] == pytest.approx(
        np.mean([made.instance(np.array(w)).solutions for w in words])
    )
    card = instances(n=10, k=3, m=9).card()
    p, guess = card["P(satisfiable)"], card["accuracy of a constant guess"]
    assert "drawn" in card["P(satisfiable) is"] and p == guess and card["equations per variable"] == 0.9
    assert card["entropy of the verdict, nats"] == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p))
    assert (
        card["clustering threshold, large n"],
        card["satisfiability threshold, large n"],
    ) == pytest.approx((0.818469, 0.917935), abs=1e-6)
    assert "exact" in made.card()["P(satisfiable) is"] and "clustering threshold, large n" not in made.card()


def decision(objective="sampled", n_ctx=2, **changes):
    model = toy.TransformerConfig(
        vocab=4, n_ctx=n_ctx, n_layers=1, n_heads=2, d_model=16, d_head=16, d_mlp=64, activation="gelu"
    )
    asked = dict(process="xorsat(n=3, k=3, m=2)", steps=150, batch=64, seeds=1, checkpoints=2) | changes
    return train.Recipe(model=model, objective=objective, optimiser=train.Optimiser("adam", 3e-3), **asked)


@pytest.mark.thorough
def test_networks_learn_whether_two_equations_agree():
    """One left side, two right sides: satisfiable if they are equal, an exclusive or."""
    last = [*train.fit(decision())][-1].state
    excess, loss = np.asarray(last.excess)[0], np.asarray(last.loss)[0]
    np.testing.assert_allclose(
        excess, loss, rtol=1e-3, atol=1e-6
    )  # the floor is zero, and what is drawn is what is sure
    assert (
        excess[-20:].mean()
        < 0.1 * processes.source(decision().process).card()["entropy of the verdict, nats"]
    )


def test_recipes_of_instances():
    digests = {
        processes.source(f"xorsat(n={n}, k={k}, m={m})").digest for n, k, m in product((5, 6), (2, 3), (3, 4))
    }
    assert len(digests) == 8 and processes.source(" xorsat( m=4,n=5, k=2 )").digest in digests
    assert train.recipe.from_json(decision().to_json()).hash == decision().hash
    for bad, told in (
        (dict(objective="stratified"), "too many prefixes for the stratified"),
        (dict(n_ctx=3), "after 2 tokens"),
    ):
        with pytest.raises(train.RecipeError, match=told):
            decision(**bad)
    with pytest.raises(ProcessError, match="needs a process"):
        decision().ground_truth()


def test_the_command_prints_or_refuses_instances(capsys):
    assert main(["process", "xorsat(n=6, k=3, m=5)"]) == 0
    assert "P(satisfiable)" in capsys.readouterr().out
    assert main(["process", "xorsat(n=6, k=3, m=5)", "--figure", "x.png"]) == 2


def test_readers_of_few_equations():
    """Who combines all equations knows the verdict; who combines two knows that equations of opposite right
    sides contradict each other, no more.
    """
    made = processes.source("xorsat(n=5, k=3, m=6)")
    words = made.sample(500, np.random.default_rng(0))
    assert benchmark.reader(made, words, 6) == (1.0, 0.0)
    opposite = np.array([any(t ^ 1 in word for t in word) for word in words[:, :6].tolist()])
    p = made.satisfiable(words[~opposite]).mean()
    expected = (
        (opposite.sum() + max(p, 1 - p) * (~opposite).sum()) / 500,
        (~opposite).mean() * benchmark.entropy(p),
    )
    assert benchmark.reader(made, words, 2) == pytest.approx(expected) and 0 < expected[
        1
    ] < benchmark.entropy(made.satisfiable(words).mean())


def test_the_page_of_the_benchmark_is_rendered_from_its_trials():
    page = benchmark.PAGE.read_text()
    assert filled(page, benchmark.table(benchmark.history())) == page and len(benchmark.history()) > 2


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: random_xorsat(3, 1, 4, np.random.default_rng(0)), "k is 4 of 3"),
        (lambda: random_xorsat(3, -1, 2, np.random.default_rng(0)), "m is -1"),
        (lambda: xorsat([[0, 2]], [1]), "0/1"),
        (lambda: xorsat([[0, 1]], [1, 0]), "shape"),
        (lambda: xorsat_thresholds(2), "k is 2"),
        (lambda: dense_consistency(-1, 2), "0 or more"),
        (lambda: named("xorsat(n=7, k=3)"), "too many"),
        (lambda: named("xorsat(n=2, k=3)"), "k is 3 of 2"),
        (lambda: processes.source("xorsat(n=2, k=3, m=4)"), "k is 3 of 2"),
        (lambda: processes.source("xorsat(n=4, k=3, m=0)"), "m is 0"),
        (lambda: processes.source("xorsat(n=4, k=3, m=201)"), "m is 201"),
        (lambda: processes.source("xorsat(n=31, k=3, m=9)"), "n is 31"),
        (lambda: processes.source("xorsat(n=30, k=15, m=9)"), "vocabulary of 310235042"),
        (lambda: processes.source("xorsat(n=4, m=9)"), "cannot read"),
        (lambda: processes.source("xorsat(n=4, k=3, m=9, p=1)"), "cannot read"),
        (lambda: processes.source("xorsat(n=4, k=three, m=9)"), "cannot read"),
    ],
)
def test_errors(call, reason):
    with pytest.raises(ProcessError, match=reason):
        call()
