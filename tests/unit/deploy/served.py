"""A server that runs in a thread, on a free port of the loopback."""

from __future__ import annotations

import threading
import time

import httpx
import uvicorn

from jupyter_mlops.deploy.serving.app import Server


class Running:
    """A server on the loopback."""

    def __init__(self, app: Server) -> None:
        self.app = app
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=5))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 60
        while not self.server.started:
            assert self.thread.is_alive() and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"
        self.http = httpx.Client(base_url=self.url, timeout=60)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        self.http.close()
