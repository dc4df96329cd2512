"""The mirror on a Redis that fails in every way: no decision on what is too old or gone, and everything back within a second."""

import itertools
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest

from conftest import Site
from support.client import refused
from support.faults import CREDENTIALS, LONG, PASSES, PASSWORD, USER, outcome
from support.gate import write_rules
from support.market import Market, Redis
from support.orders import order
from support.process import free_port
from support.waiting import wait_until

Code = grpc.StatusCode
MAX_AGE = 0.5
AGES = {"price_age": "500ms", "account_age": "500ms"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One that every test mends after itself; Gate is a user of Redis that has a password and no right too many."""
    site = Site(tmp_path_factory.mktemp("mirror"), redis=(*USER, "--enable-debug-command", "local"), relayed=True, **AGES, **CREDENTIALS)
    yield site
    site.stop()


@pytest.fixture
def client(site):
    site.market.thaw()
    client = site.client()
    account = site.account()
    wait_until("the site is whole", lambda: client.create(small(account)).ok and site.gate.get("/readyz")[0] == 200)
    return client


def small(account: str, **more):
    return order(account, quantity=0.001, **more)


def mirror(site, name: str, **labels) -> float:
    return site.gate.metric(name, **labels)


def is_up(site) -> tuple[float, int]:
    return mirror(site, "gate_redis_up"), site.gate.get("/readyz")[0]


def recovers(site, client, account: str, measured, what: str):
    """Passes once orders pass again, which must be less than a second from now."""
    started = time.monotonic()
    wait_until("orders pass again", lambda: client.create(small(account)).ok, 5)
    took = time.monotonic() - started
    wait_until("Gate is ready", lambda: is_up(site) == (1, 200), 1)
    measured(f"{what}: orders passed again after {took * 1000:.0f} ms")
    assert took < 1


# Redis goes and comes back.


def test_a_redis_that_was_long_gone_is_found_within_a_second(site, client, measured):
    account = site.account()
    connects = mirror(site, "gate_redis_connects_total")
    site.redis.process.kill()
    wait_until("Gate says so", lambda: is_up(site) == (0, 503), 1)
    refused(client.create(small(account)), "STATE_UNAVAILABLE", Code.FAILED_PRECONDITION, site.endpoint)
    assert client.cancel().ok
    # By then the pauses between attempts have grown to their longest.
    wait_until("it was tried often", lambda: mirror(site, "gate_redis_connects_total") >= connects + 8, 5)
    site.redis.start()
    recovers(site, client, account, measured, "Redis long gone")


def test_a_redis_that_comes_back_with_the_same_data_makes_nothing_younger(site, client, measured):
    account = site.account()
    assert client.create(small(account)).ok
    site.market.freeze()
    # Without as_of age counts from when a value was written, and being read again is not being written.
    site.redis.client(1).set("market:prices:BTCUSDT", '{"price": 50000}')
    wait_until("it is too old", lambda: client.create(small(account)).reason == "PRICE_STALE", 2)
    site.redis.client().save()
    site.redis.process.kill()
    site.redis.start()
    wait_until("Redis is mirrored", lambda: mirror(site, "gate_redis_up") == 1, 1)
    refused(client.create(small(account)), "PRICE_STALE", Code.FAILED_PRECONDITION, site.endpoint)
    site.market.thaw()
    recovers(site, client, account, measured, "Redis with the same data")
    (site.directory / "dump.rdb").unlink()


def test_a_redis_that_comes_back_with_other_data_decides_by_it(site, client):
    poor, gone = site.account(), site.account()
    assert client.create(small(poor)).ok and client.create(small(gone)).ok
    site.redis.process.kill()
    wait_until("Gate says so", lambda: mirror(site, "gate_redis_up") == 0, 1)
    site.market.forget_offline(gone)
    site.market.change(poor, equity=1)
    site.redis.start()
    wait_until("the account is too poor", lambda: client.create(small(poor)).reason == "LEVERAGE_EXCEEDED", 1)
    refused(client.create(small(gone)), "ACCOUNT_UNKNOWN", Code.FAILED_PRECONDITION, site.endpoint)


def test_a_redis_that_is_still_loading_is_waited_for(site, client, measured):
    account = site.account()
    redis = site.redis.client(5)
    redis.mset({f"ballast:{number}": "x" * 100 for number in range(2000)})
    redis.save()
    site.redis.process.kill()
    # Half a millisecond for each key.
    site.redis.start("--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024")
    refused(client.create(small(account)), "STATE_UNAVAILABLE", Code.FAILED_PRECONDITION, site.endpoint)
    wait_until("the log says why", lambda: "LOADING" in site.gate.process.log, 2)
    wait_until("it is loaded", lambda: not site.redis.client().info("persistence")["loading"], 5)
    recovers(site, client, account, measured, "Redis that was loading")
    redis.flushdb()
    (site.directory / "dump.rdb").unlink()


# Redis hangs or is slow.


def test_a_pause_that_is_shorter_than_the_age_costs_nothing(site, client):
    account = site.account()
    assert client.create(small(account)).ok
    losses = mirror(site, "gate_redis_losses_total")
    site.redis.client().execute_command("CLIENT", "PAUSE", "150", "ALL")
    started = time.monotonic()
    while time.monotonic() - started < 0.2:
        assert client.create(small(account)).ok
    assert mirror(site, "gate_redis_losses_total") == losses


def test_answers_in_single_bytes_are_put_together(site, client):
    account = site.account()
    losses = mirror(site, "gate_redis_losses_total")
    site.relay.piece, site.relay.pause = 7, 0.0001
    try:
        for equity in (1, 1_000_000, 1, 1_000_000):
            site.market.account(account, equity=equity)
            wait_until("the new equity decides",
                       lambda: client.create(small(account)).ok == (equity > 1), 2)
        assert mirror(site, "gate_redis_losses_total") == losses
    finally:
        site.relay.pause = 0


@pytest.mark.parametrize("way", ["stopped", "sleeping"])
def test_no_order_passes_on_what_a_hanging_redis_said_longer_ago_than_the_age(site, client, measured, way):
    account = site.account()
    assert client.create(small(account)).ok
    redis = site.redis.client()
    # Nothing is written after this.
    site.market.freeze()
    stopped = time.monotonic()
    if way == "stopped":
        site.redis.process.signal(signal.SIGSTOP)
    else:
        redis.connection_pool.get_connection().send_command("DEBUG", "SLEEP", "1.2")
    last = stopped
    try:
        while (begun := time.monotonic()) - stopped < 2 * MAX_AGE:
            if client.create(small(account)).ok:
                last = begun
        assert is_up(site) == (0, 503)
    finally:
        if way == "stopped":
            site.redis.process.signal(signal.SIGCONT)
    measured(f"with Redis {way} the last order passed after {(last - stopped) * 1000:.0f} ms (max_age 500)")
    assert last - stopped <= MAX_AGE
    wait_until("Redis answers", lambda: redis.ping(), 5)
    site.market.thaw()
    recovers(site, client, account, measured, f"Redis {way}")


# Connections are lost.


def connections(site) -> dict[str, str]:
    """Ids of Gate's connections, by what they are for."""
    found = {}
    for each in site.redis.client().client_list():
        if each["user"] == "gate":
            kind = "subscriber" if each["sub"] != "0" else "prices" if each["db"] == "1" else "accounts"
            assert kind not in found, "a connection of before is left"
            found[kind] = each["id"]
    return found


@pytest.mark.parametrize("kind", ["subscriber", "accounts", "prices"])
def test_a_change_made_while_a_connection_is_killed_is_not_missed(site, client, measured, kind):
    account = site.account()
    assert client.create(small(account)).ok
    site.market.freeze(account)
    losses = mirror(site, "gate_redis_losses_total")
    # In one transaction: nothing can announce the change.
    change = site.redis.client().pipeline(transaction=True)
    change.execute_command("CLIENT", "KILL", "ID", connections(site)[kind])
    change.set(f"account:state:{account}", '{"equity": 1, "positions": [], "pending_orders": [], "as_of": %f}' % time.time())
    change.execute()
    seen = set()

    def poor() -> bool:
        seen.add(answer := outcome(client.create(small(account))))
        return answer == "LEVERAGE_EXCEEDED"
    wait_until("the change decides", poor, 1, every=0)
    # Before the loss was known the old value counted; with the loss it counted no more.
    assert seen <= {PASSES, "STATE_UNAVAILABLE", "LEVERAGE_EXCEEDED"}
    assert mirror(site, "gate_redis_losses_total") == losses + 1
    site.market.thaw()
    site.market.account(account, equity=1_000_000)
    recovers(site, client, account, measured, f"{kind} connection killed")
    assert sorted(connections(site)) == ["accounts", "prices", "subscriber"]


def test_a_changed_password_shuts_gate_out_when_it_must_connect_again(site, client, measured):
    account, redis = site.account(), site.redis.client()
    redis.execute_command("ACL", "SETUSER", "gate", "resetpass", ">other")
    assert client.create(small(account)).ok, "connections that stand go on"
    redis.execute_command("CLIENT", "KILL", "USER", "gate")
    try:
        wait_until("Gate says so", lambda: is_up(site) == (0, 503), 1)
        refused(client.create(small(account)), "STATE_UNAVAILABLE", Code.FAILED_PRECONDITION, site.endpoint)
        line = wait_until("the log says why", lambda: [
            line for line in site.gate.process.log.splitlines() if "WRONGPASS" in line])[-1]
        assert "GATE_REDIS_PASSWORD" in line and str(site.relay.port) in line
        assert PASSWORD not in site.gate.process.log
    finally:
        redis.execute_command("ACL", "SETUSER", "gate", "resetpass", f">{PASSWORD}")
    recovers(site, client, account, measured, "password restored")


# What stands at the keys.


@pytest.mark.parametrize("key", ["account", "price"])
@pytest.mark.parametrize("value", [b"{", b"\xff\xfe", b"null", b"[]", b'{"equity": 1e999, "price": 1e999}', "list", "hash"],
                         ids=["garbage", "bytes", "null", "array", "infinite", "list", "hash"])
def test_what_cannot_be_read_is_refused_and_counted(site, client, key, value):
    account = site.account()
    name = f"account:state:{account}" if key == "account" else "market:prices:ETHUSDT"
    redis = site.redis.client(0 if key == "account" else 1)
    assert client.create(small(account, symbol="ETHUSDT")).ok
    before = mirror(site, "gate_mirror_reads_total", kind=key, result="refused")
    losses = mirror(site, "gate_redis_losses_total")
    site.market.freeze(account if key == "account" else "ETHUSDT")
    change = redis.pipeline(transaction=True)
    change.delete(name)
    {"list": lambda: change.rpush(name, "x"), "hash": lambda: change.hset(name, "equity", "1")}.get(
        value, lambda: change.set(name, value))()
    change.execute()
    wanted = "ACCOUNT_STALE" if key == "account" else "PRICE_UNAVAILABLE"
    wait_until(f"it is {wanted}", lambda: client.create(small(account, symbol="ETHUSDT")).reason == wanted, 1)
    assert mirror(site, "gate_mirror_reads_total", kind=key, result="refused") > before
    assert mirror(site, "gate_redis_losses_total") == losses
    assert is_up(site) == (1, 200)
    redis.delete(name)
    site.market.thaw()
    wait_until("a sound value counts again", lambda: client.create(small(account, symbol="ETHUSDT")).ok, 1)


@pytest.mark.parametrize("key", ["account", "price"])
def test_nothing_is_decided_on_a_value_that_has_expired(site, client, key):
    account = site.account()
    name, database = (f"account:state:{account}", 0) if key == "account" else ("market:prices:BTCUSDT", 1)
    wanted = "ACCOUNT_UNKNOWN" if key == "account" else "PRICE_UNAVAILABLE"
    redis = site.redis.client(database)
    assert client.create(small(account)).ok
    site.market.freeze(account if key == "account" else "BTCUSDT")
    for life in (0.03, 0.08, 0.2):
        value = (b'{"equity": 1000000, "positions": [], "pending_orders": [], "as_of": %f}' if key == "account"
                 else b'{"price": 50000, "as_of": %f}') % time.time()
        redis.set(name, value, px=int(life * 1000))
        expires = time.monotonic() + life
        outcomes = []
        while not outcomes or outcomes[-1][1] != wanted:
            begun = time.monotonic()
            outcomes.append((begun, outcome(client.create(small(account)))))
            assert begun < expires + 0.5, f"it never expires: {outcomes[-1]}"
        late = [told for begun, told in outcomes if begun > expires and told == PASSES]
        assert not late, "an order passed on a value that was gone"
        assert {told for _, told in outcomes} <= {PASSES, wanted}


def test_an_older_value_is_ignored_and_counted(site, client):
    account = site.account()
    assert client.create(small(account)).ok
    site.market.freeze("BTCUSDT")
    before = mirror(site, "gate_mirror_reads_total", kind="price", result="outdated")
    now = time.time()
    for price, as_of in ((50_000, now), (1, now - 0.2)):
        site.redis.client(1).set("market:prices:BTCUSDT", '{"price": %d, "as_of": %f}' % (price, as_of))
    wait_until("it is counted", lambda: mirror(
        site, "gate_mirror_reads_total", kind="price", result="outdated") == before + 1, 1)
    answer = client.create(small(account))
    assert answer.ok or answer.reason == "PRICE_STALE", answer


# Load.


def test_ten_thousand_prices_a_second_over_a_thousand_symbols_while_orders_flow(own_site, tmp_path, measured):
    symbols, rate, seconds = 1000, 10_000, 3
    rules = tmp_path / "rules"
    write_rules(rules, "rules:\n  - {id: traded, metric: symbol, allow: [%s]}\n"
                "  - {id: size, metric: order_notional, max: 1000000}\n"
                "  - {id: collar, metric: price_deviation, max: 0.1}\n" % ", ".join(f"S{n}" for n in range(symbols)))
    site = own_site(rules=rules, price_age="1s")
    client, account = site.client(), site.account()
    feed = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "support/feed_program.py"), str(site.redis.port), str(symbols),
         str(rate), str(seconds)], stdout=subprocess.PIPE, text=True)
    try:
        numbers = itertools.cycle(range(symbols))
        wait_until("prices have come", lambda: client.create(order(account, f"S{symbols - 1}", price=100)).ok, 5)
        took = []
        while feed.poll() is None:
            symbol = f"S{next(numbers)}"
            begun = time.monotonic()
            answer = client.create(order(account, symbol, quantity=0.01, price=100))
            took.append(time.monotonic() - begun)
            # With the feed's last batch prices begin to grow old.
            assert answer.ok or feed.poll() is not None, answer
        written, lasted = feed.communicate(timeout=5)[0].split()
    finally:
        feed.kill()
        feed.wait()
    assert int(written) >= rate * seconds
    buckets = {dict(labels)["le"]: value for (name, labels), value in site.gate.metrics().items()
               if name == "gate_price_age_seconds_bucket"}
    assert buckets["1.0"] == buckets["+Inf"] >= len(took), f"an order was decided on a price older than a second: {buckets}"
    coalesced = mirror(site, "gate_mirror_coalesced_total", kind="price")
    reads = mirror(site, "gate_mirror_reads_total", kind="price")
    announced = mirror(site, "gate_mirror_invalidations_total")
    assert coalesced > 0 and reads <= announced + 2 * symbols
    assert mirror(site, "gate_redis_losses_total") == 0
    p50 = statistics.median(took)
    measured(f"{written} prices in {lasted} s: {announced:.0f} announced, {reads:.0f} read, {coalesced:.0f} coalesced; "
             f"{len(took)} orders, p50 {p50 * 1000:.2f} ms, longest {max(took) * 1000:.1f} ms")
    assert p50 < 0.02


