"""Beliefs as they are probed from one network over its training, as an animated picture for a talk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from processes.values.whole_file import replacing

from .letters import legible
from .simplex import simplex
from .style import figure, style

FRAME, LAST = 500, 2000
"""Milliseconds of a frame, and of the last."""
DPI = 150
"""Of a picture for a screen."""
COLOURS = 256
"""All that a GIF can have; they are those of the last frame, where beliefs are farthest apart."""


def animate(
    file: Path,
    points: Float[np.ndarray, "K N 3"],
    titles: Sequence[str],
    *,
    belief: Float[np.ndarray, "N 3"],
    weight: Float[np.ndarray, "N"] | None,
    states: Sequence[str],
    width: float,
) -> None:
    """Write a GIF, `width` inches at `DPI`: the exact beliefs beside the points that are probed at each of K
    steps, under the title of the step.
    """
    frames, beside = [], points.reshape(-1, 3)
    with style():
        for at, title in zip(points, titles, strict=True):
            fig, (left, right) = figure(width, width / 2 + 0.45, columns=2)
            simplex(left, belief, weight=weight, states=states, beside=beside)
            simplex(right, at, belief=belief, weight=weight, states=states, beside=beside)
            left.set_title("exact beliefs\n")
            right.set_title(title)
            legible(fig)
            fig.set_dpi(DPI)
            canvas = FigureCanvasAgg(fig)
            canvas.draw()
            frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    palette = frames[-1].quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    lasts = [FRAME] * (len(few) - 1) + [LAST]
    with replacing(file) as part:
        few[0].save(part, format="gif", save_all=True, append_images=few[1:], duration=lasts, loop=0)
