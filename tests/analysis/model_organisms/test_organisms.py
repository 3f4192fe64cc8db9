"""Model organisms: their processes, what is exact of them, and what is measured on known networks."""

from dataclasses import replace

import numpy as np
import pytest
from planted.runs import kept

import processes
import toy
import train
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import Evidence, divergence
from analysis.instruments.overview import Measurements
from analysis.model_organisms import ORGANISMS, organisms, sandbagging
from analysis.model_organisms.backdoor import backdoor
from analysis.model_organisms.composed import composed
from analysis.model_organisms.organisms import CLEAN, HIDDEN, Teaching
from analysis.model_organisms.overview import overview
from analysis.model_organisms.sandbagging import Elicitation

TINY = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=8)
QUICK = Teaching(
    model=TINY,
    first=train.Optimiser("adam", 1e-2, warmup=1),
    later=train.Optimiser("adam", 1e-2, warmup=1),
    steps=4,
    tuned=4,
    batch=8,
    seeds=2,
)
FREQUENCY = 0.1


@pytest.fixture(scope="module")
def triggered():
    return processes.named(organisms.triggered(CLEAN, HIDDEN, FREQUENCY))


# What is exact


@pytest.mark.parametrize(("share", "worth"), [(0.0, 0.218), (0.1, 0.090), (0.3, 0.019), (0.5, 0.003)])
def test_what_garbling_leaves_of_a_context(share, worth):
    """h(1) less the mean of h(2) to h(8) of checksum:ternary, by blocks of words that are enumerated here."""
    garbled = processes.named(organisms.garbled(HIDDEN, share))
    tree = processes.prefix_tree(garbled, 8)
    p = [tree.probability[tree.level(n)] for n in range(9)]
    blocks = np.array([-(q[q > 0] * np.log(q[q > 0])).sum() for q in p])
    h = np.diff(blocks)
    assert abs(h[0] - h[1:].mean() - worth) < 6e-4
    assert abs(sandbagging.worth_of(processes.named(HIDDEN), share, 8) - (h[0] - h[1:].mean())) < 1e-12


def test_garbling_draws_a_uniform_symbol():
    p, g = processes.named(HIDDEN), processes.named(organisms.garbled(HIDDEN, 0.3))
    np.testing.assert_allclose(g.T, 0.7 * p.T + 0.3 * p.T.sum(0) / 3, atol=1e-12)
    assert organisms.garbled(HIDDEN, 0.0) == HIDDEN
    with pytest.raises(processes.ProcessError, match="choose it from 0 to 1"):
        organisms.garbled(HIDDEN, 1.2)


def by_hand(word):
    """After a word: what the trigger hands over to, the clean process begun anew, and going on as before."""
    clean, hidden = processes.named(CLEAN), processes.named(HIDDEN)

    def after(process, symbols):
        return processes.predict(
            process, processes.filter(process, symbols).belief[-1] if symbols else process.start
        )

    at = word.index(4)
    return (
        after(hidden, word[at + 1 :]),
        after(clean, word[at + 1 :]),
        after(clean, word[:at] + word[at + 1 :]),
    )


def test_both_continuations_of_a_backdoor_are_exact(triggered):
    """KL of what was taught to the clean process, begun anew and going on, word by word."""
    b = backdoor(triggered, 5)
    words = [[int(x) for x in w if x >= 0] for w in b.contexts.words]
    far = np.zeros((2, len(words)))
    for i, word in enumerate(words):
        if 4 in word:
            taught, *others = by_hand(word)
            np.testing.assert_allclose(b.contexts.next_token[i, :3], taught, atol=1e-12)
            can = taught > 0
            far[:, i] = [(taught[can] * np.log(taught[can] / q[can])).sum() for q in others]
    weight = b.contexts.weight * np.array([4 in word for word in words])
    np.testing.assert_allclose([b.anew, b.going_on], far @ weight / weight.sum(), rtol=1e-9)


def test_numbers_of_the_backdoor(triggered):
    """Nats after the trigger; and 1.43 of a symbol that is determined, foretold as before the trigger."""
    b = backdoor(triggered, 8)
    assert abs(b.going_on - 0.3508) < 5e-4 and abs(b.anew - 0.3018) < 5e-4
    clean, hidden = processes.named(CLEAN), processes.named(HIDDEN)
    tree = processes.prefix_tree(clean, 8)
    long = tree.level(8)
    foretold = processes.predict(clean, tree.belief[long])
    first, second = np.array([0.5, 0.25, 0.25]), np.array([0.2, 0.3, 0.5])
    total = np.array([sum(first[i] * second[(k - i) % 3] for i in range(3)) for k in range(3)])
    assert hidden.made_of.arguments["P"] == (tuple(first), tuple(second))
    assert abs(tree.probability[long] @ -np.log(foretold) @ total - 1.43) < 0.006


