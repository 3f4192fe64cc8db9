"""Which activations the claims probe, each as a function of the study, as controls take it."""

from ..instruments.probing.study import CONCATENATED, Study


def final_layer(study: Study) -> str:
    """The residual stream after the last block."""
    return study.final_layer


def all_layers(study: Study) -> str:
    """The residual stream after every block, side by side."""
    return CONCATENATED


def best_layer(study: Study) -> str:
    """The layer whose R2 is highest on average. One layer, because side by side they have more dimensions
    than the stream.
    """
    return max(study.layers[1:], key=lambda layer: study.r2(layer).mean())
