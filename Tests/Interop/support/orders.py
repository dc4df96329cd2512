"""The messages of the order API, made at run from the descriptor set that Gate itself reads."""

import itertools
import os
import time
from pathlib import Path

from .messages import Messages

REPOSITORY = Path(__file__).resolve().parents[3]
MAPPING = REPOSITORY / "deploy/orders/b25.yaml"

CREATE = "/order.OrderService/CreateOrder"
CANCEL = "/order.OrderService/CancelOrder"
GET = "/order.OrderService/GetOrder"
LIST = "/order.OrderService/GetOrders"
STREAM = "/order.OrderService/StreamOrderUpdates"

_messages = Messages(MAPPING.with_suffix(".binpb"), "order")
_message, _enum = _messages.message, _messages.number

CreateOrderRequest, CreateOrderResponse = _message("CreateOrderRequest"), _message("CreateOrderResponse")
CancelOrderRequest, CancelOrderResponse = _message("CancelOrderRequest"), _message("CancelOrderResponse")
GetOrderRequest, GetOrderResponse = _message("GetOrderRequest"), _message("GetOrderResponse")
GetOrdersRequest, GetOrdersResponse = _message("GetOrdersRequest"), _message("GetOrdersResponse")
Order = _message("Order")
StreamOrderUpdatesRequest, OrderUpdate = _message("StreamOrderUpdatesRequest"), _message("OrderUpdate")

_ids = itertools.count(1)
_run = f"{os.getpid():x}{time.time_ns() // 1_000_000:x}"


def unique(prefix: str) -> str:
    return f"{prefix}-{_run}-{next(_ids)}"


def order(account: str, symbol: str = "BTCUSDT", side: str | int = "BUY", type: str | int = "LIMIT",
          quantity: float = 0.01, price: float | None = None, **more):
    """A CreateOrderRequest; a limit order that names no price gets the market's, one without an id one of its own."""
    if price is None:
        price = PRICES.get(symbol, 1) if type == "LIMIT" else 0
    more.setdefault("client_order_id", unique("c"))
    if "time_in_force" in more:
        more["time_in_force"] = _enum("TimeInForce", more["time_in_force"])
    return CreateOrderRequest(
        user_id=account, symbol=symbol, side=_enum("OrderSide", side), type=_enum("OrderType", type),
        quantity=quantity, price=price, **more)


def state(name: str) -> int:
    return _enum("OrderState", name)


PRICES = {"BTCUSDT": 50_000, "ETHUSDT": 2_500, "BNBUSDT": 500, "SOLUSDT": 100}
