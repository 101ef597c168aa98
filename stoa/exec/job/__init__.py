"""One job: its directory, its command, its process, and how it ended."""
