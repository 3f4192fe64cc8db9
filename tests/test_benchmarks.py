"""Benchmarks: the arithmetic they count is the arithmetic there is, and the history they keep is the
page's."""

import json
import tomllib
from dataclasses import replace
from fnmatch import fnmatch

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
from analysis.recipes import PAPER
from benchmarks import asked, flops, installed, peers, sparse_flags, subject, table, time_to_kl
from benchmarks.speed import Speed, fastest, interleaved, together


def products(jaxpr) -> int:
    """Operations of all matrix products of a traced program, counted one by one from their shapes; those with
    a single column, by which layer norms take their means, are no arithmetic of the model.
    """
    total = 0
    for equation in jaxpr.eqns:
        total += sum(products(inner) for inner in jax.extend.core.jaxprs_in_params(equation.params))
        column = any(
            len(v.aval.shape) == 2 and 1 in v.aval.shape for v in equation.invars if hasattr(v.aval, "shape")
        )
        if equation.primitive.name == "dot_general" and not column:
            contracted = equation.params["dimension_numbers"][0][0]
            total += (
                2
                * equation.outvars[0].aval.size
                * int(np.prod([equation.invars[0].aval.shape[i] for i in contracted]))
            )
    return total


@pytest.mark.thorough
@pytest.mark.parametrize(
    "config", [PAPER, replace(PAPER, vocab=5, n_heads=3, n_layers=2, d_mlp=96)], ids=["paper", "other"]
)
def test_flops_are_those_of_the_traced_step(config):
    network, tokens = toy.network(config), jnp.zeros((8, config.n_ctx), jnp.int32)
    params = jax.eval_shape(network.init, jax.random.key(0))

    def loss(params, tokens=tokens):
        return network.apply(params, tokens)["logits"].sum()

    assert products(jax.make_jaxpr(loss)(params).jaxpr) == flops.forward(config, 8)
    assert products(jax.make_jaxpr(jax.grad(loss))(params).jaxpr) == flops.training(config, 8)
    assert products(jax.make_jaxpr(loss)(params).jaxpr) != flops.forward(
        replace(config, d_head=config.d_head + 1), 8
    )


@pytest.mark.thorough
def test_the_names_for_pytorch_keep_every_parameter():
    config = replace(PAPER, n_heads=2, n_layers=2)
    params = toy.network(config).init(jax.random.key(0))
    named = peers.hooked_names(params, config)
    assert sum(v.size for v in named.values()) == sum(leaf.size for leaf in jax.tree.leaves(params))
    d, h, k = config.d_model, config.n_heads, config.d_head
    assert named["blocks.1.attn.W_Q"].shape == (h, d, k) and named["blocks.1.attn.W_O"].shape == (h, k, d)
    fused = np.concatenate(
        [named[f"blocks.1.attn.W_{x}"].transpose(1, 0, 2).reshape(d, h * k) for x in "QKV"], 1
    )
    assert np.array_equal(fused, params["blocks"][1]["attention"]["qkv"]["kernel"])


def test_ratios_are_the_larger_the_better():
    assert (
        table.faster("a", 6.0, "GFLOP/s", "peak", 8.0, 0.5).met
        and not table.faster("a", 3.0, "GFLOP/s", "peak", 8.0, 0.5).met
    )
    assert (
        table.less("b", 2.0, "s", "limit", 3.0, 1.0).met
        and not table.less("b", 4.0, "s", "limit", 3.0, 1.0).met
    )
    assert table.less("c", 4.0, "s", "cold", 3.0).met


def test_speeds_add_up_and_the_best_round_counts():
    both = together(
        [{"done": 10, "seconds": 1.0, "core_seconds": 1.0}, {"done": 10, "seconds": 2.0, "core_seconds": 1.0}]
    )
    assert both == Speed(15.0, 10.0)
    turns = iter([Speed(1.0, 5.0), Speed(3.0, 2.0)])
    best = interleaved({"x: a": lambda: next(turns), "x: b": lambda: Speed(2.0, 9.0)}, 2)
    assert best["x: a"] == Speed(3.0, 5.0)
    assert fastest(best, "x: ") == (Speed(3.0, 9.0), "a")


