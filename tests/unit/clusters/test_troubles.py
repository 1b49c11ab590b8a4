"""What goes wrong between here and a cluster: one clear message, the right exit code, nothing half-registered."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_server import Fault, KfpServer

from jupyter_mlops.store.database import Database

ROOT = Path(__file__).resolve().parents[3]
Store = Callable[[], Database]
PAGE = "<html><head><title>Sign in</title></head><body><form>…</form></body></html>"


def submit(run, write, *more):
    return run("submit", write(), "--runtime", "prod", "--image", "image:1", *more)


def assert_clear(printed, code: int, *texts: str) -> None:
    """One error, no traceback, nobody's library, no HTML."""
    assert printed.code == code, printed.err
    for text in texts:
        assert text in printed.err
    assert printed.err.count("error: ") == 1 and printed.out == ""
    for word in ("Traceback", "urllib3", "kfp", "Warning", "<html", "Exception", "HTTPConnection"):
        assert word not in printed.err


def nothing_is_on_record(project: Path) -> bool:
    path = project / ".mlops" / "mlops.db"
    if not path.exists():
        return True
    with Database(path) as database:
        return database.runs() == ()


@pytest.mark.parametrize(
    ("fault", "code", "texts"),
    [
        (Fault("healthz", status=401, times=9), 2, ("credentials were not accepted", "(401)")),
        (Fault("healthz", status=403, times=9), 2, ("may not use", "(403)")),
        (Fault("healthz", status=404, times=9), 2, ("is not there", "(404)")),
        (Fault("experiments", status=409, times=9), 2, ("already", "(409)")),
        (Fault("healthz", status=429, headers={"Retry-After": "0"}, times=9), 4, ("too many requests", "(429)")),
        (Fault("healthz", status=500, times=9), 4, ("Something failed inside", "(500): 502 Bad Gateway")),
        (Fault("pipelines/upload_version", status=500, times=9), 4, ("Something failed inside", "(500)")),
        (Fault("healthz", status=200, body=PAGE, times=9), 2, ("A login page answered", "Sign in")),
        (Fault("healthz", status=302, headers={"Location": "https://login.example/x"}, times=9), 2, ("login.example",)),
        (Fault("healthz", status=200, body="[1]", type="application/json", times=9), 2, ("not the API",)),
        (Fault("healthz", status=200, body="ok", type="text/plain", times=9), 2, ("not the API",)),
        (Fault("healthz", "drop", times=9), 4, ("closed the connection",)),
        (Fault("healthz", "slow", seconds=3.0, times=9), 4, ("did not answer in time",)),
        (Fault("/runs$", status=400, method="POST", times=9), 2, ("was not accepted", "(400)")),
        (Fault("/runs$", status=403, method="POST", times=9), 2, ("may not use",)),
    ],
    ids=lambda item: f"{item.kind}-{item.status}-{item.path.strip('/$')}" if isinstance(item, Fault) else "",
)
def test_answers(server: KfpServer, write, run, project: Path, fault: Fault, code: int, texts: tuple[str, ...]) -> None:
    server.faults.add(fault)
    assert_clear(submit(run, write), code, *texts)
    assert nothing_is_on_record(project) and not server.runs


def test_questions_are_asked_again_and_a_wish_to_wait_is_kept(server: KfpServer, write, run) -> None:
    server.faults.add(Fault("healthz", status=429, headers={"Retry-After": "0.1"}), Fault("experiments", "drop", "GET"))
    assert submit(run, write).code == 0
    assert server.count("GET", "healthz") == 2 and len(server.runs) == 1


def _use(project: Path, host: str, extra: str = "") -> None:
    (project / "mlops.toml").write_text(f'[runtimes.prod]\nhost = "{host}"\n{extra}')


