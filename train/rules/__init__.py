"""Training by other rules than descent on the loss of a recipe: against the best adversary, and by relaxation
of an energy.
"""
