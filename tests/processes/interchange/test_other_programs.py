"""Processes of other programs: state-emitting models, other generators' files and names, graphs."""

import json
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import all_words, distribution_of_words
from oracles.compose import ROUNDING, modest

from processes import (
    ProcessError,
    coin,
    coupled,
    epsilon_machine,
    equivalent,
    filter,
    from_model,
    from_moore,
    from_simplexity,
    ghmm,
    hmm,
    mixed_states,
    mixture,
    named,
    predict,
    probability,
    read,
    relabelled,
    to_dot,
    to_json,
    to_moore,
    to_networkx,
)
from processes.strategies import hmms
from processes.values.float32 import Float32Warning

# -- state-emitting models
# ---------------------------------------------------------------------------------------------------


@st.composite
def moores(draw):
    """A start, a transition matrix and an emission matrix."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    S, V = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sparse = lambda p: np.where(rng.random(p.shape) < 0.3, 0, p) + 1e-3 * np.eye(*p.shape)  # noqa: E731
    parts = [sparse(rng.dirichlet(np.ones(n), size=S)) for n in (S, V)]
    return rng.dirichlet(np.ones(S)), *(
        p / p.sum(1, keepdims=True) if (p.sum(1) > 0).all() else np.ones_like(p) / p.shape[1] for p in parts
    )


def moore_probability(start, transition, emission, word):
    """The textbook: sum over all paths of states, as a forward pass."""
    alpha = start * emission[:, word[0]]
    for x in word[1:]:
        alpha = (alpha @ transition) * emission[:, x]
    return alpha.sum()


@modest
@given(moores(), st.sampled_from(["left", "arrived"]))
def test_words_of_a_state_emitting_model_either_way(parts, emits):
    process = from_moore(*parts, emits=emits)
    words = all_words(process.vocab, 3)
    expected = [moore_probability(*parts, word) for word in words]
    assert np.abs([probability(process, w) for w in words] - np.array(expected)).max() < ROUNDING
    again = from_moore(*to_moore(process))
    assert np.abs(distribution_of_words(again, 3) - expected).max() < ROUNDING


def test_which_belief_is_which():
    """After x_t: the state that emits next, or the one that emitted x_t, by Bayes' rule on two states."""
    start, A, E = np.array([0.8, 0.2]), np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.5, 0.5], [0.1, 0.9]])
    posterior = start * E[:, 0] / (start @ E[:, 0])  # .4, .02 over .42
    left, arrived = (from_moore(start, A, E, emits=e) for e in ("left", "arrived"))
    assert filter(left, [0]).belief[0] == pytest.approx(posterior @ A)
    assert filter(arrived, [0]).belief[0] == pytest.approx([0, *posterior])
    assert arrived.states == ("start", "0", "1") and equivalent(left, arrived)
    stationary = from_moore(None, A, E, emits="arrived")
    assert stationary.n_states == 2 and stationary.start == pytest.approx([0.75, 0.25])
    assert not equivalent(stationary, arrived)


def test_mess3_emits_from_the_state_it_arrives_at():
    """T[x, i, j] = A[i, j] E[j, x] with the published numbers (x = .05, a = .85)."""
    A, E = np.full((3, 3), 0.05) + 0.85 * np.eye(3), np.full((3, 3), 0.075) + 0.775 * np.eye(3)
    np.testing.assert_allclose(
        from_moore(None, A, E, emits="arrived").T, named("mess3").T, rtol=0, atol=1e-15
    )


