"""Batches, replaces, scaled and alternative fields, and refusals in the API's own form, through a real Gate."""

import grpc
import pytest

from conftest import Site
from support import desk
from support.client import Answer, refused
from support.orders import unique

Code = grpc.StatusCode
# Of every account: at most 4 BTC.
LIMIT = 4


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("desk"), mapping=desk.MAPPING)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def client(site):
    return site.client()


@pytest.fixture
def account(site):
    """One whose snapshot does not change: what the ledger holds stays as the answers left it."""
    account = site.account()
    site.market.freeze(account)
    return account


@pytest.fixture
def endpoint(site):
    return site.endpoint


class Trader:
    def __init__(self, client, account: str):
        self.client, self.account = client, account

    def place(self, quantity, do: dict | None = None, **more) -> Answer:
        return self._send(desk.PLACE, desk.place(self.account, quantity, **more), do)

    def batch(self, *orders, do: dict | None = None) -> Answer:
        return self._send(desk.BATCH, desk.batch(self.account, *orders), do)

    def amend(self, do: dict | None = None, **more) -> Answer:
        return self._send(desk.AMEND, desk.amend(self.account, **more), do)

    def room(self) -> bool:
        """Whether one more satoshi fits under the limit."""
        return reply(self.place(0.00000001)).outcome == desk.outcome("OPEN")

    def _send(self, method: str, request, do: dict | None) -> Answer:
        return self.client.unary(method, request.SerializeToString(), do)


@pytest.fixture
def trader(client, account):
    return Trader(client, account)


def reply(answer: Answer):
    assert answer.ok, answer
    return desk.PlaceReply.FromString(answer.message).report


def refused_batch(answer: Answer, reason: str, index: int, endpoint, code=Code.FAILED_PRECONDITION):
    first = refused(answer, reason, code, endpoint)
    assert first.metadata["index"] == str(index)
    return first


# Batches.

def test_an_approved_batch_is_the_same_bytes_on_both_sides(client, account, endpoint):
    request = desk.batch(account, 1, "2.5", 0.5).SerializeToString() + bytes.fromhex("980607")
    answer = client.unary(desk.BATCH, request)
    call = endpoint.call(answer.tag)
    assert [message["hex"] for message in call["messages"]] == [request.hex()]
    assert answer.ok and answer.message.hex() == call["answer"]
    assert len(desk.BatchReply.FromString(answer.message).reports) == 3


def test_a_batch_is_decided_order_by_order_and_forwarded_only_whole(trader, endpoint):
    first = refused_batch(trader.batch(2, 1, 1.00000001, 0.5), "POSITION_LIMIT_EXCEEDED", 2, endpoint)
    assert (first.metadata["value"], first.metadata["bound"]) == ("4.00000001", "4")
    # Nothing of it is left: the same again fits exactly.
    assert trader.batch(2, 1, 1).ok
    assert not trader.room()


def test_a_batch_that_cannot_be_read_is_refused_with_the_order_to_blame(trader, endpoint):
    refused_batch(trader.batch(1, "one", 1), "ORDER_MALFORMED", 1, endpoint, Code.INVALID_ARGUMENT)
    refused_batch(trader.batch(1, 1, "0.00000000001"), "ORDER_OUT_OF_RANGE", 2, endpoint, Code.INVALID_ARGUMENT)
    assert trader.batch("1", "0.0000000001").ok


def test_a_batch_has_at_least_one_order_and_at_most_128(client, site, endpoint):
    trader = Trader(client, site.account())
    refused(trader.batch(), "ORDER_CARDINALITY", Code.UNIMPLEMENTED, endpoint)
    refused(trader.batch(*[0.001] * 129), "ORDER_TOO_LARGE", Code.RESOURCE_EXHAUSTED, endpoint)
    assert trader.batch(*[0.001] * 128).ok


def test_a_batch_costs_as_many_rate_tokens_as_it_has_orders(client, site, endpoint):
    trader = Trader(client, site.account("rate"))
    assert trader.batch(*[0.001] * 5).ok
    refused_batch(trader.batch(0.001), "ORDER_RATE_EXCEEDED", 0, endpoint, Code.RESOURCE_EXHAUSTED)
    other = Trader(client, site.account("rate"))
    refused_batch(other.batch(*[0.001] * 6), "ORDER_RATE_EXCEEDED", 5, endpoint, Code.RESOURCE_EXHAUSTED)
    # The orders of a refused batch have counted, those behind the refused one too.
    third = Trader(client, site.account("rate"))
    refused_batch(third.batch(4.1, 0.001, 0.001, 0.001, 0.001), "POSITION_LIMIT_EXCEEDED", 0, endpoint)
    refused_batch(third.batch(0.001), "ORDER_RATE_EXCEEDED", 0, endpoint, Code.RESOURCE_EXHAUSTED)


