"""podman and docker: which is there, and how they are called."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError

__all__ = ["ENGINES", "Done", "Engine", "find_engine"]

ENGINES = ("podman", "docker")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHECK_SECONDS = 30
_STOP_SECONDS = 10
_INSTALL = "Install podman (or docker): https://podman.io/docs/installation"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command of the engine ended.

    Args:
        lines: All that it printed.
    """

    code: int
    lines: tuple[str, ...]

    @property
    def output(self) -> str:
        """All that it printed."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that builds and runs containers.

    Args:
        name: ``podman`` or ``docker``.
        program: Its file.
    """

    name: str
    program: str

    def build(
        self,
        context: Path,
        reference: str,
        *,
        dockerfile: Path | None = None,
        secrets: Mapping[str, Path] | None = None,
        folders: Sequence[Path] = (),
        platform: str | None = None,
        options: Sequence[str] = (),
        told: Callable[[str], None] = lambda line: None,
    ) -> Done:
        """Build an image.

        Args:
            context: The build context.
            secrets: Files that commands may see while they run.
            folders: Folders of this machine that they may see as well; only podman can do that.
            told: Called with each line that is printed.
        """
        command = ["build", "--tag", reference, "--file", str(dockerfile or context / "Dockerfile")]
        for name, path in (secrets or {}).items():
            command += ["--secret", f"id={name},src={path}"]
        if self.name == "podman":
            command += [part for folder in folders for part in ("--volume", f"{folder}:{folder}:ro")]
        else:
            command += ["--progress", "plain"]
        command += ["--platform", platform] if platform else []
        return self.run([*command, *options, str(context)], told)

    def push(self, reference: str, told: Callable[[str], None] = lambda line: None) -> tuple[Done, str | None]:
        """Push an image; return how that ended and the digest."""
        with tempfile.TemporaryDirectory(prefix="mlops-push-") as folder:
            file = Path(folder) / "digest"
            extra = ["--digestfile", str(file)] if self.name == "podman" else []
            done = self.run(["push", *extra, reference], told)
            text = file.read_text(encoding="ascii") if file.is_file() else ""
        if done.code:
            return done, None
        said = [*_DIGEST.findall(done.output), *_DIGEST.findall(text)]
        return done, said[-1] if said else None

    def has(self, reference: str) -> bool:
        """Tell whether an image is on this machine."""
        return self.run(["image", "inspect", reference], seconds=_CHECK_SECONDS).code == 0

    def python(self, reference: str, arguments: Sequence[str], *, platform: str | None = None, seconds: float) -> Done:
        """Run Python in a container that has no network and leaves nothing behind."""
        command = ["run", "--rm", "--network", "none", "--entrypoint", "python3"]
        command += ["--platform", platform] if platform else []
        return self.run([*command, reference, *arguments], seconds=seconds)

    def run(
        self,
        arguments: Sequence[str],
        told: Callable[[str], None] = lambda line: None,
        *,
        seconds: float | None = None,
    ) -> Done:
        """Run a command of the engine to its end; it ends with this process, too.

        Raises:
            InfrastructureError: It can't be started, or takes too long.
        """
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", "LC_ALL": "C.UTF-8"}
        try:
            process = subprocess.Popen(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise InfrastructureError(f"{self.name} can't be started: {error}.") from error
        late = threading.Event()

        def give_up() -> None:
            late.set()
            _end(process)

        timer = None if seconds is None else threading.Timer(seconds, give_up)
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            lines = tuple(_lines(process, told))
            code = process.wait()
        finally:
            if timer is not None:
                timer.cancel()
            _end(process)
        if late.is_set():
            raise InfrastructureError(f"{self.name} {arguments[0]} gave no answer in {seconds:g} seconds.")
        return Done(code, lines)


def find_engine(wanted: str | None = None) -> Engine:
    """Find a program that works.

    Args:
        wanted: ``podman`` or ``docker``; whichever is there by default, podman first.

    Raises:
        UsageError: None is installed.
        InfrastructureError: Those that are don't work.
    """
    names = (wanted,) if wanted else ENGINES
    installed = [Engine(name, path) for name in names if (path := shutil.which(name))]
    if not installed:
        raise UsageError(f"{' or '.join(names)} is needed to build images and is not installed.", hint=_INSTALL)
    reasons = []
    for engine in installed:
        done = engine.run(["info"], seconds=_CHECK_SECONDS)
        if done.code == 0:
            return engine
        reasons.append(f"{engine.name}: {_reason(done)}")
    hint = "Start its service (docker), or see what `podman info` says."
    raise InfrastructureError(f"No program that builds images works here. {' '.join(reasons)}", hint=hint)


def _reason(done: Done) -> str:
    words = ("error", "cannot", "denied", "fail")
    said = [line.strip() for line in done.lines if any(word in line.lower() for word in words)]
    return (said or [line.strip() for line in done.lines if line.strip()] or ["it says nothing"])[-1][:300]


def _lines(process: subprocess.Popen[bytes], told: Callable[[str], None]) -> Iterator[str]:
    assert process.stdout is not None
    for raw in process.stdout:
        # A line that draws a progress bar over itself counts as what is seen at the end.
        line = raw.decode("utf-8", "replace").rstrip("\r\n").rpartition("\r")[2]
        told(line)
        yield line


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, with all that it started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number) if hasattr(os, "killpg") else process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            return
