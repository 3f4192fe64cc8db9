"""Exact ground truth: hidden Markov processes, their beliefs, and their entropies. NumPy, float64, no JAX.

What stands in a line imports nothing of the lines below it:

    values, algebra, alignment             plain values and linear algebra that know no process
    process                                the record that all others are about
    entropy, filter, segmented_filter, tree, sample
    compose, zoo, structure, strategies    processes made of others, by name, and what they are
    information, geometry, ensembles       entropies, dimensions, random processes and surrogates
    interchange                            processes as files, and from and for other programs
    tasks, constraints                     one-answer tasks; automata, load, conditioned processes, protocols
    names, card                            text that means processes, and everything known of one
"""

from types import ModuleType as _ModuleType

from . import alignment as alignment
from . import constraints as constraints
from . import earlier_names as earlier_names
from .algebra.chain import stationary as stationary
from .card import card as card
from .compose import Coupled as Coupled
from .compose import Mixture as Mixture
from .compose import Product as Product
from .compose import block as block
from .compose import coupled as coupled
from .compose import expand as expand
from .compose import mixture as mixture
from .compose import noisy as noisy
from .compose import product as product
from .compose import relabelled as relabelled
from .compose import symmetric_channel as symmetric_channel
from .compose import synonyms as synonyms
from .compose import triggered as triggered
from .compose.leak import leak as leak
from .compose.presentation import permuted as permuted
from .compose.presentation import similar as similar
from .ensembles.decoy import decoy as decoy
from .entropy import entropy as entropy
from .filter import Filtered as Filtered
from .filter import as_words as as_words
from .filter import filter as filter
from .filter import predict as predict
from .filter import probability as probability
from .filter import update as update
from .geometry.information_dimension import InformationDimension as InformationDimension
from .geometry.information_dimension import information_dimension as information_dimension
from .geometry.lyapunov import Lyapunov as Lyapunov
from .geometry.lyapunov import kaplan_yorke as kaplan_yorke
from .geometry.lyapunov import lyapunov as lyapunov
from .information.bounds import Bounded as Bounded
from .information.bounds import bounded_excess as bounded_excess
from .information.bounds import bounded_rate as bounded_rate
from .information.breadcrumbs import Breadcrumbs as Breadcrumbs
from .information.breadcrumbs import breadcrumbs as breadcrumbs
from .information.rashomon import RashomonSet as RashomonSet
from .information.rashomon import rashomon_set as rashomon_set
from .information.rates import Rate as Rate
from .information.rates import block_entropy as block_entropy
from .information.rates import crypticity as crypticity
from .information.rates import entropy_rate as entropy_rate
from .information.rates import excess_entropy as excess_entropy
from .information.rates import excess_entropy_bounds as excess_entropy_bounds
from .information.rates import floor_by_position as floor_by_position
from .information.rates import h as h
from .information.rates import markov_order as markov_order
from .information.rates import statistical_complexity as statistical_complexity
from .information.rates import transient_information as transient_information
from .information.sources import component_entropies as component_entropies
from .information.sources import prior_cost as prior_cost
from .information.sources import prompted as prompted
from .interchange import from_model as from_model
from .interchange import from_moore as from_moore
from .interchange import from_simplexity as from_simplexity
from .interchange import to_dot as to_dot
from .interchange import to_json as to_json
from .interchange import to_moore as to_moore
from .interchange import to_networkx as to_networkx
from .interchange import write as write
from .names.catalogue import CATALOGUE as CATALOGUE
from .names.forms import Source as Source
from .names.reading import named as named
from .names.reading import read as read
from .names.reading import source as source
from .process import Process as Process
from .process import ProcessError as ProcessError
from .process import ghmm as ghmm
from .process import hmm as hmm
from .process import renamed as renamed
from .sample import sample as sample
from .structure.belief_distribution import BeliefDistribution as BeliefDistribution
from .structure.belief_distribution import belief_distributions as belief_distributions
from .structure.endless import endless_word as endless_word
from .structure.epsilon_machine import epsilon_machine as epsilon_machine
from .structure.equivalence import distinguishing_word as distinguishing_word
from .structure.equivalence import equivalent as equivalent
from .structure.markov import markov as markov
from .structure.mixed_states import MixedStates as MixedStates
from .structure.mixed_states import mixed_states as mixed_states
from .structure.phases import block_starts as block_starts
from .structure.realisation import belief_span as belief_span
from .structure.realisation import future_span as future_span
from .structure.realisation import minimal_dimension as minimal_dimension
from .structure.realisation import minimal_ghmm as minimal_ghmm
from .structure.reward import value as value
from .structure.spectrum import Spectrum as Spectrum
from .structure.spectrum import spectrum as spectrum
from .structure.supremum import Supremum as Supremum
from .structure.supremum import supremum as supremum
from .structure.synchronisation import synchronisation as synchronisation
from .structure.synchronisation import synchronising_words as synchronising_words
from .tree import PrefixTree as PrefixTree
from .tree import beliefs_along as beliefs_along
from .tree import count_words as count_words
from .tree import prefix_tree as prefix_tree
from .values import earlier
from .zoo import bloch_walk as bloch_walk
from .zoo import checksum as checksum
from .zoo import coin as coin
from .zoo import cycle as cycle
from .zoo import even as even
from .zoo import fanizza as fanizza
from .zoo import golden_mean as golden_mean
from .zoo import leaky_rrxor as leaky_rrxor
from .zoo import matching_parens as matching_parens
from .zoo import mess as mess
from .zoo import mess3 as mess3
from .zoo import moon as moon
from .zoo import nemo as nemo
from .zoo import quantum_rrxor as quantum_rrxor
from .zoo import random_insertion as random_insertion
from .zoo import rrxor as rrxor
from .zoo import sns as sns
from .zoo import tally as tally
from .zoo import zero_one_random as zero_one_random

__getattr__ = earlier.names(
    __name__,
    {
        "BeliefLaw": "BeliefDistribution",
        "belief_laws": "belief_distributions",
        "derived": "processes.names.earlier_functions:derived -- processes.named(spec)",
    },
)

__all__ = [  # all that stands above but modules, so that `help` shows it
    name for name, value in list(globals().items()) if name[0] != "_" and not isinstance(value, _ModuleType)
]
