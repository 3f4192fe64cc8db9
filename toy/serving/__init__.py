"""A network at work: the text that it writes itself, and what it keeps of many sequences in a pool of pages."""