@modest
@given(hmms())
def test_any_hmm_can_be_written_with_states_that_emit(process):
    start, transition, emission = to_moore(process)
    assert start.sum() == pytest.approx(1) and transition.sum(1) == pytest.approx(1)
    again = from_moore(start, transition, emission)
    assert np.abs(distribution_of_words(again, 3) - distribution_of_words(process, 3)).max() < ROUNDING


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([0.5, 0.5], [[1.0]], [[1.0]]), r"start has shape \(2,\); the model has 1 states"),
        ((None, [[0.5, 0.6], [0, 1]], np.eye(2)), "row 0 of transition sums to 1.1"),
        ((None, np.eye(2), np.eye(2)), "several|2 closed classes"),
        ((None, [[0.5, 0.5]], np.eye(2)), r"transition has shape \(1, 2\)"),
        ((None, [1.0], [[1.0]]), r"transition has shape \(1,\); it must have 2 axes"),
        ((None, [[1.5, -0.5], [0, 1]], np.eye(2)), r"transition\[0, 1\] is -0.5"),
        (([0.4, 0.5], [[1, 0], [0, 1]], np.eye(2)), "start sums to 0.9"),
    ],
)
def test_no_model_says_so(arguments, told):
    with pytest.raises(ProcessError, match=told) as error:
        from_moore(*arguments)
    assert "\n" not in str(error.value)


START, A, E = np.array([0.8, 0.2]), np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.5, 0.5], [0.1, 0.9]])


def hmmlearn_like(**changes):
    return SimpleNamespace(**{"startprob_": START, "transmat_": A, "emissionprob_": E} | changes)


def dynamax_like(emission):
    return SimpleNamespace(
        initial=SimpleNamespace(probs=START),
        transitions=SimpleNamespace(transition_matrix=A),
        emissions=SimpleNamespace(probs=emission),
    )


def test_models_of_other_libraries_by_what_they_hold():
    expected = from_moore(START, A, E)
    for model in (
        hmmlearn_like(),
        hmmlearn_like(n_trials=1),
        dynamax_like(E),
        dynamax_like(E[:, None, :]),
        {"start": START, "transition": A, "emission": E},
    ):
        assert from_model(model) == expected
    two = from_model(dynamax_like(np.stack([E, E[::-1]], 1)))
    assert predict(two, [1.0, 0.0]) == pytest.approx(np.outer(E[0], E[1]).ravel())
    coarse = (np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])).astype(np.float32)
    with pytest.warns(Float32Warning, match="transition holds float32 numbers"):
        single = from_moore(None, coarse, np.eye(3))
    assert np.abs(single.T.sum((0, 2)) - 1).max() < 1e-15


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (hmmlearn_like(n_trials=[5, 5]), "emits counts of .* give a CategoricalHMM"),
        (SimpleNamespace(startprob_=START, transmat_=A, means_=START), "it emits numbers, no symbols"),
        (SimpleNamespace(n_components=2), "no emissionprob_ yet: fit it"),
        (SimpleNamespace(initialize=print), "give its parameters"),
        ({"transition": A}, "no key 'emission'"),
        (3, "give hmmlearn's CategoricalHMM"),
    ],
)
def test_other_objects_are_refused_with_what_to_give(model, told):
    with pytest.raises(ProcessError, match=told) as error:
        from_model(model)
    assert "\n" not in str(error.value)


def test_hmmlearn_says_the_same_of_every_word():
    library = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is not installed")
    model = library.CategoricalHMM(n_components=2)
    model.startprob_, model.transmat_, model.emissionprob_, model.n_features = START, A, E, 2
    process = from_model(model, emits="arrived")
    for word in all_words(2, 4):
        column = np.asarray(word)[:, None]
        assert np.log(probability(process, word)) == pytest.approx(model.score(column), abs=1e-10)
        posterior = model.predict_proba(column)[-1]
        assert filter(process, word).belief[-1, 1:] == pytest.approx(posterior, abs=1e-10)


