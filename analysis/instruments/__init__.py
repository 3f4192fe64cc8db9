"""What reads networks and says how well it read: evidence, probes with their baselines, interventions,
statistics.

What stands in a line imports nothing of the lines below it:

    contexts, forward, statistics, untrained, descent   what networks are run on, and how; numbers over seeds
    evidence, activations, overview                     what one network does on every context
    decompositions, superposition, blind                what activations, weights and predictions are made of
    proofs, serving, behaviour                          predictions: proved, served, and what they say
    probing                                             what a probe reads, and what it is compared with
    any_network                                         the same of networks that were trained elsewhere
    interventions                                       what networks do with a part or a state replaced
"""
