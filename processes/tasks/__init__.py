"""Prompts that end in one answer whose distribution is exact: flag recall, XOR-SAT, modular addition."""
