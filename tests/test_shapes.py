"""Shapes are asked while tests run: what annotations promise and a call breaks is refused."""

from dataclasses import dataclass

import numpy as np
import pytest
import shapes
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float

from analysis.instruments.evidence import divergence
from analysis.instruments.probing.ridge import Moments


def test_functions_of_the_house_are_checked():
    assert divergence(np.full((2, 3), 1 / 3), np.zeros((2, 3))).shape == (2,)
    with pytest.raises(BeartypeCallHintViolation):
        divergence(np.full((2, 3), 1 / 3), np.zeros((2, 4)))  # V of the one is not V of the other
    with pytest.raises(BeartypeCallHintViolation):
        Moments(*[np.zeros(2)] * 6)


def test_what_is_returned_is_checked_together_with_what_is_given():
    @shapes.checked
    def half(x: Float[np.ndarray, "N"], keep: bool) -> Float[np.ndarray, "N"]:
        return x if keep else x[::2]

    assert len(half(np.zeros(4), True)) == 4 and len(half(np.zeros(5), True)) == 5
    with pytest.raises(BeartypeCallHintViolation):
        half(np.zeros(4), False)


def test_dataclasses_and_names_that_are_no_classes_yet():
    @shapes.checked
    @dataclass
    class Pair:
        a: Float[np.ndarray, "N"]
        b: Float[np.ndarray, "N"]

        @shapes.checked
        def longer(self, other: "Elsewhere", by: int) -> int:  # noqa: F821
            return len(self.a) + by

    assert Pair(np.zeros(2), np.zeros(2)).longer("anything", 1) == 3
    with pytest.raises(BeartypeCallHintViolation):
        Pair(np.zeros(2), np.zeros(3))
    with pytest.raises(BeartypeCallHintViolation):
        Pair(np.zeros(2), np.zeros(2)).longer("anything", "1")


def test_the_first_calls_of_a_test_are_all_checked_and_then_one_in_so_many():
    @shapes.checked
    def size(x: Float[np.ndarray, "N"]) -> int:
        return len(x)

    def refused(calls):
        wrong = 0
        for _ in range(calls):
            try:
                size(np.zeros((2, 2)))
            except BeartypeCallHintViolation:
                wrong += 1
        return wrong

    assert refused(shapes.ALL) == shapes.ALL and refused(10 * shapes.EVERY) == 10
    shapes.next_test()
    assert refused(shapes.ALL) == shapes.ALL


def test_what_was_imported_already_cannot_be_checked():
    with pytest.raises(RuntimeError, match="processes is imported already"):
        shapes.check("processes")
