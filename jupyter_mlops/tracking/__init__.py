"""What can be told from the record of runs."""
