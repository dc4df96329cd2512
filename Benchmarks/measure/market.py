"""What Gate mirrors from Redis, kept fresh: prices of symbols and states of accounts."""

import json
import threading
import time

from .resp import command, dial, write

SYMBOL, PRICE, EQUITY = "BTCUSDT", 50_000.0, 1_000_000_000
INTERVAL = 0.1


def price_of(symbol: str) -> bytes:
    """The command that writes a symbol's price, as of now."""
    value = b'{"price": %.1f, "bid_price": %.1f, "ask_price": %.1f, "as_of": %.6f}' % (
        PRICE, PRICE - 0.5, PRICE + 0.5, time.time())
    return command(b"SET", b"market:prices:" + symbol.encode(), value)


class Market:
    """Rewrites all values ten times a second from a thread of its own, until it is stopped."""

    def __init__(self, port: int):
        self._connections = {database: dial(port, database) for database in (0, 1)}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: Exception | None = None
        self._sequence = 0
        #: Lists that are read anew each time; replace, do not change them.
        self.symbols: list[str] = [SYMBOL]
        self.accounts: list[str] = []
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(5)
        for connection in self._connections.values():
            connection.close()

    def fail_if_broken(self):
        if self._failure:
            raise RuntimeError(f"the price and account writer failed: {self._failure}")

    def _run(self):
        try:
            while not self._stop.wait(INTERVAL):
                self._sequence += 1
                write(self._connections[1], [price_of(symbol) for symbol in self.symbols])
                if accounts := self.accounts:
                    write(self._connections[0], [self._account(account) for account in accounts])
        except Exception as failure:
            self._failure = failure

    def _account(self, account: str) -> bytes:
        state = {
            "seq": self._sequence, "as_of": time.time(), "equity": EQUITY, "balance": EQUITY, "unrealized_pnl": 0,
            "margin_used": 0, "available_margin": EQUITY, "peak_equity": EQUITY, "daily_start_equity": EQUITY,
            "positions": [], "pending_orders": [],
        }
        return command(b"SET", b"account:state:" + account.encode(), json.dumps(state).encode())
