"""The figure of a process: what its artists hold, never its pixels; and the command line that draws it
without JAX.
"""

import subprocess
import sys

import numpy as np
import pytest

import processes as P
from analysis.commands.main import main
from analysis.figures.gallery import gallery
from analysis.figures.graph import is_readable
from analysis.figures.portrait import portrait, save_portrait
from processes import CATALOGUE, named

SMALL = ["golden_mean", "rrxor", "nemo", "sns", "moon", "coin"]


def dots(ax):
    """Positions and areas of all scattered points."""
    return np.vstack([c.get_offsets() for c in ax.collections]), np.concatenate(
        [c.get_sizes() for c in ax.collections]
    )


@pytest.mark.parametrize("name", CATALOGUE)
def test_which_graphs_are_readable(name):
    process = named(name)
    assert is_readable(process) == (
        name not in ("mess3", "mess", "leaky_rrxor", "fanizza", "moon", "bloch_walk", "quantum_rrxor")
    )


@pytest.mark.thorough
@pytest.mark.parametrize("name", SMALL)
def test_the_artists_hold_the_values(name):
    process = named(name)
    first, *middle, last = portrait(process).axes
    assert len(middle) == is_readable(process)
    curve = next(line for line in last.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(curve.get_ydata(), P.h(process, len(curve.get_xdata())))
    assert curve.get_xdata()[0] == 1
    ms = P.mixed_states(process)
    if ms is not None:
        xy, _ = dots(first)
        assert len(xy) == len(ms)
        assert f"{len(ms)} mixed state" in first.get_title()
    for ax in middle:
        labels = "\n".join(t.get_text() for t in ax.texts).split("\n")
        edges = [text for text in labels if ":" in text]
        assert len(edges) == np.count_nonzero(process.T)  # every transition is labelled once
        assert sum(text in labels for text in process.states) == process.n_states
    if name == "nemo":
        corners = dots(first)[0]
        np.testing.assert_allclose(
            corners[corners[:, 1] > 0.8], [[0.5, np.sqrt(3) / 2]], atol=1e-12
        )  # state C, once it is known


@pytest.mark.thorough
def test_equal_processes_are_equal_files(tmp_path):
    for kind in ("pdf", "svg", "png"):
        a, b, c = (tmp_path / f"{n}.{kind}" for n in "abc")
        save_portrait(named("nemo"), a)
        save_portrait(named("nemo"), b)
        save_portrait(named("nemo(p=.4, q=.5)"), c)
        assert a.read_bytes() == b.read_bytes() != c.read_bytes()


@pytest.mark.thorough
def test_the_command_line_draws(tmp_path, capsys):
    P.write(named("even"), tmp_path / "mine.json")
    assert main(["process", str(tmp_path / "mine.json"), "--figure", str(tmp_path / "new" / "even.svg")]) == 0
    assert "<svg" in (tmp_path / "new" / "even.svg").read_text()
    assert main(["process", "even", "--figure", str(tmp_path / "even.jpg")]) == 2
    assert "must end in .pdf, .svg, .png" in capsys.readouterr().err
    assert main(["list"]) == 0
    assert "P=[[0.5, 0.5], [0.5, 0.5]]" in capsys.readouterr().out.replace("\n", "")


def test_no_jax(tmp_path):
    command = ["process", "coin", "--figure", str(tmp_path / "c.png")]
    code = (
        f"import sys; from analysis.commands.main import main; main({command}); assert 'jax' not in "
        "sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert (tmp_path / "c.png").exists()


@pytest.mark.thorough
def test_the_gallery_shows_every_published_set(tmp_path, monkeypatch):
    monkeypatch.setattr("processes.CATALOGUE", {name: CATALOGUE[name] for name in ("coin", "even")})
    files = gallery(tmp_path)
    page = (tmp_path / "gallery.md").read_text()
    assert [f.name for f in files] == ["coin-fair.png", "even-half.png"]
    assert all(f"](gallery/{f.name})" in page and f.stat().st_size < 60_000 for f in files)
