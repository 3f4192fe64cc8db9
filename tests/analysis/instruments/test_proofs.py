"""Statements about all prefixes: arithmetic that is never too narrow, covers that hold every state, and
bounds beside plain enumeration.
"""

import itertools
import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np
import pytest
from planted.runs import beginnings, kept

import toy
from analysis.commands.main import main
from analysis.instruments.forward import forward, member
from analysis.instruments.proofs import enclosure, largest, prove
from analysis.instruments.proofs.cover import closed_cover
from analysis.instruments.proofs.enclosure import Enclosure, linear, norm, point
from analysis.instruments.proofs.metric import adapted
from analysis.instruments.proofs.recurrent_maps import highest, lowest, recurrent_maps
from analysis.instruments.proofs.refine import after, highest_drawn
from analysis.instruments.proofs.transformer_float64 import logits
from analysis.instruments.proofs.tubes import Tubes, advance, balls, bounds, sizes
from analysis.instruments.proofs.words import all_words, every
from analysis.recipes import standard

RNG = np.random.default_rng
ROOT = Path(__file__).parents[3]


def inside(x: Enclosure, exact: np.ndarray) -> bool:
    """Whether exact rationals lie in an enclosure, in rational arithmetic."""
    pairs = zip(x.mid.ravel(), x.rad.ravel(), exact.ravel(), strict=True)
    return all(abs(Fraction(float(m)) - e) <= Fraction(float(r)) for m, r, e in pairs)


def rationals(x: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda v: Fraction(float(v)), otypes=[object])(x)


def operations(rng) -> list[tuple[Enclosure, np.ndarray]]:
    """Sums and products of numbers of many sizes, with what they are exactly."""
    W, x, y = (rng.normal(size=s) * 10.0 ** rng.integers(-6, 6, s) for s in ((5, 9), (3, 9), (3, 9)))
    return [
        (linear(W, point(x)), rationals(x) @ rationals(W).T),
        (point(x) + point(y), rationals(x) + rationals(y)),
        (point(x) * point(y), rationals(x) * rationals(y)),
        (point(x).one_minus(), 1 - rationals(x)),
    ]


def test_sums_and_products_hold_the_exact_ones():
    assert all(inside(x, exact) for seed in range(20) for x, exact in operations(RNG(seed)))


def test_arithmetic_that_forgets_to_round_outward_is_caught(monkeypatch):
    monkeypatch.setattr(enclosure, "UNIT", 0.0)
    missed = [not inside(x, exact) for seed in range(5) for x, exact in operations(RNG(seed))]
    assert sum(missed) > len(missed) / 2


def test_functions_err_by_less_than_is_allowed():
    """Of float64 against the processor's longer floats, of float32 against float64."""
    x = np.concatenate([np.linspace(-25, 25, 200_001), np.geomspace(1e-12, 1, 10_001)])
    if np.finfo(np.longdouble).nmant > 60:
        for function in (np.tanh, np.exp):
            exact = function(x.astype(np.longdouble))
            assert np.abs(function(x) - exact).max() <= enclosure.ELEMENTARY * np.abs(exact).max()
            assert (np.abs(function(x) - exact) <= enclosure.ELEMENTARY / 4 * np.abs(exact)).all()
    small = x.astype(np.float32)
    for ours, theirs in ((jax.numpy.tanh, np.tanh), (jax.nn.sigmoid, lambda z: 1 / (1 + np.exp(-z)))):
        off = np.asarray(ours(small), np.float64) - theirs(small.astype(np.float64))
        assert np.abs(off).max() < enclosure.ELEMENTARY32


def test_a_norm_is_bounded_and_nearly_met():
    A = RNG(0).normal(size=(200, 6, 6)) * np.geomspace(1e-8, 1e8, 200)[:, None, None]
    A[0] = 0
    true = np.linalg.norm(A, 2, axis=(1, 2))
    assert (norm(A) >= true).all() and (norm(A)[1:] <= 1.06 * true[1:]).all()


CELLS = ("rnn", "gru", "lstm")


def network(cell, *, layers=1, width=5, vocab=2, contracts=0.5, seed=0, tied=False):
    """A small network whose recurrent weights are shortened, so that it forgets; its readout is loud."""
    config = toy.RecurrentConfig(vocab, 6, layers, width, cell, tied)
    params = jax.device_get(member(beginnings(config, seed + 1), seed))
    for block in params["blocks"].values():
        block["dense_h"]["kernel"] = contracts * block["dense_h"]["kernel"]
    params["embed"]["embedding"] = 2 * params["embed"]["embedding"]
    if not tied:
        params["unembed"]["kernel"] = 2 * params["unembed"]["kernel"]
    return config, params


