"""Networks that were trained elsewhere: functions from tokens to named arrays and logits, as a study."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import jax
import jaxtyping
import numpy as np
import pytest
from at_doors import refusal

import processes
import toy
import toylab
from analysis.belief_geometry.bg01_affine_image import BG1
from analysis.claim import judge
from analysis.families import CLAIMS
from analysis.instruments.any_network import study_of
from analysis.instruments.contexts import contexts
from analysis.instruments.forward import member
from analysis.instruments.probing.study import study
from analysis.instruments.untrained import untrained

N_CTX = 6


@pytest.fixture
def as_users_have_it():
    """Without the shape checker that the tests run under: it would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def beliefs_of(process, words):
    return processes.filter(process, words).belief


def exact(process, seed, width=12, noise=0.0):
    """A network that holds the exact belief in some directions, and predicts as well as can be."""
    rng = np.random.default_rng(seed)
    into = rng.normal(size=(process.n_states, width))

    def network(words):
        belief = beliefs_of(process, words)
        logits = np.log(np.maximum(processes.predict(process, belief), 1e-9))
        return {"embed": np.eye(process.vocab)[words], "state": belief @ into, "logits": logits}

    return network


def last_token(process, seed, width=12):
    """A network that knows the last token only."""
    rng = np.random.default_rng(seed)
    into = rng.normal(size=(process.vocab, width))

    def network(words):
        token = np.eye(process.vocab)[words]
        return {"embed": token, "state": token @ into, "logits": token}

    return network


@pytest.fixture(scope="module")
def mess3():
    return processes.named("mess3")


@pytest.mark.thorough
def test_exact_beliefs_are_found_and_the_claim_is_supported(mess3):
    s = study_of(
        mess3, N_CTX, [exact(mess3, i) for i in range(16)], [last_token(mess3, i) for i in range(16, 24)]
    )
    assert s.layers == ("embed", "state") and s.final_layer == "state"
    assert np.allclose(s.r2("state"), 1, atol=1e-9) and s.r2("state", trained=False).max() < 0.99
    assert max(abs(network.excess) for network in s.trained) < 1e-9
    verdict = judge(BG1, s, mess3, N_CTX)
    assert verdict.outcome == "supported", verdict.reason


@pytest.mark.thorough
def test_two_networks_are_too_few_and_it_says_so(mess3):
    s = study_of("mess3", N_CTX, [exact(mess3, i) for i in range(2)], [last_token(mess3, 9)])
    verdict = judge(BG1, s, mess3, N_CTX)
    assert (verdict.outcome, verdict.reason) == (
        "undecided",
        "2 trained networks; this claim asks for at least 8",
    )


@pytest.mark.thorough
@pytest.mark.parametrize("claim", ["BG1", "BG2", "BG3", "BG4", "BG17", "BG18"])
def test_every_claim_about_a_study_is_judged(claim):
    """On a process with words that are impossible, of which a network need know nothing."""
    claim, process = CLAIMS[claim], processes.named("rrxor")
    s = study_of(
        process,
        N_CTX,
        [exact(process, i) for i in range(2 * claim.seeds)],  # most networks can be told from 16 on
        [last_token(process, i) for i in range(3)],
    )
    verdict = judge(claim, s, process, N_CTX)
    one_layer = claim.id in ("BG3", "BG17")  # which ask how something is spread over layers
    fine = ("supported", "every criterion met, every control as stated")
    expected = ("invalid", "no criterion applies") if one_layer else fine
    assert (verdict.outcome, verdict.reason) == expected


def as_functions(config, params, layers):
    network = toy.network(config)
    read = jax.jit(lambda params, words: {s: network.apply(params, words)[s] for s in (*layers, "logits")})
    count = len(jax.tree.leaves(params)[0])
    return [partial(read, member(params, i)) for i in range(count)]


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "most"), [("rrxor", 300_000), ("rrxor(p1=0.4, p2=0.5)", 3)])
def test_our_own_networks_are_what_they_are_as_a_run(monkeypatch, recipe, name, most):
    """On all contexts, which a run reads as a packed tree, and on drawn words, which it reads as they are."""
    monkeypatch.setattr("analysis.instruments.contexts.MOST_CONTEXTS", most)
    monkeypatch.setattr("analysis.instruments.contexts.DRAWN_CONTEXTS", 4000)

    recipe = replace(recipe, process=name)
    run = SimpleNamespace(recipe=recipe, params=lambda: untrained(replace(recipe, first_seed=7)))
    ours, config = study(run), recipe.model
    theirs = study_of(
        name,
        config.n_ctx,
        as_functions(config, run.params(), config.stream),
        as_functions(config, untrained(recipe), config.stream),
        layers=config.stream,
    )
    assert theirs.layers == ours.layers and (theirs.contexts.sampled is None) == (most > 3)
    for group in ("trained", "untrained"):
        for a, b in zip(getattr(ours, group), getattr(theirs, group), strict=True):
            np.testing.assert_allclose(a.log_prediction, b.log_prediction, atol=1e-5)
            for layer in ours.layers:
                np.testing.assert_allclose(a.activations[layer], b.activations[layer], atol=1e-5)
    for features in (*ours.layers, "concatenated"):
        np.testing.assert_allclose(ours.r2(features), theirs.r2(features), atol=1e-5)


@pytest.mark.thorough
def test_every_context_is_read_at_its_own_position(mess3):
    t = contexts(mess3, N_CTX)

    def history(words):
        seen = np.where(np.tri(N_CTX, dtype=bool), words[:, None, :], -1)
        return {"embed": np.eye(3)[words], "history": seen, "logits": np.eye(3)[words]}

    (network,) = study_of(mess3, N_CTX, [history], [history]).trained
    assert np.array_equal(network.activations["history"], t.words)