def test_dynamax_says_the_same_of_every_word():
    library = pytest.importorskip("dynamax.hidden_markov_model", reason="dynamax is not installed")
    model = library.CategoricalHMM(2, 1, 2)
    jnp = pytest.importorskip("jax.numpy")
    given = dict(initial_probs=START, transition_matrix=A, emission_probs=E[:, None, :])
    parameters, _ = model.initialize(**{key: jnp.asarray(value) for key, value in given.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Float32Warning)
        process = from_model(parameters)
    for word in all_words(2, 4):
        told = float(model.marginal_log_prob(parameters, jnp.asarray(word)[:, None]))
        assert np.log(probability(process, word)) == pytest.approx(told, abs=1e-5)


# -- files of other generators
# ---------------------------------------------------------------------------------------------------


def from_file(tmp_path, content):
    (tmp_path / "theirs.json").write_text(json.dumps(content))
    process = named(str(tmp_path / "theirs.json"))
    assert named(process.spec) == process
    assert "process_name" in content or process.name == content.get("name", "theirs")
    return process


def test_a_mixture_with_vocabulary_maps(tmp_path):
    parts = [{"type": "hmm", "transition_matrices": p.T.tolist()} for p in (named("even"), coin(p=0.3))]
    made = from_file(
        tmp_path,
        {"type": "nonergodic", "components": parts, "weights": [0.25, 0.75], "vocab_maps": [[0, 2], [1, 2]]},
    )
    spoken = [relabelled(named("even"), [0, 2], vocab=3), relabelled(coin(p=0.3), [1, 2], vocab=3)]
    expected = mixture(spoken, [0.25, 0.75]).process()
    assert np.abs(distribution_of_words(made, 3) - distribution_of_words(expected, 3)).max() < ROUNDING
    assert predict(made, made.start) == pytest.approx([0.25 / 3, 0.75 * 0.3, 0.25 * 2 / 3 + 0.75 * 0.7])


def coins(*probabilities):
    return [[[[p]], [[1 - p]]] for p in probabilities]


def factored(structure, *factors, **more):
    listed = [
        {"component_type": "hmm", "transition_matrices": f, "initial_state": [1.0], "vocab_size": 2}
        for f in factors
    ]
    return {"type": "factored", "factors": listed, "structure": structure, **more}


def test_factored_files_by_hand(tmp_path):
    """A coin of .6, and another of .7 after 0 and .2 after 1."""
    sequential = {"type": "sequential", "control_maps": [None, [0, 1]]}
    made = from_file(tmp_path, factored(sequential, coins(0.6), coins(0.7, 0.2)))
    assert predict(made, made.start) == pytest.approx([0.42, 0.18, 0.08, 0.32])
    order = {"type": "explicit", "token_to_tuple": [[1, 1], [1, 0], [0, 1], [0, 0]]}
    made = from_file(tmp_path, factored(sequential, coins(0.6), coins(0.7, 0.2), composite_encoding=order))
    assert predict(made, made.start) == pytest.approx([0.32, 0.08, 0.18, 0.42])
    independent = {"type": "independent", "variant_indices": [0, 1]}
    made = from_file(tmp_path, factored(independent, coins(0.6), coins(0.7, 0.2), name="mine"))
    assert predict(made, made.start) == pytest.approx([0.12, 0.48, 0.08, 0.32])


def test_transitions_conditional_on_all_others(tmp_path):
    """Factors whose variants emit alike and move otherwise, against a filter as that format defines it."""
    one, two = np.array([[0.5, 0.25], [0.125, 0.5]]), np.array([[0.25, 0.5], [0.5, 0.125]])
    said = np.array([one.sum(1), 1 - one.sum(1)])
    variants = [np.stack([a, (1 - a.sum(1))[:, None] * np.array([[0.3, 0.7]])]) for a in (one, two)]
    assert np.allclose(variants[1].sum(2), said)
    T = [v.tolist() for v in variants]
    factors = [{"component_type": "hmm", "transition_matrices": T, "initial_state": [0.5, 0.5]}] * 2
    structure = {
        "type": "conditional_transitions",
        "transition_control_maps": [[0, 1], [1, 0]],
        "emission_variant_indices": [0, 1],
    }
    made = from_file(tmp_path, {"type": "factored", "factors": factors, "structure": structure})

    def told(word):
        beliefs, total = [np.full(2, 0.5)] * 2, 1.0
        for x, y in word:
            total *= (beliefs[0] @ variants[0][x]).sum() * (beliefs[1] @ variants[1][y]).sum()
            rows = beliefs[0] @ variants[[0, 1][y]][x], beliefs[1] @ variants[[1, 0][x]][y]
            beliefs = [row / row.sum() for row in rows]
        return total

    words = all_words(4, 3)
    expected = [told([divmod(int(t), 2) for t in w]) for w in words]
    assert np.abs([probability(made, w) for w in words] - np.array(expected)).max() < ROUNDING


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            factored(
                {"type": "fully_conditional", "control_maps": [[0, 1]] * 2}, coins(0.6, 0.5), coins(0.7, 0.2)
            ),
            "no finite process",
        ),
        (
            factored({"type": "tree"}, coins(0.5)),
            "structure is .* must be an object with the type independent",
        ),
        (
            factored({"type": "sequential", "control_maps": [None, [0, 2]]}, coins(0.5), coins(0.1, 0.2)),
            "variants 0 to 1",
        ),
        ({"type": "factored", "structure": {"type": "independent"}}, "has no key 'factors'; factored"),
        ({"type": "factored", "factors": None}, "factors is None"),
        ({"type": "nonergodic", "components": [{}]}, "has no key 'weights'; nonergodic processes need it"),
        ({"type": "factored", "factors": [{}]}, r"factors\[0\] has no key 'transition_matrices'"),
        (
            {"type": "factored", "factors": [{"transition_matrices": [[[1.0]]]}]},
            r"factors\[0\]: .*\[0\]\[0\]\[0\] is '1.0'",
        ),
        (
            {"type": "factored", "factors": [{"transition_matrices": coins(0.5, 0.6)}]},
            "no initial_state; give it",
        ),
        ({"type": "nonergodic", "components": [], "weights": []}, "at least one entry"),
        ({"type": "nonergodic", "components": [3], "weights": [1.0]}, r"components\[0\] is 3"),
        (
            {"type": "nonergodic", "components": [{"transition_matrices": [[[1.0]]]}], "weights": [0.9]},
            "no distribution",
        ),
        (
            {
                "type": "nonergodic",
                "components": [{"transition_matrices": [[[1.0]]]}],
                "weights": [1.0],
                "vocab_maps": [[0, 1]],
            },
            r"vocab_maps\[0\] is \[0, 1\]; give 1 different",
        ),
        (
            factored(
                {"type": "conditional_transitions", "transition_control_maps": [[0, 1]]}, coins(0.6, 0.5)
            ),
            "give a variant|must give a variant",
        ),
        ({"process_name": "days_of_week", "process_params": {}}, "has no counterpart here"),
    ],
)
def test_files_that_are_no_process_say_why(content, told, tmp_path):
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(ProcessError, match=told) as error:
        read(tmp_path / "bad.json")
    assert "\n" not in str(error.value) and "bad.json" in str(error.value)


