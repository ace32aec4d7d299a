"""Between the browser and the servers: a distance that can be changed, and a record of what went over it."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.benchmarks.delay import Distance

REQUEST = re.compile(rb"(?:GET|POST|OPTIONS|HEAD) (\S+) HTTP/1\.1\r\n")


@dataclass
class Request:
    """`path`: with its query. `sent`, `answered` (in full, so far): seconds since the epoch, at the browser's end."""

    path: str
    sent: float
    answered: float
    received: list[tuple[float, int]] = field(default_factory=list)
    """when, and how many bytes, headers included"""


class Watched(Distance):
    """What passes through it is written down. Requests are told apart as browsers send them: one after the other."""

    def __init__(self, seconds: float = 0) -> None:
        super().__init__(seconds)
        self.requests: list[Request] = []
        self._browsers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def forget(self) -> None:
        self.requests = []

    def hang_up(self) -> None:
        """Close every connection: whoever comes now is somebody new."""

        async def close() -> None:
            writers = list(self._browsers)
            for writer in writers:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._browsers.add(writer)
        await asyncio.sleep(self.seconds)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        current: list[Request] = []
        try:
            await asyncio.gather(
                self._pass_on(reader, up_writer, current, asked=True),
                self._pass_on(up_reader, writer, current, asked=False),
            )
        except asyncio.CancelledError:  # everything ends
            writer.close()
            up_writer.close()
        finally:
            self._browsers.discard(writer)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, current: list[Request], *, asked: bool
    ) -> None:
        half = self.seconds / 2
        with suppress(OSError):
            while data := await reader.read(65536):
                now = time.time()
                if asked and (found := REQUEST.match(data)):
                    request = Request(found[1].decode(), now, now)
                    current[:] = [request]
                    self.requests.append(request)
                elif not asked and current:
                    current[0].answered = now + half
                    current[0].received.append((now + half, len(data)))
                self._loop.call_later(half, writer.write, data)
        self._loop.call_later(half, writer.close)
