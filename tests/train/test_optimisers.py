"""Optimisers: what a recipe may say of them, what they compute, and that each of them learns."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toy
import train
from toy.inputs import by_path
from train import Optimiser, Origin, RecipeError
from train.objectives import divergence
from train.recipe import from_json
from train.schedule import Rates, groups, optimiser, pack, rates, step_size, unpack

GIVEN = {
    "adam": {"b1": 0.8, "b2": 0.95, "clip": 1.0},
    "adamw": {"weight_decay": 0.1},
    "sgd": {"momentum": 0.9},
    "muon": {"momentum": 0.9, "vector_rate": 0.5, "weight_decay": 0.01, "clip": 1.0},
}
"""Of each optimiser of first order, fields that are not its defaults."""
TINY = toy.TransformerConfig(vocab=2, n_ctx=4, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=16)
RECIPE = train.Recipe(
    "rrxor", TINY, "population", Optimiser("adam", 1e-2, 5, "cosine"), steps=40, batch=None, seeds=1
)


def trained(recipe, state=None):
    *_, last = train.fit(recipe, state, report_every=10.0)
    return last.state


def test_defaults_given_or_not_are_one_recipe():
    plain = Optimiser("muon", 1e-2)
    assert Optimiser("muon", 1e-2, b1=0.9, momentum=0.95, vector_rate=0.2) == plain
    assert plain.value("momentum") == 0.95 and plain.value("clip") is None
    assert set(replace(RECIPE, optimiser=plain).to_json()["optimiser"]) == {
        "name",
        "learning_rate",
        "warmup",
        "schedule",
    }


@pytest.mark.parametrize("name", GIVEN)
def test_every_field_that_is_given_makes_another_recipe_and_is_read_back(name):
    recipes = [
        replace(RECIPE, optimiser=Optimiser(name, 1e-2, 5, "cosine", **given))
        for given in ({}, *({field: value} for field, value in GIVEN[name].items()))
    ]
    assert len({recipe.hash for recipe in recipes}) == len(recipes)
    assert [from_json(recipe.to_json()) for recipe in recipes] == recipes


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (
            dict(name="adam", momentum=0.9),
            "momentum is 0.9, but adam .* it is for the update rules sgd, muon",
        ),
        (dict(name="sgd", memory=3), "memory is 3, .* lbfgs"),
        (dict(name="adam", decay=0.1), "decay is 0.1, .* the schedule wsd"),
        (dict(name="adam", b1=1.0), "b1 is 1.0; it must be at least 0 and below 1"),
        (dict(name="adamw", weight_decay=-1.0), "weight_decay is -1.0; it must be at least 0"),
        (dict(name="muon", vector_rate=0.0), "vector_rate is 0.0; it must be above 0"),
        (dict(name="sgd", clip=-1.0), "clip is -1.0; it must be above 0"),
        (dict(name="adam", schedule="wsd", decay=1.5), "decay is 1.5; it must be above 0 and at most 1"),
        (dict(name="lbfgs", memory=0), "memory is 0; it must be at least 1"),
        (dict(name="lbfgs", warmup=3), "it finds its step by a line search"),
    ],
)
def test_what_an_optimiser_does_not_know_is_refused(given, what):
    with pytest.raises(RecipeError, match=what):
        Optimiser(**{"learning_rate": 1.0, **given})


@pytest.mark.parametrize("objective", ["sampled", "expected", "stratified"])
def test_a_line_search_wants_a_loss_without_noise(objective):
    with pytest.raises(RecipeError, match=f"lbfgs needs a loss without noise, but the {objective}"):
        replace(RECIPE, objective=objective, batch=4, optimiser=Optimiser("lbfgs", 1.0))


def test_a_line_search_moves_all_parameters():
    with pytest.raises(RecipeError, match="but unembed are frozen"):
        replace(train.finish(RECIPE, 5), origin=Origin(RECIPE, frozen=("unembed",)))


@pytest.mark.thorough
def test_schedules_rise_stay_and_fall():
    def sizes(schedule, **given):
        settings = Optimiser("sgd", 2.0, 4, schedule, **given)
        return np.array([step_size(settings, rates(settings, 20))(jnp.int32(n)) for n in range(20)])

    rise = [0.5, 1, 1.5, 2]
    for schedule in ("constant", "cosine", "linear", "wsd"):
        np.testing.assert_allclose(sizes(schedule)[:4], rise)
    np.testing.assert_allclose(sizes("constant")[4:], 2)
    np.testing.assert_allclose(sizes("linear")[4:], 2 * (1 - np.arange(16) / 16), rtol=1e-6)
    np.testing.assert_allclose(sizes("cosine")[4:], 1 + np.cos(np.pi * np.arange(16) / 16), atol=1e-6)
    np.testing.assert_allclose(sizes("wsd", decay=0.5)[4:], [2] * 7 + [2 * k / 10 for k in range(9, 0, -1)])


@pytest.mark.thorough
def test_packing_keeps_every_parameter_in_its_place():
    params = toy.network(TINY).init(train.key(0))
    assert [path for paths in groups(params).values() for path in paths if path.startswith("unembed")] == [
        path for path in groups(params)["vectors"] if path.startswith("unembed")
    ]
    assert by_path(params).keys() == {path for paths in groups(params).values() for path in paths}
    jax.tree.map(np.testing.assert_array_equal, unpack(pack(params), params), params)


@pytest.mark.thorough
def test_muon_on_stacks_is_muon_on_each_matrix():
    """Optax's own, told matrix by matrix which is whose."""
    settings, given = Optimiser("muon", 1e-2, weight_decay=0.1), Rates(jnp.float32(1e-2), 0, 10)
    params = toy.network(replace(TINY, n_layers=2)).init(train.key(0))
    ours = optimiser(settings, given)
    of_adam = groups(params)["vectors"]
    matrix = optax.contrib.MuonDimensionNumbers()
    dimensions = jax.tree.unflatten(
        jax.tree.structure(params), [None if path in of_adam else matrix for path in by_path(params)]
    )
    theirs = optax.contrib.muon(
        1e-2,
        weight_decay=0.1,
        adam_learning_rate=2e-3,
        muon_weight_dimension_numbers=lambda _: dimensions,
    )
    states, stepped = [ours.init(params), theirs.init(params)], []
    for seed in range(3):
        keys = jax.random.split(train.key(seed), len(jax.tree.leaves(params)))
        grads = jax.tree.unflatten(
            jax.tree.structure(params),
            [jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, jax.tree.leaves(params), strict=True)],
        )
        stepped = []
        for i, tx in enumerate((ours, theirs)):
            updates, states[i] = jax.jit(tx.update)(grads, states[i], params)
            stepped.append(updates)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7), *stepped)


