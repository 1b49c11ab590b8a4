"""What comes in and goes out of versions that are served: rates, latencies, errors, drift, accuracy."""
