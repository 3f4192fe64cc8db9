"""Figures for papers: drawn into axes of one's own, at a width, with letters that can be read and a caption
that says what is shown.
"""

import io
import json
import re
import shutil
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from test_shown import drawn_from, rendered, verdict

import processes
from analysis import lab
from analysis.belief_geometry.panels import overview
from analysis.claim import latest
from analysis.claim.latest import PUBLISHED
from analysis.commands.main import main
from analysis.families import CLAIMS, panels
from analysis.figures import caption, entropies, forest, layers, paper, simplex
from analysis.figures.animation import animate
from analysis.figures.letters import broken, legible
from analysis.figures.portrait import portrait
from analysis.figures.simplex import CORNER_POSITIONS
from analysis.figures.style import LEAST_POINTS, SCREEN_DPI, style
from analysis.figures.verdict import figure

from .test_figures import fake


def words(fig):
    """Every text of a figure that was drawn and can be seen, with its size in points."""
    seen = [t for t in fig.findobj(Text) if t.get_text() and t.get_visible()]
    return [(t.get_text(), t.get_fontsize()) for t in seen]


def outside(fig):
    """Texts of a figure that stand over its edges, by more than two pixels."""
    fig.draw_without_rendering()
    w, h = fig.bbox.size
    own = [*fig.texts, *(t for ax in fig.axes for t in (ax.title, ax.xaxis.label, ax.yaxis.label))]
    own += [t for of in (fig, *fig.subfigs) for legend in of.legends for t in legend.get_texts()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in own if t.get_text()]
    return [s for s, b in boxes if b.x0 < -2 or b.y0 < -2 or b.x1 > w + 2 or b.y1 > h + 2]


def test_a_simplex_in_axes_of_ones_own():
    """Dots lie where beliefs are, have the colours of the exact ones, and their areas follow the weights."""
    rng = np.random.default_rng(0)
    points, belief = rng.normal(size=(50, 3)), rng.dirichlet(np.ones(3), 50)
    weight = rng.uniform(0.001, 1, 50)
    with style():
        fig = Figure()
        left, right = fig.subplots(1, 2)
        where = simplex(right, points, belief=belief, weight=weight, states=("x", "y", "z"))
        simplex(left, belief)
    order = np.argsort(weight)
    np.testing.assert_allclose(where, points @ CORNER_POSITIONS)
    np.testing.assert_allclose(right.collections[0].get_offsets(), where[order])
    assert (np.diff(right.collections[0].get_sizes()) >= 0).all()
    plain = left.collections[0].get_facecolors()
    np.testing.assert_allclose(right.collections[0].get_facecolors(), plain[order])
    key = right.collections[1]
    np.testing.assert_allclose(key.get_offsets(), CORNER_POSITIONS)
    assert len(np.unique(key.get_edgecolors(), axis=0)) == 3
    assert not len(key.get_facecolors())  # beliefs of certainty are seen in the rings
    assert min(key.get_zorder(), *(t.get_zorder() for t in right.texts)) > right.collections[0].get_zorder()
    assert [t.get_text() for t in right.texts] == ["x", "y", "z"]


def test_points_that_are_not_of_three_states_are_refused():
    with pytest.raises(ValueError, match=r"shape \(5, 2\)"):
        simplex(Figure().subplots(), np.zeros((5, 2)))


def test_layers_in_axes_of_ones_own():
    trained = np.array([[0.2, 0.4], [0.9, 0.96], [0.99, 0.998]])
    with style():
        ax = Figure(layout="constrained").subplots()
        layers(ax, trained, 0.2 * trained, baselines={"token_window": 0.5})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), trained.mean(1))
    assert [t.get_text() for t in ax.texts] == ["token window"]
    assert "1−R²" in ax.get_ylabel()  # that the axis is warped is said
    heights = ax.transScale.transform([(0, r) for r in (0.0, 0.5, 0.75, 0.875)])[:, 1]
    np.testing.assert_allclose(np.diff(heights), 1)


def test_entropies_in_axes_of_ones_own():
    process = processes.named("even")
    with style():
        ax = Figure().subplots()
        entropies(ax, process)
    curve = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(curve.get_ydata(), processes.h(process, len(curve.get_xdata())))


NAMES = ["held-out R2, final layer", "short", "a name that is long " * 6, "another"]


