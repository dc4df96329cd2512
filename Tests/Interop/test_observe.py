"""Answers and streams of updates that pass, and what a person says: the ledger learns from them at once, each order's end once."""

import json
import threading

import grpc
import pytest

from conftest import Site
from support import orders, rawframes
from support.client import metadata, refused
from support.exchange import Exchange
from support.gate import TOKEN
from support.orders import Order, order, unique
from support.rawframes import RawClient
from support.scripted import Scripted, accept
from support.waiting import wait_until

Code = grpc.StatusCode
# No snapshot settles anything by its time while these tests run.
PATIENT = {"GATE_CONFIG_REDIS_ACCOUNTS_SETTLE_AFTER": "1h", "GATE_CONFIG_REDIS_ACCOUNTS_UNKNOWN_AFTER": "24h"}
BOUND = 4096


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("observe"), **PATIENT)
    yield site
    assert site.gate.metric("gate_ledger_faults_total") == 0, "some order's end was told twice"
    site.stop()


@pytest.fixture(scope="module")
def client(site):
    return site.client()


@pytest.fixture
def endpoint(site):
    return site.endpoint


class Sent:
    """An order that passed, and what the endpoint may say of it."""

    def __init__(self, site, client, quantity: float = 0.5, answered: bool = True):
        self.site, self.client = site, client
        self.account = site.account()
        self.order = order(self.account, quantity=quantity)
        if answered:
            self.order_id = client.create(self.order).created().order_id

    def news(self, state: str, filled: float, order_id: str | None = None):
        return Order(order_id=self.order_id if order_id is None else order_id, user_id=self.account,
                     client_order_id=self.order.client_order_id, state=orders.state(state), filled_quantity=filled)

    def counted(self) -> tuple[str, float] | None:
        """Its state and what remains of it; None where it counts no longer."""
        found = self.site.gate.reservations(self.account)
        assert len(found) <= 1, found
        if not found:
            return None
        assert found[0]["client_order_id"] == self.order.client_order_id
        assert found[0]["symbol"] == "BTCUSDT" and found[0]["side"] == "BUY"
        return found[0]["state"], found[0]["remaining"]


def update(news) -> str:
    return orders.OrderUpdate(order=news, update_type="UPDATED").SerializeToString().hex()


def stream(client, *says) -> list[bytes]:
    """All that a stream that says this hands to the client."""
    call = client.channel.unary_stream(orders.STREAM)(
        b"", timeout=10, metadata=metadata({"says": list(says)}, unique("t")))
    return list(call)


def tell_by_stream(client, news):
    assert stream(client, update(news)) == [bytes.fromhex(update(news))]


def tell_by_query(client, news):
    said = orders.GetOrderResponse(order=news).SerializeToString()
    assert client.unary(orders.GET, b"", {"says": [said.hex()]}).message == said


def tell_by_list(client, news):
    others = [Order(order_id=f"other-{number}", state=orders.state("FILLED")) for number in range(200)]
    said = orders.GetOrdersResponse(orders=[*others[:150], news, *others[150:]]).SerializeToString()
    assert client.unary(orders.LIST, b"", {"says": [said.hex()]}).message == said


@pytest.mark.parametrize("tell", [tell_by_stream, tell_by_query, tell_by_list])
@pytest.mark.parametrize("state, filled, counted", [
    ("NEW", 0, ("open", 0.5)), ("PARTIALLY_FILLED", 0.2, ("open", 0.5)), ("FILLED", 0.5, ("closing", 0.5)),
    ("CANCELED", 0.2, ("closing", 0.2)), ("CANCELED", 0, None), ("REJECTED", 0, None), ("EXPIRED", 0, None),
    ("EXPIRED", 0.1, ("closing", 0.1))])
def test_what_passes_tells_the_ledger_at_once_what_became_of_an_order(site, client, tell, state, filled, counted):
    sent = Sent(site, client)
    assert sent.counted() == ("open", 0.5)
    tell(client, sent.news(state, filled))
    assert sent.counted() == counted


