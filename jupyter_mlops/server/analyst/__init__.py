"""Analyses live notebooks in one process of its own, so that the Jupyter server never waits."""
