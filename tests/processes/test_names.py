"""Names: one grammar, one table, and what is made of named things can be written and read again."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import processes
from processes import ProcessError, Product, constraints, named
from processes.names.forms import FORMS
from processes.names.grammar import parse, split
from processes.names.reading import source
from processes.names.strategies import expressions
from processes.strategies import hmms
from processes.values.structure import Built, FromFile

SLOW = ("decoy",)
"""A second each."""
QUICK = [name for name in FORMS if name not in ("addition", "ledger", *SLOW)]


def meant(text: str) -> processes.Process:
    try:
        return named(text)
    except ProcessError:
        assume(False)
        raise


def reads_back(text: str) -> None:
    process = meant(text)
    again = named(process.spec)
    assert again.digest == process.digest and again.spec == process.spec
    assert type(again.made_of) is type(process.made_of)


@pytest.mark.thorough
@pytest.mark.parametrize("name", QUICK)
@given(data=st.data())
@settings(max_examples=10)
def test_what_is_written_reads_back(name, data):
    """Every name of the table, of every other: `spec` is the same process, made of the same, and its own
    spec."""
    reads_back(data.draw(expressions(name)))


@pytest.mark.thorough
@pytest.mark.parametrize("name", SLOW)
@given(data=st.data())
@settings(max_examples=2)
def test_what_takes_a_second_reads_back_too(name, data):
    reads_back(data.draw(expressions(name)))


def test_a_spec_of_six_digits_would_not_read_back():
    """The planted fault: names carry six digits, specs all of them."""
    process = named("coin(p=1/3)")
    assert named(process.spec).digest == process.digest != named(process.name).digest


@given(process=hmms())
@settings(max_examples=10)
def test_arrays_of_ones_own_have_no_spec(process):
    made = [process, processes.synonyms(process, 2), processes.product([process, named("coin")]).process()]
    made += [processes.mixture([process], [1]).process(), processes.permuted(named("rrxor"), [1, 0, 2, 3, 4])]
    assert [p.spec for p in made] == [None] * len(made)
    assert isinstance(made[1].made_of, Built) and isinstance(made[2].made_of, Product)  # known all the same


@pytest.mark.parametrize(
    "text",
    [
        "ledger(K=6, g=2, p=0.25)",
        "ledger(K=3, g=1, p=1/3)",
        "xorsat(n=5, k=3, m=4)",
        "addition(p=7, share=1/3)",
    ],
)
def test_a_question_says_how_it_is_written(text):
    made = source(text)
    again = source(made.spec)
    assert type(again) is type(made) and (again.digest, again.spec) == (made.digest, made.spec)


def test_a_ledger_of_ones_own_has_no_spec():
    assert processes.constraints.ledger([0.25, 0.75], [[0, 1]], p=0.5, g=1).spec is None
    assert processes.constraints.ledger([0.5, 0.5], [[1, 0]], p=0.5, g=1).spec is None
    assert processes.constraints.ledger([0.5, 0.5], [[0, 1]], p=0.5, g=1).spec == "ledger(K=1, g=1, p=0.5)"


def test_a_mixture_without_weights_is_one_of_equal_ones_and_written_with_them():
    third = repr(1 / 3)
    for text, weights in {"even, coin": "0.5, 0.5", "coin, even, coin": f"{third}, {third}, {third}"}.items():
        plain, full = named(f"mixture({text})"), named(f"mixture({text}; {weights})")
        assert plain == full and plain.spec == full.spec and plain.spec.endswith(f"; {weights})")
        assert named(plain.spec) == plain


KEPT = {
    "mess3 * coin": Product,
    "coupled(even, golden_mean | even; structure=sequential)": processes.Coupled,
    "mixture(even, golden_mean; 0.3, 0.7)": processes.Mixture,
    "guarded(mess3; no 00; never 2; p=0.5)": constraints.Protocol,
    "given(mess3; no 00; never 2)": constraints.Given,
    "synonyms(mess3 * coin, n=2)": Built,
}


@pytest.mark.parametrize("text", KEPT)
def test_what_it_is_made_of_is_kept_by_names_copies_and_files_and_dropped_by_changes(text, tmp_path):
    process = named(text)
    processes.write(process, tmp_path / "p.json")
    kept = [processes.renamed(process, "mine"), copy.copy(process), pickle.loads(pickle.dumps(process))]
    kept += [copy.deepcopy(process), processes.read(tmp_path / "p.json"), named(str(tmp_path / "p.json"))]
    for other in kept:
        assert type(other.made_of) is KEPT[text] and other.spec == process.spec
    order = [*range(process.n_states)][::-1]
    assert processes.permuted(process, order).made_of is None
    assert processes.similar(process, 2 * np.eye(process.n_states)).made_of is None
    assert processes.hmm(process.T, process.start).made_of is None


def test_a_file_that_was_changed_is_not_what_its_spec_says(tmp_path):
    file = tmp_path / "p.json"
    for change in (
        {"spec": "mess3 * coin(p=0.25)"},
        {"spec": "nonsense("},
        {"spec": 3},
        {"spec": f"{file} * coin"},
    ):
        processes.write(named("mess3 * coin"), file)
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
        assert isinstance(processes.read(file).made_of, FromFile)
        assert processes.read(file).digest == named("mess3 * coin").digest
    processes.write(named("coin(p=0.3)"), file)  # other numbers under the same spec
    content = json.loads(file.read_text()) | {"spec": "coin(p=0.25)"}
    file.write_text(json.dumps(content))
    assert processes.read(file).spec == str(file)


def test_files_can_be_written_whatever_they_are_called(tmp_path):
    for name in ("mine.json", "of 3, [by] me (1).json", "it's.json", "2.json", "a*b.json"):
        processes.write(processes.hmm(named("even").T), tmp_path / name)
        process = named(str(tmp_path / name))
        assert named(process.spec).digest == named("even").digest
        both = processes.product([process, named("coin")]).process()
        assert named(both.spec).digest == both.digest and named(f"synonyms({process.spec}, 2)").vocab == 4
    assert named(f"{tmp_path}/mine.json*{tmp_path}/2.json").vocab == 4


def test_constraints_by_their_functions_are_the_sentences_that_they_say():
    c, V = constraints, 12
    made = [
        c.forbidden_word([11], vocab=V),
        c.forbidden_word([10, 2], vocab=V),
        c.phases([[11], [0, 1]], vocab=V),
    ]
    made += [c.at_most(2, 11, vocab=V), c.at_most_in_a_row(1, 3, vocab=V), c.order(11, 2, vocab=V)]
    made += [c.parity(3, vocab=V, odd=True, period=4), c.period(1, vocab=V)]
    made += [c.bounded_depth(3, 11, vocab=V, depth=2, closed=False)]
    for constraint in made:
        assert constraints.constraint(constraint.spec, V).identity == constraint.identity
    checks = c.parity_checks([[1, 1, 0], [0, 1, 1]], [1, 0])
    assert constraints.constraint(checks.spec, 2).identity == checks.identity
    for constraint in (
        c.parity(0, vocab=2, odd=False, period=None),
        c.bounded_depth(0, 1, vocab=2, depth=2, closed=True),
        c.pulled_back(made[0], [11, 0]),
        c.automaton([[0, 1], [1, 1]], [1]),
    ):
        assert constraint.spec is None
        assert c.conditioned(named("coin"), constraint).spec is None
    both = c.conditioned(named("mess(x=0.05, a=0.85, s=12)"), c.conjunction(made[:2]))
    assert both.made_of.constraints == tuple(made[:2]) and named(both.spec).digest == both.digest


@pytest.mark.thorough
@given(counts=st.lists(st.integers(1, 97), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_every_distribution_over_subsets_can_be_written(counts, seed):
    """Also one that no short decimals give."""
    cs = [constraints.forbidden_word([k, k], vocab=3) for k in range(2)]
    for weights in (np.array(counts, float), np.random.default_rng(seed).random(len(counts)) + 0.01):
        shares = dict(zip([(), (0,), (1,), (0, 1)], (weights / weights.sum()).tolist(), strict=False))
        made = constraints.protocol(named("mess3"), cs, shares)
        assert named(made.spec).digest == made.process().digest
        weighted = processes.mixture([named("coin")] * len(counts), weights / weights.sum())
        assert named(weighted.process().spec).digest == weighted.process().digest


def test_probabilities_are_written_as_one_would():
    cs = [constraints.forbidden_word([k], vocab=20) for k in range(12)]
    base = named("mess(x=0.01, a=0.85, s=20)")
    for p in (0.3, 1 / 3, 0.0, 1.0):
        made = constraints.protocol(base, cs[:3], constraints.independent_distribution(3, p=p))
        assert made.spec.endswith(f"; p={p!r})")
    assert constraints.protocol(base, cs, {(): 0.5, (3, 11): 0.25, (11,): 0.25}).spec.endswith(
        "; on=none,none,3+11,11+)"
    )
    assert named(named("guarded(coin; no 11; no 00; on=none,none,01)").spec).made_of.distribution == {
        (): 2 / 3,
        (0, 1): 1 / 3,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("coupled(coin, even; structure=independent)", "coin * even"),
        (
            "coupled(even * coin, coin | coin(p=0.2); structure='hidden'; maps=[[], [0, 1]]; coupling=0)",
            "even * coin * coin",
        ),
        ("mess3*mess3", "mess3 * mess3"),
        ("product(mess3, (coin))", "mess3*coin"),
        ("(mess3 * coin) * even", "mess3 * (coin * even)"),
        ("synonyms(mess3, n=2)", "synonyms( mess3 ,2 )"),
        ("mixture(even, golden_mean; 0.3, 0.7)", "mixture(even; golden_mean; weights=[3/10, 7/10])"),
        ("relabelled(mess3, 2, 0, 1)", "relabelled(mess3, symbols=(2, 0, 1), vocab=3)"),
        ("noisy(coin, error=0.1)", "noisy(coin, channel=[[0.9, 0.1], [0.1, 0.9]])"),
        ("decoy(rrxor)", "decoy(rrxor, seed=0)"),
        ("leak(rrxor, 1/10)", "leaky_rrxor"),
        ("guarded(coin; no 11; no 00; p=1/2)", "guarded(coin;no  11;no 00;on=none,0,1,01)"),
        ("guarded(coin; no 11; on=none:0.25,0:0.75)", "guarded(coin; no 11; on=none,0,0,0)"),
        ("guarded(coin; no 11; law=none:0.25,0:0.75)", "guarded(coin; no 11; on=none,0,0,0)"),  # earlier
    ],
)
def test_spellings_that_mean_the_same(one, other):
    assert named(one).digest == named(other).digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "synonyms(coin | even, 2)",
            "at column 10, .*: | stands between the variants of a factor, in coupled",
        ),
        ("coupled(coin | even; structure=independent)", "2 states .* share both"),
        ("mess33", "there is no process called 'mess33'; did you mean 'mess3'?"),
        ("rrxro", "did you mean 'rrxor'?"),
        ("golden_men", "did you mean 'golden_mean'?"),
        ("parens", "did you mean 'matching_parens'?"),
        ("nope", "there is no process called 'nope'; known: coin, golden_mean, "),
        (
            "coin * mess33",
            "at column 8, 'mess33': there is no process called 'mess33'; did you mean 'mess3'?",
        ),
        ("synonym(mess3, 2)", "at column 1, 'synonym': .* did you mean 'synonyms'?"),
        ("synonyms(mess3", "at column 9, .*: the bracket of column 9 is not closed"),
        ("coin coin", "at column 6, 'coin': nothing can follow here but *"),
        ("coin *", "at its end: a process is missing here; write it like rrxor"),
        ("coin(p=)", r"at column 8, '\)': a process is missing"),
        ("coin(p=0.5, p=0.2)", "at column 13, 'p': p is given twice; delete one"),
        ("coin(q=0.5)", "coin takes the parameters p, but .* gives q; write it like coin"),
        ("coin(0.5)", "at column 6, '0.5': coin takes 0 numbers without a name; write it like coin"),
        ("coin(p=1/0)", "at column 8, '1/0': this is no fraction"),
        ("coin(p=[1, x])", r"the parameter p of coin is \[1, x\]; it must be a number"),
        ("coin(coin)", "at column 6, 'coin': coin is made of numbers alone"),
        ("decoy", "decoy takes what stands in brackets; write it like decoy"),
        ("decoy(rrxor, coin)", "decoy is of one process and names 2"),
        ("leak(rrxor, 0.1, 0.2)", "at column 18, '0.2': leak takes no further number here"),
        ("leak(rrxor)", "leak takes the parameters epsilon, but .* gives none; write it like leak"),
        ("synonyms(2, n=2)", "synonyms is of one process and names none"),
        ("given(coin, no 11)", "at column 11, .*: constraints are parted by semicolons"),
        (
            "given(coin; no 11; nix)",
            "at column 20, 'nix': cannot read the constraint 'nix'; write it like `no 11`",
        ),
        ("guarded(coin; no 11; on=none:x)", "at column 25, 'none:x': on is 'none:x'; give every subset"),
        ("guarded(coin; no 11; no 00; on=none:0.5,01)", "'01': on is 'none:0.5,01'; give every subset"),
        ("guarded(coin; p=0.5)", "at column 15, 'p=0.5': it names no constraint before it"),
        ("mixture(coin, even; 0.5)", "is no process: the distribution of the components .* give 2"),
        ("'coin'", "a file of a process ends in .json; write names without quotes"),
        ("(" * 80 + "coin" + ")" * 80, "brackets are nested over 50 deep"),
        ("mess3:", "at its end: the name of a published set is missing"),
        ("synonyms(ledger(K=4, g=2, p=0.5), 2)", "needs a process"),
        ("noisy(coin)", "give channel, or error"),
    ],
)
def test_errors_point_at_the_place(text, told):
    with pytest.raises(ProcessError, match=told) as error:
        named(text)
    assert "\n" not in str(error.value)


@given(st.text("abcjmns3os(),;*=[]'\"./:01 -+e", max_size=24) | st.text(max_size=6))
@settings(max_examples=300)
def test_whatever_is_written_is_read_or_refused_in_one_sentence(text):
    try:
        named(text)
    except ProcessError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("cut", range(4, 60, 3))
def test_no_piece_of_a_text_is_a_traceback(cut):
    text = "guarded(synonyms(mess3:shai2024 * coin(p=1/3), n=2); no 01; p=0.5) * relabelled(coin, [1, 0])"
    for piece in (text[:cut], text[cut:], text[:cut] + text[cut + 2 :]):
        try:
            named(piece)
        except ProcessError as error:
            assert "\n" not in str(error)


def test_lists_are_split_outside_brackets():
    assert split("mess3(x=0.05, a=0.85),rrxor , f([1, 2])", ",") == [
        "mess3(x=0.05, a=0.85)",
        "rrxor",
        "f([1, 2])",
    ]
    assert split(" ", ",") == [] and split("a,", ",") == ["a", ""]
    assert parse("coin").place.text == "coin"
