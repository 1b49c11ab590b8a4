"""What jupyter_client drives a forked kernel with."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, TypeVar, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from jupyter_mlops.engine.processes import signal_group
from jupyter_mlops.engine.warm.process import WarmProcess

__all__ = ["ForkedProvisioner", "adopt"]

Manager = TypeVar("Manager", bound=KernelManager)

_POLL = 0.002


def adopt(manager: Manager, process: WarmProcess) -> Manager:
    """Let a kernel manager manage a kernel that has begun already, as soon as it is told to start one."""
    manager.connection_file = str(process.file)
    manager.load_connection_info(_info(process))
    manager.provisioner = ForkedProvisioner(parent=manager, kernel_spec=manager.kernel_spec, process=process)
    return manager


class ForkedProvisioner(KernelProvisionerBase):
    """Provides one kernel that has begun already.

    It can't be started again: a forked kernel that was shut down is gone.
    """

    def __init__(self, *, process: WarmProcess, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.process: WarmProcess | None = None  # until it is asked for
        self._given: WarmProcess | None = process
        self._file = process.file

    @property
    def has_process(self) -> bool:
        return self.process is not None

    async def poll(self) -> int | None:
        return 0 if self.process is None else self.process.poll()

    async def wait(self) -> int | None:
        if self.process is None:
            return 0
        while (code := self.process.poll()) is None:
            await asyncio.sleep(_POLL)
        self.process.close()
        self.process = None
        return code

    async def send_signal(self, signum: int) -> None:
        if self.process is not None:
            signal_group(self.process, signum)

    async def kill(self, restart: bool = False) -> None:
        if self.process is not None:
            signal_group(self.process, 9)

    async def terminate(self, restart: bool = False) -> None:
        if self.process is not None:
            signal_group(self.process, 15)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        return {"cmd": [], **kwargs}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        if self._given is None:
            raise RuntimeError("A forked kernel can't be started a second time.")
        self.process, self._given = self._given, None
        self.connection_info = _info(self.process)
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        for process in (self.process, self._given):
            if process is not None:
                process.close()
        with contextlib.suppress(OSError):
            self._file.unlink()


def _info(process: WarmProcess) -> KernelConnectionInfo:
    info: Any = {**process.connection, "key": process.connection["key"].encode()}
    return cast(KernelConnectionInfo, info)
