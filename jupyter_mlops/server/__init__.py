"""The Jupyter server's part: what the JupyterLab panel asks, under ``/jupyter-mlops/api/``."""
