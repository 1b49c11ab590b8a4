"""The law, tested on a notebook: the pipeline computes what the whole notebook computes."""
