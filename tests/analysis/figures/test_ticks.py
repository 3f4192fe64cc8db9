"""Numbers of logarithmic axes: never none, and never one over another."""

import numpy as np
import pytest

from analysis import lab
from analysis.claim import latest
from analysis.claim.latest import PUBLISHED
from analysis.families import CLAIMS, panels
from analysis.figures.letters import legible
from analysis.figures.style import figure, style
from analysis.figures.verdict import figure as of_verdict

NUMBERS = [file for file in sorted(PUBLISHED.glob("*/*.npz")) if file.parent.name in CLAIMS]


def numbered(axis):
    """The boxes of the numbers of an axis that is drawn, in the order of the axis; not of words that lean,
    whose boxes say nothing.
    """
    low, high = sorted(axis.get_view_interval())
    major = zip(axis.get_major_ticks(), axis.get_majorticklocs(), strict=False)
    minor = zip(axis.get_minor_ticks(), axis.get_minorticklocs(), strict=False)
    there = [tick.label1 for tick, place in (*major, *minor) if low <= place <= high]
    seen = [
        label.get_window_extent()
        for label in there
        if label.get_visible() and label.get_text() and label.get_rotation() % 90 == 0
    ]
    return sorted(seen, key=lambda box: (box.x0, box.y0))


def over_each_other(fig):
    """The axes of a figure on which two numbers overlap."""
    fig.draw_without_rendering()
    found = []
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            boxes = numbered(axis) if axis.get_visible() and ax.axison else []
            if any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]):
                found.append(f"{axis.axis_name} of {ax.get_label() or ax.get_title()}")
    return found


@pytest.mark.parametrize("low", [2.4e-6, 0.9, 1.1, 3.0, 250.0])
@pytest.mark.parametrize("times", [1.4, 2.5, 9.0, 25.0, 90.0, 1e5])
def test_an_axis_of_any_length_has_numbers_with_room(low, times):
    with style():
        fig, (ax,) = figure(2.2, 1.6)
        ax.loglog([low, low * times], [low, low * times])
        legible(fig)
        assert over_each_other(fig) == []
        for axis in (ax.xaxis, ax.yaxis):
            assert 2 <= len(numbered(axis)) <= 8


def test_numbers_over_each_other_are_caught():
    with style():
        fig, (ax,) = figure(2.2, 1.6)
        ax.loglog([2.4e-6, 8e-5], [1, 1e3])
        assert over_each_other(fig) == ["x of "]


def test_ticks_that_were_chosen_stay():
    with style():
        fig, (ax,) = figure(2.2, 1.6)
        ax.loglog([8, 64], [1, 1e3])
        ax.set_xticks([8, 16, 32, 64], ["8", "16", "32", "64"])
        ax.minorticks_off()
        legible(fig)
        fig.draw_without_rendering()
    np.testing.assert_array_equal(ax.get_xticks(), [8, 16, 32, 64])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["8", "16", "32", "64"]


@pytest.mark.thorough
@pytest.mark.parametrize("file", NUMBERS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_published_figures_have_numbers_with_room(file):
    verdict = latest.read(file.with_suffix(".json"))
    with style():
        fig = of_verdict(verdict, lab.drawn(CLAIMS[verdict.claim], file), panels())
        legible(fig)
        assert over_each_other(fig) == []