def test_what_only_filters_can_do_is_refused_with_the_reason(tmp_path):
    """Emission of one variant and transitions of another that emits otherwise: no rule of Bayes."""
    T = [named("even").T.tolist(), named("golden_mean").T.tolist()]
    factors = [{"component_type": "hmm", "transition_matrices": T, "initial_state": [0.5, 0.5]}] * 2
    structure = {"type": "conditional_transitions", "transition_control_maps": [[0, 1]] * 2}
    (tmp_path / "bad.json").write_text(
        json.dumps({"type": "factored", "factors": factors, "structure": structure})
    )
    with pytest.raises(
        ProcessError, match="emits symbol 0 otherwise: that format's filter is then no rule of Bayes"
    ):
        read(tmp_path / "bad.json")


WRITTEN = [
    "mess3",
    "moon",
    "mess3 * coin * even",
    "mixture(even, golden_mean; 0.3, 0.7)",
    "coupled(coin(p=0.6), coin(p=0.7) | coin(p=0.2); structure=sequential)",
    "coupled(mess3, even | golden_mean; structure=sequential; maps=[[], [0, 1, 1]]; coupling=0.25)",
    "coupled(even | even, coin | coin; structure=conditional_transitions; maps=[[1, 0], [0, 1]])",
    "coupled(coin(p=0.6), coin(p=1) | coin(p=0); structure=sequential; tokens=[[1, 1], [0, 0]])",
    "coupled(bloch_walk, coin | coin(p=0.2); structure=sequential; maps=[[], [0, 1, 1, 0]])",
]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_for_others_is_read_as_the_same(name, tmp_path):
    process = named(name)
    content = to_json(process)
    made = from_file(tmp_path, json.loads(json.dumps(content)))
    assert content["type"] == (
        process.kind
        if name in ("mess3", "moon")
        else "nonergodic"
        if name.startswith("mixture")
        else "factored"
    )
    assert made.vocab == process.vocab and equivalent(made, process)
    assert np.abs(distribution_of_words(made, 2) - distribution_of_words(process, 2)).max() < ROUNDING