@pytest.mark.thorough
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_maps_are_the_network(cell, layers):
    config, params = network(cell, layers=layers, vocab=3)
    maps = recurrent_maps(config, params)
    words = RNG(0).integers(3, size=(20, 6))
    read = toy.network(config).apply(params, words)["logits"]
    state = Enclosure(*(np.zeros((20, maps.width)) for _ in range(3)))
    for t in range(6):
        state = maps.step(state.mid, state.rad, words[:, t]).value
        found = maps.differences(state, 1)
        exact = np.delete(np.asarray(read[:, t], np.float64), 1, 1) - np.asarray(read[:, t, [1]], np.float64)
        assert np.abs(found.mid - exact).max() < 1e-5
        assert found.rad.max() < 1e-11


@pytest.mark.thorough
@pytest.mark.parametrize("cell", CELLS)
def test_boxes_hold_images_and_slopes_hold_differences(cell):
    config, params = network(cell, layers=2)
    maps, rng = recurrent_maps(config, params), RNG(0)
    centre, half = rng.normal(size=(40, maps.width)) / 3, 0.1 * rng.random((40, maps.width))
    token = rng.integers(2, size=40)
    over = maps.step(centre, half, token, slope=True)
    at = maps.step(centre, 0 * half, token).value.mid
    for _ in range(20):
        v = half * rng.uniform(-1, 1, half.shape)
        image = maps.step(centre + v, 0 * half, token).value.mid
        assert (np.abs(image - over.value.mid) <= over.value.rad + 1e-12).all()
        linear_part = (over.slope.mid @ v[..., None])[..., 0]
        room = (over.slope.rad @ np.abs(v)[..., None])[..., 0]
        assert (np.abs(image - at - linear_part) <= room + 1e-12).all()


@pytest.mark.thorough
@pytest.mark.parametrize("cell", CELLS)
def test_tubes_hold_what_begins_in_the_ball(cell):
    config, params = network(cell, width=4)
    maps, rng = recurrent_maps(config, params), RNG(1)
    metric = adapted(maps)
    tubes, radius = balls(metric, rng.normal(size=(1, maps.width)) / 3, 0.2), 0.2
    v = rng.normal(size=(300, maps.width))
    state = tubes.centre + radius * v / np.linalg.norm(v, axis=1, keepdims=True) @ metric.R.T
    for x in (0, 1, 1, 0, 1, 0, 0):
        tubes = advance(maps, metric, tubes, np.array([x]))
        state = maps.step(state, 0 * state, np.full(300, x)).value.mid
        assert (np.abs(state - tubes.centre) <= tubes.half_widths + 1e-12).all()
        away = np.linalg.norm((state - tubes.centre) @ np.linalg.inv(metric.R).T, axis=1)
        assert away.max() <= sizes(metric, tubes)[0] + 1e-12
        read = maps.differences(point(state), 0).mid
        assert (1 / (1 + np.exp(read).sum(1))).max() <= bounds(maps, tubes)[0, 0] + 1e-12


@pytest.mark.thorough
def test_sets_that_forget_how_slopes_vary_are_caught():
    """The ends of an interval leave what follows the middle slope alone."""
    config, params = network("rnn", width=1, contracts=1.0)
    maps = recurrent_maps(config, params)
    metric = adapted(maps)
    tubes = balls(metric, np.full((1, 1), 0.5), 1.0)
    ends = tubes.centre + np.array([[-1.0], [1.0]]) @ metric.R
    kept_apart = []
    for x in (0, 1):
        moved = advance(maps, metric, tubes, np.array([x]))
        careless = Tubes(moved.centre, moved.ball, 0 * moved.cube, moved.drift)
        image = maps.step(ends, 0 * ends, np.full(2, x)).value.mid
        assert (np.abs(image - moved.centre) <= moved.half_widths).all()
        kept_apart.append((np.abs(image - careless.centre) <= careless.half_widths).all())
    assert not all(kept_apart)


def enumerated(maps, token, length):
    """Largest probability after any word of up to a length, one after the other."""
    best = 0.0
    for n in range(1, length + 1):
        words = np.array(list(itertools.product(range(maps.vocab), repeat=n)))
        state = np.zeros((len(words), maps.width))
        for t in range(n):
            state = maps.step(state, 0 * state, words[:, t]).value.mid
        best = max(best, float((1 / (1 + np.exp(maps.differences(point(state), token).mid).sum(1))).max()))
    return best


