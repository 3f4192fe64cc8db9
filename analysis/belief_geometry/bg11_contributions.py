"""What tokens add to the stream of a one-layer network, by how far back they are."""

import numpy as np
from jaxtyping import Float

from ..instruments.contexts import Contexts


def contributions(
    attention: Float[np.ndarray, "M heads positions"],
    value: Float[np.ndarray, "N heads head"],
    written: Float[np.ndarray, "all d"],
    truth: Contexts,
) -> tuple[Float[np.ndarray, "lags"], float]:
    """What a token adds to the stream at the last position, by lag, and the share of it that one pattern over
    tokens and directions explains.

    `attention` is that of the longest contexts, `value` the heads' values at the last token of every context
    (which in one layer are those of the token and its position), `written` the map from all heads to the
    stream. What all tokens add alike is taken out: it tells nothing.
    """
    process, here = truth.process, truth.position == truth.n_ctx - 1
    words, weight = truth.words[here], truth.weight[here] / truth.weight[here].sum()
    symbol = np.array([process.start @ T @ process.w for T in process.T])
    newest = truth.words[np.arange(len(truth.words)), truth.position]
    by_head = written.reshape(*value.shape[1:], -1)
    added = []
    for lag in range(truth.n_ctx):
        position = truth.n_ctx - 1 - lag
        rows = []
        for token in range(process.vocab):
            like = np.flatnonzero((truth.position == position) & (newest == token))
            said = words[:, position] == token
            if not len(like) or not said.any():  # this token cannot stand there
                rows.append(np.zeros(by_head.shape[-1]))
                continue
            writes = np.einsum("hk,hkd->hd", value[like[0]].astype(np.float64), by_head)
            rows.append(weight[said] @ attention[said][:, :, position] / weight[said].sum() @ writes)
        table = np.array(rows)
        added.append((np.sqrt(symbol)[:, None] * (table - symbol @ table)).ravel())
    size, axes = np.linalg.svd(np.array(added), full_matrices=False)[1:]
    along = np.array(added) @ axes[0]
    total = float((size**2).sum())
    share = float(size[0] ** 2) / total if total > 0 else 0.0  # nothing is added where nothing differs
    return along * np.sign(along[np.abs(along).argmax()] or 1), share
