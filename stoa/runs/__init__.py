"""From a request to the outcomes of a run."""
