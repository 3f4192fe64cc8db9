"""The training engine: shared programs, devices and hosts, continuation from another run."""

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.flatten_util
import numpy as np
import pytest
from flax import nnx

import processes
import toy
import train
from toy.inputs import dotted
from toy.layers.fast_layers import LayerNorm, Linear
from train import Optimiser, Origin, Recipe, RecipeError, RunError
from train.objectives import data, objective
from train.program import program
from train.recipe import from_json
from train.shards import deal

FLOAT32 = dict(rtol=1e-3, atol=1e-6)
"""For the same training on other devices: sums in another order, float32 roundings of 1e-7, grown over ten
steps of Adam.
"""


@pytest.fixture(scope="module")
def short(recipe):
    return replace(recipe, steps=10, batch=12)


def finished(recipe, **kwargs):
    return list(train.fit(recipe, **kwargs))[-1].state


def same_bits(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def others(recipe):
    """Recipes of the same shape in which every number differs."""
    moved = replace(recipe, process="rrxor(p1=0.3, p2=0.6)", first_seed=3)
    return [recipe, moved, replace(recipe, optimiser=replace(recipe.optimiser, learning_rate=1e-2, warmup=3))]


@pytest.mark.thorough
@pytest.mark.parametrize("objective", ["expected", "population"])
def test_recipes_of_equal_shape_share_one_compilation_and_its_bits(short, objective):
    recipes = others(
        replace(short, objective=objective, batch=None if objective == "population" else short.batch)
    )
    alone = []
    for recipe in recipes:
        program.cache_clear()
        alone.append(finished(recipe))
    compiled = []
    # Its listeners cannot be taken away one by one, so this one goes deaf.
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event) if listening else None
    )
    listening = True
    program.cache_clear()
    shared, counts = [], []
    for recipe in recipes:
        shared.append(finished(recipe))
        counts.append(compiled.count("/jax/core/compile/backend_compile_duration"))
    listening = False
    assert counts[0] >= 1 and counts[-1] == counts[0]
    assert all(same_bits(a, b) for a, b in zip(alone, shared, strict=True))
    assert not same_bits(shared[0].params, shared[1].params) and not same_bits(
        shared[0].params, shared[2].params
    )


def gradients(recipe, shards, keys):
    """For every key the gradient as the sum over parts, as devices would add them."""
    network = toy.network(recipe.model)
    loss, parts = objective(recipe.objective, recipe.batch, network, shards), data(recipe, shards)
    params = network.init(jax.random.key(1))

    @jax.jit
    def one(part, shard, key):
        return jax.flatten_util.ravel_pytree(
            jax.grad(lambda p: loss(p, jax.random.key(key), part, shard).loss)(params)
        )[0]

    return [
        np.asarray(sum(one(jax.tree.map(lambda leaf, i=i: leaf[i], parts), i, key) for i in range(shards)))
        for key in keys
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["sampled", "expected", "population"])
def test_the_parts_of_a_step_add_up_to_the_whole(short, name):
    recipe = replace(short, objective=name, batch=None if name == "population" else 12)
    whole, other = gradients(recipe, 1, (0, 1))
    np.testing.assert_allclose(
        gradients(recipe, 3, (0,))[0], whole, rtol=1e-4, atol=1e-6
    )  # float32, a few hundred terms
    if name != "population":
        assert np.abs(other - whole).max() > 1e-4  # another batch is told apart


@pytest.mark.parametrize(("name", "n_ctx"), [("rrxor", 7), ("golden_mean:half", 6), ("mess3", 4)])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_dealt_tree_has_every_node_once_and_all_its_ancestors(name, n_ctx, n):
    process = processes.named(name)
    tree = train.packed(processes.prefix_tree(process, n_ctx), n_ctx).tree
    parts = deal(tree, n)
    assert sorted(parts.node[parts.owned]) == list(range(len(tree.ancestors)))
    for i in range(n):
        above, node = np.asarray(parts.tree.ancestors[i]), parts.node[i]
        real = np.flatnonzero(parts.owned[i])
        np.testing.assert_array_equal(
            np.where(above[real] >= 0, node[above[real]], -1), np.asarray(tree.ancestors)[node[real]]
        )
    if n == 2 and len(tree.ancestors) > 100:
        assert parts.node.shape[1] < 0.75 * len(tree.ancestors)