@pytest.mark.thorough
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("seed", range(4))
def test_bounds_hold_and_are_tight(cell, seed):
    vocab, width = (2, 2) if cell == "lstm" else (2 + seed % 2, 4)  # its states fill more dimensions
    config, params = network(cell, width=width, seed=seed, vocab=vocab, contracts=0.4, tied=seed == 3)
    maps = recurrent_maps(config, params)
    found = largest(config, params, seed % config.vocab, seconds=30.0)
    assert found.method == "closed cover" and found.window is None, found.why
    reached = enumerated(maps, seed % config.vocab, 8 if config.vocab == 2 else 6)
    assert found.low <= found.high and reached <= found.high
    assert highest_drawn(maps, seed % config.vocab) <= found.high
    assert found.high - found.low <= 2e-3
    low, high = after(maps, found.word, seed % config.vocab)
    assert low == pytest.approx(found.low, abs=1e-12) and high - low < 1e-10
    assert 0 < found.float32 < 1e-2


@pytest.mark.thorough
def test_float32_stays_within_what_is_said():
    config, params = network("gru", width=4)
    found = largest(config, params, 0, seconds=30.0)
    words = all_words(config, params)
    maps = recurrent_maps(config, params)
    differ = [
        abs(words.probability[i, 0] - after(maps, words.word(i), 0)[0])
        for i in range(0, len(words.probability), 3)
    ]
    assert 0 < max(differ) <= found.float32


@pytest.mark.thorough
def test_a_cover_is_closed():
    """Every word leads from ball to ball through sets of the cover that hold the state."""
    config, params = network("rnn", contracts=0.6)
    maps = recurrent_maps(config, params)
    cover = closed_cover(
        maps, adapted(maps), 0.05, start=np.zeros(maps.width), deadline=time.monotonic() + 60
    )
    nodes = cover.nodes
    there = {(b, tuple(p[p >= 0])): i for i, (b, p) in enumerate(zip(nodes.ball, nodes.path, strict=True))}
    rng, inverse = RNG(0), np.linalg.inv(cover.metric.R)
    for _ in range(20):
        state, ball, path = np.zeros((1, maps.width)), 0, ()
        for x in rng.integers(2, size=60):
            state = maps.step(state, 0 * state, np.array([x])).value.mid
            path = (*path, int(x))
            node = there[ball, path]
            assert np.linalg.norm(inverse @ (state[0] - nodes.centre[node])) <= nodes.size[node] + 1e-12
            if nodes.into[node] >= 0:
                ball, path = int(nodes.into[node]), ()
                assert np.linalg.norm(inverse @ (state[0] - cover.centre[ball])) <= cover.radius + 1e-12
    ends = after(maps, cover.word(len(cover.centre) - 1), 0)
    assert 0 < ends[0] <= ends[1] < 1


def register(strength=4.0):
    """A network that remembers three symbols, and says 1 after 1 0 1 alone."""
    config = toy.RecurrentConfig(2, 6, 1, 4, "rnn")
    params = jax.device_get(member(beginnings(config, 1), 0))
    into, within = np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)
    into[0, 0], within[0, 1], within[1, 2] = 4.0, 4.0, 4.0
    params["embed"]["embedding"] = np.array([[-1, 0, 0, 0], [1, 0, 0, 0]], np.float32)
    params["blocks"][0]["dense_i"] = {"kernel": into, "bias": np.array([0, 0, 0, 4], np.float32)}
    params["blocks"][0]["dense_h"] = {"kernel": within}
    params["unembed"]["kernel"] = strength * np.array([[0, 1], [0, -1], [0, 1], [0, -2.5]], np.float32)
    return config, params


@pytest.mark.thorough
def test_a_planted_violation_is_refuted_by_its_word_and_what_holds_is_proved():
    config, params = register()
    found = largest(config, params, 1, seconds=30.0, at_most=0.5)
    assert found.low > 0.8 and found.word[-3:] == (1, 0, 1)
    held = largest(config, params, 1, seconds=30.0, at_most=0.95)
    assert held.high <= 0.95 and held.method == "closed cover"
    quiet = dict(params, unembed={"kernel": 0.0 * params["unembed"]["kernel"]})
    assert largest(config, quiet, 1, seconds=30.0).high == pytest.approx(0.5, abs=1e-6)


@pytest.mark.thorough
def test_what_does_not_forget_is_undecided():
    """A latch: two states that last, with a border between them on which one symbol leaves it."""
    config, params = network("rnn", width=2)
    params["blocks"][0]["dense_h"]["kernel"] = np.diag([3.0, 3.0]).astype(np.float32)
    params["embed"]["embedding"] = np.array([[0.0, 0.0], [0.1, 0.1]], np.float32)
    found = largest(config, params, 0, seconds=5.0, at_most=0.9999)
    assert found.method == "none" and found.high == 1.0 and found.why


