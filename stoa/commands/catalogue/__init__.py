"""The verbs of `stoa catalogue`: from the sources of a run to a table for a paper."""
