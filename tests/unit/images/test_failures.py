"""What podman, docker and pip print becomes one message; the texts are what these programs print."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.images.failures import build_error, push_error, relevant_lines

NO_VERSION = """\
STEP 4/11: RUN /opt/env/bin/python -m pip install --no-deps --requirement /opt/lock/lock.txt
Looking in indexes: https://example.com/simple
Collecting asttokens==3.0.2
  Downloading asttokens-3.0.2-py3-none-any.whl
ERROR: Could not find a version that satisfies the requirement ours==1.2 (from versions: 0.1, 0.2, 0.3, 0.4, 0.5, 1.0)
ERROR: No matching distribution found for ours==1.2
Error: building at STEP "RUN /opt/env/bin/python -m pip install": while running runtime: exit status 1
""".splitlines()

DOCKER_NO_VERSION = """\
#8 [4/9] RUN /opt/env/bin/python -m pip install --no-deps --requirement /opt/lock/lock.txt
#8 2.341 ERROR: Could not find a version that satisfies the requirement ours==1.2 (from versions: none)
#8 2.342 ERROR: No matching distribution found for ours==1.2
#8 ERROR: process "/bin/sh -c pip install" did not complete successfully: exit code: 1
""".splitlines()


@pytest.mark.parametrize("lines", [NO_VERSION, DOCKER_NO_VERSION])
def test_pip_finds_nothing(lines: list[str]) -> None:
    error = build_error(lines, "podman", "python:3.11-slim", "/p/.mlops/images/build.log")
    assert isinstance(error, UsageError)
    first, *rest = error.message.splitlines()
    assert first == "pip finds no ours==1.2 for the image's Python and platform:"
    assert len(rest) <= 5
    assert "Collecting" not in error.message
    assert "/p/.mlops/images/build.log" in rest[-1]
    assert "index_url" in (error.hint or "")


def test_long_lists_of_versions_are_cut() -> None:
    (line, _) = relevant_lines(NO_VERSION)
    assert line.endswith("(from versions: …, 0.4, 0.5, 1.0)")


def test_credentials_are_struck_out() -> None:
    assert relevant_lines(["ERROR: HTTP error 404 at https://me:secret@example.com/simple"]) == [
        "ERROR: HTTP error 404 at https://***@example.com/simple"
    ]


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ("Error: writing blob: storing blob: write /var/x: no space left on device", InfrastructureError, "disk is full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", InfrastructureError, "disk is full"),
        ("Error: creating build container: initializing source docker://example.com/no/such:1: reading manifest 1 in "
         "example.com/no/such: manifest unknown", UsageError, "base image base:1 was not found"),
        ("Error: creating build container: short-name \"nobase:1\" did not resolve to an alias and no unqualified-search "
         "registries are defined", UsageError, "base image base:1 was not found"),
        ("#3 ERROR: docker.io/library/nobase:1: not found", UsageError, "base image base:1 was not found"),
        ("ERROR: failed to solve: nobase:1: failed to resolve source metadata for docker.io/library/nobase:1: pull access "
         "denied, repository does not exist or may require authorization", UsageError, "base image base:1 was not found"),
        ("Error: creating build container: initializing source docker://example.com/a/b:1: reading manifest: unauthorized: "
         "authentication required", UsageError, "wants a login"),
        ("Error: creating build container: initializing source docker://python:3: pinging container registry: Get "
         "\"https://example.com/v2/\": dial tcp: lookup example.com: no such host", InfrastructureError, "can't be reached"),
        ("mlops: Python 3.12", UsageError, "has Python 3.12"),
        ("/bin/sh: 1: python3: not found", UsageError, "has no python3"),
        ("E: Unable to locate package libnothing1", UsageError, "no Debian package libnothing1"),
        ("ERROR: ResolutionImpossible: for help visit the documentation", UsageError, "satisfy the requirements together"),
        ("ERROR: Failed building wheel for lightfm", UsageError, "no wheel"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", UsageError, "other hashes"),
        ("ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='example.com', port=443): Max "
         "retries exceeded with url: /simple/pandas/", InfrastructureError, "can't reach the package index"),
        ("ERROR: HTTP error 403 while getting x\nERROR: 403 Client Error: Forbidden", UsageError, "refuses access (403)"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", InfrastructureError, "not running"),
        ("Killed", InfrastructureError, "out of memory"),
        ("error    libmamba Could not solve for environment specs\n    The following package could not be installed\n"
         "    └─ samtoolz =* * does not exist (perhaps a typo or a missing channel).\ncritical libmamba Could not solve for "
         "environment specs", UsageError, "conda finds no samtoolz for"),
        ("error    libmamba Could not solve for environment specs\n    The following packages are incompatible\n"
         "    └─ python 3.13.* conflicts with any installable versions previously reported.", UsageError, "conda can't satisfy"),
        ("critical libmamba Multiple errors occurred:\n    Download error (6) Could not resolve hostname [https://x/noarch]",
         InfrastructureError, "conda can't reach its channels"),
        ("/bin/sh: 1: micromamba: not found", UsageError, "has no micromamba"),
        ("Error: something that nobody has seen before", InfrastructureError, "something that nobody has seen before"),
    ],
)  # fmt: skip
def test_builds_that_fail(line: str, kind: type, words: str) -> None:
    error = build_error(["STEP 1/9: FROM base:1", *line.splitlines()], "podman", "base:1")
    assert type(error) is kind, error.message
    assert words in error.message


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ("Error: writing blob: initiating layer upload: unauthorized: authentication required", UsageError, "wants a login"),
        ("unauthorized: authentication required", UsageError, "wants a login"),
        ("Error: trying to reuse blob: checking whether a blob exists in r.example.com/team/x: authentication required",
         UsageError, "wants a login"),
        ("denied: requested access to the resource is denied", UsageError, "does not let you push"),
        ("Error: writing manifest: unexpected HTTP status: 403 Forbidden", UsageError, "does not let you push"),
        ("Error: pinging container registry: Get \"https://r.example.com/v2/\": dial tcp 10.0.0.1:443: connect: connection "
         "refused", InfrastructureError, "can't be reached"),
        ("Get \"https://r.example.com/v2/\": http: server gave HTTP response to HTTPS client", InfrastructureError, "speaks HTTP"),
        ("Error: Get \"https://r.example.com/v2/\": x509: certificate signed by unknown authority", InfrastructureError,
         "certificate"),
        ("name unknown: The repository with name 'x' does not exist", UsageError, "no place for"),
        ("write /var/tmp/x: no space left on device", InfrastructureError, "disk is full"),
    ],
)  # fmt: skip
def test_pushes_that_fail(line: str, kind: type, words: str) -> None:
    error = push_error([line], "podman", "r.example.com/team/x:1")
    assert type(error) is kind, error.message
    assert words in error.message
    assert error.hint is None or "{" not in error.hint


def test_the_image_that_is_missing_is_named() -> None:
    line = "Error: creating build container: initializing source docker://mirror.example.com/mamba:2: manifest unknown"
    error = build_error([line], "podman", "base:1", None, "mirror.example.com/mamba:2")
    assert "The base image mirror.example.com/mamba:2 was not found" in error.message


def test_silence_is_told() -> None:
    assert "nothing says why" in build_error([], "docker", "x").message
