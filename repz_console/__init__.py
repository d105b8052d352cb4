"""A launch day's war room in one terminal."""

__version__ = "0.1.0"
