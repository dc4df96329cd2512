"""What may break around a gate, how it is broken and mended, and what is expected to become of orders meanwhile.

Each fault is one row of the matrix in deploy/README.md, which test_fault_matrix.py measures.
"""

import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from . import rawframes
from .client import Answer, Client, Pending
from .gate import write_rules
from .orders import CANCEL, REPOSITORY, CancelOrderRequest, order
from .scripted import accept, reset_with
from .waiting import wait_until

LONG = [{"symbol": "BTCUSDT", "side": "LONG", "quantity": 1, "entry_price": 50_000, "current_price": 50_000,
         "margin": 5000}]
README = REPOSITORY / "deploy/README.md"
PASSWORD = "swordfish"
#: Gate's user in Redis with the rights that deploy/README.md gives it, and not one more.
USER = ("--user", "gate", "on", f">{PASSWORD}",
        *re.search(r"^ *ACL SETUSER gate on >PASSWORD (.*)$", README.read_text(), re.MULTILINE)[1].split())
CREDENTIALS = {"GATE_REDIS_USER": "gate", "GATE_REDIS_PASSWORD": PASSWORD}
PASSES, NOT_CONNECTED = "passes", "not connected"
READY, NOT_READY, GONE = "ready", "not ready", "gone"


def outcome(answer: Answer) -> str:
    """What a strategy is told: that it passed, or a reason code."""
    if answer.ok:
        return PASSES
    return answer.reason or (NOT_CONNECTED if answer.code.name == "UNAVAILABLE" else answer.code.name)


class Scene:
    """A site with an account that is long, and the three calls whose fate is measured."""

    def __init__(self, site):
        self.site = site
        self.account = site.account(positions=LONG)
        self.client: Client = site.client()
        wait_until("orders pass", lambda: outcome(self.raising()()) == PASSES)

    def raising(self) -> Pending:
        return self.client.begin_create(order(self.account, quantity=0.001), timeout=3)

    def reducing(self) -> Pending:
        return self.client.begin_create(order(self.account, side="SELL", quantity=0.001), timeout=3)

    def cancel(self) -> Pending:
        cancel = CancelOrderRequest(order_id="x-1", symbol="BTCUSDT")
        return self.client.begin(CANCEL, cancel.SerializeToString(), timeout=3)

    def readiness(self) -> str:
        try:
            return READY if self.site.gate.get("/readyz")[0] == 200 else NOT_READY
        except OSError:
            return GONE

    def recovered(self) -> bool:
        return outcome(self.raising()()) == PASSES and self.readiness() == READY

    def write(self, key: str, value: str, **more):
        """Something else than the market would, which writes this no more."""
        self.site.market.freeze(self.account if "account" in key else "BTCUSDT")
        self.site.redis.client(0 if "account" in key else 1).set(key, value, **more)

    @property
    def account_key(self) -> str:
        return f"account:state:{self.account}"


PRICE_KEY = "market:prices:BTCUSDT"


@dataclass
class Fault:
    #: The row's name.
    name: str
    inject: Callable[[Scene], None]
    heal: Callable[[Scene], None]
    raising: str
    reducing: str
    cancel: str = PASSES
    readiness: str = READY
    #: Seconds from when the cause is gone until raising orders pass and Gate is ready.
    recovery: float = 1
    #: Whether the time that mending takes is part of that.
    counts_mending: bool = False
    #: What the first calls are told, those that are under way or sent before the fault is known; where it is not looked at: None.
    first: str | None = None
    #: Where orders show nothing of the fault: when it is in force.
    in_force: Callable[[Scene], bool] | None = None
    #: What must be true besides once it is over.
    is_over: Callable[[Scene], bool] = lambda scene: True
    scene: str = "whole"


def _thaw(scene: Scene):
    scene.site.market.thaw()


def _kill_redis(scene: Scene):
    scene.site.redis.process.kill()


