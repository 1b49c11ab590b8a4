"""Templates with real processes: shared, out of date, dead, silent, and why there is no forked kernel then."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlops.engine.warm.pool import _KEPT, KernelPool
from jupyter_mlops.engine.warm.process import WarmProcess
from jupyter_mlops.engine.warm.template import NoWarmKernelError, Template
from jupyter_mlops.engine.warm.wish import Wish

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks")]

Make = Callable[..., Wish]
Prepare = Callable[..., Template]
Take = Callable[..., WarmProcess]


def pid_of(template: Template) -> int:
    assert template._process is not None
    return template._process.pid


def test_templates_are_shared_by_what_they_can_serve(
    make_wish: Make, prepare: Prepare, pool: KernelPool, tmp_path: Path
) -> None:
    first = prepare(make_wish("import json", "import csv"), 0)
    assert prepare(make_wish("import csv"), 0) is first
    assert prepare(make_wish(), 0) is first
    other = prepare(make_wish(cwd=tmp_path), 0)
    assert other is not first and prepare(make_wish(), 0) is first
    assert prepare(make_wish(COLOUR="red"), 0) not in (first, other)
    wider = prepare(make_wish("import json", "import wave"), 0)
    assert wider is not first and not first.is_current(), "one that has imported too little is replaced"
    templates = [prepare(make_wish(NUMBER=str(number)), 0) for number in range(_KEPT)]
    assert not wider.is_current() and all(template.is_current() for template in templates), "the oldest had to go"
    pool.close()
    assert not any(template.is_current() for template in templates)
    with pytest.raises(NoWarmKernelError, match="the kernels were ended"):
        prepare(make_wish("import json"))


def test_a_template_is_out_of_date_when_something_was_installed(
    make_wish: Make, prepare: Prepare, take: Take, tmp_path: Path
) -> None:
    template = prepare(make_wish())
    take(template)
    assert template.is_current()
    (tmp_path / "lib" / "new_module.py").touch()
    assert not template.is_current()
    again = prepare(make_wish())
    assert again is not template and take(again).poll() is None


def test_kernels_begin_and_end(
    make_wish: Make, prepare: Prepare, take: Take, eventually: Any, pool: KernelPool, project: Path
) -> None:
    template = prepare(make_wish(), 2)
    one, two = take(template), take(template)
    assert one.pid != two.pid and one.poll() is None
    assert Path(f"/proc/{one.pid}/cwd").resolve() == project
    assert one.file.stat().st_mode & 0o077 == 0 and one.file.parent.stat().st_mode & 0o077 == 0
    one.kill()
    eventually(lambda: one.poll() == -signal.SIGKILL)
    one.send_signal(signal.SIGTERM)  # nobody else may have its number by now
    two.close()
    eventually(lambda: two.poll() == 1)
    three = take(template)
    pool.close()
    assert three.poll() is None and psutil.pid_exists(pid_of(template)), "it tells how the last one ends"
    three.kill()
    eventually(lambda: three.poll() == -signal.SIGKILL)


def test_a_working_directory_that_is_gone(make_wish: Make, prepare: Prepare, take: Take, project: Path) -> None:
    with pytest.raises(NoWarmKernelError, match="No such file or directory"):
        take(prepare(make_wish()), project / "gone")


def test_a_file_of_the_project_in_the_place_of_a_module(
    make_wish: Make, prepare: Prepare, take: Take, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "lib" / "heavy.py").touch()
    template = prepare(make_wish("import heavy"))
    take(template)
    (project / "heavy.py").touch()
    with pytest.raises(NoWarmKernelError, match=r"heavy\.py stands for an installed module"):
        take(template)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('bad')", r"`import heavy` fails \(ValueError: bad\)"),
        ("print('hello')", "imported modules print something"),
        ("import os; os.write(2, b'x')", "imported modules print something"),
        ("import warnings; warnings.warn('old')", "`import heavy` warns: old"),
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
            "`import heavy` changes running threads",
        ),
        ("import sys; sys.path.append('/x')", "changes the module path"),
        ("import signal; signal.signal(2, signal.SIG_IGN)", "changes signal handlers"),
        ("import os; os.chdir('/')", "changes the working directory"),
        ("import os; os.environ['HOME'] = '/x'", "changes environment variables"),
        ("kept = open('/dev/null')", "changes open files"),
        ("import logging; logging.basicConfig()", "changes logging"),
        ("import random; kept = random.Random()", "keeps a random generator"),
        ("import os; os._exit(3)", "the template has ended"),
        ("import os; os.kill(os.getpid(), 9)", "the template has ended"),
        ("raise SystemExit(2)", "`import heavy` fails|the template has ended"),
    ],
)
def test_an_import_that_a_fork_would_not_survive(
    code: str, reason: str, make_wish: Make, prepare: Prepare, take: Take, tmp_path: Path
) -> None:
    (tmp_path / "lib" / "heavy.py").write_text(code, encoding="utf-8")
    template = prepare(make_wish("import heavy"))
    with pytest.raises(NoWarmKernelError, match=reason):
        take(template)
    assert not template.is_current()


def test_a_template_that_does_not_answer(
    make_wish: Make, prepare: Prepare, take: Take, tmp_path: Path, eventually: Any
) -> None:
    (tmp_path / "lib" / "heavy.py").write_text("import time; time.sleep(600)", encoding="utf-8")
    template = prepare(make_wish("import heavy"))
    with pytest.raises(NoWarmKernelError, match="the template does not answer"):
        take(template, seconds=0.5)
    with pytest.raises(NoWarmKernelError, match="the template does not answer"):
        take(template)
    template.close()
    eventually(lambda: not psutil.pid_exists(pid_of(template)))


def test_a_template_that_is_not_needed_any_more(
    make_wish: Make, prepare: Prepare, tmp_path: Path, eventually: Any
) -> None:
    (tmp_path / "lib" / "heavy.py").write_text("import time; open('begun', 'w'); time.sleep(600)", encoding="utf-8")
    template = prepare(make_wish("import heavy"))
    eventually(lambda: (template.wish.cwd / "begun").exists())
    template.close()
    eventually(lambda: not psutil.pid_exists(pid_of(template)))


def test_a_template_that_stops_while_kernels_wait_and_run(
    make_wish: Make, prepare: Prepare, take: Take, eventually: Any
) -> None:
    template = prepare(make_wish(), 2)
    process = take(template)
    os.kill(pid_of(template), signal.SIGKILL)
    eventually(lambda: template.failure == "the template has ended")
    with pytest.raises(NoWarmKernelError, match="the template has ended"):
        take(template)
    assert process.poll() is None, "a kernel that runs is left alone"
    process.kill()
    eventually(lambda: process.poll() == 1)


def test_a_spare_that_dies_is_not_given_out(make_wish: Make, prepare: Prepare, take: Take, eventually: Any) -> None:
    template = prepare(make_wish())
    eventually(lambda: any(spare.ready and spare.process for spare in template._spares.values()))
    (spare,) = template._spares.values()
    assert spare.process is not None
    os.kill(spare.process.pid, signal.SIGKILL)
    try:
        assert take(template).pid != spare.process.pid
    except NoWarmKernelError as error:
        assert str(error) == "a forked kernel ended before it was used"


def test_an_interpreter_that_is_not_there(make_wish: Make, prepare: Prepare, take: Take, project: Path) -> None:
    wish = Wish((str(project / "python"),), make_wish().environment, project)
    with pytest.raises(NoWarmKernelError, match="the template did not start"):
        take(prepare(wish))
    wish = Wish(("/bin/false",), make_wish().environment, project)
    with pytest.raises(NoWarmKernelError, match="the template has ended"):
        take(prepare(wish))
