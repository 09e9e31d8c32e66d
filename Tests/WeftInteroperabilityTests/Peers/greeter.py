"""A gRPC service in plain Python, without generated code: messages are bytes, and what it saw it can tell.

Serves `weft.test.Greeter` in the clear on 127.0.0.1:$PORT until SIGTERM.
"""

import json
import os
import signal
import threading
import time
from concurrent import futures

import grpc

NAME = os.environ.get("WEFT_INSTANCE", "greeter")

# How calls that were given a key ended, and where the others wait for it.
endings = {}
changed = threading.Condition()


def note(key, ending):
    with changed:
        endings[key] = ending
        changed.notify_all()


def metadata_of(context):
    """What the caller sent, as text; binary values as hexadecimal digits."""
    return {
        name: value.hex() if isinstance(value, bytes) else value for name, value in context.invocation_metadata()
    }


def finish(context, received):
    context.set_trailing_metadata((("x-received", str(received)), ("x-digest-bin", bytes([0, 1, 254, 255]))))


def describe(request, context):
    """Unary: how the call arrived."""
    context.send_initial_metadata((("x-instance", NAME),))
    remaining = context.time_remaining()
    finish(context, 1)
    return json.dumps(
        {
            "message": request.decode(),
            "instance": NAME,
            "metadata": metadata_of(context),
            "remaining": remaining,
        }
    ).encode()


def echo(request, context):
    """Unary: the same bytes."""
    finish(context, 1)
    return request


def total(requests, context):
    """Client streaming: the sum of the numbers sent."""
    numbers = [int(request) for request in requests]
    finish(context, len(numbers))
    return str(sum(numbers)).encode()


def count(request, context):
    """Server streaming: from 1 to the number sent."""
    for number in range(1, int(request) + 1):
        yield str(number).encode()
    finish(context, 1)


def converse(requests, context):
    """Both ways: each message is answered before the next is read."""
    received = 0
    for request in requests:
        received += 1
        yield b"re: " + request
    finish(context, received)


def fail(request, context):
    """Unary: the status that is asked for, with its text."""
    wanted = json.loads(request)
    finish(context, 1)
    code = next(code for code in grpc.StatusCode if code.value[0] == wanted["code"])
    context.abort(code, wanted["details"])


def stumble(request, context):
    """Unary: fails once for each key, and says when to come again; then tells how often it was asked."""
    wanted = json.loads(request)
    with changed:
        asked = endings[wanted["key"]] = endings.get(wanted["key"], 0) + 1
    if asked == 1:
        context.set_trailing_metadata((("grpc-retry-pushback-ms", wanted["pushback"]),))
        context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
    context.set_trailing_metadata((("x-asked", str(asked)),))
    return b""


def fail_late(request, context):
    """Server streaming: three messages, then a failure."""
    for number in range(3):
        yield str(number).encode()
    finish(context, 1)
    context.abort(grpc.StatusCode.DATA_LOSS, "the rest is lost")


def linger(request, context):
    """Server streaming: one message, then nothing until the call ends; how it ended is kept under the key."""
    key = request.decode()
    over = threading.Event()
    context.add_callback(over.set)
    started = time.monotonic()
    yield b"started"
    over.wait(60)
    remaining = context.time_remaining()
    note(key, {"cancelled": not context.is_active(), "after": time.monotonic() - started, "remaining": remaining})


def ending(request, context):
    """Unary: how the call with this key ended; waits for it for as long as the caller does."""
    key = request.decode()
    with changed:
        changed.wait_for(lambda: key in endings or not context.is_active(), timeout=context.time_remaining())
        return json.dumps(endings.get(key)).encode()


HANDLERS = {
    "Describe": grpc.unary_unary_rpc_method_handler(describe),
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Total": grpc.stream_unary_rpc_method_handler(total),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Converse": grpc.stream_stream_rpc_method_handler(converse),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Stumble": grpc.unary_unary_rpc_method_handler(stumble),
    "FailLate": grpc.unary_stream_rpc_method_handler(fail_late),
    "Linger": grpc.unary_stream_rpc_method_handler(linger),
    "Ending": grpc.unary_unary_rpc_method_handler(ending),
}


def main():
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=64),
        options=[("grpc.max_receive_message_length", 32 << 20), ("grpc.max_send_message_length", 32 << 20)],
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("weft.test.Greeter", HANDLERS),))
    address = "127.0.0.1:" + os.environ["PORT"]
    if server.add_insecure_port(address) == 0:
        raise SystemExit(f"greeter: cannot listen on {address}")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server.start()
    print(f"greeter {NAME} listens on {address}", flush=True)
    stop.wait()
    server.stop(grace=5).wait()


if __name__ == "__main__":
    main()