def test_an_id_may_not_stand_twice_in_a_batch(trader, endpoint):
    twice = [desk.order(0.1, client_id=name) for name in (unique("d"), "same-1", "same-1")]
    refused_batch(trader.batch(*twice), "DUPLICATE_CLIENT_ORDER_ID", 2, endpoint, Code.ALREADY_EXISTS)
    # Refused orders may come again.
    assert trader.batch(*twice[:2]).ok
    refused_batch(trader.batch(*twice[1:2]), "DUPLICATE_CLIENT_ORDER_ID", 0, endpoint, Code.ALREADY_EXISTS)


def test_each_order_of_a_batch_is_settled_by_its_own_answer(trader):
    answer = trader.batch(1, 2, 1, do={"outcomes": ["OPEN", "REFUSED", "DONE"]})
    assert answer.ok
    # 1 is open, 2 was refused, and 1 ended with nothing filled.
    assert trader.batch(2, 1).ok
    assert not trader.room()


@pytest.mark.parametrize("answer", [
    {"outcomes": ["REFUSED"]},  # one answer for two orders
    {"extra": "0a05"},  # a truncated message
    {"status": 14},  # no word on any of them
], ids=["too-few", "unreadable", "unavailable"])
def test_a_batch_stays_counted_where_its_answer_does_not_say_which_order_it_means(trader, answer):
    trader.batch(3, 1, do=answer)
    assert not trader.room()


def test_a_definitive_status_releases_a_batch(trader):
    assert trader.batch(3, 1, do={"status": 3}).code is Code.INVALID_ARGUMENT
    assert trader.batch(3, 1).ok


def test_batches_count_in_the_metrics_order_by_order(site, trader):
    def count(**labels) -> float:
        return site.gate.metric("gate_orders_total", action="create", **labels)
    approved = count(decision="approved")
    rejected = count(decision="rejected", reason="POSITION_LIMIT_EXCEEDED")
    assert trader.batch(1, 1, 1).ok
    assert count(decision="approved") == approved + 3
    assert not trader.batch(1, 1).ok
    assert count(decision="rejected", reason="POSITION_LIMIT_EXCEEDED") == rejected + 2


# Replaces.

