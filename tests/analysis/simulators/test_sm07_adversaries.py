"""SM7 on planted evidence: power, size, what the rival explains; and its instruments by what is known."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pictures import picture
from planted.generators import shaped
from planted.rates import MESS3, by_rule, looked, rate
from planted.runs import kept

import processes
import train
from analysis.claim import Setting
from analysis.families import CLAIMS
from analysis.instruments.behaviour.own_text import Truth
from analysis.instruments.contexts import enumerated
from analysis.simulators import sm07_adversaries as sm7
from analysis.simulators import sm07_generator_states as gs
from toy import ModelError
from toy.generator import GeneratorConfig, initialised, steps, word_distribution, words_read
from train.rules.generators import generators, js, kl

SMALL = GeneratorConfig(vocab=2, length=3, noise=2, d_model=3)


def changed(**how):
    return lambda rng: shaped(rng, **how)


def test_power_and_size_of_sm7():
    """Seven states of ten at hidden states', half more than by likelihood; without any of its four parts."""
    assert rate("SM7", changed(), MESS3, 4, alone=True) >= 0.9
    for nothing in (
        {"near": (0.1, 0.5, 0.0, 0.0)},
        {"near": (0.7, 0.7, 0.0, 0.0)},
        {"r2": (0.6, 0.6, 0.99, 0.99)},
        {"dimension": (0.3, 0.3, 0.5, 0.5)},
        {"near": (0.2, 0.7, 0.7, 0.0)},
    ):
        assert rate("SM7", changed(**nothing), MESS3, 4, alone=True) <= 0.05, nothing


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"near": (0.1, 0.3, 0.0, 0.0)}, "refuted", ""),
        ({"near": (0.9, 0.7, 0.0, 0.0)}, "refuted", ""),
        ({"r2": (0.5, 0.6, 0.99, 0.99)}, "refuted", ""),
        ({"dimension": (0.1, 0.5, 0.5, 0.5)}, "refuted", ""),
        ({"left": (1e-2, 1e-2, 1e-5, 1e-6)}, "invalid", "not yet learned"),
        ({"left": (3e-5, 3e-4, 1e-5, 1e-6)}, "invalid", "what likelihood leaves"),
        ({"r2": (0.9, 0.6, 0.5, 0.5)}, "invalid", "predictor"),
        ({"near": (0.2, 0.7, 0.9, 0.0)}, "explained", "with or without noise"),
    ],
)
def test_outcomes_of_sm7(how, outcome, told):
    found = looked("SM7", changed(**how), MESS3, 4, alone=True)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below) for c in CLAIMS["SM7"].criteria] == [
        (0.5, np.inf),
        (0.0, np.inf),
        (0.0, np.inf),
        (0.0, np.inf),
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("coin", "one hidden state"),
        ("rrxor", "hangs on the state before"),
        ("golden_mean", "impossible"),
        ("fanizza", "generalised"),
        ("mess3(x=0.3, a=0.36)", "not told from the other"),
        ("mess3 * mess3", "too many to follow"),
    ],
)
def test_sm7_refuses_where_states_and_beliefs_cannot_be_told_apart(name, said):
    process = processes.named(name)
    recipe = CLAIMS["SM7"].recipes(name, Setting())["predictor"]
    assert said in CLAIMS["SM7"].refusal(process, recipe.model.n_ctx)
    assert CLAIMS["SM7"].refusal(MESS3, 4) is None


@pytest.mark.parametrize(("k", "expected"), [(0, 0.247), (1, 0.056), (2, 0.013), (3, 0.0019), (4, 0.0002)])
def test_divergence_of_markov_chains(k, expected):
    """As computed beforehand, nats, words of six symbols."""
    assert sm7.markov_js(MESS3, k, 6) == pytest.approx(expected, abs=0.5 * 10 ** -(3 if k < 3 else 4))


# The generator.