def test_a_forest_in_axes_of_ones_own():
    """Rows of one size whatever the lengths of their names, one for each finding; R2 is drawn as R²."""
    with style():
        fig = Figure(figsize=(3.4, 4), layout="constrained")
        ax = fig.subplots()
        forest(ax, verdict("BG1", 0.7, NAMES))
        legible(fig)
        fig.draw_without_rendering()
    rows = ax.child_axes
    boxes = [row.get_window_extent() for row in rows]
    assert len(rows) == 4 and np.ptp([box.height for box in boxes]) < 0.01
    assert all(above.y0 > below.y1 for above, below in zip(boxes, boxes[1:], strict=False))
    assert rows[0].get_title(loc="left") == "held-out R², final layer"
    assert rows[2].get_title(loc="left").count("\n") >= 2
    np.testing.assert_allclose(rows[0].lines[1].get_xdata(), [0.7] * 3)


def height(fig):
    """Points of a row of findings."""
    fig.draw_without_rendering()
    (row,) = {
        round(row.get_window_extent().height * 72 / fig.dpi) for ax in fig.axes for row in ax.child_axes
    }
    return row


@pytest.mark.thorough
def test_rows_are_as_high_in_figures_of_few_findings_as_of_many():
    with style():
        few, many = (
            figure(verdict("BG1", 0.7, names), drawn_from("BG1", 0.5), panels())
            for names in (NAMES[:1], NAMES * 3)
        )
    assert abs(height(few) - height(many)) <= 1


@pytest.mark.thorough
@pytest.mark.parametrize("claim", sorted(panels()))
def test_letters_of_verdicts_are_legible(claim):
    fig = rendered(figure, verdict(claim, 0.5, NAMES), drawn_from(claim, 0.5), panels())
    assert [(said, size) for said, size in words(fig) if size < LEAST_POINTS] == []


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["mess3", "rrxor", "sns", "bloch_walk"])
@pytest.mark.parametrize("width", [3.4, 7.0])
def test_figures_of_runs_fit_their_width(name, width, tmp_path):
    """At the width that is asked for, no letter is small, and no word over the edge."""
    record = fake(tmp_path, name, n_ctx=5)
    for make in overview(record).values():
        with style():
            fig = make(record)
            paper.fit(fig, width)
            legible(fig)
            assert fig.get_figwidth() == pytest.approx(width)
            assert outside(fig) == []
            assert min(size for _, size in words(fig)) >= LEAST_POINTS


ELSEWHERE = "\u2312"
"""An arc, which DejaVu Sans Mono has and DejaVu Sans has not."""
LONG = (
    f"a process {'whose name is long, ' * 20}",
    f"x={'0123456789' * 20}",
    f"mixture({'rrxor,even,' * 20})",
    "\u96ea\u306e\u7d50\u6676" * 12,  # wide, of another font, or escapes where the machine has none
)


@pytest.mark.thorough
@pytest.mark.parametrize("long", LONG, ids=["spaces", "none", "commas", "wide"])
def test_names_of_any_length_stay_within_their_figures(long, tmp_path):
    record = fake(tmp_path, "mess3", n_ctx=5)
    record.report["process"] = long
    process = processes.renamed(processes.named("mess3"), long)
    asked = replace(verdict("BG1", 0.5, NAMES), process=long)
    made = [lambda make=make: make(record) for make in overview(record).values()]
    for make in (*made, lambda: portrait(process), lambda: figure(asked, drawn_from("BG1", 0.5), panels())):
        with style():
            fig = make()
            fig.dpi = SCREEN_DPI  # the coarsest that figures are written at
            legible(fig)
            assert outside(fig) == []


def test_words_are_broken_after_marks_or_anywhere():
    assert broken("one two", 9.0, 8.0) == "one two"
    assert broken("one two", 0.01, 8.0) == "o\nn\ne\nt\nw\no"
    lines = broken(f"of {'alpha=1,beta=2,' * 9}", 1.5, 8.0).splitlines()
    assert len(lines) > 3 and all(line.endswith(",") for line in lines[1:])
    assert "".join(lines) == f"of{'alpha=1,beta=2,' * 9}"


def test_letters_come_from_another_font_or_are_escapes():
    """Matplotlib brings fonts that have what the style's has not; a letter that none has is said as Python
    writes it.
    """
    with style():
        fig = Figure()
        ax = fig.subplots()
        elsewhere, nowhere = fig.text(0, 0, f"a{ELSEWHERE}"), fig.text(0, 0, "a\ue000\U000e0041")
        ax.set_yticks([0, 1], [f"b{ELSEWHERE}", "c"])
        legible(fig)
        legible(fig)  # a notebook draws what a file was written of
        assert elsewhere.get_text() == f"a{ELSEWHERE}"
        assert nowhere.get_text() == "a\\ue000\\U000e0041"
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a glyph that is missing
            fig.draw_without_rendering()
            fig.savefig(io.BytesIO(), format="pdf")
            fig.savefig(io.BytesIO(), format="svg")