@pytest.fixture
def tensor():
    """What stands for a tensor of PyTorch that wants a gradient, where there is no PyTorch."""

    class Tensor:
        def __init__(self, value, free=False):
            self.value, self.free, self.shape = value, free, value.shape

        def detach(self):
            return Tensor(self.value, True)

        def cpu(self):
            return self

        def float(self):
            return Tensor(self.value.astype(np.float32), self.free)

        def __array__(self, dtype=None, copy=None):
            if not self.free:
                raise RuntimeError("Can't call numpy() on Tensor that requires grad")
            return self.value

    return Tensor


def test_tensors_that_want_a_gradient_are_taken(mess3, tensor):
    plain = exact(mess3, 0)
    s = study_of(
        mess3, N_CTX, [lambda words: {k: tensor(v) for k, v in plain(words).items()}], [last_token(mess3, 1)]
    )
    assert s.trained[0].activations["state"].dtype == np.float32 and s.r2("state")[0] > 1 - 1e-9


def future(words):
    shifted = np.roll(words, -1, axis=1)
    return {"embed": np.eye(3)[words], "state": np.eye(3)[shifted], "logits": np.eye(3)[words]}


def neighbours(words):
    token = np.eye(3)[words]
    return {"embed": token, "state": token - token.mean(0), "logits": token}


def changed(**change):
    """The last-token network with some of what it returns replaced, or left out."""

    def network(words):
        token = np.eye(3)[words]
        given = {"embed": token, "state": token, "logits": token} | {
            name: value(token) if callable(value) else value for name, value in change.items()
        }
        return {name: value for name, value in given.items() if value is not None}

    return network


def nan_somewhere(token):
    token = token.copy()
    token[-1, -1, -1] = np.nan
    return token


REFUSED = {
    "no function": (
        3,
        "networks is [3]; give a list of functions from tokens (N, T) to a mapping of `logits`",
    ),
    "no mapping": (lambda words: words, "networks[0] returns array("),
    "no logits": (changed(logits=None), "networks[0] returns a mapping of embed, state; it must return"),
    "one position": (
        changed(state=lambda x: x[:, -1]),
        "networks[0] gives 'state' of shape (5, 3) for 5 words of 6 tokens; it must be (5, 6, d)",
    ),
    "one position less": (changed(state=lambda x: x[:, 1:]), "of shape (5, 5, 3) for 5 words of 6 tokens"),
    "no width": (changed(state=lambda x: x[..., :0]), "of shape (5, 6, 0) for 5 words of 6 tokens"),
    "vocabulary": (
        changed(logits=lambda x: np.concatenate([x, x], -1)),
        "networks[0] gives 'logits' of shape (5, 6, 6) for 5 words of 6 tokens; it must be (5, 6, 3), for "
        "mess3",
    ),
    "NaN": (changed(state=nan_somewhere), "networks[0] gives 'state' with numbers that are not finite"),
    "overflow": (changed(state=lambda x: 1e300 * x), "networks[0] gives 'state' with numbers that are not"),
    "text": (changed(state="high"), "networks[0] gives 'state' as 'high'; it must be an array of numbers"),
    "complex": (changed(state=lambda x: 1j * x), "it must be an array of numbers"),
    "one layer": (changed(state=None), "the layers are 'embed'; there must be two or more"),
    "future": (future, "networks[0] gives other 'state' at a position when later tokens change, or"),
    "other words": (neighbours, "networks[0] gives other 'state' at a position when later tokens change, or"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("as_users_have_it")
def test_what_is_no_such_network_is_refused(mess3, case):
    network, said = REFUSED[case]
    assert said in refusal(lambda: study_of(mess3, N_CTX, [network], [last_token(mess3, 0)]))


@pytest.mark.usefixtures("as_users_have_it")
def test_networks_of_other_shapes_are_refused(mess3):
    def study_with(other, **how):
        return lambda: study_of(mess3, N_CTX, [last_token(mess3, 0)], [other], **how)

    assert "untrained[0] gives 'state' of width 5 but networks[0] of 12" in refusal(
        study_with(last_token(mess3, 0, width=5))
    )
    assert "untrained[0] gives no 'state', which every" in refusal(study_with(changed(state=None)))
    assert "networks[0] gives no 'middle'" in refusal(
        study_with(last_token(mess3, 0), layers=["embed", "middle"])
    )
    assert "the layers are 'embed', 'embed'; there must be two" in refusal(
        study_with(last_token(mess3, 0), layers=["embed", "embed"])
    )


@pytest.mark.usefixtures("as_users_have_it")
def test_bad_arguments_are_refused(mess3):
    good = [last_token(mess3, 0)]
    assert "networks is empty; give a list" in refusal(lambda: study_of(mess3, N_CTX, [], good))
    assert "untrained is empty; give a list" in refusal(lambda: study_of(mess3, N_CTX, good, []))
    assert "give a list of functions" in refusal(lambda: study_of(mess3, N_CTX, good[0], good))
    assert "n_ctx is 6.0; it must be an integer, as 6" in refusal(lambda: study_of(mess3, 6.0, good, good))
    assert "it must be larger" in refusal(lambda: study_of(mess3, 2, good, good))
    assert "process is 3" in refusal(lambda: study_of(3, N_CTX, good, good))
    assert "layers is 'embed'" in refusal(lambda: study_of(mess3, N_CTX, good, good, layers="embed"))
    assert toylab.study_of is study_of
