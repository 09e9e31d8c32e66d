"""A gRPC client that makes calls to `weft.test.Greeter` when asked over HTTP, and answers what came of them.

GET /CALL?via=WAY&service=NAME on 127.0.0.1:$PORT, where WAY says how the calls travel:

  proxy      HTTP/2 in the clear to the sidecar's proxy port, with the service as authority
  connect    the library's own use of http_proxy: CONNECT to the service, HTTP/2 in the clear inside
  upstream   the loopback port of the declared upstream
  xds        the library follows the mesh by itself (GRPC_XDS_BOOTSTRAP)

The answer is JSON; a call that fails is an answer, too.
"""

import json
import os
import signal
import sys
import threading
import traceback
import uuid
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import grpc
import grpc.experimental

OPTIONS = [("grpc.max_receive_message_length", 32 << 20), ("grpc.max_send_message_length", 32 << 20)]
# Long enough for a slow machine, and an end to what would never end.
PATIENCE = 30


def open_channel(way, service):
    if way == "proxy":
        address = urlparse(os.environ["http_proxy"]).netloc
        return grpc.insecure_channel(
            address, OPTIONS + [("grpc.default_authority", service), ("grpc.enable_http_proxy", 0)]
        )
    if way == "connect":
        return grpc.insecure_channel(f"{service}:80", OPTIONS)
    if way == "upstream":
        return grpc.insecure_channel(urlparse(os.environ["WEFT_UPSTREAM_" + service.upper()]).netloc, OPTIONS)
    if way == "xds":
        # What the mesh says of transport security holds; where it says nothing the connection is in the clear.
        credentials = grpc.xds_channel_credentials(grpc.experimental.insecure_channel_credentials())
        return grpc.secure_channel(f"xds:///{service}.default:80", credentials, OPTIONS)
    raise ValueError(f"no way called {way}")


channels = {}
channels_lock = threading.Lock()


def channel(way, service):
    with channels_lock:
        if (way, service) not in channels:
            channels[way, service] = open_channel(way, service)
        return channels[way, service]


def text_of(metadata):
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in metadata or ()}


def ended(call, **more):
    """How a call ended, in the words of its caller."""
    return {
        "code": call.code().name,
        "details": call.details(),
        "initial": text_of(call.initial_metadata()),
        "trailing": text_of(call.trailing_metadata()),
        **more,
    }


def path(method):
    return "/weft.test.Greeter/" + method


class Calls:
    """Each method is one thing to ask for; all of them are given the channel and the query."""

    def describe(self, channel, timeout=None, **_):
        timeout = float(timeout) if timeout else None
        metadata = (("x-plan", "beta"), ("x-token-bin", b"\x00\xff\x10"))
        reply, call = channel.unary_unary(path("Describe")).with_call(b"hello", timeout=timeout, metadata=metadata)
        return ended(call, reply=json.loads(reply))

    def describe_many(self, channel, times="10", **_):
        """Who answered each of many calls made one after another, and how those ended that failed."""
        instances, failures = {}, []
        call = channel.unary_unary(path("Describe"))
        for _ in range(int(times)):
            try:
                name = json.loads(call(b"hello", timeout=PATIENCE))["instance"]
                instances[name] = instances.get(name, 0) + 1
            except grpc.RpcError as error:
                failures.append(f"{error.code().name}: {error.details()}")
        return {"instances": instances, "failures": failures}

    def total(self, channel, **_):
        reply, call = channel.stream_unary(path("Total")).with_call(
            (str(number).encode() for number in range(1, 101)), timeout=PATIENCE
        )
        return ended(call, complete=int(reply == b"5050"))

    def count(self, channel, **_):
        call = channel.unary_stream(path("Count"))(b"1000", timeout=PATIENCE)
        replies = [int(reply) for reply in call]
        return ended(call, complete=int(replies == list(range(1, 1001))))

    def converse(self, channel, rounds="50", **_):
        """The next message leaves only when the last one's answer is there."""
        answered = threading.Semaphore(1)

        def requests():
            for number in range(int(rounds)):
                if not answered.acquire(timeout=PATIENCE):
                    return
                yield str(number).encode()

        call = channel.stream_stream(path("Converse"))(requests(), timeout=PATIENCE)
        replies = []
        for reply in call:
            replies.append(reply.decode())
            answered.release()
        return ended(call, complete=int(replies == [f"re: {number}" for number in range(int(rounds))]))

    def converse_many(self, channel, streams="40", **more):
        """Conversations side by side on one connection."""
        with futures.ThreadPoolExecutor(max_workers=int(streams)) as pool:
            running = [pool.submit(self.converse, channel, "20") for _ in range(int(streams))]
            results = [one.result() for one in running]
        return {"complete": sum(result["complete"] and result["code"] == "OK" for result in results)}

    def echo(self, channel, bytes="4000000", **_):
        """A message far larger than any window, there and back."""
        message = os.urandom(int(bytes))
        reply, call = channel.unary_unary(path("Echo")).with_call(message, timeout=PATIENCE)
        return ended(call, complete=int(reply == message))

    def fail(self, channel, code="9", details="", **_):
        request = json.dumps({"code": int(code), "details": details}).encode()
        channel.unary_unary(path("Fail"))(request, timeout=PATIENCE)
        raise AssertionError("it did not fail")

    def stumble(self, channel, key="", pushback="", **_):
        """Asks what fails at first; then whether it was asked again by itself."""
        request = json.dumps({"key": key, "pushback": pushback}).encode()
        call = channel.unary_unary(path("Stumble"))
        try:
            _, first = call.with_call(request, timeout=PATIENCE)
            return ended(first)
        except grpc.RpcError as error:
            first = ended(error)
        _, again = call.with_call(request, timeout=PATIENCE)
        return {**first, "trailing": text_of(again.trailing_metadata())}

    def fail_late(self, channel, **_):
        call = channel.unary_stream(path("FailLate"))(b"", timeout=PATIENCE)
        replies = []
        try:
            for reply in call:
                replies.append(reply.decode())
        except grpc.RpcError:
            pass
        return ended(call, replies=replies)

    def unknown(self, channel, **_):
        channel.unary_unary(path("NoSuchMethod"))(b"", timeout=PATIENCE)
        raise AssertionError("it did not fail")

    def cancel(self, channel, **_):
        """Gives a call up when it is under way, and asks the server what it noticed."""
        key = str(uuid.uuid4())
        call = channel.unary_stream(path("Linger"))(key.encode())
        next(call)
        call.cancel()
        return self.noticed(channel, key, call)

    def expire(self, channel, **_):
        """Lets a call's time run out, and asks the server what it noticed."""
        key = str(uuid.uuid4())
        call = channel.unary_stream(path("Linger"))(key.encode(), timeout=1)
        try:
            for _ in call:
                pass
        except grpc.RpcError:
            pass
        return self.noticed(channel, key, call)

    def noticed(self, channel, key, call):
        seen = channel.unary_unary(path("Ending"))(key.encode(), timeout=PATIENCE)
        return ended(call, server=json.loads(seen))


class Control(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = url.path.strip("/")
        if name == "healthz":
            return self.answer(200, {"status": "ok"})
        try:
            result = getattr(Calls(), name)(channel(query.pop("via"), query.pop("service", "greeter")), **query)
            self.answer(200, result)
        except grpc.RpcError as error:
            self.answer(200, ended(error))
        except Exception:
            self.answer(500, {"error": traceback.format_exc()})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Control).serve_forever()
