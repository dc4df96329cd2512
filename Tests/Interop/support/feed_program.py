"""A price feed: so many updates a second, evenly over so many symbols, one of them many times more often than the others.

    feed_program.py PORT SYMBOLS RATE SECONDS

Prints how many updates it has written.
"""

import socket
import sys
import time

#: Updates are written together this often a second.
BATCHES = 500
#: One in so many is for the first symbol.
HOT = 5


def command(*arguments: bytes) -> bytes:
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in arguments)


def run(port: int, symbols: int, rate: int, seconds: float):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(command(b"SELECT", b"1"))
    connection.recv(64)
    size = rate // BATCHES
    written = next_symbol = 0
    due = started = time.monotonic()
    while due - started < seconds:
        batch = []
        for place in range(size):
            if place % HOT == 0:
                symbol = 0
            else:
                next_symbol = next_symbol % (symbols - 1) + 1
                symbol = next_symbol
            value = b'{"price": %d.%02d, "as_of": %.6f}' % (100, written % 100, time.time())
            batch.append(command(b"SET", b"market:prices:S%d" % symbol, value))
            written += 1
        connection.sendall(b"".join(batch))
        answered = 0
        while answered < size * len(b"+OK\r\n"):
            answered += len(connection.recv(65536))
        due += 1 / BATCHES
        time.sleep(max(0.0, due - time.monotonic()))
    print(written, f"{time.monotonic() - started:.3f}")


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
