"""A network at work: the text that it writes itself, and what it keeps of many in a pool of pages."""
