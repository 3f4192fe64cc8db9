"""What a network cannot read is refused in one sentence: tokens, trees, parameters, edits; and what can be
read is so from a pickle too.
"""

import copy
import pickle
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from at_doors import (
    RECIPE,
    RECORDS,
    SMALL,
    WORD,
    as_users_have_it,  # noqa: F401
    refusal,
)

import toy
import train
from toy import ModelError
from train import Origin


def a_network():
    network = toy.network(SMALL)
    return network, network.init(jax.random.key(0))


CHAIN = toy.Tree(jnp.where(jnp.tri(3, dtype=bool), jnp.arange(3), -1), (1, 1, 1))
BAD_TOKENS = {
    "a symbol too many": (WORD + 1, "a token is 2, but the model reads the symbols 0 to 1"),
    "below zero": (WORD - 1, "a token is -1"),
    "beyond 32 bits": (WORD + 2**40, "a token is 1099511627776"),
    "on the device": (jnp.asarray(WORD + 7), "a token is 7"),
    "floats": (WORD / 1, "the tokens are float64"),
    "booleans": (WORD > 0, "the tokens are bool"),
    "one number": (1, r"the tokens have shape \(\)"),
    "empty": (WORD[:, :0], r"the tokens have shape \(1, 0\)"),
    "no sequences": (WORD[:0], r"the tokens have shape \(0, 6\)"),
    "ragged": ([[0, 1], [1]], "sequences of one length"),
    "too long": (np.tile(WORD, 2), "12 tokens but the model reads at most n_ctx = 6"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("case", BAD_TOKENS)
@pytest.mark.parametrize("config", [SMALL, RECORDS["RecurrentConfig"]], ids=lambda c: type(c).__name__)
def test_tokens_that_a_network_cannot_read_are_refused(config, case):
    tokens, message = BAD_TOKENS[case]
    network = toy.network(config)
    params = network.init(jax.random.key(0))
    with pytest.raises(ModelError, match=message):
        network.apply(params, tokens)
    with pytest.raises(ModelError, match=message):
        jax.jit(lambda p: network.apply(p, tokens)["logits"])(
            params
        )  # tokens that a program is compiled with


@pytest.mark.thorough
def test_inside_programs_nothing_is_checked_but_shapes():
    network, params = a_network()
    run = jax.jit(lambda p, tokens: network.apply(p, tokens)["logits"])
    assert run(params, WORD).shape == (1, 6, 2) and run(params, WORD + 7).shape == (1, 6, 2)
    program = str(
        jax.make_jaxpr(lambda p, tokens: network.apply(p, tokens)["logits"])(params, jnp.asarray(WORD))
    )
    assert "callback" not in program and "error" not in program
    for bad in (WORD / 1, np.tile(WORD, 2), WORD[:, :0]):
        with pytest.raises(ModelError):
            run(params, bad)


BAD_TREES = {
    "more tokens than nodes": (WORD[0], lambda: CHAIN, "6,.*3 nodes"),
    "a batch": (WORD[:, :3], lambda: CHAIN, "3 nodes; give one token for each"),
    "an ancestor that is no node": (
        WORD[0, :3],
        lambda: toy.Tree(CHAIN.ancestors + 5, CHAIN.widths),
        "an ancestor in the tree is 4; it must be a node, 0 to 2",
    ),
    "a list": (WORD[0, :3], lambda: toy.Tree([[0]], (1,)), "ancestors are"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("case", BAD_TREES)
def test_trees_that_do_not_fit_are_refused(case):
    network, params = a_network()
    tokens, tree, message = BAD_TREES[case]
    with pytest.raises(ModelError, match=message):
        network.apply(params, tokens, tree())


@pytest.mark.parametrize("widths", [(1.0, 1), (True, True), (-1, 3), (0, 2), 2, None, "11"], ids=str)
def test_trees_whose_levels_cannot_be_counted_are_refused(widths):
    assert "widths" in refusal(lambda: toy.Tree(jnp.zeros((2, 2), int), widths))
    assert toy.Tree(jnp.zeros((2, 2), int), [np.int64(1), 1]) and hash(
        toy.Tree(jnp.zeros((2, 2), int), [1, 1]).widths
    ) == hash((1, 1))


def without(params, name):
    return {key: value for key, value in params.items() if key != name}


BAD_PARAMS = {
    "a stack": (
        lambda p: jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), p),
        r"shape \(2, 16\), but this network's have \(16,\); take one",
    ),
    "a name missing": (lambda p: without(p, "embed"), "lack 'embed.embedding'"),
    "a name too many": (lambda p: p | {"more": np.ones(3)}, "have 'more'"),
    "another width": (
        lambda p: toy.network(replace(SMALL, d_model=8)).init(jax.random.key(0)),
        r"have shape \(8,\), but .* \(16,\)",
    ),
    "integers": (lambda p: jax.tree.map(lambda leaf: leaf.astype(int), p), "are int32"),
    "words": (lambda p: jax.tree.map(str, p), r"have shape \(\)"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("case", BAD_PARAMS)
def test_parameters_of_another_network_are_refused(case):
    network, params = a_network()
    change, message = BAD_PARAMS[case]
    for apply in (
        network.apply,
        lambda p, w: network.apply(p, w),
        jax.jit(network.apply) if case != "words" else network.apply,
    ):
        with pytest.raises(ModelError, match=message):
            apply(change(params), WORD)


@pytest.mark.thorough
@pytest.mark.parametrize("case", [*BAD_PARAMS, "one network"])
def test_a_training_starts_from_parameters_of_its_own_network_only(case):
    change = BAD_PARAMS[case][0] if case != "one network" else lambda p: jax.tree.map(lambda leaf: leaf[0], p)
    state = train.initial(RECIPE)
    wrong = change(state.params)
    assert (
        "the parameters" in refusal(lambda: train.initial(replace(RECIPE, origin=Origin(RECIPE)), wrong))
        if case != "a name too many"
        else True
    )
    assert "the parameters" in refusal(lambda: train.fit(RECIPE, state._replace(params=wrong)))
    assert "(2, 60) seeds and steps" in refusal(lambda: train.fit(replace(RECIPE, steps=61), state))


BAD_EDITS = [
    [("embed", abs)],
    {"embed": 3},
    {"embed": None},
    {3: abs},
    {"embd": abs},
    {"embed": lambda v: None},
    {"embed": lambda v: v[:, :1]},
    "embed",
]


@pytest.mark.parametrize("edit", BAD_EDITS, ids=range(len(BAD_EDITS)))
def test_edits_that_are_none_are_refused(edit):
    network, params = a_network()
    refusal(lambda: network.apply(params, WORD, edit=edit))


BAD_SITES = {
    "there is no site 'blocks.0.attn.w' to read; the nearest is 'blocks.0.attn.": ["blocks.0.attn.w"],
    "there is no site 3 to read; the nearest is ": [3],
    "sites is 'logits'; it must be a list of names, as ['logits']": "logits",
    "sites is 3; it must be a list of names": 3,
}


@pytest.mark.parametrize("said", BAD_SITES, ids=range(len(BAD_SITES)))
def test_sites_that_are_none_are_refused(said):
    network, params = a_network()
    assert said in refusal(lambda: network.apply(params, WORD, sites=BAD_SITES[said]))


PICKLED = {
    "transformer": SMALL,
    "decay": replace(SMALL, mixer="decay"),
    "gru": RECORDS["RecurrentConfig"],
}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", PICKLED)
def test_a_network_can_be_pickled_and_copied(kind):
    def does(network):
        return jax.jit(lambda key: (params := network.init(key), network.apply(params, WORD)))(
            jax.random.key(1)
        )

    network = toy.network(PICKLED[kind])
    assert copy.copy(network).config is network.config and copy.deepcopy(network).config == network.config
    again = pickle.loads(pickle.dumps(network))
    assert again.config == network.config
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, does(again), does(network))))


@pytest.mark.thorough
def test_a_steered_network_can_be_pickled():
    network = toy.network(PICKLED["transformer"])
    steered = train.steered(network, "blocks.0.resid_post", 2)
    given = (network.init(jax.random.key(0)), jnp.arange(16.0))
    plain, before, after = (
        jax.jit(n.apply)(*p)["logits"]
        for n, *p in (
            (network, given[0], WORD),
            (steered, given, WORD),
            (pickle.loads(pickle.dumps(steered)), given, WORD),
        )
    )
    assert (
        np.array_equal(before, after)
        and np.array_equal(plain[:, :2], before[:, :2])
        and not np.allclose(plain[:, 2:], before[:, 2:])
    )
