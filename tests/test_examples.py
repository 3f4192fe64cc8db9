"""The example scripts run one after another as their reader would run them, and print what is so."""

import math
import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "docs" / "examples").glob("*.py"))


def numbers(line: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", line)]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each example prints, by its number: all in one folder and one process, so that one run is
    trained for all."""
    folder, said = tmp_path_factory.mktemp("examples"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for file in EXAMPLES:
            lines: list[str] = []
            patch.setattr(
                "builtins.print", lambda *values, lines=lines: lines.append(" ".join(map(str, values)))
            )
            runpy.run_path(str(file))
            said[file.name[:2]] = lines
    return said


def test_they_are_numbered_short_and_in_cells():
    assert [f.name[:3] for f in EXAMPLES] == [f"0{n}_" for n in range(1, 7)]
    for file in EXAMPLES:
        text = file.read_text()
        assert len(text.splitlines()) <= 80 and text.count("# %%") >= 3, file.name


@pytest.mark.thorough
def test_entropy_of_your_hmm(printed):
    rate, _, entropies, _, *seen, states = printed["01"]
    p, q, H = 0.8, 0.5, lambda p: -p * math.log(p) - (1 - p) * math.log(1 - p)
    assert numbers(rate)[0] == pytest.approx(
        (H(p) + p * H(q)) / (2 + p), abs=1e-6
    )  # A B C with probability p, else A C
    assert numbers(entropies.partition("[")[2])[-1] > numbers(rate)[0]
    assert len(seen) == 4 and seen[-1].startswith("after 0: [0. 1. 0.]")
    assert states.startswith("9 mixed states, 3 of them")


@pytest.mark.thorough
def test_train_one_network(printed):
    *steps, floor, excess, embedding = printed["02"]
    assert numbers(steps[0])[1] > 30 * numbers(steps[-1])[1]
    assert numbers(floor)[0] == pytest.approx(0.8577)
    assert max(numbers(excess)) < 0.01
    assert embedding == "embedding {0: (2, 3, 16), 300: (2, 3, 16)}"


@pytest.mark.thorough
def test_probe_by_hand(printed):
    by_hand, trained, untrained, window, next_token, _ = printed["03"]
    assert numbers(by_hand)[-1] > 0.98
    assert min(numbers(trained)) > max(*numbers(untrained), numbers(window)[0])
    assert numbers(next_token) == [1.0]


@pytest.mark.thorough
def test_edit_a_site(printed):
    _, one, other, *patched, alone = printed["04"]
    assert numbers(patched[-1])[-3:] == numbers(other)[-3:]  # the whole last stream decides the prediction
    assert numbers(alone)[-3:] != numbers(one)[-3:]


@pytest.mark.thorough
def test_write_a_claim(printed):
    verdict, criterion, *controls = printed["05"]
    assert "2 trained networks" in verdict and len(numbers(criterion.partition(": ")[2])) == 2
    assert len(controls) == 9 and [c for c in controls if "next-token" in c][0].endswith("does not apply")


@pytest.mark.thorough
def test_sweep(printed):
    header, _, *values = printed["06"]
    assert header == "hash,process,optimiser.learning_rate,seed,measurement,value,unit,error"
    slow_excess, slow_r2, fast_excess, fast_r2 = (
        numbers(v.partition("excess" if "excess" in v else "layer")[2]) for v in values
    )
    assert min(slow_excess) > max(fast_excess) and max(slow_r2) < min(fast_r2)