@pytest.mark.thorough
def test_words_have_the_probability_of_all_their_paths():
    params = initialised(SMALL, train.key(3))
    q = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}

    def soft(x):
        return np.exp(x) / np.exp(x).sum()

    def on(state, word, read):
        if not word:
            return 1.0
        total = 0.0
        for z, p in enumerate(soft(q["choose"] @ state)):
            moved = q["carry"] @ state + q["bias"][:, 0] + q["shake"][:, z] + read
            after = np.tanh(moved)
            emitted = soft(q["unembed"] @ after + q["marginal"][:, 0])
            total += p * emitted[word[0]] * on(after, word[1:], q["embed"][:, word[0]])
        return total

    found = np.asarray(word_distribution(SMALL, params))
    for word in itertools.product(range(2), repeat=3):
        assert found[word] == pytest.approx(on(q["start"][:, 0], word, 0.0), rel=1e-5)


@pytest.mark.thorough
def test_paths_are_told_by_what_they_read():
    """The last step of words of three symbols with two values of noise: newest first, noise before tokens."""
    read = words_read(SMALL)
    assert [len(r) for r in read] == [2, 8, 32]
    rows = [(before * 2 + x) for _ in range(2) for x in range(2) for before in read[1]]
    assert read[2].tolist() == rows
    assert [s.state.shape[1] for s in steps(SMALL, initialised(SMALL, train.key(0)))] == [2, 8, 32]


def test_generators_with_too_many_paths_are_refused():
    with pytest.raises(ModelError, match="shorter words or less noise"):
        GeneratorConfig(vocab=3, length=9, noise=3, d_model=4)
    with pytest.raises(ModelError, match="noise is 0"):
        GeneratorConfig(vocab=3, length=2, noise=0, d_model=4)


@pytest.mark.thorough
def test_divergences_of_laws():
    rng = np.random.default_rng(0)
    p, q = jnp.asarray(rng.dirichlet(np.ones(9), 2).reshape(2, 3, 3), jnp.float32)
    by_hand = float((p * jnp.log(p / q)).sum())
    assert float(kl(p, q)) == pytest.approx(by_hand, rel=1e-4)
    m = (p + q) / 2
    assert float(js(p, q)) == pytest.approx(
        float((p * jnp.log(p / m) + q * jnp.log(q / m)).sum() / 2), rel=1e-4
    )
    near = p * (1 + 0.01 * jnp.asarray(rng.normal(size=p.shape), jnp.float32))
    near = near / near.sum()
    assert float(js(p, near)) == pytest.approx(float(kl(p, near)) / 4, rel=0.02)


@pytest.mark.thorough
def test_generators_learn_and_depend_on_their_seed_alone():
    exact = Truth(processes.named("even"), 3).distribution.reshape(2, 2, 2)
    how = {"steps": 200, "learning_rate": 0.03, "finish": 20}
    for aim in ("likelihood", "adversary"):
        two = generators(SMALL, exact, aim, seeds=2, first_seed=5, **how)
        assert (two.left[:, -1] < 1e-3).all() and (two.left[:, 0] > 1e-2).any()
        one = generators(SMALL, exact, aim, seeds=1, first_seed=6, **how)
        np.testing.assert_allclose(one.left[0, :20], two.left[1, :20], rtol=1e-3)
    with pytest.raises(train.RecipeError, match="distribution of words has shape"):
        generators(SMALL, exact[0], "likelihood", seeds=1, first_seed=0, **how)


# What states are.


def written(process, width=8):
    """The process itself, written into the parameters of a generator: noise chooses the next hidden state."""
    S, V = process.n_states, process.vocab
    at, moved = gs.vertices(process), process.T.sum(0)
    q = {
        name: np.zeros(np.shape(leaf), np.float32)
        for name, leaf in initialised(GeneratorConfig(V, 5, S, width), train.key(0)).items()
    }
    q["shake"][:S] = 40 * np.eye(S) - 20  # tanh is -1 or 1
    q["choose"][:, :S] = np.log(moved).T / 2
    free = np.log(moved).T.sum(1) / 2
    q["choose"][:, S] = free  # a coordinate that is always 1
    q["bias"][S] = 20
    q["start"][S] = 1  # the first state is drawn from the stationary distribution
    q["start"][:S] = -1
    start = np.log(process.start) - (free - np.log(moved).T.sum(1) / 2)
    q["start"][S + 1] = 1
    q["choose"][:, S + 1] = start - free + np.log(moved).T.sum(1) / 2
    q["unembed"][:, :S], q["marginal"][:, 0] = np.log(at).T / 2, np.log(at).T.sum(1) / 2
    return GeneratorConfig(V, 5, S, width), q


