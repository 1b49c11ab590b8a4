"""The local engine: runs the steps of a pipeline on this machine, each in a kernel of its own."""
