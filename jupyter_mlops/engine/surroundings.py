"""What is recorded of the place where a run happens: the kernel's environment, and what is not committed."""

from __future__ import annotations

import json
import platform
from pathlib import Path

from jupyter_mlops.engine.gitdiff import GitDiff
from jupyter_mlops.engine.interpreter import Interpreter
from jupyter_mlops.engine.redactor import Redactor
from jupyter_mlops.store.database import Database

__all__ = ["COMMAND", "ENVIRONMENT", "GIT_DIFF", "Surroundings", "environment_document"]

ENVIRONMENT = "environment"
GIT_DIFF = "git-diff"
COMMAND = "command"
"""Names of documents that are kept with a run."""

_PATIENCE = 0.5
"""Seconds that a run which has ended waits for git."""


class Surroundings:
    """Finds them out beside the run, and records each when it is known.

    Args:
        database: Where they are recorded, in the thread that calls.
        run_id: The run.
        folder: A folder of the project.
        commit: Whether the project has a commit.
        redactor: Takes secrets that the run knows out of the diff; those that can be seen go in any case.
    """

    def __init__(
        self, database: Database, run_id: str, folder: Path, *, commit: bool, redactor: Redactor | None = None
    ) -> None:
        self._database = database
        self._run_id = run_id
        self._redactor = redactor or Redactor()
        self._git: GitDiff | None = GitDiff(folder, commit=commit)
        self.wants_environment = True

    def record_environment(self, interpreter: Interpreter | None) -> None:
        """Record the kernel's environment, once.

        Args:
            interpreter: What its interpreter has told; None if it can't be asked.
        """
        if self.wants_environment and interpreter is not None:
            self._database.record_document(self._run_id, ENVIRONMENT, environment_document(interpreter))
        self.wants_environment = False

    def record_diff(self, *, last: bool = False) -> None:
        """Record what is not committed, if it is known by now.

        Args:
            last: Whether there is no later.
        """
        if self._git is None or not (last or self._git.done):
            return
        text = self._git.text(_PATIENCE if last else 0.0)
        self._git = None
        if text is not None:
            self._database.record_document(self._run_id, GIT_DIFF, self._redactor.text(text, code=True))


def environment_document(interpreter: Interpreter) -> str:
    """Return the JSON of an environment: equal environments give equal texts, which are stored once."""
    facts = dict(interpreter.python)
    return json.dumps(
        {
            "python": facts.pop("version", None),
            "implementation": facts.pop("implementation", None),
            "platform": platform.platform(),  # kernels run on this machine
            "system": facts.pop("platform", None),
            **facts,
            "distributions": {name: item.version for name, item in sorted(interpreter.distributions.items())},
        },
        ensure_ascii=False,
        indent=1,
    )
