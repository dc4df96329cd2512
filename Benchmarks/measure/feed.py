"""A price feed: so many updates a second, evenly over the symbols, written in pipelined batches.

    python -m measure.feed PORT RATE SECONDS SYMBOL...

Prints how many updates a second it has written.
"""

import sys
import time

from .market import price_of
from .resp import dial, write

#: Updates are written together this often a second.
BATCHES = 500


def run(port: int, rate: int, seconds: float, symbols: list[str]):
    connection = dial(port, 1)
    written = 0
    due = started = time.monotonic()
    while due - started < seconds:
        # As many as are due by the end of this batch, whether or not the rate is a multiple of the batches.
        count = round((due - started + 1 / BATCHES) * rate) - written
        write(connection, [price_of(symbols[number % len(symbols)]) for number in range(written, written + count)])
        written += count
        due += 1 / BATCHES
        time.sleep(max(0.0, due - time.monotonic()))
    print(f"{written / (time.monotonic() - started):.0f}")


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
