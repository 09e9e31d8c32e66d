// swift-format-ignore-file
// Made by scripts/generate-reason-pages from docs/reasons.

extension ReasonPages {
    static let part1: [String: String] = [
        "attempt_refused": #"""
            # `attempt_refused`

            The destination's proxy refused a retry, since too many are arriving.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | – |

            ## What happened

            The request was a second or later attempt (`x-weft-attempt`), and such attempts are more than 20 % of what this workload has received in the last 10 s, and more than 100. First attempts are still served. This bound holds even when each of many callers stays within its own budget.

            ## Whose side it is on

            The callers' together; the cause is what made the first attempts fail.

            ## What to look at

            - `weft stat` of the destination: retries by source.
            - What the first attempts failed of, in the callers' access logs.

            ## What to change

            - The cause of the failures.
            - Fewer layers that retry: one level of a call chain is enough.
            """#,
        "bad_request": #"""
            # `bad_request`

            The request is malformed.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 400 | 13 | DPE |

            ## What happened

            What arrived could be read in more than one way or not at all: conflicting lengths, bad chunk sizes, forbidden bytes in names or values, two `Host` fields, a deadline that is no number. It was not passed on, and the connection was closed, since two readers who disagree are how requests get smuggled.

            ## Whose side it is on

            The caller's.

            ## What to look at

            - The access log's line of the request: what was wrong.
            - The client library of the caller.

            ## What to change

            - The client that wrote the request.
            """#,
        "client_gone": #"""
            # `client_gone`

            The caller went away before the answer was there.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 499 | 1 | DC |

            ## What happened

            The caller closed its connection, or reset its stream. The request was cancelled on the way to the destination too. Nobody received this reply; it exists for log and metrics.

            A caller of HTTP/1 that ends its sending direction while it waits for the answer counts as gone: a closed connection looks
            the same.

            ## Whose side it is on

            The caller's.

            ## What to look at

            - How long the request had taken: a round figure is the caller's own timeout.
            - The caller's log.

            ## What to change

            - The caller's timeout, or the destination's speed.
            """#,
        "connect_failed": #"""
            # `connect_failed`

            No connection to the endpoint could be made.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | UF |

            ## What happened

            The endpoint's address refused the connection or could not be reached: the process is gone and the registry does not know yet, or the network between the two is broken. The proxy has tried another endpoint where there was one, since the application cannot have seen the request.

            ## Whose side it is on

            The destination's, or the network's.

            ## What to look at

            - The access log's line of the request: `attempts` names each endpoint and the system's own error.
            - `weft status`: whether the endpoint's proxy is still connected to the control plane.

            ## What to change

            - Nothing, if it passes within seconds: a killed workload is removed when its lease ends.
            - A firewall must let sidecars reach each other's inbound ports.
            """#,
        "connect_timeout": #"""
            # `connect_timeout`

            The connection to the endpoint did not come about in time.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | UF |

            ## What happened

            TCP connect and TLS handshake together took longer than `timeouts.connect` (1 s to a peer, 300 ms to the local application). Only the time of that one connection counts; a request that waits for a place on one is never the endpoint's fault. Usually packets are dropped on the way, or the host is overloaded. Another endpoint was tried where there was one.

            ## Whose side it is on

            The network's, or the destination host's.

            ## What to look at

            - The access log's line of the request: `attempts`.
            - Whether the endpoint's host answers at all, and its load.

            ## What to change

            - `timeouts.connect` of a TrafficPolicy, for destinations that are far away.
            - The network rule that drops the packets.
            """#,
        "connection_closed": #"""
            # `connection_closed`

            The connection ended before the response was complete.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 502 | 14 | UC |

            ## What happened

            The peer, or the local application, closed the connection while the request was under way and did not say why. For safe requests another attempt was made where the response had not begun.

            ## Whose side it is on

            The destination's.

            ## What to look at

            - The destination application's log at that time: it may have crashed or been restarted.
            - The application's keep-alive time: below 3 s it may close connections just as they are used again.

            ## What to change

            - The application's keep-alive time, to at least 5 s.
            - A graceful stop of the application, so that it finishes what it has begun.
            """#,
        "deadline_exceeded": #"""
            # `deadline_exceeded`

            The caller's own deadline had passed.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 504 | 4 | DT |

            ## What happened

            The request carried a deadline (`x-weft-deadline-ms`, `grpc-timeout`), set by the first caller and lowered at each hop. It was over before the work could be done or finished, so none was begun or continued: nobody waits for the answer any more. Time that a route gives is told to the destination's proxy in the same field, and what exceeds it there is `deadline_exceeded` in that proxy's log; the caller's proxy reports it as `request_timeout`.

            ## Whose side it is on

            The caller's: the time it gives is too short for the whole chain, or an earlier hop used it up.

            ## What to look at

            - The access log's line of the request: the deadline left when the request arrived.
            - `weft stat` along the chain: which edge uses the time.

            ## What to change

            - The timeout of the first caller, or the speed of the slow hop.
            """#,
        "denied": #"""
            # `denied`

            Policy does not allow this call.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 403 | 7 | UAEX |

            ## What happened

            The destination's sidecar judged the call by the AuthorizationPolicies that apply to the port, and refused it; the application heard nothing. One of these is why:

            - a rule of a policy with `action: DENY` matches;
            - policies with `action: ALLOW` apply, and no rule of theirs matches;
            - no policy applies, and MeshSettings denies by default;
            - the caller's identity has been revoked, which also ends what it had open.

            A stream or TCP connection that was open when the policy changed is ended with the same reason.

            Callers of the mesh are told which policy decided, with its revision, file and line, and which of its rules, counted from 1: `denied by AuthorizationPolicy/default/deny-admin@12 rule 2 (policies.yaml:3)`. Callers outside learn nothing but `access denied`; the access log of the destination's proxy has the rest.

            ## Whose side it is on

            The caller's, or the policy's.

            ## What to look at

            - The response's detail, for callers inside the mesh: policy, revision, rule, file and line. Callers outside are told only that they were denied.
            - The access log of the destination's proxy: source identity, policy.
            - `weft authz check --from CALLER --to SERVICE --method METHOD --path PATH`: which rule says so, and how close the others came.
            - Whether the caller proved an identity at all: in the clear it has none, and no identity or namespace matches.
            - For connections of bytes: an ALLOW with methods, paths or conditions lets no bytes in, a DENY with them keeps them out.

            ## What to change

            - The policy, if the call is meant to be. `audit: true` first shows whom a policy would deny.
            """#,
        "dns_failed": #"""
            # `dns_failed`

            A name could not be resolved.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | DF |

            ## What happened

            The destination is an ExternalService, or an unknown name where MeshSettings allows those, and the resolver of the proxy's host did not know the name or did not answer within 4 s. Addresses once found are used for 10 min while look-ups fail, so the name has not been resolved for longer than that, or never.

            ## Whose side it is on

            The network's, or the configuration's.

            ## What to look at

            - The reply's detail: it ends in what the resolver said.
            - Whether the name resolves on the proxy's host: `getent hosts NAME`.

            ## What to change

            - The ExternalService's `host`, or the host's resolver. The name is tried again after 1 s, then ever more rarely up to every 30 s.
            """#,
        "draining": #"""
            # `draining`

            The workload is shutting down and takes no new requests.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | – |

            ## What happened

            A connection to the destination was being given up when the request came for it: its proxy has been told to stop, or the caller's has. A stopping proxy finishes what it has. It turns new requests away by what HTTP has for that, GOAWAY and refused streams, or `Connection: close`, and the caller's proxy then tries another endpoint, because the application has not seen the request; so this reason is rarely seen by itself.

            ## Whose side it is on

            The destination's, during a restart.

            ## What to look at

            - `weft status`: other ready workloads of the service.

            ## What to change

            - A second replica, so that one can restart.
            - Nothing, when it shows in a log only: the retry has covered it.
            """#,
        "duration_capped": #"""
            # `duration_capped`

            The stream lived longer than streams may.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 504 | 4 | UMSDR |

            The name is reserved: no feature of this version produces it.

            ## What happened

            The stream reached the longest duration that policy allows.

            ## Whose side it is on

            Neither: the policy's.

            ## What to look at

            - The TrafficPolicy of the destination.

            ## What to change

            - Let the caller open a new stream, or raise the cap.
            """#,
        "fault_abort": #"""
            # `fault_abort`

            The request was failed on purpose.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | FI |

            ## What happened

            A fault injection answered instead of the destination.

            ## Whose side it is on

            Whoever injected the fault.

            ## What to look at

            - The fault that is in force for the destination.

            ## What to change

            - End the experiment.
            """#,
        "fault_delay": #"""
            # `fault_delay`

            The request was delayed on purpose.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | DI |

            ## What happened

            A fault injection held the request back before its first attempt; what came of it afterwards is its status.

            ## Whose side it is on

            Whoever injected the fault.

            ## What to look at

            - The fault that is in force for the destination.

            ## What to change

            - End the experiment.
            """#,
        "headers_too_large": #"""
            # `headers_too_large`

            The request's head is larger than a proxy takes.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 431 | 8 | DPE |

            ## What happened

            The header fields together exceed 64 KiB, or are more than 200.

            ## Whose side it is on

            The caller's: most often cookies, or a header that each hop adds to.

            ## What to look at

            - The size of `Cookie` and of lists such as `X-Forwarded-For` in the caller.

            ## What to change

            - Send less in headers; large values belong into the body.
            """#,
        "internal": #"""
            # `internal`

            The proxy itself is at fault.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 500 | 13 | – |

            ## What happened

            The proxy ran into something that it does not expect. The message says what it was doing.

            ## Whose side it is on

            Weft's.

            ## What to look at

            - The access log's line of the request: the detail.
            - The proxy's log at that time.

            ## What to change

            - Report it, with the proxy's log and its version.
            """#,
    ]
}
