"""Probes, what they are compared with, and the study in which claims ask for them."""
