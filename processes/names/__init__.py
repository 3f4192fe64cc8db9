"""How processes are written, and what such a name makes."""
