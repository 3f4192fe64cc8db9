"""Toy models of superposition: more features than dimensions, their loss exact and their optima known."""
