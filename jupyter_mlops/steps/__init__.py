"""Steps as ordinary notebooks, and executed steps as one notebook again."""
