"""HTTP/2 frame by frame, for what no library would do: bytes out as they are written here, frames in as they come."""

import select
import socket
import struct
from dataclasses import dataclass

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
REFUSED_STREAM, CANCEL = 7, 8


@dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """The error code of a RST_STREAM or a GOAWAY."""
        return struct.unpack(">I", self.payload[:4] if self.kind == RST_STREAM else self.payload[4:8])[0]

    @property
    def last_stream(self) -> int:
        return struct.unpack(">I", self.payload[:4])[0] & 0x7FFFFFFF


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(values: dict[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in values.items()))


def reset(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last_stream: int, code: int = 0) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last_stream, code))


def fields(*pairs: tuple[str, str]) -> bytes:
    """Literals without indexing (RFC 7541, section 6.2.2), shorter than 127 bytes each."""
    return b"".join(bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
                    for name, value in pairs)


def message(body: bytes) -> bytes:
    return struct.pack(">BI", 0, len(body)) + body


def response(stream: int, body: bytes, status: int = 0) -> bytes:
    """A whole gRPC answer: head, message, trailers."""
    return (frame(HEADERS, END_HEADERS, stream, fields((":status", "200"), ("content-type", "application/grpc")))
            + frame(DATA, 0, stream, message(body))
            + frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(("grpc-status", str(status)))))


#: The head and the trailers of an answer without a fault.
OPEN = (":status", "200"), ("content-type", "application/grpc")
CLOSE = (("grpc-status", "0"),)


def answer_head(stream: int, *pairs: tuple[str, str], end: bool = False) -> bytes:
    return frame(HEADERS, END_HEADERS | END_STREAM * end, stream, fields(*pairs))


def opens(stream: int) -> bytes:
    return answer_head(stream, *OPEN)


def closes(stream: int) -> bytes:
    return answer_head(stream, *CLOSE, end=True)


def head(stream: int, path: str) -> bytes:
    """A call whose message is yet to come."""
    return frame(HEADERS, END_HEADERS, stream, fields(
        (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "gate"),
        ("content-type", "application/grpc"), ("te", "trailers")))


def request(stream: int, path: str, body: bytes) -> bytes:
    return head(stream, path) + frame(DATA, END_STREAM, stream, message(body))


class Framed:
    """A socket read frame by frame."""

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.buffer = b""

    def take(self, size: int) -> bytes | None:
        while len(self.buffer) < size:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def frame(self) -> Frame | None:
        """The next frame; None where the other end has closed."""
        head = self.take(9)
        if head is None:
            return None
        payload = self.take(int.from_bytes(head[:3], "big"))
        return None if payload is None else Frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)


class RawClient(Framed):
    """A client that says only what it is told to, not even that it has read the settings."""

    def __init__(self, target: str, first: bytes = b"", seconds: float = 10):
        if target.startswith("unix:"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(seconds)
            connection.connect(target[len("unix:"):])
        else:
            host, port = target.rsplit(":", 1)
            connection = socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
        super().__init__(connection)
        self.send(first + PREFACE + settings({}))

    def send(self, data: bytes):
        self.socket.sendall(data)

    def until(self, kind: int, stream: int | None = None) -> Frame:
        """The next frame of this kind, of this stream where one is named."""
        while (found := self.frame()) is not None:
            if found.kind == kind and stream in (None, found.stream) and not (kind == PING and found.flags & ACK):
                return found
        raise AssertionError(f"closed before a frame of kind {kind} came")

    def until_closed(self) -> list[Frame]:
        seen = []
        try:
            while (found := self.frame()) is not None:
                seen.append(found)
        except ConnectionResetError:
            pass
        return seen

    def is_quiet(self, seconds: float) -> bool:
        return not self.buffer and not select.select([self.socket], [], [], seconds)[0]

    def close(self):
        self.socket.close()