SHAPES = (
    {},
    {"norm": "rms", "positions": "rotary", "activation": "gelu"},
    {"norm": "none", "positions": "none", "activation": "silu", "tied": True},
    {"mixer": "decay", "activation": "tanh", "n_layers": 2},
    {"d_mlp": 0},
)


@pytest.mark.thorough
@pytest.mark.parametrize("shape", SHAPES)
def test_a_transformer_in_float64_is_the_same(shape):
    fields = {"n_layers": 1, "n_heads": 2, "d_model": 8, "d_head": 4, "d_mlp": 8} | shape
    config = toy.TransformerConfig(2, 5, **fields)
    params = member(beginnings(config, 1), 0)
    tree = every(2, 5)
    words = np.where(tree.words[1:] < 0, 0, tree.words[1:])
    stack = jax.tree.map(lambda leaf: np.asarray(leaf)[None], params)
    at = tree.length[1:] - 1
    single = forward(config, stack, words, position=at)["logits"][0]
    np.testing.assert_allclose(logits(config, params, tree), single, atol=2e-5)


@pytest.mark.thorough
def test_every_word_of_a_window_is_asked():
    config = toy.TransformerConfig(3, 4, 1, 1, 8, 8, 8)
    params = member(beginnings(config, 1), 0)
    found = largest(config, params, 2)
    best = 0.0
    for n in range(1, 5):
        words = np.array(list(itertools.product(range(3), repeat=n)))
        out = np.asarray(toy.network(config).apply(params, words)["logits"], np.float64)[:, -1]
        best = max(best, float((np.exp(out[:, 2]) / np.exp(out).sum(1)).max()))
    assert found.sets == 3 + 9 + 27 + 81 and found.window == 4
    assert found.low <= best + found.float32 and abs(best - found.high) <= found.float32 < 1e-5


def test_bounds_of_probabilities_bound_them():
    difference = RNG(0).normal(size=(100, 3)) * 20
    exact = 1 / (1 + np.exp(difference.astype(np.longdouble)).sum(1))
    assert (lowest(difference) <= exact).all() and (exact <= highest(difference)).all()
    assert (highest(difference) - lowest(difference)).max() < 1e-11


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = standard("golden_mean", model=register()[0])
    config, params = register()
    stack = jax.tree.map(lambda leaf: np.stack([leaf] * recipe.seeds), params)
    return kept(recipe, tmp_path_factory.mktemp("run"), stack)


@pytest.mark.thorough
def test_a_run_is_asked_by_every_network_and_worst_words_are_told(run):
    proofs = prove(run, 1, 0.5, seconds=60.0, networks=2)
    assert [p.outcome for p in proofs] == ["refuted"] * 2
    assert [p.seed for p in proofs] == [run.recipe.first_seed, run.recipe.first_seed + 1]
    word = proofs[0].largest.word
    assert proofs[0].on_support == all(pair != (1, 1) for pair in itertools.pairwise(word))
    assert proofs[0].process.high == 0.5
    with pytest.raises(toy.ModelError, match="symbol is 2"):
        prove(run, 2, 0.5)
    with pytest.raises(toy.ModelError, match="between 0 and 1"):
        prove(run, 1, 1.0)
    with pytest.raises(toy.ModelError, match="more than 0"):
        largest(*register(), 1, seconds=0.0)


@pytest.mark.thorough
def test_the_command_tells_and_refuses(run, capsys):
    asked = ["prove", str(run.path), "--token", "1", "--networks", "1"]
    assert main([*asked, "--at-most", "0.95", "--check"]) == 0
    assert "proved: at most" in capsys.readouterr().out
    assert main([*asked, "--at-most", "0.5", "--check"]) == 1
    assert "refuted: 0.8" in capsys.readouterr().out
    assert main([*asked, "--at-most", "0.95", "--json"]) == 0
    (plain,) = json.loads(capsys.readouterr().out)
    assert plain["outcome"] == "proved" and plain["largest"]["window"] is None
    for flags, told in (
        (["--at-most", "1.5"], "between 0 and 1"),
        (["--at-most", "0.5", "--seconds", "0"], "more than 0"),
        (["--at-most", "0.5", "--networks", "0"], "at least 1"),
    ):
        assert main([*asked, *flags]) == 2
        assert told in capsys.readouterr().err
    assert main(["prove", str(run.path.parent), "--token", "1", "--at-most", "0.5"]) == 2
    assert "no recipe.json" in capsys.readouterr().err


def test_nothing_is_imported_to_refuse():
    code = (
        "import sys; from analysis.commands.main import main; "
        "status = main(['prove', 'rrxor', '--token', '0', '--at-most', '2']); "
        "print(status, 'jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["2", "False"] and "between 0 and 1" in done.stderr
