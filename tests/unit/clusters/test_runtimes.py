"""Runtimes in mlops.toml: what they may say, what they may not, and who one is."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import pytest
from kfp_server import Fault, KfpServer

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.runtimes import find_runtime, read_runtimes
from jupyter_mlops.kubeflow.secrets import Redactor

SECRET = "s3cr3t-dGhpcyBpcyBh"


def read(project: Path, text: str):
    (project / "mlops.toml").write_text(text, encoding="utf-8")
    return read_runtimes(project)


def test_all_keys(project: Path) -> None:
    found = read(
        project,
        """
        [cache]
        url = "shared"
        [runtimes.prod]
        host = "https://kubeflow.example/pipeline/#/runs"
        namespace = "team-a"
        pipeline_root = "s3://bucket/runs"
        registry = "registry.example/team-a"
        experiment = "churn"
        service_account = "runner"
        auth = { type = "token", token = "env:PROD_TOKEN" }
        [runtimes.prod.storage]
        endpoint_url = "http://localhost:9000"
        key = "minio"
        secret = "keyring:minio/me"
        [runtimes.kind]
        host = "http://localhost:8080/"
        """,
    )
    prod = found["prod"]
    assert (prod.host, prod.namespace, prod.auth.kind) == ("https://kubeflow.example/pipeline", "team-a", "token")
    assert prod.is_remote and not found["kind"].is_remote
    assert found["kind"].host == "http://localhost:8080"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[runtimes", "can't be read"),
        ("runtimes = 1", "`runtimes` is a table"),
        ("[runtimes]\nprod = 1", "is a table"),
        ("[runtimes.prod]\n", "has no host"),
        ('[runtimes.prod]\nhost = "kubeflow.example"', "a URL with http:// or https://"),
        ("[runtimes.prod]\nhost = 8080", "host is a text"),
        ('[runtimes.prod]\nhost = "http://x:99999"', "makes no sense as a URL"),
        ('[runtimes.prod]\nhost = "http://[::1"', "makes no sense as a URL"),
        ('[runtimes.prod]\nhots = "http://x"', "has no 'hots'"),
        ('[runtimes.prod]\nhost = "http://x"\nnamespace = "Team A"', "namespace can't be"),
        ('[runtimes.prod]\nhost = "http://x"\npipeline_root = "bucket/x"', "pipeline_root is a URL"),
        ('[runtimes.prod]\nhost = "http://x"\nauth = { type = "tokn" }', "type can't be 'tokn'"),
        ('[runtimes.prod]\nhost = "http://x"\nauth = { type = "token" }', "needs token"),
        ('[runtimes.prod]\nhost = "http://x"\nauth = { type = "token", tokens = "env:X" }', "has no 'tokens'"),
        ('[runtimes."a b"]\nhost = "http://x"', "can't be the name of a runtime"),
    ],
)
def test_what_makes_no_sense(project: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(project, text)


@pytest.mark.parametrize(
    "text",
    [
        f'auth = {{ type = "token", token = "{SECRET}" }}',
        f'auth = {{ type = "cookie", cookie = "authservice_session={SECRET}" }}',
        f'auth = {{ type = "client_credentials", token_url = "http://x", client_id = "a", client_secret="{SECRET}" }}',
        f'token = "{SECRET}"',
        f'password = "{SECRET}"',
        f'storage = {{ key = "a", secret = "{SECRET}" }}',
        f'storage = {{ client_kwargs = {{ aws_secret_access_key = "{SECRET}" }} }}',
        f'ui = "https://me:{SECRET}@kubeflow.example"',
        f'auth = {{ type = "none", api_key = "{SECRET}" }}',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(project: Path, text: str, run) -> None:
    with pytest.raises(UsageError, match="never hold the secret itself") as error:
        read(project, f'[runtimes.prod]\nhost = "http://x"\n{text}')
    assert SECRET not in str(error.value) + str(error.value.hint)
    assert '"env:PROD_' in str(error.value.hint) and "keyring" in str(error.value.hint)
    printed = run("runtime", "list")
    assert printed.code == 2 and SECRET not in printed.out + printed.err


def test_a_host_with_a_password(project: Path) -> None:
    with pytest.raises(UsageError, match="never hold the secret itself"):
        read(project, f'[runtimes.prod]\nhost = "https://me:{SECRET}@kubeflow.example"')


def test_added_and_removed_without_touching_the_rest(project: Path, run) -> None:
    text = '# ours\n[cache]\nurl = "shared"  # of the team\n'
    (project / "mlops.toml").write_text(text)
    for name in ("prod", "kind"):
        auth = ("--auth", "token", "--auth-key", "token=env:T")
        added = run("runtime", "add", name, "--host", "http://x.example:8080", *auth, "--storage", "anon=true")
        assert added.code == 0
    listed = run("runtime", "list", "--format", "json").json()["runtimes"]
    assert [item["name"] for item in listed] == ["prod", "kind"]
    assert listed[0]["auth"] == {"type": "token", "token": "env:T"} and listed[0]["storage"] == {"anon": True}
    again = run("runtime", "add", "prod", "--host", "http://y.example")
    assert again.code == 2 and "already" in again.err and "--replace" in again.err
    assert run("runtime", "add", "prod", "--host", "http://y.example", "--replace").code == 0
    assert find_runtime(project, "prod").host == "http://y.example"
    assert find_runtime(project, "prod").auth.kind == "none"
    for name in ("prod", "kind"):
        assert run("runtime", "rm", name).code == 0
    assert (project / "mlops.toml").read_text().strip() == text.strip()
    assert run("runtime", "rm", "prod").code == 2


def test_nothing_is_written_that_makes_no_sense(project: Path, run) -> None:
    auth = ("--auth", "token", "--auth-key", f"token={SECRET}")
    assert run("runtime", "add", "prod", "--host", "http://x", *auth).code == 2
    assert run("runtime", "add", "prod", "--host", "x").code == 2
    assert run("runtime", "add", "prod", "--host", "http://x", "--storage", "anon").code == 2
    assert not (project / "mlops.toml").exists()
    (project / "mlops.toml").write_text('runtimes.prod = { host = "http://x" }\n')
    printed = run("runtime", "rm", "prod")
    assert printed.code == 2 and "with an editor" in printed.err
    assert "x" in read_runtimes(project)["prod"].host


def test_words_that_are_no_subcommands(project: Path, run) -> None:
    assert run("runtime").code == 0
    printed = run("runtime", "lst")
    assert printed.code == 2 and "runtime list" in printed.err


# --- who one is -------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(tmp_path: Path, project: Path) -> Iterator[KfpServer]:
    """A server for several users that knows one token and one cookie."""
    with KfpServer(
        tmp_path / "server", tokens={SECRET: ("team-a",)}, cookie=f"session={SECRET}", namespaces=("team-a", "team-b")
    ) as found:
        yield found


def use(project: Path, server: KfpServer, auth: str, namespace: str = "team-a") -> None:
    text = f'[runtimes.prod]\nhost = "{server.host}"\nnamespace = "{namespace}"\nauth = {{ {auth} }}\n'
    (project / "mlops.toml").write_text(text)


class _Tokens(BaseHTTPRequestHandler):
    """Grants the token to whoever knows the client's secret."""

    asked = 0
    lifetime = 3600

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        type(self).asked += 1
        good = form.get("client_secret") == ["client-secret-1"] and form["grant_type"] == ["client_credentials"]
        found = {"access_token": SECRET, "expires_in": self.lifetime} if good else {"error": "invalid_client"}
        content = json.dumps(found).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tokens() -> Iterator[str]:
    _Tokens.asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), _Tokens) as found:
        Thread(target=found.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{found.server_address[1]}/token"
        found.shutdown()


def test_every_way_to_say_who_one_is(
    guarded: KfpServer, project: Path, run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokens: str
) -> None:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    monkeypatch.setenv("PROD_TOKEN", SECRET)
    monkeypatch.setenv("PROD_COOKIE", f"session={SECRET}")
    monkeypatch.setenv("PROD_CLIENT", "client-secret-1")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(path))
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, user: SECRET if (service, user) == ("kubeflow", "me") else None
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    for auth in (
        'type = "token", token = "env:PROD_TOKEN"',
        'type = "token", token = "keyring:kubeflow/me"',
        f'type = "token_file", path = "{path}"',
        'type = "service_account"',
        'type = "cookie", cookie = "env:PROD_COOKIE"',
        f'type = "client_credentials", token_url = "{tokens}", client_id = "a", client_secret = "env:PROD_CLIENT"',
    ):
        use(project, guarded, auth)
        printed = run("runtime", "test", "prod")
        assert printed.code == 0, f"{auth}: {printed.err}"
        assert SECRET not in printed.out + printed.err


