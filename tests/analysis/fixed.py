"""What is fixed of a claim before any run, and that it asks for what can be trained."""

from analysis.claim import Setting
from analysis.families import CLAIMS


def thresholds(claim):
    """Where each criterion must be, above and below, of a claim of eight networks."""
    assert CLAIMS[claim].seeds == 8
    return [(c.above, c.below) for c in CLAIMS[claim].criteria]


def trained(claim, size):
    """What a claim has trained on each process that it is tested on: recipes of eight networks, by role."""
    found = {p: CLAIMS[claim].recipes(p, Setting(size=size)) for p in CLAIMS[claim].tested_on}
    for recipes in found.values():
        assert recipes and all(recipe.hash and recipe.seeds == 8 for recipe in recipes.values())
    return found