def test_a_mesh_that_does_not_fit_is_refused(short):
    with pytest.raises(RecipeError, match=r"data is 7; it must be at most \d"):
        train.mesh(short, data=7)


TRAIN = """
import sys, json, numpy as np, jax, train
from train.recipe import from_json
spec, n, address, hosts, host, folder = json.loads(sys.argv[1])
train.use_all_cores(n)
if hosts > 1: train.distribute(address, hosts, host)
recipe = from_json(spec)
run = train.open_run(folder, recipe)
seen = list(run.train())
import os
print(json.dumps(dict(
    devices=jax.device_count(), mesh=dict(train.mesh(recipe).shape), excess=np.asarray(seen[-1].state.excess,
    float).tolist(),
    wrote=host == 0 and run.finished,
    norm=float(sum(np.abs(leaf).sum() for leaf in jax.tree.leaves(seen[-1].state.params))),
)))
"""


def asked(
    recipe: Recipe, folder: Path, devices: int, address: str = "", hosts: int = 1, host: int = 0
) -> str:
    """What one of several processes is told that train a recipe together."""
    return json.dumps([recipe.to_json(), devices, address, hosts, host, str(folder / f"host{host}")])


def trained_by_two(recipe: Recipe, folder: Path) -> list[dict]:
    """What each of two hosts reports that train one recipe together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TRAIN, asked(recipe, folder, 1, address, 2, host)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for host in range(2)
    ]
    done = [process.communicate(timeout=300) for process in started]
    assert all(process.returncode == 0 for process in started), done
    return [json.loads(out.splitlines()[-1]) for out, _ in done]


@pytest.mark.thorough
@pytest.mark.parametrize("objective", ["expected", pytest.param("population", marks=pytest.mark.slow)])
def test_several_devices_train_the_same_networks(short, tmp_path, objective, forked):
    """Two seeds on four devices, so two share each seed's examples."""
    recipe = replace(short, objective=objective, batch=None if objective == "population" else 12)
    done = forked(TRAIN, asked(recipe, tmp_path, 4))
    assert done.returncode == 0, done
    several = json.loads(done.stdout.splitlines()[-1])
    assert several["mesh"] == {"seed": 2, "data": 2}
    np.testing.assert_allclose(several["excess"], finished(recipe).excess, **FLOAT32)


@pytest.mark.slow
def test_two_hosts_train_the_same_networks_and_one_writes_them(short, tmp_path):
    first, second = trained_by_two(replace(short, seeds=1), tmp_path)
    assert first["mesh"] == {"seed": 1, "data": 2} and first["devices"] == 2
    assert first["wrote"] and not (tmp_path / "host1").exists()
    assert first["excess"] == second["excess"] and first["norm"] == second["norm"]
    np.testing.assert_allclose(first["excess"], finished(replace(short, seeds=1)).excess, **FLOAT32)


def stage(recipe, **kwargs):
    return replace(recipe, process="rrxor(p1=0.3, p2=0.6)", origin=Origin(recipe, **kwargs))


def test_frozen_parameters_stay_and_fresh_ones_are_new(short, tmp_path):
    recipe = stage(short, fresh=("unembed",), frozen=("embed", "blocks.0"))
    run = train.obtain(recipe, tmp_path)
    before, start, end = train.open_run(tmp_path / short.hash).params(), run.params(0), run.params()
    for name in ("embed", "positions", "norm"):
        assert same_bits(start[name], before[name])
    assert not same_bits(start["unembed"], before["unembed"])
    assert not same_bits(
        start["unembed"], train.initial(short).params["unembed"]
    )  # drawn anew, not wound back
    flat = {dotted(k): v for k, v in jax.tree_util.tree_leaves_with_path(start)}
    for key, leaf in jax.tree_util.tree_leaves_with_path(end):
        path = dotted(key)
        assert np.array_equal(leaf, flat[path]) == path.startswith(("embed", "blocks.0")), path


