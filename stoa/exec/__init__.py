"""Scripts over targets: commands, environments, engines, and how each job ended."""
