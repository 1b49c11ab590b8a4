"""The handlers: requests in, calls of the façade, JSON out."""
