"""Measurements that take too long, or vary too much with the machine, for the test suite."""
