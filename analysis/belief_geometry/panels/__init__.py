"""What the claims of belief geometry are about, drawn."""

from . import causal, dynamics, geometry, layers, merging, transfer

PANELS = layers.PANELS | geometry.PANELS | dynamics.PANELS | causal.PANELS | transfer.PANELS | merging.PANELS
