"""Warm interpreters: Python processes that have the modules of a script imported, and fork once for each job."""
