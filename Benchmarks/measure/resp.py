"""Redis' own protocol, as far as the benchmark writes it."""

import socket


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def dial(port: int, database: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    write(connection, [command(b"SELECT", b"%d" % database)])
    return connection


def write(connection: socket.socket, commands: list[bytes]):
    """Sends them together and waits until each is answered with +OK, as those used here are."""
    connection.sendall(b"".join(commands))
    expected = b"+OK\r\n" * len(commands)
    answer = b""
    while len(answer) < len(expected):
        if not (piece := connection.recv(65536)):
            raise RuntimeError("Redis has closed the connection")
        answer += piece
        if not expected.startswith(answer):
            raise RuntimeError(f"Redis answered {answer[:200]!r}")
