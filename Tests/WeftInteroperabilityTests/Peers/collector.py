"""An OTLP collector made with OpenTelemetry's own Python messages: takes spans and log records over gRPC and HTTP, and
gives them back as JSON.

PORT is where it answers GET /spans, GET /logs and GET /healthz, and takes POST /v1/traces and /v1/logs; GRPC_PORT takes
gRPC.
"""

import json
import os
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

lock = threading.Lock()
spans, logs = [], []


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    return getattr(any_value, kind) if kind else None


def attributes(pairs):
    return {pair.key: str(value(pair.value)) for pair in pairs}


def take_spans(request, way):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                with lock:
                    spans.append(
                        {
                            "way": way,
                            "resource": attributes(resource.resource.attributes),
                            "scope": scope.scope.name,
                            "trace": span.trace_id.hex(),
                            "span": span.span_id.hex(),
                            "parent": span.parent_span_id.hex(),
                            "state": span.trace_state,
                            "name": span.name,
                            "kind": trace_pb2.Span.SpanKind.Name(span.kind),
                            "start": span.start_time_unix_nano,
                            "end": span.end_time_unix_nano,
                            "flags": span.flags,
                            "status": trace_pb2.Status.StatusCode.Name(span.status.code),
                            "attributes": attributes(span.attributes),
                            "events": [
                                {"name": event.name, "attributes": attributes(event.attributes)}
                                for event in span.events
                            ],
                        }
                    )


def take_logs(request):
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                with lock:
                    logs.append(
                        {
                            "resource": attributes(resource.resource.attributes),
                            "body": record.body.string_value,
                            "severity": record.severity_text,
                            "trace": record.trace_id.hex(),
                            "span": record.span_id.hex(),
                        }
                    )


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        take_spans(request, "grpc")
        return trace_service_pb2.ExportTraceServiceResponse()


class Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def Export(self, request, context):
        take_logs(request)
        return logs_service_pb2.ExportLogsServiceResponse()


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, kind="application/json"):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock:
            found = {"/spans": spans, "/logs": logs, "/healthz": []}.get(self.path)
            body = json.dumps(found).encode()
        self.answer(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["content-type"] == "application/x-protobuf"
        if self.path == "/v1/traces":
            take_spans(trace_service_pb2.ExportTraceServiceRequest.FromString(body), "http")
            reply = trace_service_pb2.ExportTraceServiceResponse()
        else:
            take_logs(logs_service_pb2.ExportLogsServiceRequest.FromString(body))
            reply = logs_service_pb2.ExportLogsServiceResponse()
        self.answer(reply.SerializeToString(), "application/x-protobuf")

    def log_message(self, *arguments):
        pass


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)
logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Logs(), server)
server.add_insecure_port(f"127.0.0.1:{os.environ['GRPC_PORT']}")
server.start()
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Web).serve_forever()
