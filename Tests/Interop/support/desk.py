"""The messages of the second order API: batches, replaces, scaled integers."""

from pathlib import Path

from .messages import Messages
from .orders import PRICES, unique

MAPPING = Path(__file__).resolve().parents[1] / "desk/desk.yaml"

PLACE = "/desk.Desk/Place"
BATCH = "/desk.Desk/PlaceBatch"
AMEND = "/desk.Desk/Amend"
UNIT = 100_000_000

_messages = Messages(MAPPING.with_suffix(".binpb"), "desk")
Order, Report = _messages.message("Order"), _messages.message("Report")
PlaceRequest, PlaceReply = _messages.message("PlaceRequest"), _messages.message("PlaceReply")
BatchRequest, BatchReply = _messages.message("BatchRequest"), _messages.message("BatchReply")
AmendRequest = _messages.message("AmendRequest")


def outcome(name: str) -> int:
    return _messages.number("Outcome", f"OUTCOME_{name}")


def order(quantity: float | str, symbol: str = "BTCUSDT", side: str = "BUY", price: float | None = None, **more):
    """A text is sent as text, a number as so many units; without a price the market's."""
    more.setdefault("client_id", unique("d"))
    amount = {"text": quantity} if isinstance(quantity, str) else {"units": round(quantity * UNIT)}
    return Order(symbol=symbol, side=_messages.number("Side", f"SIDE_{side}"),
                 price=round((PRICES[symbol] if price is None else price) * UNIT), **amount, **more)


def place(account: str, quantity: float | str, **more):
    return PlaceRequest(account=account, order=order(quantity, **more))


def batch(account: str, *orders):
    """Numbers and texts are quantities of usual orders."""
    request = BatchRequest(orders=[each if isinstance(each, Order) else order(each) for each in orders])
    request.header.account = account
    return request


def amend(account: str, quantity: float | None = None, price: float | None = None, **more):
    request = AmendRequest(account=account, **more)
    if quantity is not None:
        request.units = round(quantity * UNIT)
    if price is not None:
        request.price = round(price * UNIT)
    return request
