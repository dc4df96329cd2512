"""An order-execution endpoint on grpcio that does what the caller's metadata tells it to, and remembers every call.

`x-do` is a JSON object: hold (a name: answer only when it is released), status and message, state (of a new order), timestamp (of a cancel),
initial and trailing (metadata to send), extra (hexadecimal bytes appended to the answer), count and size (of a stream),
says (what a query answers or a stream sends: messages in hexadecimal; in a stream also {"hold": a name}).
`x-tag` names the call for whoever asks about it later.
"""

import asyncio
import collections
import hashlib
import inspect
import itertools
import json
import signal
import sys
from pathlib import Path

import grpc

from support import desk, orders

KEPT_WHOLE = 4096


class Calls:
    def __init__(self):
        self.all: list[dict] = []
        self.order_numbers = itertools.count(1)
        self.released: dict[str, asyncio.Event] = {}
        self.waiting: collections.Counter[str] = collections.Counter()

    def begin(self, method: str, context) -> dict:
        metadata = [(name, value.hex() if isinstance(value, bytes) else value)
                    for name, value in context.invocation_metadata()]
        told = dict(metadata)
        call = {"method": method, "tag": told.get("x-tag"), "metadata": metadata, "messages": [], "answers": 0,
                "half_closed": False, "outcome": "running", "deadline": context.time_remaining()}
        self.all.append(call)
        return call

    def release(self, name: str) -> asyncio.Event:
        return self.released.setdefault(name, asyncio.Event())

    async def hold(self, name: str):
        self.waiting[name] += 1
        try:
            await self.release(name).wait()
        finally:
            self.waiting[name] -= 1


calls = Calls()


def shown(message: bytes) -> dict:
    return {"length": len(message), "sha256": hashlib.sha256(message).hexdigest(),
            "hex": message.hex() if len(message) <= KEPT_WHOLE else None}


def told(context) -> dict:
    return json.loads(dict(context.invocation_metadata()).get("x-do", "{}"))


async def obey(do: dict, context):
    """All of `do` that has nothing to do with messages. Ends the call where a status is asked for."""
    if "trailing" in do:
        context.set_trailing_metadata(pairs(do["trailing"]))
    if "initial" in do:
        await context.send_initial_metadata(pairs(do["initial"]))
    if "hold" in do:
        await calls.hold(do["hold"])
    if "status" in do:
        code = next(code for code in grpc.StatusCode if code.value[0] == do["status"])
        await context.abort(code, do.get("message", ""), pairs(do.get("trailing", [])))


def pairs(texts: list) -> tuple:
    return tuple((name, bytes.fromhex(value) if name.endswith("-bin") else value) for name, value in texts)


def recorded(method: str, serve):
    """Wraps a handler so that its call is in the list, with what became of it."""
    async def unary(request_or_stream, context):
        call = calls.begin(method, context)
        try:
            answer = await serve(request_or_stream, context, call)
            call["outcome"] = "answered"
            return answer
        except asyncio.CancelledError:
            call["outcome"] = "cancelled"
            raise
        except BaseException:
            call["outcome"] = "failed"
            raise

    async def stream(request_or_stream, context):
        call = calls.begin(method, context)
        try:
            async for answer in serve(request_or_stream, context, call):
                call["answers"] += 1
                yield answer
            call["outcome"] = "answered"
        except (asyncio.CancelledError, GeneratorExit):
            call["outcome"] = "cancelled"
            raise
        except BaseException:
            call["outcome"] = "failed"
            raise

    return stream if inspect.isasyncgenfunction(serve) else unary


def answer(do: dict, message, call: dict) -> bytes:
    data = message.SerializeToString() + bytes.fromhex(do.get("extra", ""))
    call["answer"] = data.hex()
    return data


async def create_order(request, context, call):
    call["messages"].append(shown(request))
    do = told(context)
    await obey(do, context)
    order = orders.CreateOrderRequest.FromString(request)
    return answer(do, orders.CreateOrderResponse(
        order_id=f"x-{next(calls.order_numbers)}", client_order_id=order.client_order_id,
        state=orders.state(do.get("state", "NEW")), timestamp=1_760_000_000_000,
        error_message=do.get("error_message", "")), call)


def report(do: dict, client_id: str, outcome: str):
    return desk.Report(order_id=do.get("order_id") or f"x-{next(calls.order_numbers)}", client_id=client_id,
                       outcome=desk.outcome(outcome), filled=round(do.get("filled", 0) * desk.UNIT))


async def place(request, context, call):
    call["messages"].append(shown(request))
    do = told(context)
    await obey(do, context)
    order = desk.PlaceRequest.FromString(request).order
    return answer(do, desk.PlaceReply(report=report(do, order.client_id, do.get("outcome", "OPEN"))), call)


