"""A real redis-server, and the prices and accounts in it, rewritten ten times a second as feeds and keepers do."""

import json
import shutil
import threading
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .orders import PRICES
from .process import Process, accepts, free_port
from .waiting import wait_until

INTERVAL = 0.1


class Redis:
    def __init__(self, directory: Path, *options: str):
        """`options`: more of redis-server's command line."""
        self._directory, self._options = directory, options
        self.port = free_port()
        self.process: Process | None = None
        self.start()

    def start(self, *options: str):
        program = shutil.which("redis-server") or "/usr/bin/redis-server"
        self.process = Process("redis", [
            program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(self._directory), *self._options, *options], self._directory)

        def listening() -> bool:
            self.process.fail_if_ended()
            return accepts(self.port)
        wait_until("redis-server listens", listening)

    def client(self, db: int = 0) -> redis.Redis:
        return redis.Redis(host="127.0.0.1", port=self.port, db=db, socket_timeout=5)

    def stop(self):
        self.process.stop()


class Market:
    def __init__(self, port: int):
        # A restarted redis-server is dialled again by itself; a stopped one must not hold the thread for long.
        timeouts = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)}
        self._accounts_db = redis.Redis(host="127.0.0.1", port=port, db=0, **timeouts)
        self._prices_db = redis.Redis(host="127.0.0.1", port=port, db=1, **timeouts)
        self._lock = threading.Lock()
        self._prices: dict[str, dict] = {}
        self._accounts: dict[str, dict] = {}
        self._frozen: set[str] = set()
        self._sequence = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        for symbol, price in PRICES.items():
            self.price(symbol, price)
        self._thread.start()

    def price(self, symbol: str, price: float, **more):
        with self._lock:
            self._prices[symbol] = {"price": price, **more}
        self._write()

    def account(self, name: str, **state) -> str:
        """Adds an account, or changes some of what is known of it; flat and rich where nothing else is said."""
        with self._lock:
            usual = {"equity": 1_000_000, "margin_used": 0, "positions": [], "pending_orders": []}
            known = self._accounts.get(name, usual) | state
            for field in ("balance", "available_margin", "peak_equity", "daily_start_equity"):
                known.setdefault(field, known["equity"])
            self._accounts[name] = known
        self._write()
        return name

    def change(self, name: str, **state):
        """Of an account that is there, for the next write: also while Redis is away."""
        with self._lock:
            self._accounts[name] = self._accounts[name] | state

    def forget_offline(self, name: str):
        """Writes this account no more, and leaves what is in Redis."""
        with self._lock:
            self._accounts.pop(name)

    def freeze(self, *keys: str):
        """Writes these symbols or accounts no more, or any at all: they grow old."""
        with self._lock:
            self._frozen |= set(keys or [*self._prices, *self._accounts])

    def thaw(self, *keys: str):
        """Writes these again, or all."""
        with self._lock:
            self._frozen -= set(keys or self._frozen)
        self._write()

    def forget(self, key: str):
        """Takes this symbol or account away."""
        with self._lock:
            self._prices.pop(key, None)
            self._accounts.pop(key, None)
            self._prices_db.delete(f"market:prices:{key}")
            self._accounts_db.delete(f"account:state:{key}")

    def stop(self):
        self._ended.set()
        self._thread.join(5)
        self._accounts_db.close()
        self._prices_db.close()

    def _run(self):
        while not self._ended.wait(INTERVAL):
            try:
                self._write()
            except redis.RedisError:
                # Some tests take Redis away; the next turn tries again.
                continue

    def _write(self):
        with self._lock:
            self._sequence += 1
            now = time.time()
            prices, accounts = self._prices_db.pipeline(False), self._accounts_db.pipeline(False)
            for symbol, price in self._prices.items():
                if symbol not in self._frozen:
                    prices.set(f"market:prices:{symbol}", json.dumps({**price, "as_of": now}))
            for name, account in self._accounts.items():
                if name not in self._frozen:
                    accounts.set(f"account:state:{name}", json.dumps({"seq": self._sequence, "as_of": now, **account}))
            prices.execute()
            accounts.execute()
