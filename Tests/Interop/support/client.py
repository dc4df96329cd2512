"""A strategy's gRPC client: bytes in, bytes out, and everything that came with them."""

import json
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from . import orders
from .certificates import Authority, Certificate

Metadata = list[tuple[str, str | bytes]]


@dataclass
class Answer:
    code: grpc.StatusCode
    details: str
    message: bytes | None
    initial: Metadata
    trailing: Metadata
    tag: str
    #: One `google.rpc.ErrorInfo` per violation, the reason first; empty where the answer is not Gate's.
    violations: list[error_details_pb2.ErrorInfo] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.code is grpc.StatusCode.OK

    @property
    def reason(self) -> str | None:
        """Gate's reason code, None where Gate did not refuse."""
        return self.header("x-gate-reason")

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.initial + self.trailing if key == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    def created(self):
        assert self.ok, self
        return orders.CreateOrderResponse.FromString(self.message)


def options(**more) -> list:
    """A connection of its own for each client, no retries, no limit on messages."""
    return [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
            ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200),
            *((name.replace("__", "."), value) for name, value in more.items())]


def metadata(do: dict | None, tag: str, more: Metadata = ()) -> Metadata:
    return [("x-tag", tag), *([("x-do", json.dumps(do))] if do else []), *more]


class Client:
    """One connection to `target`, usually Gate's."""

    def __init__(self, target: str):
        self.channel = grpc.insecure_channel(target, options())

    @classmethod
    def secure(cls, target: str, authority: Authority, shown: Certificate | None = None,
               name: str = "gate.test") -> "Client":
        """Over TLS; trusts `authority` and shows the certificate `shown`."""
        client = cls.__new__(cls)
        key, certificate = shown.pair() if shown else (None, None)
        client.channel = grpc.secure_channel(
            target, grpc.ssl_channel_credentials(authority.certificate.read_bytes(), key, certificate),
            [*options(), ("grpc.ssl_target_name_override", name)])
        return client

    def close(self):
        self.channel.close()

    def create(self, order, do: dict | None = None, extra: Metadata = (), **more) -> Answer:
        return self.unary(orders.CREATE, order.SerializeToString(), do, extra, **more)

    def cancel(self, order_id: str = "x-1", symbol: str = "BTCUSDT", do: dict | None = None, **more) -> Answer:
        request = orders.CancelOrderRequest(order_id=order_id, symbol=symbol)
        return self.unary(orders.CANCEL, request.SerializeToString(), do, **more)

    def unary(self, method: str, request: bytes, do: dict | None = None, extra: Metadata = (), **more) -> Answer:
        return self.begin(method, request, do, extra, **more)()

    def begin(self, method: str, request: bytes, do: dict | None = None, extra: Metadata = (), timeout: float = 10,
              compression: grpc.Compression | None = None) -> "Pending":
        tag = orders.unique("t")
        call = self.channel.unary_unary(method).future(
            request, timeout=timeout, metadata=metadata(do, tag, extra), compression=compression)
        return Pending(call, tag)

    def begin_create(self, order, do: dict | None = None, extra: Metadata = (), **more) -> "Pending":
        return self.begin(orders.CREATE, order.SerializeToString(), do, extra, **more)


class Pending:
    """A call that is on its way: call it for its answer."""

    def __init__(self, call: grpc.Future, tag: str):
        self.call, self.tag = call, tag

    def __call__(self) -> Answer:
        try:
            message = self.call.result()
        except (grpc.RpcError, grpc.FutureCancelledError):
            message = None
        return answer_of(self.call, message, self.tag)


def answer_of(call, message: bytes | None, tag: str) -> Answer:
    answer = Answer(call.code(), call.details() or "", message, list(call.initial_metadata() or ()),
                    list(call.trailing_metadata() or ()), tag)
    # from_call also fails where the status of the details differs from the call's own code and message.
    status = rpc_status.from_call(call) if not answer.ok else None
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == "gate":
            answer.violations.append(info)
    return answer


def refused(answer: Answer, reason: str, code: grpc.StatusCode, endpoint=None) -> error_details_pb2.ErrorInfo:
    """Fails unless Gate refused for `reason`, in the form that design and clients agree on, and kept it from the
    endpoint; returns the first violation."""
    assert answer.reason == reason, f"expected {reason}, got {answer}"
    assert answer.code is code, answer
    assert answer.message is None
    assert answer.details.startswith(f"{reason}: "), answer.details
    assert len(answer.details.encode()) <= 256
    assert answer.header("grpc-retry-pushback-ms") == "-1"
    assert answer.violations, "no ErrorInfo in grpc-status-details-bin"
    first = answer.violations[0]
    assert first.reason == reason and first.domain == "gate"
    expected = {"rule", "metric", "value", "bound", "rule_set", "decision_id", "forwarded", "fix_ord_rej_reason"}
    assert expected <= set(first.metadata), expected - set(first.metadata)
    assert first.metadata["forwarded"] == ("true" if reason == "OUTCOME_UNKNOWN" else "false")
    if endpoint is not None:
        assert endpoint.calls(answer.tag) == [], "a refused order reached the endpoint"
    return first