def _signal_redis(number: int) -> Callable[[Scene], None]:
    return lambda scene: scene.site.redis.process.signal(number)


def _flush(scene: Scene):
    scene.site.market.freeze()
    scene.site.redis.client().flushall()


def _cut(scene: Scene):
    scene.site.relay.accepts = False
    scene.site.relay.cut(2)


def _reconnect(scene: Scene):
    scene.site.relay.accepts = True


def _slow(scene: Scene):
    # Longer for one heartbeat than anything may be old.
    scene.site.relay.piece, scene.site.relay.pause = 1, 0.2


def _fast(scene: Scene):
    scene.site.relay.pause = 0


def _change_password(scene: Scene):
    redis = scene.site.redis.client()
    redis.execute_command("ACL", "SETUSER", "gate", "resetpass", ">other")
    redis.execute_command("CLIENT", "KILL", "USER", "gate")


def _restore_password(scene: Scene):
    scene.site.redis.client().execute_command("ACL", "SETUSER", "gate", "resetpass", f">{PASSWORD}")


def _freeze(*what: str) -> Callable[[Scene], None]:
    return lambda scene: scene.site.market.freeze(*(scene.account if name == "account" else name for name in what))


def _expire(scene: Scene, key: str):
    value = scene.site.redis.client(0 if "account" in key else 1).get(key)
    scene.write(key, value, px=20)


def _kill_endpoint(scene: Scene):
    scene.site.endpoint.kill()


def _start_endpoint(scene: Scene):
    scene.site.endpoint.start()


def _signal_endpoint(number: int) -> Callable[[Scene], None]:
    return lambda scene: scene.site.endpoint.process.signal(number)


def _go_away(scene: Scene):
    for connection in list(scene.site.endpoint.connections):
        if connection.is_open:
            connection.send(rawframes.goaway(2**31 - 1))


def _refuse(scene: Scene):
    scene.site.endpoint.script = reset_with(rawframes.REFUSED_STREAM)


def _accept(scene: Scene):
    scene.site.endpoint.script = accept


def _reloads(scene: Scene, result: str) -> float:
    return scene.site.gate.metric("gate_rule_reloads_total", result=result)


def _break_rules(scene: Scene):
    scene.before = _reloads(scene, "refused")
    write_rules(scene.site.gate.rules, "rules: [", "broken.yaml")


def _mend_rules(scene: Scene):
    scene.before = _reloads(scene, "loaded")
    (scene.site.gate.rules / "broken.yaml").unlink()
    scene.site.gate.process.signal(signal.SIGHUP)


def _delete_rules(scene: Scene):
    scene.before = _reloads(scene, "refused")
    scene.kept = {file.name: file.read_text() for file in scene.site.gate.rules.iterdir()}
    shutil.rmtree(scene.site.gate.rules)


def _restore_rules(scene: Scene):
    scene.before = _reloads(scene, "loaded")
    for name, text in scene.kept.items():
        write_rules(scene.site.gate.rules, text, name)


def _was_refused(scene: Scene) -> bool:
    return _reloads(scene, "refused") > scene.before


def _was_loaded(scene: Scene) -> bool:
    return _reloads(scene, "loaded") > scene.before


def _kill_gate(scene: Scene):
    scene.site.gate.process.kill()


def _start_gate(scene: Scene):
    scene.site.gate.start(ready=False)


def _restart_before_a_snapshot(scene: Scene):
    """Gate comes back, and the account's keeper has written nothing since."""
    scene.site.market.freeze(scene.account)
    scene.site.gate.process.kill()
    scene.site.gate.start()


def _fill_the_disk(scene: Scene):
    """Orders until none can be written down any more."""
    def batch() -> set[str]:
        pending = [scene.raising() for _ in range(50)]
        return {outcome(each()) for each in pending}
    wait_until("the journal is full", lambda: batch() == {"JOURNAL_UNAVAILABLE"}, 60)