def test_a_method_that_is_not_mapped_to_be_read_tells_nothing(site, client):
    sent = Sent(site, client)
    said = bytes.fromhex(update(sent.news("REJECTED", 0)))
    assert client.unary("/interop.Echo/Unary", said).message == said
    assert sent.counted() == ("open", 0.5)


def test_news_of_another_account_or_of_no_order_changes_nothing(site, client):
    sent = Sent(site, client)
    strangers = [sent.news("REJECTED", 0), sent.news("REJECTED", 0)]
    strangers[0].user_id, strangers[1].user_id = site.account(), "never-heard-of"
    nameless = Order(user_id=sent.account, state=orders.state("REJECTED"))
    stream(client, *(update(news) for news in [*strangers, nameless]))
    assert sent.counted() == ("open", 0.5)


def test_news_that_repeat_and_come_late_take_nothing_back(site, client):
    sent = Sent(site, client)
    canceled, new, part = (update(sent.news(*each)) for each in (
        ("CANCELED", 0.2), ("NEW", 0), ("PARTIALLY_FILLED", 0.1)))
    stream(client, part, canceled, new, part, canceled, canceled, new)
    assert sent.counted() == ("closing", 0.2)


@pytest.mark.parametrize("state, filled, ahead, after", [
    ("FILLED", 0.5, ("closing", 0.5), ("closing", 0.5)), ("CANCELED", 0.2, ("closing", 0.2), ("closing", 0.2)),
    ("PARTIALLY_FILLED", 0.2, ("open", 0.5), ("open", 0.5)), ("NEW", 0, ("open", 0.5), ("open", 0.5))])
def test_a_stream_that_overtakes_the_answer_tells_first_and_the_answer_is_no_second(
        site, client, endpoint, state, filled, ahead, after):
    sent, held = Sent(site, client, answered=False), unique("hold")
    pending = client.begin_create(sent.order, {"hold": held})
    wait_until("the order is at the endpoint", lambda: endpoint.waiting(held))
    assert sent.counted() == ("in_flight", 0.5)
    stream(client, update(sent.news(state, filled, unique("early"))))
    assert sent.counted() == ahead
    endpoint.release(held)
    assert pending().created().state == orders.state("NEW")
    assert sent.counted() == after


def test_a_reject_that_overtakes_its_answer_releases_once(site, client, endpoint):
    sent, held = Sent(site, client, answered=False), unique("hold")
    pending = client.begin_create(sent.order, {"hold": held, "state": "REJECTED"})
    wait_until("the order is at the endpoint", lambda: endpoint.waiting(held))
    stream(client, update(sent.news("REJECTED", 0, unique("early"))))
    seen = sent.counted()
    assert seen is None or seen[1] == 0, "nothing of it counts"
    endpoint.release(held)
    assert pending().created().state == orders.state("REJECTED")
    assert sent.counted() is None


def test_room_under_a_limit_is_there_with_the_update(site, client):
    """Of every account: at most 4 BTC."""
    sent = Sent(site, client, quantity=4)
    refused(client.create(order(sent.account, quantity=0.5)), "POSITION_LIMIT_EXCEEDED", Code.FAILED_PRECONDITION)
    stream(client, update(sent.news("CANCELED", 3.5)))
    assert client.create(order(sent.account, quantity=0.5)).ok
    refused(client.create(order(sent.account, quantity=0.01)), "POSITION_LIMIT_EXCEEDED", Code.FAILED_PRECONDITION)


def test_an_open_stream_tells_as_it_goes(site, client, endpoint):
    first, second, held = Sent(site, client), Sent(site, client), unique("hold")
    call = client.channel.unary_stream(orders.STREAM)(b"", timeout=10, metadata=metadata({"says": [
        update(first.news("FILLED", 0.5)), {"hold": held}, update(second.news("EXPIRED", 0))]}, unique("t")))
    assert next(call) == bytes.fromhex(update(first.news("FILLED", 0.5)))
    assert (first.counted(), second.counted()) == (("closing", 0.5), ("open", 0.5))
    wait_until("the stream waits", lambda: endpoint.waiting(held))
    endpoint.release(held)
    assert next(call) == bytes.fromhex(update(second.news("EXPIRED", 0)))
    assert second.counted() is None


