"""Training: objectives, sampling, the loop, run folders."""

import contextlib
import json
from dataclasses import replace

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from oracles.estimates import z_scores

import processes
import toy
import train
from train import Optimiser, Recipe, RunError
from train.runs import checkpoints
from train.tables import next_token_distributions

SIGMAS = 5  # a two-sided five-sigma test fails by chance once in two million


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["rrxor", "mess3", "zero_one_random", "sns", "moon", "bloch_walk"])
def test_samples_have_the_distribution_of_words(name):
    process = processes.named(name)
    n, length = 40_000, 4
    words = np.asarray(train.sample(train.tables(process), jax.random.key(0), n, length))
    tree = processes.prefix_tree(process, length)
    last = tree.level(length)
    code = tree.words[last] @ process.vocab ** np.arange(length)
    counts = np.bincount(words @ process.vocab ** np.arange(length), minlength=process.vocab**length)
    p = tree.probability[last]
    assert counts[code].sum() == n  # no impossible word is ever drawn
    assert (np.abs(counts[code] / n - p) < SIGMAS * np.sqrt(p * (1 - p) / n)).all()


def test_device_filtering_is_exact_filtering(rrxor):
    words = processes.prefix_tree(rrxor, 8)
    words = words.words[words.level(8)]
    distributions = next_token_distributions(train.tables(rrxor), jnp.asarray(words))
    exact = processes.predict(rrxor, processes.filter(rrxor, words).belief)
    assert np.abs(distributions - exact).max() < 1e-5  # float32, eight steps


@pytest.fixture(scope="module")
def three(recipe):
    """Gradients of the three objectives at one point: the exact one, and many estimates of the two others."""
    small = recipe.model
    network = toy.network(small)
    params = network.init(jax.random.key(1))
    keys = jax.random.split(jax.random.key(2), 400)

    def gradient(name):
        recipe = Recipe(
            "rrxor", small, name, Optimiser("sgd", 0.1), 1, None if name == "population" else 32, 1
        )
        loss = train.objective(recipe.objective, recipe.batch, network)
        data = jax.tree.map(lambda leaf: leaf[0], train.data(recipe))

        def flat(key):
            return jax.flatten_util.ravel_pytree(jax.grad(lambda p: loss(p, key, data).loss)(params))[0]

        drawn = keys[:1] if name == "population" else keys
        found = np.asarray(jax.jit(lambda: jax.lax.map(flat, drawn))(), np.float64)
        return found[0] if name == "population" else found

    return {name: gradient(name) for name in ("population", "expected", "sampled")}


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["expected", "sampled"])
def test_the_three_objectives_have_one_expected_gradient(three, name):
    assert np.abs(z_scores(three[name], three["population"])).max() < SIGMAS


@pytest.mark.thorough
def test_a_planted_bias_is_caught(three):
    assert np.abs(z_scores(1.1 * three["expected"], three["population"])).max() > SIGMAS


@pytest.mark.thorough
def test_averaging_out_the_next_token_lowers_the_variance(three):
    assert three["expected"].var(0).sum() < 0.8 * three["sampled"].var(0).sum()


def test_population_excess_is_loss_minus_floor(recipe, rrxor):
    recipe = replace(recipe, objective="population", batch=None)
    network = toy.network(recipe.model)
    loss = train.objective("population", None, network)
    value = loss(
        network.init(jax.random.key(0)),
        jax.random.key(0),
        jax.tree.map(lambda leaf: leaf[0], train.data(recipe)),
    )
    floor = processes.floor_by_position(rrxor, recipe.model.n_ctx).mean()
    assert float(value.loss - value.excess) == pytest.approx(floor, abs=1e-5)


def finished(recipe, **kwargs):
    return list(train.fit(recipe, **kwargs))[-1].state


@pytest.mark.parametrize("objective", ["expected", "sampled", "population"])
def test_training_lowers_the_loss(recipe, objective):
    batch = None if objective == "population" else 16
    state = finished(replace(recipe, objective=objective, batch=batch))
    excess = np.asarray(state.excess)
    assert excess.shape == (2, 60) and np.isfinite(excess).all()
    assert (excess[:, -10:].mean(1) < 0.8 * excess[:, :5].mean(1)).all()


