"""The sources of a run as one table."""
