"""Kernels that are forked from a process in which heavy modules are imported already."""
