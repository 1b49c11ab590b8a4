"""Content-addressed objects, and the record of every run."""
