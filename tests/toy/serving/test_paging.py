"""What is kept of sequences in pages of one pool."""

import jax
import numpy as np
import pytest

import toy

from .test_cache import CONFIGS, WORDS, made


@pytest.mark.thorough
@pytest.mark.parametrize("page", [1, 3, 4, 16])
@pytest.mark.parametrize("name", CONFIGS)
def test_reading_from_pages_is_reading(name, page):
    net, params, whole = made(name)
    pages = toy.Pages(net, page, most=50)
    opened = [pages.open() for _ in WORDS]
    pages.extend(params, (WORDS + 1) % 3, opened)  # what pages held before is never looked at
    for sequence in opened[::2] + opened[1::2]:
        pages.close(sequence)
    assert pages.used == 0
    opened = [pages.open() for _ in WORDS]
    first = pages.extend(params, WORDS[:, :4], opened)
    one = pages.extend(params, WORDS[::-1, 4:5], opened[::-1])[::-1]
    rest = pages.extend(params, WORDS[:, 5:], opened)
    np.testing.assert_allclose(np.concatenate([first, one, rest], 1), whole, atol=5e-6)


@pytest.mark.thorough
def test_a_fork_shares_pages_until_it_is_written_to():
    net, params, whole = made("plain")
    pages = toy.Pages(net, page=3, most=20)
    root = pages.open()
    pages.extend(params, WORDS[:1, :5], [root])
    assert pages.used == 2
    other = pages.fork(root)
    assert pages.used == 2
    ends = np.array([WORDS[0, 5:], (WORDS[0, 5:] + 1) % 3])
    on = pages.extend(params, ends, [root, other])
    assert pages.used == 5  # the full page is shared still, the page begun was copied once
    both = np.concatenate([WORDS[[0, 0], :5], ends], 1)
    np.testing.assert_allclose(on, net.apply(params, both)["logits"][:, 5:], atol=5e-6)
    pages.close(root)
    assert pages.used == 3


def test_where_no_page_is_free_nothing_has_changed():
    net, params, _ = made("plain")
    pages = toy.Pages(net, page=4, most=3)
    one, two = pages.open(), pages.open()
    pages.extend(params, WORDS[:1, :4], [one])
    before = pages.gathered([one])
    with pytest.raises(toy.ModelError, match="4 pages are needed and 2 of 3 are free"):
        pages.extend(params, WORDS[:2, 4:9], [one, two])
    with pytest.raises(toy.ModelError, match="would have 10 tokens, but the network reads at most n_ctx = 9"):
        pages.extend(params, WORDS[:1, :6], [one])
    assert pages.used == 1
    for mine, was in zip(jax.tree.leaves(pages.gathered([one])), jax.tree.leaves(before), strict=True):
        np.testing.assert_array_equal(mine, was)
    on = pages.extend(params, WORDS[:1, 4:], [one])
    np.testing.assert_allclose(on, net.apply(params, WORDS[:1])["logits"][:, 4:], atol=5e-6)


@pytest.mark.thorough
def test_what_is_no_sequence_is_refused():
    net, params, _ = made("plain")
    pages = toy.Pages(net)
    one = pages.open()
    for wrong in ([one + 7], [one, one]):
        with pytest.raises(toy.ModelError, match="each must be open"):
            pages.extend(params, WORDS[: len(wrong)], wrong)
    with pytest.raises(
        toy.ModelError, match=r"shape \(2, 9\); give \(B, T\), a row for each of the 1 sequences"
    ):
        pages.extend(params, WORDS[:2], [one])
    with pytest.raises(toy.ModelError, match="each must be open"):
        pages.fork(5)
    pages.close(one)
    with pytest.raises(toy.ModelError, match="each must be open"):
        pages.close(one)
    for page, most in ((0, 4), (4, 0)):
        with pytest.raises(toy.ModelError, match="must be at least 1"):
            toy.Pages(net, page, most)