def test_tokens_are_granted_once_and_renewed(guarded: KfpServer, project: Path, run, monkeypatch, tokens: str) -> None:
    monkeypatch.setenv("C", "client-secret-1")
    auth = f'type = "client_credentials", token_url = "{tokens}", client_id = "a", client_secret = "env:C"'
    use(project, guarded, auth)
    assert run("runtime", "test", "prod").code == 0 and _Tokens.asked == 1
    guarded.faults.add(Fault("experiments", status=401))  # the token ended before its time
    assert run("runtime", "test", "prod").code == 0 and _Tokens.asked == 3
    monkeypatch.setenv("C", "wrong-secret-9")
    printed = run("runtime", "test", "prod")
    assert printed.code == 2 and "was not granted" in printed.err and "wrong-secret-9" not in printed.err


@pytest.mark.parametrize(
    ("auth", "text"),
    [
        ('type = "none"', "No credentials are configured"),
        ('type = "token", token = "env:PROD_TOKEN"', "Renew the token in env:PROD_TOKEN"),
        ('type = "token", token = "env:NOT_SET"', "NOT_SET holds the token of the runtime 'prod', and is not set"),
        ('type = "token", token = "keyring:a/b"', "the library for it is missing"),
        ('type = "token_file", path = "/no/such/file"', "can't be read from /no/such/file"),
        ('type = "service_account", path = "/no/such/file"', "Outside, use another type"),
        ('type = "cookie", cookie = "env:PROD_TOKEN"', "log in again"),
    ],
)
def test_credentials_that_do_not_work(
    guarded: KfpServer, project: Path, run, monkeypatch: pytest.MonkeyPatch, auth: str, text: str
) -> None:
    monkeypatch.setenv("PROD_TOKEN", "wrong-token-1234")
    monkeypatch.setitem(sys.modules, "keyring", None)
    use(project, guarded, auth)
    printed = run("runtime", "test", "prod")
    assert printed.code == 2 and text in printed.err and "wrong-token-1234" not in printed.err + printed.out