def test_a_replace_counts_only_what_it_adds(trader, endpoint):
    placed = reply(trader.place(3))
    answer = trader.amend(order_id=placed.order_id, quantity=LIMIT + 0.00000001, client_id=unique("d"))
    first = refused(answer, "POSITION_LIMIT_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    assert first.metadata["value"] == "4.00000001"
    amended = reply(trader.amend(order_id=placed.order_id, quantity=LIMIT, client_id=unique("d")))
    assert endpoint.calls()[-1]["method"] == desk.AMEND
    assert not trader.room()
    # What is already as large as it may be can still be moved.
    assert trader.amend(order_id=amended.order_id, price=49_999, client_id=unique("d")).ok


def test_a_replace_that_the_endpoint_refuses_leaves_the_original_as_it_was(trader):
    placed = reply(trader.place(1))
    assert reply(trader.amend(order_id=placed.order_id, quantity=LIMIT, do={"outcome": "REFUSED"})).outcome \
        == desk.outcome("REFUSED")
    assert reply(trader.place(LIMIT - 1)).outcome == desk.outcome("OPEN")
    assert not trader.room()


def test_a_replace_is_judged_by_value_like_a_new_order(trader, endpoint):
    placed = reply(trader.place(1))
    refused(trader.amend(order_id=placed.order_id, price=52_500.1), "PRICE_COLLAR_BREACHED",
            Code.FAILED_PRECONDITION, endpoint)
    assert trader.amend(order_id=placed.order_id, price=52_500).ok


def test_a_replace_may_name_its_original_by_the_clients_id_and_repeat_it(trader):
    placed = reply(trader.place(LIMIT))
    assert trader.amend(original=placed.client_id, price=49_999, client_id=placed.client_id).ok


def test_a_replace_takes_from_the_snapshot_what_it_leaves_out(site, client):
    account = site.account(pending_orders=[
        {"client_order_id": "w-1", "order_id": "o-1", "symbol": "BTCUSDT", "side": "BUY", "quantity": 3, "price": 49_000}])
    trader = Trader(client, account)
    assert reply(trader.place(1)).outcome == desk.outcome("OPEN")
    assert trader.amend(order_id="o-1", price=49_500).ok


def test_a_replace_of_an_order_that_nobody_knows_needs_all_that_an_order_needs(trader, endpoint):
    refused(trader.amend(order_id="x-unknown", quantity=1, price=50_000), "ORDER_MALFORMED", Code.INVALID_ARGUMENT,
            endpoint)
    refused(trader.amend(quantity=1, price=50_000), "ORDER_MALFORMED", Code.INVALID_ARGUMENT, endpoint)


def test_replaces_have_an_action_of_their_own_in_the_metrics(site, trader):
    before = site.gate.metric("gate_orders_total", action="replace", decision="approved")
    assert trader.amend(order_id=reply(trader.place(1)).order_id, quantity=2).ok
    assert site.gate.metric("gate_orders_total", action="replace", decision="approved") == before + 1


# Fields.

@pytest.mark.parametrize("within, beyond", [(4, 4.00000001), ("4", "4.0000000001")], ids=["scaled", "text"])
def test_a_quantity_is_read_exactly_from_either_field(client, site, within, beyond):
    trader = Trader(client, site.account())
    assert reply(trader.place(beyond)).outcome == desk.outcome("REFUSED")
    assert reply(trader.place(within)).outcome == desk.outcome("OPEN")


def test_of_two_quantities_the_one_counts_that_the_endpoint_reads(client, site, endpoint):
    account = site.account()
    small, large = desk.order(1), desk.order("5", client_id="")
    small_last = desk.PlaceRequest(account=account).SerializeToString()
    for first, last, is_open in ((large, small, True), (small, large, False)):
        body = first.SerializeToString() + last.SerializeToString()
        request = small_last + b"\x12" + bytes([len(body)]) + body
        seen = desk.PlaceRequest.FromString(request).order.WhichOneof("amount")
        assert seen == ("units" if is_open else "text")
        outcome = reply(client.unary(desk.PLACE, request)).outcome
        assert outcome == desk.outcome("OPEN" if is_open else "REFUSED")


# Refusals in the API's own form.

def test_a_refusal_by_message_says_all_that_a_refusal_says(trader, endpoint):
    answer = trader.place(4.00000001, client_id="mine-1")
    report = reply(answer)
    assert report.outcome == desk.outcome("REFUSED")
    assert report.client_id == "mine-1"
    assert report.problem.text == \
        "POSITION_LIMIT_EXCEEDED: position_quantity 4.00000001 exceeds max 4 (rule btc-position)"
    assert report.order_id == ""
    assert ("x-gate-reason", "POSITION_LIMIT_EXCEEDED") in answer.initial
    assert endpoint.calls(answer.tag) == []
    assert reply(trader.place(4, client_id="mine-1")).outcome == desk.outcome("OPEN")


def test_an_order_that_cannot_be_read_is_refused_by_message_too(trader, endpoint):
    answer = trader.place("four", client_id="mine-2")
    report = reply(answer)
    assert (report.outcome, report.client_id) == (desk.outcome("REFUSED"), "mine-2")
    assert report.problem.text.startswith("ORDER_MALFORMED: ")
    broken = trader.client.unary(desk.PLACE, b"\x12\x05")
    assert (reply(broken).outcome, reply(broken).client_id) == (desk.outcome("REFUSED"), "")
    assert endpoint.calls(answer.tag) == endpoint.calls(broken.tag) == []


def test_refusals_by_message_follow_one_another_on_one_connection(trader):
    for number in range(200):
        assert reply(trader.place(5, client_id=f"many-{number}")).client_id == f"many-{number}"


def test_an_order_whose_outcome_nobody_knows_is_not_called_refused(own_site):
    site = own_site(mapping=desk.MAPPING)
    account, client = site.account(), site.client()
    pending = client.begin(desk.PLACE, desk.place(account, 1).SerializeToString(), {"hold": "never"})
    site.endpoint.call(pending.tag)
    site.endpoint.kill()
    answer = pending()
    assert (answer.code, answer.reason) == (Code.UNKNOWN, "OUTCOME_UNKNOWN")