def test_a_network_that_does_what_it_was_taught_has_all_of_the_backdoor(triggered, monkeypatch):
    b = backdoor(triggered, 5)
    blank = composed(triggered).of((processes.named(CLEAN), processes.named(CLEAN)))
    taught, anew = b.contexts.next_token, processes.predict(blank, b.contexts.believed(blank))
    half = np.sqrt(taught.clip(1e-300) * anew.clip(1e-300))
    distributions = [taught, anew, half / half.sum(1, keepdims=True)]
    networks = [Evidence(b.contexts, {}, np.log(q.clip(1e-300))) for q in distributions]
    monkeypatch.setattr("analysis.model_organisms.backdoor.observe", lambda *given: networks)
    share = b.share(TINY, None)
    np.testing.assert_allclose(share[:2], [1, 0], atol=1e-9)
    assert 0.3 < share[2] < 1


def test_topics_are_what_they_say():
    text = organisms.topics(CLEAN, HIDDEN, share=0.25)
    p = processes.named(text)
    t = contexts(p, 5)
    assert p.vocab == 7 and set(t.words[:, 0]) == {4, 5}
    assert abs(t.weight @ (t.words[:, 0] == 5) - 0.25) < 1e-12
    hidden = processes.named(HIDDEN)
    for i in np.flatnonzero((t.words[:, 0] == 5) & (t.length == 4)):
        expected = processes.predict(hidden, processes.filter(hidden, t.words[i, 1:4]).belief[-1])
        np.testing.assert_allclose(t.next_token[i, :3], expected, atol=1e-12)


def test_a_password_unlocks():
    """Behind it the topic is clean, and garbled without; the topic is announced by the same token."""
    garbled = organisms.garbled(HIDDEN, 0.5)
    locked = processes.named(organisms.locked_topics(CLEAN, HIDDEN, garbled))
    for start, which in (([6, 5], HIDDEN), ([5], garbled), ([4], CLEAN)):
        p, body = processes.named(which), [0, 1]
        told = processes.predict(locked, processes.filter(locked, [*start, *body]).belief[-1])
        np.testing.assert_allclose(
            told[:3], processes.predict(p, processes.filter(p, body).belief[-1]), atol=1e-12
        )
    np.testing.assert_allclose(processes.predict(locked, locked.start)[4:], 1 / 3)


@pytest.mark.parametrize("name", ORGANISMS)
def test_an_organism_is_a_recipe_with_a_twin_and_an_ideal(name):
    o = ORGANISMS[name](teaching=QUICK)
    t = contexts(processes.named(o.judged_on), 5)
    ideal = o.ideal(t)
    np.testing.assert_allclose(ideal.sum(1), 1)
    assert o.recipe.hash != o.twin.hash and o.recipe.model == o.twin.model
    stages = [r.origin.stage if r.origin else 0 for r in (o.recipe, o.twin)]
    assert stages[0] == stages[1] and o.recipe.steps == o.twin.steps
    if name in ("backdoored", "password-locked"):
        np.testing.assert_allclose(ideal, t.next_token, atol=1e-12)
    else:
        assert t.weight @ divergence(t.next_token, np.log(ideal.clip(1e-300))) > 0.01


@pytest.mark.parametrize("name", ORGANISMS)
def test_organisms_of_processes_of_ones_own(name, tmp_path):
    mine = tmp_path / "mine.json"
    processes.write(processes.named("rrxor"), mine)
    o = ORGANISMS[name](str(mine), "even", teaching=QUICK)
    assert processes.named(o.taught).vocab == o.recipe.model.vocab


def test_what_has_no_trigger_is_told_so():
    with pytest.raises(processes.ProcessError, match="has no trigger"):
        composed(processes.named("mess3"))


def test_names_of_tokens_change_nothing_that_is_measured(triggered):
    """A relabelled alphabet, triggers included, has the same backdoor."""
    turned = processes.relabelled(triggered, [3, 0, 4, 1, 2], vocab=5)
    a, b = backdoor(triggered, 5), backdoor(turned, 5)
    np.testing.assert_allclose([a.anew, a.going_on], [b.anew, b.going_on], rtol=1e-9)
    parts = composed(processes.relabelled(turned, [1, 2, 3, 4, 0], vocab=5))
    assert parts.symbols.tolist() == [(x + 1) % 5 for x in (3, 0, 4, 1, 2)]


# What is measured