@pytest.fixture(scope="module")
def telling(tmp_path_factory):
    """A gate to which the answer to a cancel tells what was filled: the sample API has no such field, so another stands for it."""
    directory = tmp_path_factory.mktemp("cancel")
    mapping = directory / "mapping.yaml"
    mapping.write_text(orders.MAPPING.read_text().replace("b25.binpb", str(orders.MAPPING.with_suffix(".binpb"))).replace(
        "ended: [CANCELED], error", "ended: [CANCELED], filled: {field: timestamp, scale: 1e-3}, error"))
    site = Site(directory, mapping=mapping, **PATIENT)
    yield site
    assert site.gate.metric("gate_ledger_faults_total") == 0
    site.stop()


@pytest.mark.parametrize("filled, counted", [(0, None), (0.2, ("closing", 0.2)), (0.5, ("closing", 0.5))])
def test_a_cancels_answer_that_says_what_was_filled_releases_the_rest(telling, filled, counted):
    client = telling.client()
    sent = Sent(telling, client)
    assert client.cancel(sent.order_id, do={"timestamp": round(filled * 1000)}).ok
    assert sent.counted() == counted


def test_a_cancels_answer_that_does_not_say_it_keeps_all_until_a_snapshot(site, client):
    sent = Sent(site, client)
    assert client.cancel(sent.order_id).ok
    assert sent.counted() == ("closing", 0.5)


# What cannot be read passes all the same.

def messages(site) -> dict[str, float]:
    return {result: site.gate.metric("gate_observed_messages_total", result=result)
            for result in ("read", "too_large", "compressed", "unreadable")}


def changed(site, before: dict[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in messages(site).items() if value != before[name]}


def test_a_message_that_is_none_passes_and_the_next_is_read(site, client):
    before, sent = messages(site), Sent(site, client)
    said = ["ff", "0a05", update(sent.news("EXPIRED", 0))]
    assert stream(client, *said) == [bytes.fromhex(each) for each in said]
    assert sent.counted() is None
    assert changed(site, before) == {"read": 1, "unreadable": 2}


@pytest.fixture(scope="module")
def scripted_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("framed"), endpoint=Scripted(),
                GATE_CONFIG_LIMITS_MAX_OBSERVED_BYTES=str(BOUND), **PATIENT)
    yield site
    assert site.gate.metric("gate_ledger_faults_total") == 0
    site.stop()


@pytest.fixture(scope="module")
def framed(scripted_site):
    """A client of the gate whose endpoint answers in frames that a test names."""
    scripted_site.endpoint.script = accept
    return scripted_site.client()


def passed(site, body: bytes, size: int = 16384, head=rawframes.OPEN) -> bytes:
    """What a client gets of a stream that answers with these bytes, in DATA frames of so many."""
    def script(request):
        request.connection.send(rawframes.answer_head(request.stream, *head) + b"".join(
            rawframes.frame(rawframes.DATA, 0, request.stream, body[start:start + size])
            for start in range(0, len(body), size)) + rawframes.closes(request.stream))
    site.endpoint.first = [script]
    client = RawClient(site.gate.target)
    client.send(rawframes.request(1, orders.STREAM, b""))
    got = b""
    while (frame := client.frame()) is not None and not (frame.kind == rawframes.HEADERS and frame.flags & 1):
        got += frame.payload if frame.kind == rawframes.DATA else b""
    client.close()
    return got


def ended(news) -> bytes:
    return rawframes.message(bytes.fromhex(update(news)))


@pytest.mark.parametrize("size", [1, 4, 5, 7, 16384])
def test_messages_are_found_however_data_frames_cut_them(scripted_site, framed, size):
    sent = [Sent(scripted_site, framed) for _ in range(3)]
    said = [ended(each.news("EXPIRED", 0)) for each in sent]
    body = said[0] + rawframes.message(b"") + said[1] + said[2]
    assert passed(scripted_site, body, size) == body
    assert [each.counted() for each in sent] == [None, None, None]


