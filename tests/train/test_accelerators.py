"""What an accelerator is given: the seeds of a device as one batch, lowered for CUDA where there is none."""

import inspect
import json
from dataclasses import replace

import jax
import numpy as np
import pytest

import toy
import train
from train.fit import _laid_out, initial
from train.machine import devices
from train.program import form, program

SHAPE = toy.TransformerConfig(vocab=2, n_ctx=4, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=16)
ADAM = train.Recipe("rrxor", SHAPE, "expected", train.Optimiser("adam", 1e-2), steps=10, batch=8, seeds=2)
MUON = replace(ADAM, objective="population", batch=None, optimiser=train.Optimiser("muon", 1e-2))
RECIPES = {
    "adam": ADAM,
    "muon": MUON,
    "lbfgs": train.finish(MUON, 3),
    "recurrent": replace(ADAM, model=toy.RecurrentConfig(2, 4, 1, 8, "gru")),
    "sampled": replace(ADAM, objective="sampled"),
}
CHILD = """
import json, sys, numpy as np, jax, train
from train.fit import _laid_out
from train.machine import devices
from train.program import form, program
from train.recipe import from_json
recipe, batched = from_json(json.loads(sys.argv[1])), sys.argv[2] == "batched"
exec(sys.argv[3])
train.use_all_cores(8)
if batched: devices.one_by_one = lambda mesh: False
mesh = train.mesh(recipe)
end = list(train.fit(recipe))[-1].state
training = _laid_out([recipe], end, mesh)
made = lowered(
    program(form(recipe), mesh), training.state, recipe.steps, *training.given
)
print(json.dumps(dict(
    mesh=dict(mesh.shape), excess=np.asarray(end.excess, float).tolist(),
    devices=made.nr_devices, platforms=made.platforms,
    shares=sorted({axes for axes in ("seed", "data", "nothing") if f'{{"{axes}"}}' in made.mlir_module()}),
)))
"""


def lowered(function, *given):
    """A compiled function as CUDA is given it."""
    leaves, tree = jax.tree.flatten(given)

    def of_leaves(*leaves):
        return function(*jax.tree.unflatten(tree, leaves))

    return jax.export.export(jax.jit(of_leaves), platforms=["cuda"])(*leaves)


@pytest.fixture
def batched(monkeypatch):
    """As on an accelerator, whatever the mesh is of."""
    program.cache_clear()
    monkeypatch.setattr(devices, "one_by_one", lambda mesh: False)
    yield
    program.cache_clear()


def start(recipe):
    origin = recipe.origin and initial(recipe.origin.recipe).params
    return initial(recipe, origin)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "lbfgs")) for name in RECIPES]
)
def test_every_kind_of_training_is_a_program_for_cuda(name, batched):
    """Every operation exists there, and shapes are right; nothing is said of how fast it is."""
    recipe = RECIPES[name]
    state, mesh = start(recipe), devices.mesh(recipe)
    training = _laid_out([recipe], state, mesh)
    made = lowered(program(form(recipe), mesh), training.state, recipe.steps, *training.given)
    assert made.platforms == ("cuda",)
    shapes = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]
    assert [(aval.shape, aval.dtype) for aval in made.out_avals] == shapes
    assert f"tensor<{recipe.seeds}x" in made.mlir_module()  # all seeds at once


def test_a_batch_of_seeds_learns_what_each_learns_alone(batched, monkeypatch):
    together = list(train.fit(ADAM))[-1].state
    program.cache_clear()
    monkeypatch.setattr(devices, "one_by_one", lambda mesh: True)
    alone = list(train.fit(ADAM))[-1].state
    np.testing.assert_allclose(together.excess, alone.excess, rtol=1e-3, atol=1e-6)  # float32, ten steps


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adam", "muon"])
def test_eight_devices_are_given_one_program_in_shares(name, forked):
    """Two seeds on eight devices, four to a seed's examples: as one batch for a seed, or one by one."""
    found = []
    for how in ("batched", "one by one"):
        done = forked(CHILD, json.dumps(RECIPES[name].to_json()), how, inspect.getsource(lowered))
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout.splitlines()[-1]))
    for one in found:
        assert one["mesh"] == {"seed": 2, "data": 4} and one["devices"] == 8 and one["platforms"] == ["cuda"]
        assert one["shares"] == ["data", "seed"]  # what is cut along which axis of the mesh
    np.testing.assert_allclose(found[0]["excess"], found[1]["excess"], rtol=1e-3, atol=1e-6)