def test_secrets_that_a_server_repeats_are_redacted(guarded: KfpServer, project: Path, run, monkeypatch) -> None:
    monkeypatch.setenv("PROD_TOKEN", SECRET)
    use(project, guarded, 'type = "token", token = "env:PROD_TOKEN"')
    body = json.dumps({"message": f"bad header: Bearer {SECRET}"})
    guarded.faults.add(Fault("experiments", status=400, body=body, type="application/json", times=9))
    printed = run("runtime", "test", "prod")
    assert "bad header: Bearer [redacted]" in printed.err and SECRET not in printed.err
    assert Redactor()("http://me:password@host/x") == "http://[redacted]@host/x"


def test_namespaces(guarded: KfpServer, project: Path, run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_TOKEN", SECRET)
    auth = 'type = "token", token = "env:PROD_TOKEN"'
    use(project, guarded, auth, "team-b")
    printed = run("runtime", "test", "prod")
    assert printed.code == 2 and "may not use the namespace 'team-b'" in printed.err
    (project / "mlops.toml").write_text(f'[runtimes.prod]\nhost = "{guarded.host}"\nauth = {{ {auth} }}\n')
    printed = run("runtime", "test", "prod")
    assert printed.code == 2 and "no namespace is given" in printed.err


def test_what_is_wrong_is_told_step_by_step(server: KfpServer, project: Path, run) -> None:
    server.speaks = "v1"
    printed = run("runtime", "test", "prod", "--format", "json")
    found = printed.json()
    assert printed.code == 2 and "v1beta1 alone" in printed.err and "2.0 or newer" in printed.err
    checks = {item["name"]: item["state"] for item in found["checks"]}
    assert checks == {"host": "ok", "api": "failed", "access": "skipped", "storage": "skipped"}
    server.speaks = "v2beta1"
    text = (project / "mlops.toml").read_text()
    (project / "mlops.toml").write_text(text.replace(server.root.as_uri(), "nosuch://bucket/x"))
    printed = run("runtime", "test", "prod")
    assert printed.code == 2 and "nosuch://bucket/x" in printed.err


def test_nothing_of_a_secret_is_kept(guarded: KfpServer, project: Path, run, write, monkeypatch, tmp_path) -> None:
    """Not in the store, the compiled pipeline, or what the cluster is told."""
    monkeypatch.setenv("PROD_TOKEN", SECRET)
    use(project, guarded, 'type = "token", token = "env:PROD_TOKEN"')
    assert run("submit", write(), "--runtime", "prod", "--image", "image:1").code == 0
    assert run("compile", write(), "--image", "image:1", "-o", tmp_path / "out.yaml").code == 0
    kept = [path for folder in (project, tmp_path / "server") for path in folder.rglob("*") if path.is_file()]
    kept.append(tmp_path / "out.yaml")
    assert len(kept) > 3 and all(SECRET.encode() not in path.read_bytes() for path in kept)
    told = json.dumps([guarded.runs, guarded.versions, guarded.pipelines], default=str)
    assert SECRET not in told and SECRET not in str(guarded.requests)