def padded(message: bytes, size: int) -> bytes:
    """The same with an unknown field behind it, so that it is `size` bytes long."""
    rest = size - len(message) - 4
    assert 127 < rest < 16384
    return message + b"\xfa\x3f" + bytes([rest & 0x7F | 0x80, rest >> 7]) + bytes(rest)


@pytest.mark.parametrize("size", [100, 16384])
def test_a_message_of_the_bound_is_read_and_one_byte_more_passes_unread(scripted_site, framed, size):
    before = messages(scripted_site)
    sent = [Sent(scripted_site, framed) for _ in range(3)]
    news = [bytes.fromhex(update(each.news("EXPIRED", 0))) for each in sent]
    body = b"".join(rawframes.message(each) for each in (
        padded(news[0], BOUND), padded(news[1], BOUND + 1), news[2]))
    assert passed(scripted_site, body, size) == body
    assert [each.counted() for each in sent] == [None, ("open", 0.5), None]
    assert changed(scripted_site, before) == {"read": 2, "too_large": 1}


@pytest.mark.parametrize("size", [3, 16384])
def test_a_compressed_message_passes_unread_and_the_next_is_read(scripted_site, framed, size):
    before = messages(scripted_site)
    first, second = Sent(scripted_site, framed), Sent(scripted_site, framed)
    body = b"\x01" + ended(first.news("EXPIRED", 0))[1:] + ended(second.news("EXPIRED", 0))
    assert passed(scripted_site, body, size) == body
    assert (first.counted(), second.counted()) == (("open", 0.5), None)
    assert changed(scripted_site, before) == {"read": 1, "compressed": 1}


@pytest.mark.parametrize("garbage, counted", [
    (b"\x02\0\0\0\1a", {"unreadable": 1}), (b"\0\xff\xff\xff\xffabc", {"too_large": 1}), (b"<html>", {"unreadable": 1}),
    (b"\0\0", {})])
def test_what_is_no_message_passes_and_hides_what_follows_it(scripted_site, framed, garbage, counted):
    before, sent = messages(scripted_site), Sent(scripted_site, framed)
    body = garbage + ended(sent.news("EXPIRED", 0))
    assert passed(scripted_site, body, 7) == body
    if garbage != b"\0\0":
        assert changed(scripted_site, before) == counted
    assert sent.counted() == ("open", 0.5)


def test_an_answer_that_is_not_grpc_is_not_read(scripted_site, framed):
    before, sent = messages(scripted_site), Sent(scripted_site, framed)
    body = ended(sent.news("EXPIRED", 0))
    head = (":status", "200"), ("content-type", "text/html")
    assert passed(scripted_site, body, head=head) == body
    assert (sent.counted(), changed(scripted_site, before)) == (("open", 0.5), {})


def test_an_endless_stream_of_empty_messages_passes_and_grows_nothing(scripted_site, framed):
    sent = Sent(scripted_site, framed)
    before = scripted_site.gate.metric("process_resident_memory_bytes")
    body = rawframes.message(b"") * 12_000 + ended(sent.news("EXPIRED", 0))
    for _ in range(5):
        assert passed(scripted_site, body) == body
    assert sent.counted() is None
    assert scripted_site.gate.metric("process_resident_memory_bytes") - before < 8 << 20


# Outcomes that nobody knows.

@pytest.fixture
def lost(site, client, endpoint):
    """An order whose caller had no answer."""
    sent, held = Sent(site, client, answered=False), unique("hold")
    pending = client.begin_create(sent.order, {"hold": held}, timeout=0.5)
    wait_until("the order is at the endpoint", lambda: endpoint.waiting(held))
    assert not pending().ok
    wait_until("the outcome is unknown", lambda: sent.counted() == ("unknown", 0.5))
    sent.order_id = unique("found")
    return sent


@pytest.mark.parametrize("tell", [tell_by_stream, tell_by_query])
@pytest.mark.parametrize("state, filled, counted", [
    ("NEW", 0, ("open", 0.5)), ("FILLED", 0.5, ("closing", 0.5)), ("CANCELED", 0.1, ("closing", 0.1)),
    ("REJECTED", 0, None)])
def test_an_unknown_outcome_is_settled_by_what_passes(site, client, lost, tell, state, filled, counted):
    tell(client, lost.news(state, filled))
    assert lost.counted() == counted