async def place_batch(request, context, call):
    """`outcomes`: one for each order, else all are open."""
    call["messages"].append(shown(request))
    do = told(context)
    await obey(do, context)
    placed = desk.BatchRequest.FromString(request).orders
    outcomes = do.get("outcomes", ["OPEN"] * len(placed))
    return answer(do, desk.BatchReply(
        reports=[report(do, order.client_id, outcome) for order, outcome in zip(placed, outcomes)]), call)


async def amend(request, context, call):
    call["messages"].append(shown(request))
    do = told(context)
    await obey(do, context)
    changed = desk.AmendRequest.FromString(request)
    return answer(do, desk.PlaceReply(report=report(do, changed.client_id, do.get("outcome", "OPEN"))), call)


async def cancel_order(request, context, call):
    call["messages"].append(shown(request))
    do = told(context)
    await obey(do, context)
    order = orders.CancelOrderRequest.FromString(request)
    return answer(do, orders.CancelOrderResponse(
        order_id=order.order_id, state=orders.state("CANCELED"), timestamp=do.get("timestamp", 1_760_000_000_001)),
        call)


async def get_order(request, context, call):
    call["messages"].append(shown(request))
    do = told(context)
    await obey(do, context)
    if "says" in do:
        return bytes.fromhex(do["says"][0])
    found = orders.GetOrderResponse()
    found.order.order_id = orders.GetOrderRequest.FromString(request).order_id
    return answer(do, found, call)


async def order_updates(request, context, call):
    call["messages"].append(shown(request))
    do = told(context)
    for said in do.get("says", ()):
        if isinstance(said, str):
            yield bytes.fromhex(said)
        else:
            await calls.hold(said["hold"])
    for number in range(do.get("count", 0 if "says" in do else 3)):
        update = orders.OrderUpdate(update_type="UPDATED", timestamp=number)
        update.order.order_id = f"x-{number}"
        yield update.SerializeToString()
    await obey(do, context)


async def echo(request, context, call):
    call["messages"].append(shown(request))
    await obey(told(context), context)
    return request


async def echo_down(request, context, call):
    """`count` messages of `size` bytes."""
    call["messages"].append(shown(request))
    do = told(context)
    for number in range(do["count"]):
        yield number.to_bytes(4, "big") * (do["size"] // 4)
    await obey(do, context)


async def echo_up(requests, context, call):
    """All messages in one."""
    whole = b""
    async for request in requests:
        call["messages"].append(shown(request))
        whole += request
    call["half_closed"] = True
    await obey(told(context), context)
    return whole


async def echo_both(requests, context, call):
    """Each message as it comes, and `end` after the client has ended its side."""
    async for request in requests:
        call["messages"].append(shown(request))
        yield request
    call["half_closed"] = True
    yield b"end"
    await obey(told(context), context)


async def list_calls(request, context):
    tag = request.decode()
    return json.dumps([call for call in calls.all if not tag or call["tag"] == tag]).encode()


async def count_waiting(request, context):
    return str(calls.waiting[request.decode()]).encode()


async def release(request, context):
    calls.release(request.decode()).set()
    return b""


class Handler(grpc.GenericRpcHandler):
    def __init__(self):
        unary, down = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        up, both = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        self.methods = {
            method: kind(recorded(method, serve)) for method, kind, serve in [
                (orders.CREATE, unary, create_order), (orders.CANCEL, unary, cancel_order),
                (orders.GET, unary, get_order), (orders.LIST, unary, get_order), (orders.STREAM, down, order_updates),
                (desk.PLACE, unary, place), (desk.BATCH, unary, place_batch), (desk.AMEND, unary, amend),
                ("/interop.Echo/Unary", unary, echo), ("/interop.Echo/Down", down, echo_down),
                ("/interop.Echo/Up", up, echo_up), ("/interop.Echo/Both", both, echo_both),
            ]}

        for name, serve in {"Calls": list_calls, "Waiting": count_waiting, "Release": release}.items():
            self.methods[f"/interop.Control/{name}"] = unary(serve)

    def service(self, details):
        return self.methods.get(details.method)


async def main(address: str, tls: dict | None):
    server = grpc.aio.server(options=[
        ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Handler(),))
    if tls:
        callers = Path(tls["client_ca"]).read_bytes() if "client_ca" in tls else None
        shown = (Path(tls["key"]).read_bytes(), Path(tls["certificate"]).read_bytes())
        port = server.add_secure_port(address, grpc.ssl_server_credentials([shown], callers, callers is not None))
    else:
        port = server.add_insecure_port(address)
    await server.start()
    print(f"listening on {address if address.startswith('unix:') else port}", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
