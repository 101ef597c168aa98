"""Reading from a script which options it takes; nothing of it is run."""
