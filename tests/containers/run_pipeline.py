"""Runs a compiled pipeline with kfp's own local runner in containers; in a process of its own, as kfp keeps state.

run_pipeline.py PIPELINE.yaml ROOT ARGUMENTS_JSON
"""

from __future__ import annotations

import json
import os
import sys

from kfp import components, local


def main(pipeline: str, root: str, arguments: str) -> None:
    """Run it; the engine is whatever DOCKER_HOST names."""
    # Files that containers make belong to whoever runs the tests.
    runner = local.DockerRunner(network_mode="host", user=f"{os.getuid()}:0")
    local.init(runner=runner, pipeline_root=root)
    components.load_component_from_file(pipeline)(**json.loads(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