NEW_KINDS = {
    "gru": (lambda small: toy.RecurrentConfig(2, 6, 1, 16, "gru"), "expected"),
    "lstm": (lambda small: toy.RecurrentConfig(2, 6, 1, 16, "lstm"), "population"),
    "decay": (lambda small: replace(small, mixer="decay", n_layers=1), "expected"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", NEW_KINDS)
def test_every_kind_of_network_learns(recipe, small, kind):
    make, objective = NEW_KINDS[kind]
    batch = None if objective == "population" else 16
    tiny = replace(
        recipe,
        model=make(small),
        objective=objective,
        batch=batch,
        seeds=1,
        optimiser=Optimiser("adam", 1e-2),
        steps=60,
    )
    excess = np.asarray(finished(tiny).excess)
    assert (excess[:, -10:].mean(1) < 0.8 * excess[:, :5].mean(1)).all()


def same_bits(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_where_training_stops_in_between_changes_no_bit(recipe):
    assert same_bits(finished(recipe), finished(recipe, stops=(1, 7, 33), report_every=0.0))


def test_a_seed_does_not_depend_on_its_neighbours(recipe):
    both, second = finished(recipe), finished(replace(recipe, seeds=1, first_seed=1))
    assert same_bits(jax.tree.map(lambda leaf: leaf[1:], both.params), second.params)


def test_seeds_differ(recipe):
    state = finished(recipe)
    assert not np.array_equal(state.excess[0], state.excess[1])


@pytest.mark.thorough
def test_an_interrupted_run_ends_with_the_same_bits(recipe, tmp_path):
    whole = train.open_run(tmp_path / "whole", recipe)
    for _ in whole.train():
        pass
    for _ in range(3):
        cut = train.open_run(tmp_path / "cut", recipe)
        with contextlib.closing(cut.train()) as steps:
            next(steps, None)
            next(steps, None)
    assert not cut.finished and cut.checkpoint_steps == whole.checkpoint_steps
    cut = train.open_run(tmp_path / "cut", recipe)
    for _ in cut.train():
        pass
    assert cut.finished
    assert all(np.array_equal(cut.history()[k], whole.history()[k]) for k in ("loss", "excess"))
    for step in whole.checkpoint_steps:
        assert same_bits(cut.params(step), whole.params(step))


def test_an_interrupt_in_the_loop_keeps_what_was_computed(recipe, tmp_path, monkeypatch):
    run = train.open_run(tmp_path / "run", recipe)

    def interrupted(*args, **kwargs):
        for n, progress in enumerate(train.fit(*args, **kwargs)):
            if n == 2:
                raise KeyboardInterrupt
            yield progress

    monkeypatch.setattr("train.runs.run.fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for progress in run.train():
            reached = progress.step
    assert max(checkpoints.steps(run.path / "resume")) == reached > 0


def test_fresh_forgets_the_run_and_nothing_else(recipe, tmp_path):
    folder = tmp_path / "run"
    run = train.open_run(folder, recipe)
    with contextlib.closing(run.train()) as steps:
        next(steps)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"'notes.txt', which is not the run's"):
        train.open_run(folder, recipe, fresh=True)
    assert (folder / "checkpoints").exists() and (folder / "notes.txt").read_text() == "mine"
    (folder / "notes.txt").unlink()
    elsewhere = tmp_path / "figures"
    elsewhere.mkdir()
    (elsewhere / "kept.png").write_text("x")
    (folder / "figures").symlink_to(elsewhere)
    train.open_run(folder, recipe, fresh=True)
    assert {p.name for p in folder.iterdir()} == {"recipe.json", ".lock"} and (
        elsewhere / "kept.png"
    ).exists()


@pytest.mark.thorough
@pytest.mark.parametrize("checkpoints", [2, 3, 5])
def test_the_first_and_the_last_parameters_are_always_kept(recipe, tmp_path, checkpoints):
    run = train.open_run(tmp_path / "run", replace(recipe, checkpoints=checkpoints, steps=6))
    assert (
        run.checkpoint_steps[0] == 0
        and run.checkpoint_steps[-1] == 6
        and len(run.checkpoint_steps) == checkpoints
    )
    for _ in run.train():
        pass
    assert not same_bits(run.params(0), run.params())


def test_a_stop_while_parameters_are_written_loses_none(recipe, tmp_path, monkeypatch):
    from train.runs import checkpoints

    run, write = train.open_run(tmp_path / "run", recipe), checkpoints.write

    def stopped(folder, step, tree):
        if step == run.checkpoint_steps[2] and folder.name == "checkpoints":
            raise KeyboardInterrupt
        write(folder, step, tree)

    monkeypatch.setattr(checkpoints, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        list(run.train())
    monkeypatch.undo()
    list(run.train())
    assert run.finished and all(run.params(step) is not None for step in run.checkpoint_steps)


@pytest.mark.thorough
def test_training_goes_on_after_a_damaged_checkpoint_and_ends_with_the_same_bits(recipe, tmp_path):
    whole, cut = train.open_run(tmp_path / "whole", recipe), train.open_run(tmp_path / "cut", recipe)
    list(whole.train())
    for _ in range(2):
        with contextlib.closing(cut.train()) as steps:
            for _, _progress in zip(range(3), steps, strict=False):
                pass
    latest = max((cut.path / "resume").iterdir(), key=lambda p: int(p.stem))
    latest.write_bytes(b"")
    list(cut.train())
    assert cut.finished and same_bits(cut.params(), whole.params())


@pytest.mark.thorough
def test_the_step_size_warms_up_and_falls_to_zero():
    import optax

    from train.schedule import optimiser, rates

    settings = Optimiser("sgd", 1.0, warmup=4, schedule="cosine")
    tx = optimiser(settings, rates(settings, 12))
    one = jnp.ones(())
    state, sizes = tx.init(one), []
    for _ in range(12):
        update, state = tx.update(one, state)
        sizes.append(-float(update))
    np.testing.assert_allclose(sizes[:4], [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(sizes[4:], (1 + np.cos(np.pi * np.arange(8) / 8)) / 2, atol=1e-6)
    assert isinstance(tx, optax.GradientTransformation)


def test_a_damaged_checkpoint_falls_back_to_the_one_before_then_to_a_sentence(recipe, tmp_path):
    run = train.open_run(tmp_path / "run", recipe)
    for _ in range(2):
        with contextlib.closing(run.train()) as steps:
            for _, _progress in zip(range(3), steps, strict=False):
                pass
    kept = sorted((run.path / "resume").iterdir(), key=lambda p: int(p.stem))
    assert len(kept) == 2
    for n, file in enumerate(reversed(kept)):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        if n == 0:
            assert checkpoints.latest_state(run.path, run.checkpoint_steps)[0] == int(kept[0].stem)
    with pytest.raises(RunError, match="no checkpoint in .* can be read"):
        checkpoints.latest_state(run.path, run.checkpoint_steps)


@pytest.mark.slow
def test_seeds_spread_over_devices_train_the_same_networks(recipe):
    """Three seeds on two host devices (so one is padding) against one device, in processes of their own."""
    import subprocess
    import sys
    from pathlib import Path

    code = """
import sys, json, numpy as np, train
from train.recipe import from_json
from train.runs import checkpoints
train.use_all_cores(int(sys.argv[1]))
for p in train.fit(from_json(json.loads(sys.argv[2]))): pass
import jax
import jax.flatten_util
assert jax.local_device_count() == int(sys.argv[1])
print(json.dumps(np.asarray(p.state.excess, float)[:, -1].tolist()))
"""
    spec = json.dumps(replace(recipe, seeds=3, steps=20).to_json())
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code, str(n), spec],
                capture_output=True,
                text=True,
                check=True,
                cwd=Path(__file__).parents[2],
            ).stdout
        )
        for n in (1, 2)
    ]
    # The programs differ in how matrix products are split over threads: float32 roundings, grown over 20
    # steps.
    np.testing.assert_allclose(*found, rtol=1e-3)


@pytest.mark.thorough
def test_a_store_trains_a_recipe_once(recipe, tmp_path):
    seen = []
    run = train.obtain(replace(recipe, steps=6), tmp_path, seen.append)
    assert run.finished and run.path == tmp_path / run.recipe.hash and seen[-1].step == 6
    again = train.obtain(replace(recipe, steps=6), tmp_path, lambda progress: pytest.fail("trained again"))
    assert again.path == run.path
