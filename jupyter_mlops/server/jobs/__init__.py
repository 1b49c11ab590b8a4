"""Runs, verifications and submissions in processes of their own, which outlive the browser's page and the server."""
