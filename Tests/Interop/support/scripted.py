"""An endpoint that does to each call exactly what a test says, byte for byte, and remembers what it was sent."""

import select
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

from . import rawframes
from .acceptor import Acceptor
from .rawframes import ACK, DATA, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, Framed
from .orders import CreateOrderResponse, state, unique
from .waiting import wait_until


@dataclass
class Request:
    connection: "Connection"
    stream: int
    body: bytes


Script = Callable[[Request], None]


def accept(request: Request):
    """Answers an order as an exchange does that has taken it."""
    request.connection.send(rawframes.response(request.stream, accepted()))


def accepted() -> bytes:
    return CreateOrderResponse(order_id=unique("x"), state=state("NEW")).SerializeToString()


def reset_with(code: int) -> Script:
    return lambda request: request.connection.send(rawframes.reset(request.stream, code))


def ignore(request: Request):
    """Never answers."""


class Connection(Framed):
    def __init__(self, endpoint: "Scripted", connection: socket.socket):
        super().__init__(connection)
        self.endpoint = endpoint
        self.bodies: dict[int, bytearray] = {}
        #: Codes of the streams that the other side has reset.
        self.resets: dict[int, int] = {}
        #: Code of the GOAWAY with which the other side has ended the connection.
        self.gone_away: int | None = None
        self.calls = 0
        self.pings = 0
        self.answers_pings = True
        self.is_open = True
        self._greeted = False

    def send(self, data: bytes):
        try:
            self.socket.sendall(data)
        except OSError:
            # The other side may have gone first.
            self.is_open = False

    def close(self, abruptly: bool = False):
        """Ends the connection, in order or with a reset."""
        try:
            if abruptly:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.socket.close()
        self.is_open = False

    def take(self, size: int) -> bytes | None:
        """As `Framed.take`; where the endpoint may read only so many bytes of a call, closes after the last of them."""
        while len(self.buffer) < size:
            if not self._greeted:
                more = self.socket.recv(size - len(self.buffer))
            else:
                select.select([self.socket], [], [])
                if (left := self.endpoint.bytes_to_read) is None:
                    more = self.socket.recv(65536)
                elif left == 0:
                    self.close()
                    return None
                else:
                    more = self.socket.recv(min(left, 65536))
                    self.endpoint.bytes_to_read -= len(more)
            if not more:
                return None
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def run(self):
        try:
            self._run()
        except (OSError, ValueError):
            # Closed under way, from here or from there.
            pass
        self.close()

    def _run(self):
        self.socket.settimeout(30)
        if self.take(len(PREFACE)) != PREFACE:
            return
        self.send(rawframes.settings(self.endpoint.settings) if self.endpoint.greeting is None else self.endpoint.greeting)
        while (frame := self.frame()) is not None:
            self._heard(frame)

    def _heard(self, frame: rawframes.Frame):
        if frame.kind == SETTINGS and frame.flags & ACK:
            self._greeted = True
            self.endpoint.greeted(self)
        elif frame.kind == SETTINGS:
            self.send(rawframes.frame(SETTINGS, ACK))
        elif frame.kind == PING and not frame.flags & ACK:
            self.pings += 1
            if self.endpoint.answers_pings and self.answers_pings:
                self.send(rawframes.frame(PING, ACK, 0, frame.payload))
        elif frame.kind == GOAWAY:
            self.gone_away = frame.code
        elif frame.kind == RST_STREAM:
            self.resets[frame.stream] = frame.code
        elif frame.kind in (HEADERS, DATA):
            self.bodies.setdefault(frame.stream, bytearray())
            if frame.kind == DATA:
                self.bodies[frame.stream] += frame.payload
            if frame.flags & END_STREAM:
                self.calls += 1
                self.endpoint.arrived(Request(self, frame.stream, bytes(self.bodies[frame.stream])))


class Scripted:
    """Listens on a free port. `script` is called with every request that is whole, in the connection's own thread."""

    def __init__(self, address: str = "127.0.0.1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, 0), family=family)
        self.port = listener.getsockname()[1]
        self.address = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self.settings = {rawframes.MAX_CONCURRENT_STREAMS: 100}
        #: What is said instead of SETTINGS to whoever connects.
        self.greeting: bytes | None = None
        self.script: Script = accept
        #: For the first calls, in their order; then `script`.
        self.first: list[Script] = []
        self.bytes_to_read: int | None = None
        self.answers_pings = True
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self._lock = threading.Lock()
        #: Also those that have not been greeted yet.
        self._accepted: list[Connection] = []
        self._acceptor = Acceptor(listener, self._take)

    def _take(self, accepted: socket.socket) -> Callable[[], None]:
        self._accepted.append(Connection(self, accepted))
        return self._accepted[-1].run

    def greeted(self, connection: Connection):
        with self._lock:
            self.connections.append(connection)

    def arrived(self, request: Request):
        with self._lock:
            self.requests.append(request)
            script = self.first.pop(0) if self.first else self.script
        script(request)

    def seen(self, body: bytes) -> list[Request]:
        """The requests of this message."""
        return [request for request in list(self.requests) if request.body == rawframes.message(body)]

    def wait_for(self, body: bytes, times: int = 1) -> Request:
        return wait_until(f"the endpoint has it {times} times", lambda: (
            found := self.seen(body)) and len(found) >= times and found[-1])

    def stop(self):
        # First: what was accepted last would go on living otherwise.
        self._acceptor.stop()
        for connection in self._accepted:
            connection.close()
