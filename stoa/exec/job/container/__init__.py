"""Containers that jobs run in, through the API that Docker and podman share."""
