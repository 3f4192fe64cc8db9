"""Activations, weights and predictions as made of parts, and what the true parts are."""
