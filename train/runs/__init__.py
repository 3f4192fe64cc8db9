"""Runs on disk: their folder, checkpoints, training that resumes, and the store of many."""
