"""The Jupyter server's part: what the JupyterLab panel asks, under ``/jupyter-mlops/api/``; it holds no logic of its own."""