def _grow_the_disk(scene: Scene):
    state = scene.site.directory / "state"
    subprocess.run(["mount", "-o", "remount,size=64m", str(state)], check=True)


#: Redis and what is in it; the endpoint; the rules; Gate itself. In the order of the table.
FAULTS = [
    Fault("Redis killed", _kill_redis, lambda scene: scene.site.redis.start(),
          "STATE_UNAVAILABLE", PASSES, readiness=NOT_READY),
    Fault("Redis stopped (SIGSTOP)", _signal_redis(signal.SIGSTOP), _signal_redis(signal.SIGCONT),
          "STATE_UNAVAILABLE", PASSES, readiness=NOT_READY),
    Fault("Redis slow: an answer takes longer than `max_age`", _slow, _fast,
          "STATE_UNAVAILABLE", PASSES, readiness=NOT_READY),
    Fault("Redis flushed", _flush, _thaw, "PRICE_UNAVAILABLE", "PRICE_UNAVAILABLE"),
    Fault("one connection to Redis cut, and no new one taken", _cut, _reconnect,
          "STATE_UNAVAILABLE", PASSES, readiness=NOT_READY),
    Fault("Redis password changed, connections killed", _change_password, _restore_password,
          "STATE_UNAVAILABLE", PASSES, readiness=NOT_READY),
    Fault("account expired", lambda scene: _expire(scene, scene.account_key), _thaw,
          "ACCOUNT_UNKNOWN", "ACCOUNT_UNKNOWN"),
    Fault("account no longer written", _freeze("account"), _thaw, "ACCOUNT_STALE", PASSES),
    Fault("account unreadable", lambda scene: scene.write(scene.account_key, "{"), _thaw, "ACCOUNT_STALE", PASSES),
    Fault("price expired", lambda scene: _expire(scene, PRICE_KEY), _thaw, "PRICE_UNAVAILABLE", PASSES),
    Fault("price no longer written", _freeze("BTCUSDT"), _thaw, "PRICE_STALE", PASSES),
    Fault("price unreadable", lambda scene: scene.write(PRICE_KEY, "many"), _thaw, "PRICE_UNAVAILABLE", PASSES),
    Fault("endpoint killed", _kill_endpoint, _start_endpoint, "UPSTREAM_UNAVAILABLE", "UPSTREAM_UNAVAILABLE",
          "UPSTREAM_UNAVAILABLE", readiness=NOT_READY, recovery=3),
    Fault("endpoint stopped (SIGSTOP)", _signal_endpoint(signal.SIGSTOP), _signal_endpoint(signal.SIGCONT),
          "UPSTREAM_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", readiness=NOT_READY, recovery=3,
          first="OUTCOME_UNKNOWN"),
    Fault("endpoint sends GOAWAY on every connection", _go_away, _accept, PASSES, PASSES, scene="scripted"),
    Fault("endpoint refuses every call (REFUSED_STREAM)", _refuse, _accept, "UPSTREAM_UNAVAILABLE",
          "UPSTREAM_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", scene="scripted"),
    Fault("a rule file broken", _break_rules, _mend_rules, PASSES, PASSES, in_force=_was_refused,
          is_over=_was_loaded),
    Fault("the rules' directory deleted", _delete_rules, _restore_rules, PASSES, PASSES,
          in_force=_was_refused, is_over=_was_loaded),
    Fault("Gate killed (SIGKILL)", _kill_gate, _start_gate, NOT_CONNECTED, NOT_CONNECTED, NOT_CONNECTED,
          readiness=GONE, recovery=3, counts_mending=True),
    Fault("Gate started again, the account not yet written since", _restart_before_a_snapshot, _thaw,
          "RECOVERING", PASSES, scene="restarted"),
    Fault("the journal's disk full", _fill_the_disk, _grow_the_disk, "JOURNAL_UNAVAILABLE", "JOURNAL_UNAVAILABLE",
          recovery=3, scene="full"),
]
