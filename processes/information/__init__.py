"""Entropies and what bounds them: rates, excess, forgetting."""