def settle(site, sent: Sent, outcome: str, token: str | None = TOKEN, **more) -> tuple[int, dict]:
    body = {"client_order_id": sent.order.client_order_id, "outcome": outcome, "by": "ann", "reason": "asked them"}
    return site.gate.post(f"/api/v1/accounts/{sent.account}/settle", body | more, token)


@pytest.mark.parametrize("outcome, counted", [("open", ("open", 0.5)), ("released", None)])
def test_an_operator_settles_an_unknown_outcome_once(site, lost, outcome, counted):
    before = site.gate.metric("gate_unknown_outcomes_settled_total", by="operator")
    status, answer = settle(site, lost, outcome)
    assert status == 200, answer
    assert answer == {"client_order_id": lost.order.client_order_id, "symbol": "BTCUSDT", "side": "BUY",
                      "remaining": 0.5, "state": outcome}
    assert lost.counted() == counted
    assert site.gate.metric("gate_unknown_outcomes_settled_total", by="operator") == before + 1
    line = json.loads(next(line for line in reversed(site.gate.process.log.splitlines())
                           if lost.order.client_order_id in line))
    assert "settled" in line["message"] and {"ann", "asked them", outcome} <= {str(value) for value in line.values()}
    status, problem = settle(site, lost, outcome)
    assert (status, problem["status"]) == ((409, 409) if counted else (404, 404))


def test_settling_needs_a_right_an_order_and_words(site, client, lost):
    assert settle(site, lost, "released", token=None)[0] == 401
    assert settle(site, lost, "released", token="wrong")[0] == 401
    assert settle(site, lost, "closed")[0] == 400
    assert settle(site, lost, "released", by=" ")[0] == 400
    assert settle(site, lost, "released", reason="")[0] == 400
    assert settle(site, lost, "released", who="me")[0] == 400
    assert settle(site, lost, "released", client_order_id="no-such-order")[0] == 404
    lost.account, account = "never-heard-of", lost.account
    assert settle(site, lost, "released")[0] == 404
    lost.account = account
    known = Sent(site, client)
    status, problem = settle(site, known, "released")
    assert status == 409 and "open" in problem["detail"]
    assert (lost.counted(), known.counted()) == (("unknown", 0.5), ("open", 0.5))


def test_an_account_shows_its_snapshot_and_what_is_counted_besides(site, client):
    held = [{"symbol": "ETHUSDT", "side": "SHORT", "quantity": 2.5, "entry_price": 2400, "current_price": 2500}]
    account = site.account(equity=1234.5, positions=held)
    # Nothing of an account is read before an order names it.
    assert client.create(order(account, client_order_id="first")).ok
    long = "x" * 70
    assert client.create(order(account, client_order_id=long)).ok
    status, text = site.gate.get(f"/api/v1/accounts/{account}")
    shown = json.loads(text)
    assert status == 200 and shown["account"] == account
    assert shown["equity"] == 1234.5 and shown["seq"] > 0 and 0 <= shown["age_seconds"] < 5
    assert shown["positions"] == [{"symbol": "ETHUSDT", "side": "SHORT", "quantity": 2.5, "current_price": 2500}]
    latest, first = shown["reservations"]
    assert (first["client_order_id"], first["state"]) == ("first", "open") and first["order_id"].startswith("x-")
    assert latest["client_order_id"].startswith("digest:"), "an id of more than 64 bytes is not kept as text"
    assert site.gate.get("/api/v1/accounts/never-heard-of")[0] == 404


def test_an_order_that_is_known_by_its_digest_alone_is_settled_by_it(site, client, endpoint):
    account, held = site.account(), unique("hold")
    pending = client.begin_create(order(account, client_order_id="y" * 70), {"hold": held}, timeout=0.5)
    wait_until("the order is at the endpoint", lambda: endpoint.waiting(held))
    assert not pending().ok
    [lost] = wait_until("it is listed", lambda: site.gate.reservations(account))
    wait_until("the outcome is unknown", lambda: site.gate.reservations(account)[0]["state"] == "unknown")
    body = {"client_order_id": lost["client_order_id"], "outcome": "released", "by": "ann", "reason": "asked them"}
    assert site.gate.post(f"/api/v1/accounts/{account}/settle", body)[0] == 200
    assert site.gate.reservations(account) == []


