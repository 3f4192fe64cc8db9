"""Distributions along directions: what a sliced distance compares."""

import numpy as np
from jaxtyping import Float64, Int


def directions(dimension: int, number: int) -> Float64[np.ndarray, "D K"]:
    """Fixed unit vectors: one on a line, evenly around half a circle, drawn in more dimensions."""
    if dimension == 1:
        return np.ones((1, 1))
    if dimension == 2:
        angle = np.pi * np.arange(number) / number
        return np.stack([np.cos(angle), np.sin(angle)])
    drawn = np.random.default_rng(0).normal(size=(dimension, 2 * number))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=0))


def quantiles(
    values: Float64[np.ndarray, "N K"], weight: Float64[np.ndarray, "N"], levels: int
) -> tuple[Int[np.ndarray, "Q K"], Float64[np.ndarray, "Q K"]]:
    """Quantiles of each column at levels (q + 1/2) / Q, and which rows they are."""
    order = np.argsort(values, axis=0, kind="stable")
    below = np.cumsum(weight[order], axis=0)
    asked = (np.arange(levels) + 0.5) / levels
    at = np.stack([np.searchsorted(column, asked * column[-1]) for column in below.T], axis=1)
    rows = np.take_along_axis(order, at, axis=0)
    return rows, np.take_along_axis(values, rows, axis=0)
