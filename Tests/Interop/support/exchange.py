"""DemoExchange as the endpoint, the price feed and the account keeper behind a gate, or as the endpoint alone."""

import json
import os
import signal
from pathlib import Path

import grpc
import redis

from .gate import PROGRAM
from .orders import LIST, GetOrdersRequest, GetOrdersResponse
from .process import Process
from .waiting import wait_until

DEMO = Path(os.environ.get("DEMO_EXCHANGE", PROGRAM.parent / "demo-exchange"))


class Exchange:
    def __init__(self, directory: Path, redis_port: int | None, accounts: list[str]):
        """Without a Redis it is the endpoint alone, and its prices stand still."""
        deposits = [word for account in accounts for word in ("--accounts", f"{account}:10000000")]
        parts = (["--redis", f"127.0.0.1:{redis_port}"] if redis_port
                 else ["--only", "endpoint", "--price-interval", "3600000"])
        self._process = Process(
            "exchange", [str(DEMO), "serve", "--listen", "127.0.0.1:0", *parts, *deposits], directory)

        def line() -> str:
            self._process.fail_if_ended()
            return next((line for line in self._process.log.splitlines() if "endpoint listening on" in line), "")
        self.address = wait_until("the exchange listens", line).split()[-1]
        self._accounts = redis.Redis(host="127.0.0.1", port=redis_port, db=0) if redis_port else None
        if redis_port:
            wait_until("the keeper writes", lambda: all(self.state(account) for account in accounts))

    def state(self, account: str) -> dict | None:
        """What the keeper has written of an account."""
        text = self._accounts.get(f"account:state:{account}")
        return json.loads(text) if text else None

    def positions(self, account: str) -> dict[str, float]:
        """Signed quantities by symbol."""
        return {position["symbol"]: position["quantity"] * (1 if position["side"] == "LONG" else -1)
                for position in self.state(account)["positions"]}

    def orders(self, prefix: str = "") -> list:
        """All orders, asked of the exchange directly, whose client order id begins so."""
        with grpc.insecure_channel(self.address) as channel:
            answer = channel.unary_unary(LIST)(GetOrdersRequest().SerializeToString(), timeout=5)
        return [order for order in GetOrdersResponse.FromString(answer).orders
                if order.client_order_id.startswith(prefix)]

    def freeze(self):
        """It goes on standing there, and does nothing any more."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self):
        self._process.signal(signal.SIGCONT)

    def stop(self):
        if self._accounts:
            self._accounts.close()
        self._process.stop()
