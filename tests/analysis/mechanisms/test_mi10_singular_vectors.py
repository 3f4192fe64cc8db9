"""MI10 on planted evidence, and its instrument by what is known of matrices."""

import dataclasses

import jax
import numpy as np
import pytest
from planted.rates import MESS3, looked, rate
from planted.spectra import naming

import processes
import toy
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.decompositions import spectra
from analysis.instruments.forward import alone, forward
from toy.inputs import by_path

CONFIG = toy.TransformerConfig(vocab=3, n_ctx=6, n_layers=2, n_heads=2, d_model=16, d_head=8, d_mlp=32)


def changed(**how):
    return lambda rng: naming(rng, **how)


def test_power_and_size():
    assert rate("MI10", naming, MESS3, 10) >= 0.9
    for nothing in ({"edge": 1.0}, {"named": 2 / 63 + 0.1}, {"named": 0.03}, {"edge": 0.95}):
        assert rate("MI10", changed(**nothing), MESS3, 10) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"edge": 0.9}, "refuted", ""),
        ({"named": 0.02}, "refuted", ""),
        ({"learned": 1e-2}, "invalid", "not yet learned"),
        ({"untrained_edge": 1.5}, "invalid", "untrained networks"),
        ({"untrained": 0.9}, "explained", "before training"),
        ({"data": 1.0, "named": 0.4}, "explained", "written on data"),
    ],
)
def test_outcomes(how, outcome, told):
    found = looked("MI10", changed(**how), MESS3, 10)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI10"].criteria] == [
        (0.0, np.inf, "mean"),
        (0.1, np.inf, "mean"),
    ]


@pytest.mark.thorough
def test_a_random_matrix_ends_at_the_edge_and_a_planted_direction_stands_out():
    rng = np.random.default_rng(0)
    for m, d in ((256, 64), (2000, 500)):
        random = rng.normal(size=(m, d))
        assert spectra.spectrum(random).over_edge[0] == pytest.approx(1, abs=0.05 if m < 1000 else 0.01)
        planted = rng.normal(size=d) / np.sqrt(d)
        seen = spectra.spectrum(random + 3 * np.outer(rng.normal(size=m), planted))
        assert seen.over_edge[0] > 1.5
        assert spectra.share_in(seen.directions[0], planted[None] / np.linalg.norm(planted)) > 0.8
    flat = rng.normal(size=(256, 64))
    flat -= flat.mean(1, keepdims=True)  # of rank 63
    assert spectra.spectrum(flat, rank=63).over_edge[0] == pytest.approx(1, abs=0.05)


@pytest.mark.thorough
@pytest.mark.parametrize(("norm", "tied"), [("layer", False), ("rms", True), ("none", False)])
def test_only_what_the_unembedding_reads_moves_predictions(norm, tied):
    """A step of the last stream, with what the norm divides by as it was."""
    config = dataclasses.replace(CONFIG, norm=norm, tied=tied)
    net = toy.network(config)
    params = net.init(jax.random.key(0))
    params = jax.tree.map(
        lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape), params
    )
    read, word = spectra.read_by_unembedding(config, params), np.array([[0, 1, 2, 0]])
    rng = np.random.default_rng(0)
    plain = net.apply(params, word, sites=("logits", *(s for s in ("ln_final.scale",) if norm != "none")))

    def moved(step):
        edit = {config.stream[-1]: lambda stream: stream + step}
        if norm != "none":
            edit["ln_final.scale"] = lambda scale: plain["ln_final.scale"]
        logits = np.asarray(net.apply(params, word, edit=edit)["logits"] - plain["logits"], np.float64)
        return np.abs(logits - logits.mean(-1, keepdims=True)).max()

    step = rng.normal(size=config.d_model)
    unread = step - (read @ step) @ read
    assert moved(unread) < 1e-5 < 1e-2 < moved((read @ step) @ read)
    assert len(read) == 2
    assert spectra.share_in(unread, read) < 1e-12 and spectra.share_in(read[0], read) == pytest.approx(1)


@pytest.mark.thorough
def test_what_an_mlp_writes_is_its_kernel_times_its_neurons():
    params = toy.network(CONFIG).init(jax.random.key(0))
    sites = ("blocks.1.mlp.post", "blocks.1.mlp_out")
    seen = forward(CONFIG, alone(params), np.array([[0, 1, 2, 0]]), sites)
    written = seen["blocks.1.mlp_out"][0, 0] - by_path(params)["blocks.1.mlp.out.bias"]
    expected = seen["blocks.1.mlp.post"][0, 0] @ spectra.writes(CONFIG, params, 1)
    np.testing.assert_allclose(expected, written - written.mean(1, keepdims=True), atol=1e-5)


@pytest.mark.thorough
def test_what_is_written_most_on_data_is_found():
    """The only neuron that writes, of two, writes along a known direction."""
    params = toy.network(CONFIG).init(jax.random.key(0))
    kernel = np.zeros((32, 16), np.float32)
    kernel[3] = np.eye(16)[5]
    params["blocks"][1]["mlp"]["out"]["kernel"] = kernel
    t = contexts(MESS3, 6)
    most = spectra.on_data(CONFIG, params, t).most_written[1]
    direction = np.eye(16)[5] - 1 / 16
    assert spectra.share_in(direction, most[None]) == pytest.approx(1, abs=1e-6)
    assert processes.named("mess3").vocab == 3 and spectra.channels(CONFIG) == 15