def test_nothing_listens(project: Path, write, run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        _use(project, f"http://127.0.0.1:{free.getsockname()[1]}")
        assert_clear(submit(run, write), 4, "Nothing listens", "port-forward")
    assert nothing_is_on_record(project)


def test_an_unknown_host(project: Path, write, run) -> None:
    _use(project, "https://no-such-host.invalid/pipeline")
    assert_clear(submit(run, write), 4, "is not known", "no-such-host.invalid")
    assert run("runtime", "test", "prod").code == 4


@pytest.fixture
def certificate(tmp_path: Path, require) -> Path:
    target = tmp_path / "own.pem"
    subprocess.run(
        [
            *(require("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", target),
            *("-out", tmp_path / "cert.pem", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    target.write_bytes(target.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return target


def test_tls(tmp_path: Path, project: Path, write, run, certificate: Path) -> None:
    with KfpServer(tmp_path / "server", certificate=certificate) as server:
        _use(project, server.host)
        assert_clear(submit(run, write), 4, "can't be trusted: it is signed by itself", "`ca`")
        _use(project, server.host, f'ca = "{tmp_path / "missing.pem"}"')
        assert_clear(submit(run, write), 2, "can't be read", "missing.pem")
        _use(project, server.host, f'ca = "{tmp_path / "cert.pem"}"')
        assert run("runtime", "test", "prod").code == 0
    with KfpServer(tmp_path / "plain") as plain:
        _use(project, plain.host.replace("http:", "https:"))
        assert_clear(submit(run, write), 4, "does not speak TLS")


# --- a lost connection never starts a run twice ----------------------------------------------------------------------


def test_the_answer_to_the_start_is_lost(server: KfpServer, write, run, store: Store) -> None:
    server.faults.add(Fault("/runs$", "lose", "POST"))
    printed = submit(run, write)
    assert printed.code == 0, printed.err
    assert len(server.runs) == 1 and server.count("POST", "/runs$") == 1
    with store() as database:
        assert len(database.runs()) == 1


def test_a_start_that_never_arrived_is_made_again(server: KfpServer, write, run) -> None:
    server.faults.add(Fault("/runs$", "drop", "POST"))
    assert submit(run, write).code == 0
    assert len(server.runs) == 1 and server.count("POST", "/runs$") == 2


def test_the_start_takes_too_long_and_is_found(server: KfpServer, write, run) -> None:
    server.faults.add(Fault("/runs$", "slow", "POST", seconds=2.05))
    assert submit(run, write).code == 0
    assert len(server.runs) == 1


def test_a_gateway_that_gives_up_starts_nothing_twice(server: KfpServer, write, run, store: Store) -> None:
    """Whether the request got through is not known, and nothing is there: it may still come."""
    server.faults.add(Fault("/runs$", "answer", "POST", status=504))
    printed = submit(run, write)
    assert_clear(printed, 4, "can't be told whether the run was started", "runs show")
    assert server.count("POST", "/runs$") == 1
    with store() as database:
        (record,) = database.runs()
    shown = run("runs", "show", record.run_id)
    assert shown.code == 0 and "its start was not confirmed" in shown.err
    assert run("runs", "refresh", record.run_id).code == 2 and run("runs", "rm", "-y", record.run_id).code == 2
    # … and then it comes.
    import json

    place = json.loads(run("runs", "show", record.run_id, "--document", "cluster").out)
    server.answer(
        "POST",
        "/apis/v2beta1/runs",
        {},
        {
            "display_name": place["name"],
            "experiment_id": place["experiment_id"],
            "pipeline_version_reference": {"pipeline_version_id": place["version_id"]},
        },
        {},
    )
    assert run("runs", "refresh", record.run_id, "--follow").code == 0


def test_a_start_that_never_came_is_given_up(server: KfpServer, write, run) -> None:
    server.faults.add(Fault("/runs$", "answer", "POST", status=504))
    submit(run, write)
    stopped = run("stop", "latest")
    assert stopped.code == 0 and "is cancelled" in stopped.out
    assert run("retry", "latest").code == 2
    assert run("runs", "rm", "-y", "latest").code == 0 and not server.runs


def test_the_search_fails_too(server: KfpServer, write, run, store: Store) -> None:
    server.faults.add(Fault("/runs$", "lose", "POST"), Fault("/runs$", "drop", "GET", times=3))
    printed = submit(run, write)
    assert_clear(printed, 4, "can't be told whether")
    assert run("runs", "refresh", "latest", "--follow").code == 0, "it is found when it is asked for"
    assert len(server.runs) == 1


def test_uploads_are_made_once(server: KfpServer, write, run) -> None:
    server.faults.add(
        Fault("pipelines$", "lose", "POST"),
        Fault("upload_version", "lose", "POST"),
        Fault("experiments", "lose", "POST"),
    )
    first = submit(run, write)
    assert first.code in (0, 4)
    assert submit(run, write).code == 0
    assert len(server.pipelines) == len(server.versions) == len(server.experiments) == 1


def test_a_retry_whose_answer_is_lost_and_one_from_elsewhere(server: KfpServer, write, run, store: Store) -> None:
    failing = write((("step:a", "x = 1 / 0"),))
    assert run("submit", failing, "--runtime", "prod", "--image", "image:1", "--wait").code == 1
    server.faults.add(Fault(":retry$", "lose", "POST"))
    assert run("retry", "latest", "--follow").code == 1
    (cluster_run,) = server.runs
    server.answer("POST", f"/apis/v2beta1/runs/{cluster_run}:retry", {}, {}, {})
    run("runs", "refresh", "latest")
    with store() as database:
        assert database.run("latest").status == "running"
    assert run("runs", "refresh", "latest", "--follow").code == 1


def test_a_process_that_is_killed_in_between(server: KfpServer, write, run, store: Store, project: Path) -> None:
    """The run is started, and nobody has heard of it: it is found by its name."""
    code = (
        "import os, sys\n"
        "from jupyter_mlops.kubeflow import submitting\n"
        "submitting._confirmed = lambda *given: os._exit(9)\n"
        "from jupyter_mlops.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    words = ["submit", str(write()), "--runtime", "prod", "--image", "image:1"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    killed = subprocess.run([sys.executable, "-c", code, *words], cwd=project, timeout=60, env=environment)
    assert killed.returncode == 9 and len(server.runs) == 1
    assert run("runs", "refresh", "latest", "--follow").code == 0
    with store() as database:
        assert database.run("latest").status == "succeeded"


# --- while a run is followed -----------------------------------------------------------------------------------------


def test_a_cluster_that_is_away_for_a_while(server: KfpServer, write, run) -> None:
    server.faults.add(Fault("/runs/[^/]+$", "drop", "GET", times=5))
    printed = submit(run, write, "--wait")
    assert printed.code == 0 and "The run goes on; asking again." in printed.err


def test_a_cluster_that_stays_away(server: KfpServer, write, run, store: Store) -> None:
    server.faults.add(Fault("/runs/[^/]+$", "drop", "GET", times=999))
    printed = submit(run, write, "--wait")
    assert printed.code == 4 and "closed the connection" in printed.err and "The run may well go on" in printed.err
    server.faults.clear()
    assert run("runs", "refresh", "latest", "--follow").code == 0
    with store() as database:
        assert database.run("latest").status == "succeeded"


def test_a_run_that_is_deleted_behind_our_back(server: KfpServer, write, run, store: Store) -> None:
    assert submit(run, write).code == 0
    server.runs.clear()
    printed = run("runs", "refresh", "latest", "--follow")
    assert_clear(printed, 4, "it was deleted there")
    with store() as database:
        record = database.run("latest")
        assert record.status == "cancelled"
        assert [step.reason for step in database.steps_of(record.run_id)] == ["the run was deleted on the cluster"]
    assert run("stop", "latest").code == 2 and run("retry", "latest").code == 2


def test_shown_without_the_cluster(server: KfpServer, write, run) -> None:
    submit(run, write)
    server.faults.add(Fault("/runs/", status=500, times=99))
    printed = run("runs", "show", "latest")
    assert printed.code == 0 and "when it was last asked for" in printed.err and "running" in printed.out
    assert run("runs").code == 0


def test_the_runtime_is_another_by_now(server: KfpServer, write, run, project: Path) -> None:
    submit(run, write)
    _use(project, "http://127.0.0.1:1")
    assert_clear(run("runs", "refresh", "latest"), 2, "is now http://127.0.0.1:1")
    (project / "mlops.toml").write_text("")
    assert_clear(run("stop", "latest"), 2, "There is no runtime 'prod'")


def test_logs_that_nobody_gives(server: KfpServer, write, run) -> None:
    server.faults.add(Fault("/k8s/pod/logs", status=403, times=99))
    printed = submit(run, write, "--follow")
    assert printed.code == 0 and printed.err.count("can't be shown") == 1


# --- images ----------------------------------------------------------------------------------------------------------


def test_an_image_of_this_machine_for_a_cluster_elsewhere(project: Path, write, run, monkeypatch) -> None:
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.kubeflow.images import refuse_unpushed
    from jupyter_mlops.kubeflow.runtimes import Runtime

    far, near = Runtime("prod", "https://kubeflow.example"), Runtime("kind", "http://localhost:8080")
    built = "churn:content-1"
    for images, unpushed in (({"train": "localhost/churn:1"}, ()), ({"train": built}, (built,))):
        with pytest.raises(UsageError, match="can't pull the image") as error:
            refuse_unpushed(far, images, unpushed)
        assert "--push" in str(error.value.hint)
        refuse_unpushed(near, images, unpushed)
    refuse_unpushed(far, {"train": "registry.example/churn@sha256:1"}, ("churn:content-1",))


def test_no_image(server: KfpServer, write, run, project: Path) -> None:
    printed = run("submit", write(), "--runtime", "prod")
    assert printed.code == 2 and "image" in printed.err
    assert nothing_is_on_record(project) and not server.versions


def test_other_mistakes(server: KfpServer, write, run, project: Path) -> None:
    assert_clear(run("submit", write(), "--runtime", "prdo"), 2, "There is no runtime 'prdo'", "Did you mean 'prod'?")
    assert_clear(submit(run, write, "-p", "m", "3"), 2, 'no parameter "m"')
    assert run("submit", "missing.ipynb", "--runtime", "prod").code in (2, 3)
    assert run("submit", write((("step:a", "x = undefined_name"),)), "--runtime", "prod").code == 3
    assert nothing_is_on_record(project)
