"""Pipelines for Kubeflow: components, compiled pipelines, runs on a cluster."""