# The sample exchange itself, which streams every change of an order.

@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    directory = tmp_path_factory.mktemp("venue")
    site = Site(directory, endpoint=Exchange(directory, None, ["mm-venue"]), **PATIENT)
    yield site
    assert site.gate.metric("gate_ledger_faults_total") == 0
    site.stop()


class Followed:
    """A client that follows the updates of one account through the gate."""

    def __init__(self, site):
        self.site, self.client, self.account = site, site.client(), site.market.account("mm-venue")
        self.updates: list = []
        request = orders.StreamOrderUpdatesRequest(user_id=self.account).SerializeToString()
        self._call = self.client.channel.unary_stream(orders.STREAM)(request)
        threading.Thread(target=self._follow, daemon=True).start()
        wait_until("updates come", lambda: self._cancelled() and self.updates)

    def _follow(self):
        try:
            for message in self._call:
                self.updates.append(orders.OrderUpdate.FromString(message).order)
        except grpc.RpcError:
            # The test is over.
            pass

    def _cancelled(self) -> bool:
        """An order that comes and goes."""
        order_id = self.create(order(self.account, price=49_000)).order_id
        return self.client.cancel(order_id).ok

    def create(self, request):
        return self.client.create(request).created()

    def last(self, request, *states: str):
        """The update that ends an order, once it has come."""
        wanted = {orders.state(state) for state in states}
        return wait_until(f"{request.client_order_id} becomes one of {states}", lambda: next(
            (update for update in self.updates
             if update.client_order_id == request.client_order_id and update.state in wanted), None))

    def counted(self, request) -> tuple[str, float] | None:
        found = [each for each in self.site.gate.reservations(self.account)
                 if each["client_order_id"] == request.client_order_id]
        assert len(found) <= 1
        return (found[0]["state"], found[0]["remaining"]) if found else None

    def stop(self):
        self._call.cancel()


@pytest.fixture
def followed(venue):
    followed = Followed(venue)
    yield followed
    followed.stop()


def test_the_sample_exchange_streams_each_end_of_an_order_and_the_ledger_hears_it(followed):
    resting = order(followed.account, price=49_000)
    order_id = followed.create(resting).order_id
    followed.last(resting, "NEW")
    assert followed.counted(resting) == ("open", 0.01)
    assert followed.client.cancel(order_id).ok
    assert followed.last(resting, "CANCELED").filled_quantity == 0
    assert followed.counted(resting) is None
    expired = order(followed.account, price=49_000, time_in_force="IOC")
    assert followed.create(expired).state == orders.state("EXPIRED")
    assert followed.last(expired, "EXPIRED").filled_quantity == 0
    assert followed.counted(expired) is None
    crossing = order(followed.account, price=51_000, post_only=True)
    assert followed.create(crossing).state == orders.state("REJECTED")
    assert followed.last(crossing, "REJECTED").filled_quantity == 0
    assert followed.counted(crossing) is None
    bought = order(followed.account, type="MARKET")
    assert followed.create(bought).state == orders.state("FILLED")
    assert followed.last(bought, "FILLED").filled_quantity == 0.01
    assert followed.counted(bought) == ("closing", 0.01)


def test_a_part_filled_by_the_sample_exchange_is_all_that_is_kept_of_a_cancelled_order(followed):
    probe = order(followed.account, type="MARKET")
    followed.create(probe)
    best = followed.last(probe, "FILLED").average_price
    # More than the exchange offers at its best price, and not a tick above it.
    part = order(followed.account, price=best, quantity=3.5)
    order_id = followed.create(part).order_id
    filled = followed.last(part, "PARTIALLY_FILLED").filled_quantity
    assert 0 < filled < 3.5 and followed.counted(part) == ("open", 3.5)
    assert followed.client.cancel(order_id).ok
    assert followed.last(part, "CANCELED").filled_quantity == filled
    assert followed.counted(part) == ("closing", filled)
