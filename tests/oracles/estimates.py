"""How far estimates of a gradient are from it."""

import numpy as np


def z_scores(estimates: np.ndarray, exact: np.ndarray, n: int = 10) -> np.ndarray:
    """Error of the mean estimate along its n most variable directions (coordinates are correlated, these are
    not), in SEs.

    A direction may hardly vary at all, so the standard error has float32 rounding, 1e-6 of the gradient's
    length, added to it.
    """
    mean = estimates.mean(0)
    _, size, directions = np.linalg.svd(estimates - mean, full_matrices=False)  # axes of their covariance
    error = size[:n] / np.sqrt((len(estimates) - 1) * len(estimates)) + 1e-6 * np.linalg.norm(exact)
    return directions[:n] @ (mean - exact) / error