def test_the_page_is_rendered_from_the_history(tmp_path, monkeypatch):
    page = table.PAGE.read_text()
    assert table.written(page, table.history()) == page, "run python -m benchmarks.table"
    monkeypatch.setattr(table, "HISTORY", tmp_path / "h.jsonl")
    monkeypatch.setattr(table, "PAGE", tmp_path / "p.md")
    monkeypatch.setattr(table, "commit", lambda: ("abc", False))
    table.PAGE.write_text(page)
    for ours in (2.0, 8.0):
        table.record([table.faster("row", ours, "steps/s", "peer", 4.0, 1.5, 1.25)], others=0.25)
    first, last = table.history()
    assert (first["ratio"], last["ratio"], last["commit"], last["machine"].split()[1][:5]) == (
        0.5,
        2.0,
        "abc+",
        "cores",
    )
    assert (
        "| row | 8 steps/s | peer | 4 steps/s | 2 | 1.25 | 1.5 met |" in table.PAGE.read_text()
        and "0.5 → 2 |" in table.PAGE.read_text()
    )
    assert json.dumps(last) in table.HISTORY.read_text()


def test_the_cheapest_trial_that_got_there_counts():
    def trial(steps, median):
        told = {"process": "mess3", "objective": "sampled", "batch": 10}
        return told | {"steps": steps, "median": median}

    entries = [trial(100, 5e-4), trial(200, 9e-5), trial(300, 2e-5), trial(900, 3e-4)]
    assert time_to_kl.cheapest("mess3", ("sampled",), entries)["steps"] == 200
    bound = time_to_kl.cheapest("mess3", ("sampled",), [entries[0], entries[3]])
    assert (bound["steps"], bound["reached"]) == (900, False)  # nothing got there: the longest bounds it
    assert time_to_kl.cheapest("mess3", ("expected", "population"), entries) is None
    assert time_to_kl.cheapest("rrxor", ("sampled",), entries) is None


def test_what_is_about_the_subject_is_told_line_by_line():
    text = """from x import fitted

def entropy(p):
    p = fitted("p", float, p)
    if p < 0:
        raise ValueError(
            "no"
        )
    if p == 0:
        return 0
    return -p * log(p)

def check_p(p):
    return p

EARLIER = {"H": "entropy"}
"""
    assert subject.counted("processes/entropy.py", text) == {"subject": 5, "checks": 7, "earlier names": 1}
    assert subject.counted("train/runs/run.py", text) == {"files": 13}
    assert subject.kind_of_file("processes/values/whole_file.py") == "files"
    assert subject.kind_of_file("processes/names/catalogue.py") == "subject"
    here = [
        str(f.relative_to(subject.ROOT))
        for room in subject.ROOMS
        for f in (subject.ROOT / room).rglob("*.py")
    ]
    unused = [p for ps in subject.PLUMBING.values() for p in ps if not any(fnmatch(f, p) for f in here)]
    assert unused == []


def test_what_the_readme_tells_one_to_type_is_typed_where_the_wheel_is_installed():
    readme = (installed.ROOT / "README.md").read_text()
    found = list(installed.commands(readme))
    lines = [line.partition("#")[0].strip() for line in readme.splitlines() if line.startswith("toylab ")]
    assert [text for kind, text in found if kind == "shell"] == lines
    assert sum(kind == "python" for kind, _ in found) == readme.count("```python")
    for line in lines:
        words = installed.small(line).split()
        flags = installed.SMALL.get(words[1], "").split()[::2]
        assert words[:3] == line.split()[:3] and all(words.count(flag) == 1 for flag in flags)
    assert installed.small("toylab claim BG1 --random 20").endswith("--random 2")


