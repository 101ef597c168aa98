"""Records and definitions, in YAML and in git."""
