"""The command line, ``jupyter mlops``: options in, text or JSON out; what is done is done by ``api``."""