def test_a_coupled_process_in_a_file_is_still_coupled(tmp_path):
    made = from_file(tmp_path, to_json(named(WRITTEN[4])))
    assert made.made_of.radices == (2, 2) and made.spec == str(tmp_path / "theirs.json")
    assert [part.belief.shape for part in made.made_of.filter([0, 3])] == [(2, 1), (2, 1)]
    assert named(f"{made.spec} * coin").vocab == 8
    for name in (
        "coupled(even, even | golden_mean; structure=hidden)",
        "coupled(coin, coin, coin | coin(p=0.1); structure=sequential; parents=[-1, -1, 0])",
    ):
        with pytest.raises(ProcessError, match="the format has no words for"):
            to_json(named(name))


@pytest.mark.parametrize(
    ("name", "parameters", "ours"),
    [
        ("even_ones", {"p": 0.3}, "even(p=0.3)"),
        ("no_consecutive_ones", {"p": 0.3}, "golden_mean(p=0.3)"),
        ("rrxor", {"pR1": 0.3, "pR2": 0.6}, "rrxor(p1=0.3, p2=0.6)"),
        ("fanizza", {"alpha": 2000.0, "lamb": 0.49}, "fanizza"),
        ("post_quantum", {"log_alpha": 1.0, "beta": 0.5}, "moon"),
        ("tom_quantum", {"alpha": 1.0, "beta": 3.0}, "bloch_walk"),
        ("matching_parens", {"open_probs": [1.0, 0.5, 0.5]}, "matching_parens"),
        ("matching_parens", {"open_probs": [1.0, 0.5, 0.5, 0.0]}, "matching_parens"),
        ("mess3", {"x": 0.15, "a": 0.6}, "mess3:piotrowski2025"),
    ],
)
def test_names_of_simplexity(name, parameters, ours, tmp_path):
    assert from_simplexity(name, parameters) == named(ours)
    assert from_file(tmp_path, {"process_name": name, "process_params": parameters}) == named(ours)


def test_the_matrices_of_simplexity_are_ours():
    """Written out by hand from their definitions: tom_quantum(1, 3) and zero_one_random(.3)."""
    T = from_simplexity("tom_quantum", {"alpha": 1.0, "beta": 3.0}).T
    np.testing.assert_allclose(T[0], [[0.25, 0, 0.15], [0, -0.2, 0], [0.15, 0, 0.25]], rtol=0, atol=1e-15)
    T = from_simplexity("zero_one_random", {"p": 0.3}).T
    np.testing.assert_allclose(T[:, 2, 0], [0.7, 0.3])
    for parameters in ({"q": 0.3}, {}):
        with pytest.raises(ProcessError, match="takes the parameters p, not"):
            from_simplexity("coin", parameters)
    with pytest.raises(ProcessError, match="did you mean 'mess3'"):
        from_simplexity("mess", {})


# -- float32
# ---------------------------------------------------------------------------------------------------