def test_extras_say_what_they_need():
    project = tomllib.loads((installed.ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == {"report", "export", "cluster", "docs", "dev"} and all(extras.values())
    pinned = {
        line.partition("==")[0] for line in (installed.ROOT / "constraints.txt").read_text().splitlines()
    }
    needed = [*project["dependencies"], *(x for name in extras if name != "dev" for x in extras[name])]
    assert {requirement.partition(">=")[0] for requirement in needed} <= pinned


CHILDREN = ("peer_exchange", "peer_torch", "training", "work")
"""Called by other benchmarks, in environments of their own, or making a command line for another."""
FILES = sorted((table.ROOT / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_benchmarks_take_their_words_in_one_way(file):
    """Through `asked`, or by tyro: so `--help` is answered, and what is not known is one sentence."""
    if file.stem not in (*CHILDREN, "asked"):
        assert "sys.argv" not in file.read_text()


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--help"], 0, "What is at the head."),
        (["a", "-h"], 0, "What is at the head."),
        (["a", "c"], 2, "there is no 'c' here; choose among a, b; --help says more"),
    ],
)
def test_words_of_benchmarks(words, status, told, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmark", *words])
    with pytest.raises(SystemExit) as end:
        asked.words("What is at the head.\n", ["a", "b"])
    said = capsys.readouterr()
    assert end.value.code == status and told in said.out + said.err


def test_words_that_are_known_are_handed_on(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmark", "b", "a"])
    assert asked.words("", ["a", "b"]) == ["b", "a"]
    assert asked.whole("N", "12") == 12
    with pytest.raises(SystemExit):
        asked.whole("N", "-1")
    assert capsys.readouterr().err.startswith("benchmarks: N is '-1'; it must be a whole number, 0 or more;")


def test_a_number_above_zero_is_one(capsys):
    assert asked.positive("STEP", ".05") == 0.05
    for word in ("fast", "0", "nan", "inf", "-1"):
        with pytest.raises(SystemExit):
            asked.positive("STEP", word)
        assert f"STEP is {word!r}; it must be a number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(("rate", "load"), [(0.5, 1.61), (0.2, 1.95), (0.1, 2.69), (0.05, 4.2)])
def test_the_critical_load_of_a_linear_bottleneck_is_the_known_one(rate, load):
    assert sparse_flags.critical_of_null(rate) == pytest.approx(load, abs=0.01)
    fine = np.geomspace(1, 10, 2000)
    assert sparse_flags.critical(fine, sparse_flags.null(fine, rate)) == pytest.approx(load, abs=0.01)
    assert sparse_flags.critical(fine, 0 * fine + 0.95) is None is sparse_flags.critical(fine, 0 * fine)


@pytest.mark.parametrize("rate", [0.5, 0.1])
def test_flags_are_told_by_whoever_knows_them_and_by_nobody_else(rate):
    made = processes.source(f"ledger(K=12, g=4, p={rate})")
    on = made.draw(2000, np.random.default_rng(0))
    exact = made.body(on)
    known = np.log(exact.clip(1e-12))
    assert sparse_flags.told_right(made, on, known) == 1
    nothing = np.zeros_like(known) - np.log(made.allowed(on).sum(1))[:, None]
    assert sparse_flags.told_right(made, on, nothing) == 0.5
    # Who knows of half of the flags alone: those it knows are told, and nothing of the others.
    half = on.copy()
    half[:, ::2] = False
    q = np.where(made.allowed(half), 1.0, 0.0)
    q[:, made.forbids[::2].argmax(1)] *= 1 - rate
    q /= made.allowed(on).sum(1)[:, None]
    right = sparse_flags.told_right(made, on, np.log(q.clip(1e-12)))
    assert right == pytest.approx(0.75, abs=0.02)


def test_the_table_of_sparse_flags_is_its_history():
    page = sparse_flags.PAGE.read_text()
    assert page == table.filled(page, sparse_flags.table(table.kept(sparse_flags.HISTORY)))
    assert sparse_flags.FIGURE.exists()
