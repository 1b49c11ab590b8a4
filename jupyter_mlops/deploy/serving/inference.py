"""One way from a request to its answer, whatever the protocol: choose a version, check, compute, write, tell."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.deploy.serving.calls import Answer, Call
from jupyter_mlops.deploy.serving.hosting import Host, Hosted
from jupyter_mlops.deploy.serving.metrics import Metrics
from jupyter_mlops.deploy.serving.policy import Observation, Observer, Request, Router
from jupyter_mlops.deploy.serving.problems import Problem, problem_of

__all__ = ["Inference"]

LOG = logging.getLogger("jupyter_mlops.serving")
_LONGEST_ID = 256
_MOST_SHADOWS = 64


class Inference:
    """Answers requests."""

    def __init__(self, host: Host, metrics: Metrics, router: Router, observer: Observer) -> None:
        self.host = host
        self.metrics = metrics
        self.router = router
        self.observer = observer
        self._shadows: set[asyncio.Task[None]] = set()

    async def answer(
        self, call: Call, model: str, version: int | None, protocol: str, headers: Mapping[str, str], began: float
    ) -> Answer:
        """Answer a request.

        Args:
            version: That the client wants; None leaves the choice to the router.
            began: When the request came in, by ``time.perf_counter``.

        Raises:
            Problem: It can't be answered; that was observed, if a version was chosen.
        """
        id = (call.id or headers.get("x-request-id") or os.urandom(12).hex())[:_LONGEST_ID]
        request = Request(id, model, version, protocol, headers)
        hosted, shadows = self._chosen(request)
        numbers = self.metrics.of_model(model, hosted.version)
        rows: Any = None
        checked = began
        try:
            rows = call.rows(hosted.schema)
            wanted = call.wanted(hosted.schema)
            checked = time.perf_counter()
            outputs = await hosted.infer(rows, wanted)
            computed = time.perf_counter()
            answer = call.answer(outputs, hosted.schema, model, hosted.version, id)
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                LOG.exception("%s/%s failed", model, hosted.version)
            numbers.failure.inc()
            seconds = time.perf_counter() - checked
            self._tell(Observation(request, hosted.version, False, rows, {}, seconds, problem.message, problem.fault))
            raise problem from None
        done = time.perf_counter()
        numbers.preprocess.observe(checked - began)
        numbers.predict.observe(computed - checked)
        numbers.postprocess.observe(done - computed)
        numbers.duration.observe(done - began)
        numbers.success.inc()
        self._tell(Observation(request, hosted.version, False, rows, outputs, computed - checked))
        for shadow in shadows:
            self._start_shadow(request, shadow, rows)
        return answer

    async def drained(self) -> None:
        """Wait for what still runs beside the answers."""
        if self._shadows:
            await asyncio.wait(self._shadows, timeout=5)

    def _chosen(self, request: Request) -> tuple[Hosted, tuple[int, ...]]:
        if request.version is not None:
            return self.host.get(request.model, request.version), ()
        versions = self.host.versions(request.model)
        if not versions:
            raise self.host.unknown(request.model)
        choice = self.router.choose(request.model, request, versions)
        return self.host.get(request.model, choice.version), choice.shadows

    def _start_shadow(self, request: Request, version: int, rows: Any) -> None:
        hosted = self.host.models.get(request.model, {}).get(version)
        if hosted is None or len(self._shadows) >= _MOST_SHADOWS:
            return  # a shadow must never slow down who answers
        task = asyncio.create_task(self._shadow(request, hosted, rows))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _shadow(self, request: Request, hosted: Hosted, rows: Any) -> None:
        start = time.perf_counter()
        error: Problem | None = None
        outputs: dict[str, Any] = {}
        try:
            fitting = hosted.fitting(rows)
            start = time.perf_counter()
            outputs = await hosted.infer(fitting, tuple(item.name for item in hosted.schema.outputs))
        except Exception as failure:
            error = problem_of(failure)
        seconds = time.perf_counter() - start
        message, fault = (None, None) if error is None else (error.message, error.fault)
        self._tell(Observation(request, hosted.version, True, rows, outputs, seconds, message, fault))

    def _tell(self, observation: Observation) -> None:
        try:
            self.observer.observed(observation)
        except Exception:
            LOG.exception("an observer failed")