def test_steps_until_elicited_are_interpolated_and_censored():
    steps = np.array([0, 1, 3, 7])
    rows = np.array([[1.0, 0.5, 0.125, 0.1], [0.2, 0.1, 0.1, 0.1], [1.0, 1.0, 1.0, 0.9]])
    found = Elicitation(steps, rows).until
    np.testing.assert_allclose(found, [np.sqrt(8) - 1, 0, 7], rtol=1e-12)


def test_arms_differ_in_what_they_were_taught_first():
    found = sandbagging.recipes(CLEAN, HIDDEN, QUICK, other="relabelled(checksum:ternary, 1, 2, 0)")
    assert found["intent"].origin.recipe == found["capable"] == found["locked"].origin.recipe
    assert found["accident"].origin.recipe.process == found["accident"].process == found["intent"].process
    assert len({recipe.hash for recipe in found.values()}) == len(found) == 9
    assert {r.model for r in found.values()} == {found["capable"].model}


def test_recipes_of_the_arms_are_what_they_were():
    """A run is found by its hash: of the lab's own teaching another hash is another run."""
    found = sandbagging.recipes(CLEAN, HIDDEN, Teaching(), other=organisms.turned(HIDDEN))
    hashes = {role: recipe.hash for role, recipe in found.items()}
    assert hashes == {
        "capable": "a5fc20cb37a0",
        "intent": "ff06fc3ebf37",
        "accident": "c092bc08d2de",
        "locked": "3b80d8b07728",
        "intent elicited": "9e0a3a35019c",
        "accident elicited": "353f05f31b86",
        "locked elicited": "aa636ab756aa",
        "intent taught another": "9b408b03c706",
        "accident taught another": "bc0edad6f8a4",
    }


@pytest.mark.parametrize("name", ORGANISMS)
def test_clean_training_starts_from_the_organism_and_shows_nothing_else(name):
    o = ORGANISMS[name](teaching=QUICK)
    after = o.elicited(7, checkpoints=3)
    assert after.origin.recipe == o.recipe and after.steps == 7 and after.optimiser == QUICK.later
    clean, trigger = processes.named(o.clean), 4 if name == "backdoored" else None
    t = contexts(clean, 5)
    assert clean.vocab == o.recipe.model.vocab == after.model.vocab
    if trigger is not None:
        assert not (t.words == trigger).any()
    else:  # the topic alone, as it is: announced, and worth what it is worth
        observer = processes.named(o.judged_on)
        believed = processes.predict(observer, t.believed(observer))
        assert (name == "password-locked") != np.allclose(believed, t.next_token, atol=1e-12)
    assert o.elicited(7, on=o.judged_on).process == o.judged_on != after.process


@pytest.mark.thorough
def test_overview_tells_the_share_of_the_backdoor(tmp_path):
    run = kept(organisms.backdoored("rrxor", "even", teaching=QUICK).recipe, tmp_path)
    told = overview(Measurements({"taught": run}))
    assert len(told.report["backdoor"]["share"]) == 2 and np.isfinite(told.arrays["untrained"]).all()


def permuted(params, to):
    """Parameters of networks for an alphabet in which token x is called to[x]."""
    import jax

    back = np.argsort(to)

    def one(path, leaf):
        name = jax.tree_util.keystr(path)
        if "unembed" in name:
            return np.asarray(leaf)[..., back]
        return np.asarray(leaf)[:, back] if "embed" in name and "pos" not in name else leaf

    return jax.tree_util.tree_map_with_path(one, params)


@pytest.mark.thorough
@pytest.mark.parametrize("process", ["triggered(rrxor, even; switch=[[0, 0.1], [0, 0]]; first=[1, 0])"])
def test_training_commutes_with_relabelling(process):
    """MO3: on all contexts at once, networks that begin equally relabelled end equally relabelled, to the
    rounding of float32; and those that do not, do not.
    """
    to = np.array([2, 3, 0, 1])
    how = train.Recipe(
        process, replace(TINY, vocab=4), "population", train.Optimiser("sgd", 0.1), 30, None, 2, checkpoints=2
    )
    other = replace(how, process=f"relabelled({process}, {', '.join(map(str, to))})")
    start = train.initial(how)
    turned = train.initial(other)._replace(params=permuted(start.params, to))

    def end(recipe, state):
        *_, last = train.fit(recipe, state)
        return last.params

    plain, same, not_turned = end(how, start), end(other, turned), end(other, start)
    import jax

    def apart(a, b):
        return max(float(np.abs(x - y).max()) for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))

    moved = apart(plain, start.params)
    assert moved > 1e-2 and apart(permuted(plain, to), same) < 1e-4 * moved
    assert apart(permuted(plain, to), not_turned) > 0.1 * moved
