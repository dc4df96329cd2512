"""What RFC 9113 and RFC 7541 ask of a client, one row a requirement, by the sections of RFC 9113: what an endpoint says instead of an
answer to an order, and what has to come of it. The families are those of h2spec's cases for clients.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from .frames import (ACK, COMPRESSION_ERROR, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                     FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, INTERNAL_ERROR, MAX_FRAME_SIZE, PADDED, PING,
                     PRIORITIZED, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE,
                     data, frame, message, ping, priority, reset, setting, window_update)
from .rawframes import CLOSE, OPEN, answer_head, closes, fields, opens, response
from .scripted import accepted

LARGEST_FRAME = 16_384


@dataclass
class Case:
    section: str
    title: str
    #: Of the order's stream.
    send: Callable[[int], bytes]
    #: Codes of the GOAWAY with which Gate ends the connection; empty: it goes on.
    connection: tuple[int, ...] = ()
    #: Codes of the reset with which it ends the order's stream; empty: it does not.
    stream: tuple[int, ...] = ()
    #: Whether the order is answered by then.
    answered: bool = False

    @property
    def name(self) -> str:
        return f"{self.section} {self.title}"


def ignored(section: str, title: str, send: Callable[[int], bytes]) -> Case:
    """The answer behind it is taken, and the connection goes on."""
    return Case(section, title, lambda stream: send(stream) + whole(stream), answered=True)


def ends_connection(section: str, title: str, send: Callable[[int], bytes], *codes: int) -> Case:
    return Case(section, title, send, connection=codes)


def ends_later(section: str, title: str, send: Callable[[int], bytes], *codes: int) -> Case:
    """Of what comes behind a whole answer."""
    return Case(section, title, lambda stream: whole(stream) + send(stream), connection=codes, answered=True)


def ends_stream(section: str, title: str, send: Callable[[int], bytes], *codes: int) -> Case:
    return Case(section, title, send, stream=codes)


def whole(stream: int) -> bytes:
    return response(stream, accepted())


def block(stream: int, bytes_: bytes, flags: int = END_HEADERS | END_STREAM) -> bytes:
    return frame(HEADERS, flags, stream, bytes_)


def answer(stream: int, *more: tuple[str, str]) -> bytes:
    """A head with these fields, and all of an answer behind it."""
    return answer_head(stream, *OPEN, *more) + data(stream, message(accepted())) + closes(stream)


def refused_head(title: str, *pairs: tuple[str, str], section: str = "8.2") -> Case:
    return ends_stream(section, title, lambda s: answer_head(s, *pairs) + data(s, message(accepted())) + closes(s),
                       PROTOCOL_ERROR)


def coded(title: str, bytes_: bytes) -> Case:
    return ends_connection("4.3", title, lambda s: block(s, fields(*OPEN) + bytes_), COMPRESSION_ERROR)


CASES = [
    # Frames.
    ignored("4.1", "a frame of an unknown type", lambda s: frame(0x16, 0, 0, bytes(8)) + frame(0x16, 0xFF, s, b"x")),
    ignored("4.1", "a frame with undefined flags", lambda s: ping(flags=0x16)),
    ignored("4.1", "a frame with the reserved bit", lambda s: ping(stream=1 << 31)),
    ends_connection("4.2", "DATA over the largest size", lambda s: opens(s) + data(s, bytes(LARGEST_FRAME + 1)),
                    FRAME_SIZE_ERROR),
    ends_connection("4.2", "HEADERS over the largest size", lambda s: block(s, bytes(LARGEST_FRAME + 1)), FRAME_SIZE_ERROR),
    ends_connection("4.2", "SETTINGS over the largest size", lambda s: frame(SETTINGS, 0, 0, bytes(6 * 2731)), FRAME_SIZE_ERROR),
    ends_connection("4.3", "PRIORITY within a header block",
                    lambda s: block(s, fields(*OPEN), 0) + priority(s) + frame(CONTINUATION, END_HEADERS, s), PROTOCOL_ERROR),
    ends_connection("4.3", "an unknown frame within a header block",
                    lambda s: block(s, fields(*OPEN), 0) + frame(0x16, 0, s) + frame(CONTINUATION, END_HEADERS, s),
                    PROTOCOL_ERROR),
    ends_connection("4.3", "HEADERS of another stream within a header block",
                    lambda s: block(s, fields(*OPEN), 0) + answer_head(s + 2, *OPEN), PROTOCOL_ERROR),
    # Header compression.
    coded("the index 0", b"\x80"),
    coded("an index beyond the tables", b"\xff\xff\x00"),
    coded("an integer without end", b"\xff" + b"\xff" * 16),
    coded("a block that is cut short", b"\x00\x05x"),
    coded("a table larger than it may be", b"\x3f\xe2\x1f"),
    coded("an update of the table's size behind a field", b"\x20"),
    coded("Huffman's code with eight bits of padding", b"\x00\x01x\x82\x1f\xff"),
    coded("Huffman's code with its end in it", b"\x00\x01x\x84\xff\xff\xff\xff"),
    coded("Huffman's code padded with zeros", b"\x00\x01x\x81\x18"),
    # States of streams.
    ends_connection("5.1", "idle: DATA", lambda s: data(s + 2, b"x"), PROTOCOL_ERROR),
    ends_connection("5.1", "idle: HEADERS", lambda s: answer_head(s + 2, *OPEN), PROTOCOL_ERROR),
    ends_connection("5.1", "idle: RST_STREAM", lambda s: reset(s + 2), PROTOCOL_ERROR),
    ends_connection("5.1", "idle: WINDOW_UPDATE", lambda s: window_update(s + 2, 1), PROTOCOL_ERROR),
    ends_connection("5.1", "idle: CONTINUATION", lambda s: frame(CONTINUATION, END_HEADERS, s + 2), PROTOCOL_ERROR),
    ends_connection("5.1.1", "a stream of the endpoint's own", lambda s: answer_head(2, *OPEN), PROTOCOL_ERROR),
    # Each type of frame.
    ends_connection("6.1", "DATA on stream 0", lambda s: data(0, b"x"), PROTOCOL_ERROR),
    ends_connection("6.1", "DATA with more padding than bytes",
                    lambda s: opens(s) + frame(DATA, PADDED, s, b"\x06test"), PROTOCOL_ERROR),
    ends_connection("6.2", "HEADERS on stream 0", lambda s: answer_head(0, *OPEN), PROTOCOL_ERROR),
    ends_connection("6.2", "HEADERS with more padding than bytes",
                    lambda s: block(s, b"\xff" + fields(*OPEN), END_HEADERS | PADDED), PROTOCOL_ERROR),
    Case("6.2", "HEADERS with a priority",
         lambda s: block(s, bytes(4) + b"\xff" + fields(*OPEN), END_HEADERS | PRIORITIZED) + data(s, message(accepted()))
         + closes(s), answered=True),
    ignored("6.3", "PRIORITY", lambda s: priority(s)),
    ends_connection("6.3", "PRIORITY of another length", lambda s: frame(PRIORITY, 0, s, bytes(4)), FRAME_SIZE_ERROR),
    ends_connection("6.4", "RST_STREAM on stream 0", lambda s: reset(0), PROTOCOL_ERROR),
    ends_connection("6.4", "RST_STREAM of another length", lambda s: frame(RST_STREAM, 0, s, bytes(3)), FRAME_SIZE_ERROR),
    ends_connection("6.5", "SETTINGS on a stream", lambda s: frame(SETTINGS, 0, s, bytes(6)), PROTOCOL_ERROR),
    ends_connection("6.5", "an acknowledgement with a payload", lambda s: frame(SETTINGS, ACK, 0, bytes(6)), FRAME_SIZE_ERROR),
    ends_connection("6.5", "SETTINGS of another length", lambda s: frame(SETTINGS, 0, 0, bytes(5)), FRAME_SIZE_ERROR),
    ends_connection("6.5.2", "push switched on", lambda s: setting((ENABLE_PUSH, 1)), PROTOCOL_ERROR),
    ends_connection("6.5.2", "a value of push that is none", lambda s: setting((ENABLE_PUSH, 2)), PROTOCOL_ERROR),
    ends_connection("6.5.2", "a window over the largest", lambda s: setting((INITIAL_WINDOW_SIZE, 1 << 31)), FLOW_CONTROL_ERROR),
    ends_connection("6.5.2", "a frame size below the least", lambda s: setting((MAX_FRAME_SIZE, LARGEST_FRAME - 1)),
                    PROTOCOL_ERROR),
    ends_connection("6.5.2", "a frame size over the largest", lambda s: setting((MAX_FRAME_SIZE, 1 << 24)), PROTOCOL_ERROR),
    ignored("6.5.2", "an unknown setting", lambda s: setting((0xFF, 1))),
    ignored("6.5.3", "a setting given twice", lambda s: setting((INITIAL_WINDOW_SIZE, 1), (INITIAL_WINDOW_SIZE, 65_535))),
    ends_connection("6.6", "PUSH_PROMISE",
                    lambda s: frame(PUSH_PROMISE, END_HEADERS, s, struct.pack(">I", 2) + fields((":method", "GET"))),
                    PROTOCOL_ERROR),
    ignored("6.7", "PING", lambda s: ping()),
    ignored("6.7", "an acknowledgement of no PING", lambda s: ping(flags=ACK)),
    ends_connection("6.7", "PING on a stream", lambda s: ping(stream=s), PROTOCOL_ERROR),
    ends_connection("6.7", "PING of another length", lambda s: frame(PING, 0, 0, bytes(6)), FRAME_SIZE_ERROR),
    ends_connection("6.8", "GOAWAY on a stream", lambda s: frame(GOAWAY, 0, s, bytes(8)), PROTOCOL_ERROR),
    ends_connection("6.8", "GOAWAY of another length", lambda s: frame(GOAWAY, 0, 0, bytes(7)), FRAME_SIZE_ERROR),
    ends_connection("6.9", "a connection's window opened by 0", lambda s: window_update(0, 0), PROTOCOL_ERROR),
    ends_connection("6.9", "WINDOW_UPDATE of another length", lambda s: frame(WINDOW_UPDATE, 0, 0, bytes(3)), FRAME_SIZE_ERROR),
    ends_connection("6.9.1", "a connection's window over the largest", lambda s: window_update(0, (1 << 31) - 1) * 2,
                    FLOW_CONTROL_ERROR),
    ends_stream("6.9.1", "a stream's window over the largest", lambda s: window_update(s, (1 << 31) - 1), FLOW_CONTROL_ERROR),
    # libnghttp2 ends only the stream.
    ends_stream("6.9.2", "settings that make a window too large",
                lambda s: window_update(s, 1000) + setting((INITIAL_WINDOW_SIZE, (1 << 31) - 1)), FLOW_CONTROL_ERROR),
    Case("6.10", "a head in several frames",
         lambda s: block(s, fields(OPEN[0]), 0) + frame(CONTINUATION, 0, s) + frame(CONTINUATION, END_HEADERS, s, fields(OPEN[1]))
         + data(s, message(accepted())) + closes(s), answered=True),
    ends_connection("6.10", "CONTINUATION behind a whole head",
                    lambda s: opens(s) + frame(CONTINUATION, END_HEADERS, s, fields(OPEN[1])), PROTOCOL_ERROR),
    ends_connection("6.10", "CONTINUATION on stream 0",
                    lambda s: block(s, fields(*OPEN), 0) + frame(CONTINUATION, END_HEADERS, 0), PROTOCOL_ERROR),
    # Messages.
    ends_connection("8.1", "DATA before HEADERS", lambda s: data(s, message(accepted())), PROTOCOL_ERROR),
    ends_stream("8.1", "a second head without the end", lambda s: opens(s) + answer_head(s, *CLOSE), PROTOCOL_ERROR),
    ends_stream("8.1", "an interim head that ends the stream", lambda s: answer_head(s, (":status", "103"), end=True),
                PROTOCOL_ERROR),
    ends_stream("8.1.1", "fewer bytes than content-length says", lambda s: answer(s, ("content-length", "1000")),
                PROTOCOL_ERROR),
    ends_stream("8.1.1", "more bytes than content-length says", lambda s: answer(s, ("content-length", "1")), PROTOCOL_ERROR),
    refused_head("a name in upper case", *OPEN, ("X-Test", "v")),
    refused_head("a name with a space", *OPEN, ("x test", "v")),
    refused_head("a value with a line break", *OPEN, ("x-test", "a\nb")),
    refused_head("connection", *OPEN, ("connection", "close"), section="8.2.2"),
    refused_head("transfer-encoding", *OPEN, ("transfer-encoding", "chunked"), section="8.2.2"),
    refused_head("no status", OPEN[1], section="8.3"),
    refused_head("two statuses", OPEN[0], *OPEN, section="8.3"),
    refused_head("a status that is none", (":status", "20"), OPEN[1], section="8.3"),
    refused_head("the status behind a field", OPEN[1], OPEN[0], section="8.3"),
    refused_head("an unknown pseudo-header", OPEN[0], (":test", "v"), OPEN[1], section="8.3"),
    refused_head("a request's pseudo-header", OPEN[0], (":path", "/"), OPEN[1], section="8.3"),
    ends_stream("8.3", "a pseudo-header behind the message",
                lambda s: opens(s) + data(s, message(accepted())) + answer_head(s, (":status", "200"), *CLOSE, end=True),
                PROTOCOL_ERROR),
    ends_stream("10.5.1", "a head of too many fields",
                lambda s: answer_head(s, *OPEN, *((f"x-{n}", "v") for n in range(130))), INTERNAL_ERROR),
    ends_connection("10.5.1", "CONTINUATION without end",
                    lambda s: block(s, fields(*OPEN), 0) + frame(CONTINUATION, 0, s) * 50, ENHANCE_YOUR_CALM),
    # Behind the answer.
    # libnghttp2 takes no notice of them: nothing of it reaches anybody, and the orders of other streams go on.
    Case("5.1", "closed: DATA", lambda s: whole(s) + data(s, b"x"), answered=True),
    Case("5.1", "closed: HEADERS", lambda s: whole(s) + answer_head(s, *OPEN), answered=True),
    ends_later("5.1", "closed: CONTINUATION", lambda s: frame(CONTINUATION, END_HEADERS, s), PROTOCOL_ERROR, STREAM_CLOSED),
    Case("5.1", "closed: RST_STREAM, WINDOW_UPDATE and PRIORITY", lambda s: whole(s) + reset(s) + window_update(s, 1) + priority(s),
         answered=True),
]
