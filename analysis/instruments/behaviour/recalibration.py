"""What a prediction still tells, however sure of it a network is: after the best affine map of its logits."""

import numpy as np
from jaxtyping import Float
from scipy.special import log_softmax


def recalibrated(
    log_prediction: Float[np.ndarray, "N V"],
    exact: Float[np.ndarray, "N V"],
    weight: Float[np.ndarray, "N"],
) -> Float[np.ndarray, "N V"]:
    """The affine map of log probabilities, normalised again, that comes nearest to the exact distributions in
    KL on contexts of these weights: what a prediction still tells, however sure of it the network is.
    """
    from scipy.optimize import minimize  # slow to import, which every command would pay

    N, V = exact.shape
    x = np.column_stack([log_prediction - log_prediction.mean(1, keepdims=True), np.ones(N)])
    own = weight > 0
    x_own, p, w = x[own], exact[own], weight[own] / weight[own].sum()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        log_q = log_softmax(x_own @ flat.reshape(V + 1, V), axis=-1)
        gradient = x_own.T @ ((np.exp(log_q) - p) * w[:, None])
        return float(-(w @ (p * log_q).sum(1))), gradient.ravel()

    start = np.vstack([np.eye(V), np.zeros(V)]).ravel()
    found = minimize(loss, start, jac=True, method="BFGS").x
    return np.asarray(log_softmax(x @ found.reshape(V + 1, V), axis=-1))