@pytest.mark.thorough
def test_a_chain_of_origins_is_trained_and_resumed_to_the_same_bits(short, tmp_path):
    last = replace(short, origin=Origin(stage(short, frozen=("embed",))))
    whole = train.obtain(last, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    middle = train.open_run(tmp_path / last.origin.recipe.hash)
    assert same_bits(whole.params(0), middle.params())
    cut = train.open_run(tmp_path / "cut", last)
    steps = cut.train()
    next(steps)
    steps.close()
    list(cut.train())
    assert same_bits(cut.params(), whole.params())


def test_a_run_alone_starts_from_an_origin_that_is_finished_or_given(short, tmp_path):
    alone, given = (train.open_run(tmp_path / name, stage(short)) for name in ("alone", "given"))
    with pytest.raises(RunError, match=f"starts from {short.hash}, which is not finished.*train.obtain"):
        next(alone.train())
    assert not alone.begun
    origin = train.obtain(short, tmp_path)
    list(alone.train())
    list(given.train(origin.params()))
    assert same_bits(alone.params(0), origin.params()) and same_bits(alone.params(), given.params())


def test_origins_survive_json_and_change_the_hash(short):
    recipe = stage(short, fresh=("unembed",), frozen=("embed",))
    again = from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe and again.hash == recipe.hash
    hashes = {
        r.hash
        for r in (
            recipe,
            stage(short),
            stage(short, fresh=("unembed",)),
            stage(replace(short, steps=9)),
            replace(recipe, origin=None),
        )
    }
    assert len(hashes) == 5


@pytest.mark.thorough
def test_origins_that_cannot_be_continued_are_refused(short, tmp_path):
    with pytest.raises(RecipeError, match="the origin has 2 seeds from 0 but the recipe 1 from 0"):
        replace(short, seeds=1, origin=Origin(short))
    with pytest.raises(RecipeError, match="no parameters 'unembedd'.*nearest are 'unembed'"):
        train.obtain(stage(short, frozen=("unembedd",)), tmp_path)
    wide = replace(short, model=replace(short.model, d_mlp=40))
    with pytest.raises(RecipeError, match=r"'blocks.0.mlp.into.bias' have shape \(32,\), not \(40,\)"):
        train.obtain(replace(wide, origin=Origin(short)), tmp_path)
    assert not any(tmp_path.iterdir())  # refused before anything is made, and before the origin is trained
    assert train.initial(replace(wide, origin=Origin(short, fresh=("blocks",))), train.initial(short).params)
    with pytest.raises(RecipeError, match="has an origin"):
        train.initial(stage(short))


def test_other_optimisers_are_other_programs(short):
    assert not same_bits(
        finished(short).params, finished(replace(short, optimiser=Optimiser("sgd", 3e-3, 5, "cosine"))).params
    )


def test_our_layers_compute_what_those_of_nnx_do():
    x = 3 + jax.random.normal(jax.random.key(0), (4, 5, 8))
    pairs = [
        (
            LayerNorm(8, epsilon=1e-5, rngs=nnx.Rngs(0)),
            nnx.LayerNorm(8, epsilon=1e-5, use_fast_variance=False, rngs=nnx.Rngs(0)),
        ),
        (Linear(8, 3, rngs=nnx.Rngs(0)), nnx.Linear(8, 3, rngs=nnx.Rngs(0))),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-5)  # float32
    assert np.abs(pairs[0][0](x) - nnx.LayerNorm(8, epsilon=1e-1, rngs=nnx.Rngs(0))(x)).max() > 1e-3
