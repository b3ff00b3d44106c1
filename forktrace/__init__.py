"""See what really happens when a container is launched."""

__version__ = "0.1.0"
