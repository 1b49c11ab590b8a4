"""From a model's version to an endpoint: bundles, the one way to predict, the server."""