def test_words_that_do_not_fit_would_be_noticed(tmp_path):
    with style():
        record = fake(tmp_path, "rrxor", n_ctx=5)
        fig = overview(record)["clouds"](record)
        fig.set_size_inches(2.0, 2.0)
        assert outside(fig)


@pytest.mark.thorough
def test_one_panel_alone(tmp_path):
    record = fake(tmp_path, "mess3")
    make = overview(record)["simplex"]
    with style():
        whole, part = make(record), make(record)
        paper.alone(part, "trained")
        paper.fit(part, 2.5)
    (ax,) = part.axes
    np.testing.assert_allclose(ax.collections[0].get_offsets(), whole.axes[1].collections[0].get_offsets())
    assert ax.get_window_extent().width > 0.7 * part.bbox.width
    with pytest.raises(processes.ProcessError, match="it has exact, trained, untrained"):
        paper.alone(make(record), "middle")


@pytest.mark.parametrize(
    ("text", "width"), [("3.4in", 3.4), ("86mm", 86 / 25.4), ("8.6 cm", 8.6 / 2.54), ("246pt", 246 / 72.27)]
)
def test_widths(text, width):
    assert paper.inches(text) == pytest.approx(width)


@pytest.mark.parametrize("text", ["3.4", "", "0.1in", "40in", "1e3in", "nanin", "-3in", "3.4inch"])
def test_odd_widths_are_one_sentence(text):
    with pytest.raises(processes.ProcessError, match="as 3.4in, 86mm, 8.6cm or 246pt"):
        paper.inches(text)