@modest
@given(
    st.integers(2, 4),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["array", "list", "decimals"]),
)
def test_float32_matrices_are_taken_and_that_is_said(V, S, seed, how):
    rng = np.random.default_rng(seed)
    exact = rng.dirichlet(np.ones(V * S), size=S).reshape(S, V, S).transpose(1, 0, 2)
    T = exact.astype(np.float32)
    given_as = {
        "array": T,
        "list": T.astype(np.float64).tolist(),
        "decimals": [[[float(str(v)) for v in row] for row in A] for A in T],
    }
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = hmm(given_as[how])
    assert np.abs(made.T.sum((0, 2)) - 1).max() < 1e-15 * V * S and np.abs(made.T - exact).max() < 1e-6
    assert all("divided by its sum" in str(w.message) for w in told)
    if np.abs(np.asarray(given_as[how], float).sum((0, 2)) - 1).max() > 1e-12:
        assert len(told) == 1


def test_numbers_that_a_person_rounded_are_not_taken_for_float32():
    with pytest.raises(ProcessError, match="sums to 0.999999; it must sum to 1"):
        hmm([[[0.333333] * 3] * 3])
    wrong = named("mess3").T.astype(np.float32)
    wrong[0, 0, 0] += 1e-4
    with pytest.raises(ProcessError, match="sums to 1.0001"):
        hmm(wrong)
    with pytest.warns(Float32Warning, match="its eigenvalue is 1 within"):
        made = ghmm(named("moon").T.astype(np.float32))
    assert np.abs(made.T - named("moon").T).max() < 1e-6


# -- graphs
# ---------------------------------------------------------------------------------------------------

EDGE = re.compile(r'^  (\d+) -> (\d+) \[label="(.*)"\];$', re.MULTILINE)


@pytest.mark.parametrize("name", ["even", "rrxor", "nemo", "mess3", "coin"])
def test_dot_has_every_transition(name):
    process = named(name)
    found = np.zeros_like(process.T)
    for i, j, labels in EDGE.findall(to_dot(process)):
        for label in labels.split("\\n"):
            x, p = label.split(":")
            found[int(x), int(i), int(j)] = float(p)
    np.testing.assert_allclose(found, process.T, rtol=0, atol=1e-6)


def test_dot_of_the_machines_by_hand():
    assert to_dot(named("golden_mean(p=0.25)")).splitlines() == [
        'digraph "golden_mean(p=0.25)" {',
        "  rankdir=LR; node [shape=circle];",
        '  0 [label="A", tooltip="start 0.8"];',
        '  1 [label="B", tooltip="start 0.2"];',
        '  0 -> 0 [label="0:0.75"];',
        '  0 -> 1 [label="1:0.25"];',
        '  1 -> 0 [label="0:1"];',
        "}",
    ]
    text = to_dot(mixed_states(named("even")))
    assert text.count("style=dashed") == 2 and 'label="*"' in text
    assert len(EDGE.findall(to_dot(epsilon_machine(named("rrxor"))))) >= 7
    named_oddly = hmm([[[1.0]]], name='a"b\\c', states=["x\ny"])
    assert 'digraph "a\\"b\\\\c"' in to_dot(named_oddly) and 'label="x\\ny"' in to_dot(named_oddly)
    with pytest.raises(ProcessError, match="generalised HMM"):
        to_dot(named("moon"))


def test_networkx_where_it_is_installed(monkeypatch):
    process = named("nemo")
    try:
        import networkx
    except ImportError:
        with pytest.raises(ProcessError, match="networkx is not installed; `pip install networkx`"):
            to_networkx(process)
        return
    graph = to_networkx(process)
    assert isinstance(graph, networkx.MultiDiGraph) and networkx.is_strongly_connected(graph)
    assert graph[1][2][0]["probability"] == 1.0 and graph.nodes[0]["label"] == process.states[0]
    assert len(to_networkx(mixed_states(process))) == len(mixed_states(process))


def test_a_coupled_process_reads_like_its_file(tmp_path):
    """Two ways to the same words."""
    structure = {"type": "sequential", "control_maps": [None, [0, 1]]}
    theirs = from_file(tmp_path, factored(structure, coins(0.6), coins(0.7, 0.2)))
    ours = coupled([coin(p=0.6), [coin(p=0.7), coin(p=0.2)]], "sequential").process()
    np.testing.assert_array_equal(theirs.T, ours.T)
