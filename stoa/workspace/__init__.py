"""An open project: what is recorded and what is live."""
