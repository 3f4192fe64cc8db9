"""What a notebook shows of a process: its numbers, well-formed, nothing that runs."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings

from processes import CATALOGUE, hmm, named
from processes.interchange.notebook import MOST_STATES, MOST_SYMBOLS
from processes.strategies import hmms


class Tables(HTMLParser):
    """The cells of every table; raises where tags do not match."""

    def __init__(self):
        super().__init__()
        self.open, self.tables, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        assert tag in ("div", "b", "span", "table", "tr", "th", "td") and {k for k, _ in attributes} <= {
            "style"
        }
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open[-1] == "td":
            self.tables[-1][-1].append(0.0 if data == "·" else float(data))


def shown(process) -> Tables:
    found = Tables()
    found.feed(process._repr_html_())
    found.close()
    assert found.open == []
    return found


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_family_shows_its_matrices(name):
    process = named(name)
    found = shown(process)
    assert process.name in found.text
    if process.vocab <= MOST_SYMBOLS and process.n_states <= MOST_STATES:
        T = np.array([[row for row in table if row] for table in found.tables])
        np.testing.assert_allclose(T, process.T, rtol=6e-4, atol=1e-12)


@given(hmms())
@settings(max_examples=20)
def test_random_ones_too_with_their_start(process):
    late = hmm(process.T, np.eye(process.n_states)[0])
    found = shown(late)
    assert len(found.tables) == late.vocab + (not late.is_stationary)


def test_names_are_no_markup_and_large_ones_are_short():
    process = hmm([[[1.0]]], name="<script>alert(1)</script>", states=["<b>&"])
    assert "<script>alert(1)</script>" in shown(process).text and "<script" not in process._repr_html_()
    large = named("mess(x=0.01, a=0.85, s=20)")
    assert shown(large).tables == [] and "20 symbols, 20 states" in "".join(shown(large).text)
    assert len(named("rrxor")._repr_html_()) < 8000
    assert "1 symbol, 1 state" in "".join(shown(process).text)
