"""What reads networks and says how well it read: evidence, probes with their baselines, interventions,
statistics.
"""
