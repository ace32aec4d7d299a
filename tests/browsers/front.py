"""The network between the browsers and the servers: names, https, and a proxy that knows no other.

Every browser is told of one HTTP proxy. It opens a tunnel (CONNECT) to the names that were given to it and to no
others, ends TLS with a certificate for that name, and hands on to a plain server on loopback. So no name has to be
resolved, every site is at port 443 as in life, and nothing that a browser does by itself leaves the machine.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from tests.faults.certificates import Authority

T = TypeVar("T")
READ = 1 << 16


class Front:
    def __init__(self, authority: Authority) -> None:
        self.authority = authority.file
        self._certificates = authority
        self._names: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="front", daemon=True)
        self._thread.start()
        self._proxy = self._do(asyncio.start_server(self._tunnel, "127.0.0.1", 0))
        self.port = int(self._proxy.sockets[0].getsockname()[1])
        self.refused: list[str] = []
        """names that nobody here has"""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(self, name: str, port: int) -> Iterator[None]:
        """`https://name/` is answered by the plain server on `port`."""
        server = self._do(self._https(self._certificates.server(name), port))
        self._names[name] = int(server.sockets[0].getsockname()[1])
        try:
            yield
        finally:
            del self._names[name]
            self._do(_closed(server))

    def close(self) -> None:
        self._do(_closed(self._proxy))
        self._do(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _https(self, context: ssl.SSLContext, port: int) -> asyncio.Server:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._join(reader, writer, port)

        return await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target = head.split()[:2]
            name, _, port = target.rpartition(":")
            if method == "CONNECT" and port == "443" and name in self._names:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._join(reader, writer, self._names[name])
                return
            self.refused.append(target)
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Both ways at once, until either end has said its last."""
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:  # the server has stopped
            writer.close()
            return
        for work in (_pour(reader, back), _pour(there, writer)):
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _cancel(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(READ):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other end is gone
    finally:
        writer.close()


async def _closed(server: asyncio.Server) -> None:
    # Not wait_closed(): that waits for connections which browsers keep open.
    server.close()
