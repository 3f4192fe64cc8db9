"""Planted evidence: one builder for each kind, so that a claim can be put to what is known of it."""