@pytest.mark.thorough
@pytest.mark.parametrize("name", GIVEN)
def test_every_optimiser_learns(name):
    rate = {"sgd": 0.3}.get(name, 1e-2)
    state = trained(replace(RECIPE, optimiser=Optimiser(name, rate, 5, "wsd", **GIVEN[name])))
    assert state.excess[0, -1] < 0.7 * state.excess[0, 0]


def test_divergence_has_digits_where_a_difference_of_entropies_has_none():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 200)
    p[:50] = [0.25, 0.75, 0]
    for size in (1e-6, 1e-4, 1e-2, 1.0, 30.0):
        logits = np.log(np.maximum(p, 1e-9)) + size * rng.normal(size=p.shape)
        log_q = (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)
        p32 = p.astype(np.float32)
        d = np.where(
            p32 > 0, log_q.astype(np.float64) - np.log(np.where(p32 > 0, p32, 1), dtype=np.float64), 0
        )
        exact = np.where(p32 > 0, p32 * (np.expm1(d) - d), np.exp(log_q, dtype=np.float64)).sum(1)
        # log q - log p is rounded to 1e-7 of a logarithm before anything is done with it
        found = divergence(jnp.asarray(p32), jnp.asarray(log_q))
        np.testing.assert_allclose(found, exact, rtol=1e-4, atol=4e-7 * min(size, 1) + 1e-13)


