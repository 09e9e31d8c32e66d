// swift-format-ignore-file
// Made by scripts/generate-reason-pages from docs/reasons.

extension ReasonPages {
    static let part2: [String: String] = [
        "no_endpoints": #"""
            # `no_endpoints`

            The service is known and no instance of it can take requests.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | UH |

            ## What happened

            The route led to a service none of whose workloads is ready: none is registered, all fail their health checks, all are draining, the service's selector picks none that was attested with its labels, or the mode is strict and none has a sidecar.

            ## Whose side it is on

            The destination's.

            ## What to look at

            - `weft status`: which workloads of the service are registered, and why one is not ready.
            - `weft get service NAME`: its `selector` and `targetPort` against the workloads' labels and ports.
            - `weft check`: workloads that claim labels without proof, or have no sidecar where the mode is strict, are named there.

            ## What to change

            - Start the destination, or repair what its health check asks for.
            - Correct the selector or the targetPort.
            """#,
        "no_route": #"""
            # `no_route`

            No route takes the request, or the route it takes leads nowhere.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 404 | 12 | NR |

            ## What happened

            With 404, the service has routes and none of them matches the request's path, method, headers and query; or the name that the caller used is no service and port that the mesh knows and no ExternalService, and MeshSettings does not say `egress: {unknown: allow}`. With 500 (gRPC 14), a route takes the request, but the backend it was given does not exist, or all its backends have weight 0: only that backend's share of the traffic is answered so.

            ## Whose side it is on

            The owner's of the routes; the caller's, where the name is wrong.

            ## What to look at

            - The name and port the caller used: `billing`, `billing.default` and `billing.default.mesh` are the same, and the port is 80 unless written.
            - `weft get services` and `weft get routes`: a service with any route attached answers 404 for everything that no rule matches.
            - `weft get` of the route: it says whether the route is accepted, and why not.
            - `weft validate` of the route: it warns about parents, backends and ports that do not exist, and about weights that are all 0.

            ## What to change

            - Add a rule without matches to the route to take the rest.
            - Correct `backendRefs`, or apply the Service that is missing.
            - Correct the name or port in the caller.
            """#,
        "ok": #"""
            # `ok`

            The request was answered by the destination.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 200 | 0 | – |

            ## What happened

            A response came from the destination's application and was delivered whole. Its status may still be an error: then the application chose it, and no proxy made it.

            ## Whose side it is on

            Nobody's. An error status with this reason is the destination application's own answer.

            ## What to look at

            - The status and `destination` in the access log's line.
            - The destination application's own log, when the status is an error.

            ## What to change

            - Nothing in the mesh. To have certain statuses tried again, list them under `retry.codes` of a TrafficPolicy.
            """#,
        "overflow": #"""
            # `overflow`

            A limit on what one proxy may have open towards this destination was reached.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | UO |

            ## What happened

            More requests were in flight or waiting for a connection than `limits` allow (1024 waiting by default), so this one was refused at once instead of waiting in a growing queue. Or it waited for a connection, had no time limit of its own, and none came free within 5 s of what a connection may take to open.

            ## Whose side it is on

            The caller's: it sends more than the destination takes.

            ## What to look at

            - `weft stat`: rate and latency of the edge; a slow destination fills the queue.
            - `weft get trafficpolicy`: the limits in force.

            ## What to change

            - More replicas of the destination, or less load from the caller.
            - `limits` of the TrafficPolicy, when the destination takes more than they say.
            """#,
        "overload": #"""
            # `overload`

            New work is refused, to protect the service or the proxy.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 8 | OM |

            ## What happened

            One of these, as the record's detail says:

            - The service has as many requests at once as its latency shows it can serve (`overload.concurrency`).
            - Too many requests to the service fail, and a share of them is not tried (`overload.admission`).
            - A limit of the proxy as a whole was reached: connections, streams, or requests that wait for configuration (1024).

            ## Whose side it is on

            The destination's, which cannot keep up; the caller's load; or the proxy's host.

            ## What to look at

            - `/metrics` of the proxy: `weft_concurrency_limit` at the destination, `weft_admission_rejection_probability` at the caller, connections and
              requests in flight.
            - Processor and memory of the host.

            ## What to change

            - More replicas of the destination, or less load.
            - `overload` of the TrafficPolicy, when it refuses what could be served.
            - More event loops (`--loops`) for the proxy.
            """#,
        "peer_identity_mismatch": #"""
            # `peer_identity_mismatch`

            The peer proved to be someone else than the endpoint should be.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | UF |

            ## What happened

            The certificate is valid, but its SPIFFE ID is none of those that the destination's workloads may have. The request was not sent. Something else took over the address, or a workload registered with another account.

            Or the identity is the right one and has been revoked: the detail then says so. A request that was under way when that became known ends as `connection_closed` with the same detail, since the application may have seen it.

            ## Whose side it is on

            The destination's. Treat it as an attack until shown otherwise.

            ## What to look at

            - The proxy's log: expected and presented SPIFFE ID.
            - `weft status`: which workload is registered at that address.

            ## What to change

            - Nothing, when an address was just reused: it passes as soon as the registry knows.
            - The account in the token of the workload, when it is the wrong one.

            ## Which failure it was

            `weft_tls_handshakes_total{side="outbound",result="wrong_identity"}` counts these, and the warning in the log names both:
            `the peer proved to be spiffe://…/sa/impostor, expected spiffe://…/sa/billing`. `result="revoked"`, on either side, is a valid certificate of an identity that has been revoked: nothing needs changing but
            who still runs under it. A certificate that proves nothing, because
            it is expired or of an unknown issuer, is [`tls_failed`](tls_failed.md) instead, whatever it claims to be.
            """#,
        "plaintext_refused": #"""
            # `plaintext_refused`

            The call came in the clear, and only mutual TLS is taken.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 403 | 7 | UAEX |

            ## What happened

            Something spoke HTTP without TLS to a workload's inbound port while `mtls.mode` is `strict`. Its requests were answered with 403 and this reason, and none reached the application, because nobody proved who is calling. Bytes that are no HTTP either are answered as [`bad_request`](bad_request.md).

            What was open in the clear when the mode became `strict` ends with this reason too: requests and streams under way, and TCP connections. Kept connections are closed.

            ## Whose side it is on

            The caller's: it has no sidecar, or goes around it.

            ## What to look at

            - The access log of the destination's proxy: method and path of the call. `weft_plaintext_connections_total` counts the connections.
            - Whether the caller uses `http_proxy` or its upstream's loopback port.

            ## What to change

            - Give the caller a sidecar.
            - `mtls: {mode: permissive}` in MeshSettings while callers move into the mesh.
            """#,
        "protocol_error": #"""
            # `protocol_error`

            The destination's answer is no valid HTTP.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 502 | 13 | UPE |

            ## What happened

            The application, or the peer, sent something that breaks HTTP/1.1 or HTTP/2. The response was not passed on.

            ## Whose side it is on

            The destination's.

            ## What to look at

            - Whether the port's `appProtocol` is what the application speaks: `http`, `kubernetes.io/h2c` or `grpc`.
            - The destination application's log.

            ## What to change

            - `appProtocol` of the Service and of the workload.
            - The application's HTTP library.
            """#,
        "protocol_unknown": #"""
            # `protocol_unknown`

            The first bytes belong to no protocol that the proxy carries.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 400 | 13 | DPE |

            ## What happened

            A connection began with something that is neither HTTP/1.1 nor HTTP/2, such as TLS of the application's own or a database protocol.

            Or bytes to a port whose protocol is found out turned out to hold a request line: requests do not pass as bytes, by which no policy could judge
            them. The tunnel or connection was closed.

            ## Whose side it is on

            The caller's.

            ## What to look at

            - What the caller speaks on this port. Lines of a web server's log look like requests too: declare the port that takes them `tcp`.

            ## What to change

            - Let the application speak plain HTTP to its sidecar, which encrypts for it.
            - Keep other protocols outside of the sidecar: it carries HTTP only.
            """#,
        "rate_limited": #"""
            # `rate_limited`

            The caller sent more than its share.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 429 | 8 | RL |

            ## What happened

            A rate limit of the destination refused the request. `Retry-After` says when to come back.

            ## Whose side it is on

            The caller's.

            ## What to look at

            - The limit that is in force, and the caller's rate in `weft stat`.

            ## What to change

            - The caller's rate, or the limit.
            """#,
        "request_timeout": #"""
            # `request_timeout`

            The whole request, all attempts included, took longer than allowed.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 504 | 4 | UT |

            ## What happened

            From the arrival of the request's head to the response's last byte more time passed than `timeouts.request` of the rule or policy, or than the 15 s that idempotent calls get by default.

            ## Whose side it is on

            The destination's: it, or something it waits for, is slow.

            ## What to look at

            - The access log's line of the request: the policy that set the timeout, none where it is the built-in one, and how long each attempt took.
            - `weft stat`: p99 of this edge and of the edges behind it.

            ## What to change

            - `timeouts.request` where the call is known to take longer.
            - `timeouts.perTry`, so that a slow endpoint leaves time for another.
            """#,
        "retries_exhausted": #"""
            # `retries_exhausted`

            Every allowed attempt failed.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | URX |

            ## What happened

            The request was tried as often as the policy allows, on other endpoints where there were any, and each attempt failed.

            ## Whose side it is on

            The destination's.

            ## What to look at

            - The access log's line of the request: `attempts` lists each endpoint with its outcome.
            - `weft stat` by version: failures of one version point at a bad release.

            ## What to change

            - What the attempts failed of.
            - `retry.attempts`, if one more would likely have succeeded.
            """#,
        "retry_budget_exhausted": #"""
            # `retry_budget_exhausted`

            Another attempt would have been made, but too many are being made already.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | URX |

            ## What happened

            The attempt failed in a way that is worth a retry. Retries to this destination have reached their budget (20 % of requests, and 10 per second always), so the failure stands. The budget keeps a struggling service from being buried by retries.

            ## Whose side it is on

            The destination's: many of its answers fail.

            ## What to look at

            - `weft stat`: success ratio and retries of the edge.
            - The access log's line of the request: the first attempt's outcome is the real cause.

            ## What to change

            - The cause of the failures; a larger budget makes an overload worse.
            - `retry.budget` of a TrafficPolicy, when calls are rare and cheap.
            """#,
        "stream_idle_timeout": #"""
            # `stream_idle_timeout`

            Nothing moved on the stream for too long.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 504 | 14 | SI |

            ## What happened

            Neither side sent a byte for `timeouts.idle` (5 min by default; never for gRPC streams and upgraded connections).

            ## Whose side it is on

            Whoever should have sent: most often the destination.

            ## What to look at

            - The access log's line of the request: bytes in both directions.

            ## What to change

            - `timeouts.idle`, for calls that pause by design; zero turns it off.
            """#,
    ]
}
