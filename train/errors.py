"""How training refuses: what cannot be used as asked, in one sentence."""


class RecipeError(ValueError):
    """A recipe that cannot be trained; the message says which field, which value and the remedy."""


class RunError(ValueError):
    """A run, its folder or an environment that cannot be used as asked; the message says which, why and the
    remedy.
    """


class Busy(RunError):
    """A run folder that another process is using now."""