def test_divergence_has_the_gradient_of_the_cross_entropy():
    p = jnp.array([[0.25, 0.75, 0.0], [0.2, 0.3, 0.5]])
    logits = jnp.array([[0.3, 0.1, -0.5], [-1.6, -1.2, -0.7]])

    def by(value):
        return jax.grad(lambda x: value(jax.nn.log_softmax(x)).sum())(logits)

    np.testing.assert_allclose(by(lambda q: divergence(p, q)), by(lambda q: -(p * q).sum(-1)), atol=2e-7)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("objective", "batch", "then"), [("population", None, "population"), ("expected", 8, "fixed")]
)
def test_a_finish_of_second_order_goes_on_where_its_origin_ended_and_never_rises(objective, batch, then):
    muon = Optimiser("muon", 1e-2, 5, "cosine")
    first = replace(RECIPE, process="golden_mean", objective=objective, batch=batch, optimiser=muon)
    there = trained(first)
    finish = train.finish(first, 40, batch=16)
    assert (finish.objective, finish.origin.recipe) == (then, first)
    begun = train.initial(finish, there.params)
    after = trained(finish, begun)
    excess = np.asarray(after.excess[0])
    if objective == "population":
        np.testing.assert_allclose(excess[0], there.excess[0, -1], rtol=0.05)
    assert np.all(np.diff(excess) <= 1e-3 * excess[:-1]) and excess[-1] < 0.2 * excess[0]
    np.testing.assert_allclose(after.loss[0] - after.excess[0], (after.loss - after.excess)[0, 0], rtol=1e-5)


@pytest.mark.thorough
def test_the_words_of_the_fixed_objective_are_the_same_in_every_step():
    """So with parameters that stay, the loss stays."""
    frozen = ("embed", "positions", "blocks", "norm", "unembed")
    still = replace(RECIPE, objective="fixed", batch=8, steps=6, origin=Origin(RECIPE, frozen=frozen))
    params = train.initial(RECIPE).params
    losses = {
        kind: np.asarray(trained(replace(still, objective=kind), train.initial(still, params)).loss[0])
        for kind in ("fixed", "stratified")
    }
    assert np.ptp(losses["fixed"]) == 0 and np.ptp(losses["stratified"]) > 0


@pytest.mark.thorough
def test_a_finished_search_keeps_nothing_that_it_remembered_and_a_cut_one_goes_on_to_the_same_bits(tmp_path):
    """Its memory is a hundred times the parameters: kept while it may be wanted, and no longer."""
    muon = Optimiser("muon", 1e-2, 5, "cosine")
    finish = train.finish(replace(RECIPE, process="golden_mean", objective="population", optimiser=muon), 40)
    whole = train.obtain(finish, tmp_path)
    assert list(whole.path.glob("resume/*")) == []
    cut = train.open_run(tmp_path / "cut", finish)
    steps = cut.train(train.open_run(tmp_path / finish.origin.recipe.hash).params())
    next(steps)
    steps.close()
    assert list(cut.path.glob("resume/*")) != [] and not cut.finished
    list(cut.train())
    assert list(cut.path.glob("resume/*")) == []
    for a, b in zip(jax.tree.leaves(cut.params()), jax.tree.leaves(whole.params()), strict=True):
        np.testing.assert_array_equal(a, b)
    (whole.path / "history.npz").unlink()
    list(whole.train())
    np.testing.assert_array_equal(whole.history()["excess"], cut.history()["excess"])


@pytest.mark.thorough
def test_a_search_that_finds_no_step_any_more_costs_nothing_and_ends_in_the_same_bits(monkeypatch):
    """Of two networks on coins, one knows nothing, and there is nothing to know."""
    first = replace(RECIPE, process="coin", seeds=2)
    finish = replace(train.finish(first, 20), optimiser=Optimiser("lbfgs", 1.0, memory=3))
    params = trained(first).params
    params["unembed"]["kernel"] = params["unembed"]["kernel"] * np.float32([[[0.0]], [[1.0]]])
    begun = train.initial(finish, params)
    rested = trained(finish, begun)
    monkeypatch.setattr(train.program, "_goes_on", lambda state, until: state.step < until)
    train.program.program.cache_clear()
    searched = trained(finish, begun)
    train.program.program.cache_clear()
    assert rested.opt_state[0].count.tolist() == [2, 20] and searched.opt_state[0].count.tolist() == [20, 20]
    assert (rested.excess[0] == 0).all() and rested.excess[1, -1] < rested.excess[1, 0]
    for name in ("params", "loss", "excess", "step"):
        leaves = (jax.tree.leaves(getattr(state, name)) for state in (rested, searched))
        for a, b in zip(*leaves, strict=True):
            np.testing.assert_array_equal(a, b)
