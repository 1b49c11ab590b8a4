"""Manages and talks to the kernel of a step without waiting where nothing is to come."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

from jupyter_mlops.engine.channel import OutputChannel

__all__ = ["StepKernelClient", "StepKernelManager"]

_POLL = 0.002
_PATIENCE = 1.0
_FIRST_WAIT = 0.02
_LONGEST_WAIT = 0.2


class StepKernelClient(AsyncKernelClient):
    """A client that is ready as soon as the kernel's outputs are sure to arrive.

    The one of jupyter_client listens for 0.2 s more, until all is quiet.
    """

    iopub_channel_class = Type(OutputChannel)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Ask for the kernel's info until the answer and the outputs that belong to it arrive.

        Raises:
            RuntimeError: The kernel has died, or does not answer in time.
        """
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        wait = _FIRST_WAIT
        while time.monotonic() < deadline:
            asked: Any = self.kernel_info()
            if await self._is_answered(asked):
                if await self._has_outputs(asked, wait):
                    return
                wait = min(2 * wait, _LONGEST_WAIT)
            elif not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _is_answered(self, asked: str) -> bool:
        while True:
            try:
                message = await self.shell_channel.get_msg(timeout=_PATIENCE)
            except Empty:
                return False
            if message["parent_header"].get("msg_id") == asked:
                self._handle_kernel_info_reply(message)
                return True

    async def _has_outputs(self, asked: str, wait: float) -> bool:
        """Read outputs until the kernel is idle again: all that came before has been read then, too."""
        while True:
            try:
                message = await self.iopub_channel.get_msg(timeout=wait)
            except Empty:
                return False
            idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
            if idle and message["parent_header"].get("msg_id") == asked:
                return True


class StepKernelManager(AsyncKernelManager):
    """Manages the kernel of one step."""

    client_class = "jupyter_mlops.engine.kernelclient.StepKernelClient"
    client_factory = StepKernelClient

    async def _async_interrupt_kernel(self) -> None:
        """Leave an idle kernel alone before its shutdown; a busy one is interrupted by its session."""

    async def _async_wait(self, pollinterval: float = _POLL) -> None:
        await super()._async_wait(min(pollinterval, _POLL))
