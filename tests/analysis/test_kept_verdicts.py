"""What is kept of claims is read as it was written or refused in a sentence, and what is remembered in memory
does not go stale.
"""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

import processes
import train
from analysis.claim import DEFAULT, Claim, Criterion, Kept, Published, Verdict, judge
from analysis.claim.latest import PUBLISHED, read
from analysis.commands.main import main
from analysis.lab import Trial, verdict

SIMPLE = Claim(
    id="SIMPLE",
    statement="It is so.",
    source="a test",
    prediction=lambda process, n: {},
    criteria=(Criterion("c", lambda process: np.linspace(1, 2, 8)),),
    controls=(Criterion("d", lambda process: np.ones(8)),),
    evidence=dict,
)


def plainly(claim, store):
    """Its verdict as it is written."""
    return json.loads(json.dumps(verdict(Trial(claim, "coin"), store).to_json()))


def again(kept):
    """What is written of a verdict that was read: values as JSON has them already."""
    values = kept.to_json()
    assert (written := json.loads(json.dumps(values, allow_nan=False))) == values
    return written


def test_every_published_verdict_is_written_as_it_was_read():
    """The oldest say neither which run of the test they are nor what controls would mean."""
    files = sorted(PUBLISHED.glob("*/*.json"))
    assert len(files) > 100
    for file in files:
        written = json.loads(file.read_text())
        whole = {"means": {}} | written | {"setting": asdict(DEFAULT) | written["setting"]}
        assert again(read(file)) == whole, file
    assert again(read(files[0])) != whole  # another verdict
    assert again(Kept.from_json({k: v for k, v in whole.items() if k != "means"})) == whole | {"means": {}}


def test_a_verdict_is_shown_in_a_line():
    supported = read(PUBLISHED / "BG2" / "mess3.json")
    assert repr(supported) == "<BG2 on mess3(x=0.05, a=0.85): supported, by 8 networks>"
    assert repr(replace(supported, networks=1)).endswith(", by 1 network>")
    assert repr(replace(supported, networks=0)).endswith(": supported>")


@pytest.mark.parametrize("n", [1, 8])
def test_a_verdict_is_read_as_it_was_judged(n):
    """Of one network intervals are unbounded; of what is reported, not a number too."""
    reported = Published("r", "1 (a test)", lambda process: np.full(n, np.nan), lambda process: np.ones(n))
    claim = replace(
        SIMPLE, criteria=(Criterion("c", lambda process: np.ones(n), above=0.0),), published=(reported,)
    )
    found = judge(claim, processes.named("coin"), "coin", 5)
    back = Verdict.from_json(again(found))
    assert again(back) == again(found)
    (there,) = back.published
    assert np.isnan(there.ours.mean) and np.isnan(there.values).all() and len(there.values) == n
    assert replace(back, published=()) == replace(found, published=())
    assert np.isinf(back.criteria[0].interval.low) == (n == 1) and back.criteria[0].below == np.inf


def test_a_verdict_lacking_a_field_is_refused():
    written = again(read(next(PUBLISHED.glob("BG1/*.json"))))
    for name in ("claim", "looks", "key", "setting"):
        with pytest.raises((KeyError, TypeError), match=name):
            Kept.from_json({k: v for k, v in written.items() if k != name})


def damaged(content: bytes):
    yield from (content[:n] for n in (0, 1, len(content) // 2, len(content) - 3))
    yield from (
        b"null",
        b"[]",
        b"{}",
        b'{"sha256": 1}',
        b"\xff\xfe",
        content.replace(b"supported", b"refuted", 1),
        content.replace(b"1.0", b"1.5", 1),
    )
    for at in np.random.default_rng(0).integers(len(content), size=60):
        yield content[:at] + bytes([content[at] ^ 1 << int(at) % 7]) + content[at + 1 :]


def test_a_damaged_verdict_is_never_read(tmp_path):
    """It is one sentence with the remedy or, where the seal itself is gone, measured anew."""
    test = Trial(SIMPLE, "coin")
    right, file = plainly(SIMPLE, tmp_path), test.folder(tmp_path) / "verdict.json"
    content, refused = file.read_bytes(), 0
    for bad in damaged(content):
        file.write_bytes(bad)
        try:
            assert plainly(SIMPLE, tmp_path) | {"seconds": 0} == right | {"seconds": 0}
        except train.RunError as error:
            refused += 1
            assert "\n" not in str(error) and "--fresh" in str(error) and str(file) in str(error)
    assert refused > 50
    file.write_bytes(b"{")
    assert verdict(test, tmp_path, fresh=True).outcome == "supported"
    assert verdict(test, tmp_path).outcome == "supported"


def test_a_verdict_that_was_moved_is_no_other_tests(tmp_path):
    coin, even = Trial(SIMPLE, "coin"), Trial(SIMPLE, "even")
    verdict(coin, tmp_path)
    shutil.copytree(coin.folder(tmp_path), even.folder(tmp_path))
    with pytest.raises(train.RunError, match=f"it is that of SIMPLE-{coin.key}"):
        verdict(even, tmp_path)


@pytest.mark.thorough
def test_a_damaged_verdict_does_not_hide_the_others(tmp_path, capsys):
    for name, content in (
        ("BG1-000000000000", "{"),
        ("BG2-000000000000", '{"sha256": "0"}'),
        ("XX-000000000000", "[1]"),
    ):
        (tmp_path / "claims" / name).mkdir(parents=True)
        (tmp_path / "claims" / name / "verdict.json").write_text(content)
    assert main(["claims", "--store", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("not shown: ") == 3 and all(
        name in out for name in ("BG1-0", "BG2-0", "XX-0", "BG18", "CL8", "--fresh")
    )


def test_an_automaton_in_a_file_is_read_each_time(tmp_path):
    file = tmp_path / "rule.json"
    loads = []
    for forbidden in ([1], [0]):
        file.write_text(
            json.dumps({"next": [[0, 1], [1, 0]], "forbidden": forbidden, "start": 1 - forbidden[0]})
        )
        found = processes.named(f"guarded(coin; {file}; p=0.5)").made_of
        loads.append(found.constraints[0].allowed.tolist())
    assert loads[0] != loads[1]