def run_folder(folder, name="mess3", process="a_b"):
    """A finished run as the command reads it."""
    record = fake(folder, name)
    told = {"contexts": 12, "sampled": None, "hash": "0123456789ab", "refused": []}
    first = {"seeds": 3, "first_seed": 1000, **record.report["recipe"], "process": process}
    report = (
        record.report | told | {"recipe": first, "verdicts": [{"claim": "BG1"}], "keys": {"BG1": "0" * 12}}
    )
    (folder / "report.json").write_text(json.dumps(report))
    return report


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_the_command_draws_a_run_and_says_what_it_is(kind, tmp_path, capsys):
    report = run_folder(tmp_path)
    files = [tmp_path / f"{name}.{kind}" for name in "ab"]
    for file in files:
        assert main(["figure", str(tmp_path), "-o", str(file), "--width", "3.4in"]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    said = files[0].with_suffix(".tex").read_text()
    how = "includesvg" if kind == "svg" else "includegraphics"
    assert rf"\{how}[width=3.4in]{{a.{kind}}}" in said and said.count("{") == said.count("}")
    r2 = report["layers"][-2]["trained"]["r2"]
    seed = report["recipe"]["first_seed"] + int(np.argsort(r2)[1])
    for part in (f"seed {seed}", f"{np.median(r2):.4f}", "after block 1", "0123456789ab", "toylab figure"):
        assert part in said
    assert str(report["recipe"]["seeds"]) + " networks" in said and "12 contexts" in said
    if kind == "png":
        with Image.open(files[0]) as drawn:
            assert drawn.width == pytest.approx(3.4 * matplotlib.rcParams["figure.dpi"] * 0.4, abs=2)


@pytest.mark.thorough
def test_the_command_draws_verdicts(tmp_path, capsys):
    published = next(v for v in latest.published("BG1") if latest.published_numbers(v) is None)
    asked = ["figure", "BG1", "--store", str(tmp_path), "--process", published.asked]
    file = tmp_path / "x.pdf"
    assert main([*asked, "--panel", "findings", "-o", str(file)]) == 0
    said = file.with_suffix(".tex").read_text()
    assert published.key in said and f"{published.networks} networks" in said
    capsys.readouterr()
    assert main([*asked, "-o", str(file)]) == 2
    assert "without the numbers" in capsys.readouterr().err
    whole = next(v for v in latest.published("MI9") if latest.published_numbers(v) is not None)
    asked = ["figure", "MI9", "--store", str(tmp_path), "--process", whole.asked]
    assert main([*asked, "-o", str(file)]) == 0 and file.stat().st_size > 10_000


def test_numbers_that_came_with_verdicts_are_whole_and_can_be_drawn():
    """What draws a figure can change; what it draws from is kept as it was measured."""
    files = [file for file in PUBLISHED.glob("*/*.npz") if file.parent.name in CLAIMS]
    assert files
    for file in files:
        published = latest.read(file.with_suffix(".json"))
        assert latest.published_numbers(published) == file and file.stat().st_size <= 300_000
        assert lab.drawn(CLAIMS[published.claim], file) is not None


REFUSED = {
    "kind of file": (["-o", "x.jpg"], "must end in .pdf, .svg, .png, or in .csv"),
    "width": (["-o", "x.pdf", "--width", "3"], "the width is '3'"),
    "figure": (["-o", "x.pdf", "--panel", "cloud"], "--panel is one of layers, simplex, loss"),
    "panel": (["-o", "x.pdf", "--panel", "simplex/left"], "it has exact, trained, untrained"),
    "not a GIF": (["-o", "x.pdf", "--animate"], "ends in .gif"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_one_sentence(case, tmp_path, capsys):
    run_folder(tmp_path)
    words, sentence = REFUSED[case]
    assert main(["figure", str(tmp_path), *words]) == 2
    err = capsys.readouterr().err
    assert sentence in " ".join(err.split()) and not (tmp_path / "x.pdf").exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("nothing", "neither a folder nor a claim"),
        ("BG1", "say which with --process"),
        (".", "no finished run"),
    ],
)
def test_what_is_not_there_is_one_sentence(asked, sentence, tmp_path, capsys):
    assert main(["figure", asked, "-o", str(tmp_path / "x.pdf"), "--store", str(tmp_path)]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_latex_prints_what_is_said():
    said = caption.escaped("R² < 1_000 & 50% of {x} $y$ \\z `toylab run --seeds 4_0`")
    assert said == (
        r"R$^2$ $<$ 1\_000 \& 50\% of \{x\} \$y\$ \textbackslash{}z \texttt{toylab run -{}-seeds 4\_0}"
    )
    assert not re.search(r"(?<!\\)[&%#_]", said)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("engine", "more"), [("pdflatex", ""), ("xelatex", "日本語"), ("lualatex", "日本語")], ids=lambda x: x
)
def test_latex_takes_every_caption(engine, more, tmp_path):
    """Of every published verdict, and of a figure whose process has letters that few captions have."""
    if not (latex := shutil.which(engine)):
        pytest.skip(f"{engine} is not installed")
    report = run_folder(tmp_path, process=f"αΩ→é–x_1^2~{{3}}&4%#$\\ `q` {more}")
    assert main(["figure", str(tmp_path), "-o", str(tmp_path / "a.pdf"), "--width", "3.4in"]) == 0
    pages = [(tmp_path / "a.tex").read_text()]
    for kept in latest.published():
        said = caption.of_verdict(kept, "", "toylab figure --store x")
        pages.append(caption.latex(tmp_path / "a.pdf", "246pt", said))
    assert len(pages) > 60 and report["process"]
    page = "\\documentclass{article}\\usepackage{graphicx}\\begin{document}\n%s\\end{document}"
    (tmp_path / "page.tex").write_text(page % "\\clearpage\n".join(pages))
    command = [latex, "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-1000:]
    assert (tmp_path / "page.pdf").stat().st_size > 10_000


def test_letters_that_pdflatex_has_not_are_said():
    said = caption.latex(Path("a.pdf"), "3in", "Process: 日本é–α.")
    assert said.startswith("% 日 本: for XeLaTeX or LuaLaTeX") and r"日本é–$\alpha$" in said
    assert "XeLaTeX" not in caption.latex(Path("a.pdf"), "3in", "Process: é–α.")


@pytest.mark.thorough
def test_an_animation_has_a_frame_for_each_step(tmp_path):
    rng = np.random.default_rng(0)
    belief, file = rng.dirichlet(np.ones(3), 200), tmp_path / "x.gif"
    points = np.stack([belief + s * rng.normal(size=(200, 3)) for s in (0.3, 0.1, 0.0)])
    how = {"belief": belief, "weight": None, "states": "ABC", "width": 2.0}
    animate(file, points, ["0", "1", "2"], **how)
    with Image.open(file) as moving:
        assert moving.n_frames == 3 and moving.width == 300
        frames = []
        for k in range(3):
            moving.seek(k)
            frames.append(np.asarray(moving.convert("RGB")).astype(int))
    left, right = np.split(frames[0], 2, axis=1)
    assert np.abs(frames[0] - frames[2])[:, :150].mean() < 1 < np.abs(frames[0] - frames[2])[:, 150:].mean()
    first = file.read_bytes()
    animate(file, points, ["0", "1", "2"], **how)
    assert file.read_bytes() == first
