"""Container images for the steps: what has to be in them, how they are built and pushed."""