# Where Redis is, and as whom.


def test_a_unix_socket_and_a_user_from_the_environment(own_site, tmp_path):
    path = tmp_path / "redis.sock"
    site = own_site(redis=("--unixsocket", str(path), "--requirepass", "secret", *USER, "--user", "default", "on", "nopass",
                           "~*", "&*", "+@all"), GATE_CONFIG_REDIS_ADDRESS=f"unix:{path}", **CREDENTIALS)
    assert site.client().create(small(site.account())).ok
    assert sorted(connections(site)) == ["accounts", "prices", "subscriber"]


@pytest.fixture
def pair(tmp_path):
    """A primary with a market in it, and its replica."""
    started = []
    try:
        for name in ("primary", "replica"):
            (tmp_path / name).mkdir()
            more = ("--replicaof", "127.0.0.1", str(started[0].port)) if started else ("--repl-diskless-sync-delay", "0")
            started.append(Redis(tmp_path / name, *USER, *more))
        primary, replica = started
        market = Market(primary.port)
        started.append(market)
        wait_until("the replica follows", lambda: replica.client().info("replication")["master_link_status"] == "up")
        yield primary, replica, market
    finally:
        for each in reversed(started):
            each.stop()


def test_addresses_are_tried_in_turn_and_what_is_wrong_with_each_is_said(own_site, pair, measured):
    primary, replica, market = pair
    dead, account = free_port(), market.account("mm-failover")
    site = own_site(GATE_CONFIG_REDIS_ADDRESSES=",".join(
        f"127.0.0.1:{port}" for port in (dead, replica.port, primary.port)), **AGES, **CREDENTIALS)
    client = site.client()
    assert client.create(small(account)).ok
    log = site.gate.process.log
    assert f"127.0.0.1:{dead} cannot be mirrored: subscriber: Connection refused" in log
    assert f"127.0.0.1:{replica.port} cannot be mirrored: " in log and "READONLY" in log and "primary" in log
    # The primary dies and the replica takes its place.
    primary.process.kill()
    wait_until("Gate says so", lambda: is_up(site) == (0, 503), 1)
    refused(client.create(small(account)), "STATE_UNAVAILABLE", Code.FAILED_PRECONDITION, site.endpoint)
    replica.client().replicaof("NO", "ONE")
    started = time.monotonic()
    wait_until("Redis is mirrored again", lambda: is_up(site) == (1, 200), 1)
    measured(f"after a failover Redis was mirrored again within {(time.monotonic() - started) * 1000:.0f} ms")
    now = time.time()
    replica.client().set(f"account:state:{account}",
                         '{"equity": 1000000, "positions": [], "pending_orders": [], "as_of": %f}' % now)
    replica.client(1).set("market:prices:BTCUSDT", '{"price": 50000, "as_of": %f}' % now)
    wait_until("orders pass", lambda: client.create(small(account)).ok, 0.4)