@pytest.mark.thorough
def test_the_process_as_generator_has_its_hidden_states():
    shape, q = written(MESS3)
    found, exact = gs.of_generator(shape, q), gs.of_hidden_states(MESS3, 5)
    np.testing.assert_allclose(word_distribution(shape, q).ravel(), Truth(MESS3, 5).distribution, rtol=1e-4)
    at, belief = gs.vertices(MESS3), enumerated(MESS3, 4).belief
    for cloud in (found, exact):
        assert cloud.weight.sum() == pytest.approx(1)
        assert gs.near(cloud, at) == pytest.approx(1) and gs.dimension(cloud) == pytest.approx(0, abs=1e-6)
    assert gs.r2(found, belief) == pytest.approx(gs.r2(exact, belief), abs=1e-4)
    assert gs.own(found) == pytest.approx(gs.own(exact), abs=1e-4)
    assert 0.3 < gs.r2(exact, belief) < 0.7 and gs.own(exact) > 0.2


@pytest.mark.thorough
def test_a_generator_without_noise_is_told_by_its_history():
    shape = GeneratorConfig(3, 5, 1, 8)
    cloud = gs.of_generator(shape, initialised(shape, train.key(1)))
    assert gs.own(cloud) == pytest.approx(0, abs=1e-12)
    assert len(cloud.weight) == len(enumerated(MESS3, 4).weight)
    lengths = np.repeat([1, 2, 3, 4], [3, 9, 27, 81])
    for t in range(1, 5):  # every length of history weighs alike
        assert cloud.weight[lengths == t].sum() == pytest.approx(0.25, abs=1e-6)


def test_contexts_are_counted_as_words_are():
    every = enumerated(MESS3, 3)
    words = [w for t in (1, 2, 3) for w in itertools.product(range(3), repeat=t)]
    exact = [processes.filter(MESS3, list(w)).belief[-1] for w in words]
    np.testing.assert_allclose(every.belief, exact, atol=1e-12)


def test_hidden_states_emit_what_they_emit():
    np.testing.assert_allclose(gs.vertices(MESS3), np.full((3, 3), 0.075) + 0.775 * np.eye(3), atol=1e-12)
    assert gs.vertices(processes.named("rrxor")) is None


@pytest.mark.thorough
def test_what_sm7_measures(tmp_path, monkeypatch):
    """On generators that are hardly trained."""
    monkeypatch.setattr(sm7, "STEPS", 3)
    monkeypatch.setattr(sm7, "FINISH", 2)
    monkeypatch.setattr(gs, "PATHS", 3**3 * 3**4)
    (recipe,) = CLAIMS["SM7"].recipes("mess3", Setting(seeds=2)).values()
    assert recipe.model.n_ctx == 3
    found = sm7.structures({"predictor": kept(recipe, tmp_path)})
    assert found.near.shape == found.left.shape == (4, 2) and found.token.shape == (4, 2, sm7.DRAWN, 3)
    assert (found.left > 0.05).all()
    shape = GeneratorConfig(3, 4, 3, sm7.WIDTH)
    exact = Truth(MESS3, 4).distribution.reshape((3,) * 4)
    made = generators(
        shape, exact, "adversary", seeds=2, first_seed=0, steps=3, learning_rate=sm7.RATE, finish=2
    )
    one = gs.of_generator(shape, jax.tree.map(lambda leaf: leaf[1], made.params))
    assert found.r2[sm7.ADVERSARY, 1] == pytest.approx(gs.r2(one, enumerated(MESS3, 3).belief), abs=1e-5)


@pytest.mark.thorough
def test_figure_draws(tmp_path):
    evidence = shaped(np.random.default_rng(0))
    assert picture(by_rule("SM7", evidence, MESS3, 4), evidence, tmp_path) > 10_000
