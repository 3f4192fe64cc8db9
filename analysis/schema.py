"""The version of what reports and verdicts hold."""

SCHEMA = 3
"""Raised when their fields mean something else, so that older ones are made anew; here because reading one
needs no JAX.
"""