# How much is kept.


def test_the_least_recently_used_account_makes_room_and_is_fetched_again(own_site):
    site = own_site(GATE_CONFIG_LIMITS_MIRRORED_ACCOUNTS="2", GATE_CONFIG_LIMITS_MIRRORED_SYMBOLS="1")
    client = site.client()
    first, second, third = (site.account() for _ in range(3))
    held = {"positions": LONG}
    site.market.account(first, **held)
    assert client.create(small(first)).ok and client.create(small(second)).ok
    # Both are in use.
    refused(client.create(small(third)), "STATE_UNAVAILABLE", Code.FAILED_PRECONDITION, site.endpoint)
    assert mirror(site, "gate_mirror_turned_away_total", kind="account") >= 1
    wait_until("the log says so", lambda: "limits.mirrored_accounts" in site.gate.process.log)
    refused(client.create(small(first, symbol="ETHUSDT")), "STATE_UNAVAILABLE", Code.FAILED_PRECONDITION, site.endpoint)
    assert mirror(site, "gate_mirror_turned_away_total", kind="price") >= 1
    # The first holds something, the second is let go once nothing of it is open and it has rested.
    wait_until("the third has found room", lambda: client.create(small(third)).ok, 15, every=0.05)
    assert mirror(site, "gate_mirror_dropped_total", kind="account") == 1
    assert client.create(small(first)).ok
    # Fetched again when it is asked for: there is no room for it now, and its order is refused, not decided.
    assert client.create(small(second)).reason == "STATE_UNAVAILABLE"
