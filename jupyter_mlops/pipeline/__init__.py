"""Cells and facts become a pipeline: the model, the slicer, the JSON form, the drawings."""
