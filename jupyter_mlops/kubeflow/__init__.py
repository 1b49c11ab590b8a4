"""Pipelines on Kubeflow: components, compile, submit, follow."""
