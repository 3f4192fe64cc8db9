"""What the claims of constraint load are about, drawn."""

from . import attention, guarded, load

PANELS = {**guarded.PANELS, **attention.PANELS, **load.PANELS}
