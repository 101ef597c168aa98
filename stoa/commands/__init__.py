"""The verbs: plain functions, values in, results out."""
