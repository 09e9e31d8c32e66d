// swift-format-ignore-file
// Made by scripts/generate-reason-pages from docs/reasons.

extension ReasonPages {
    static let part3: [String: String] = [
        "tls_failed": #"""
            # `tls_failed`

            The TLS handshake with the peer failed.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 503 | 14 | UF |

            ## What happened

            The two proxies could not agree on a connection: a certificate is expired, not yet valid, or signed by another authority, the peer showed none, or what listens at the address speaks no TLS.

            ## Whose side it is on

            The mesh's: identity or clock of one of the two.

            ## What to look at

            - The log of both proxies: the cause is named precisely, such as an expired certificate or an unknown authority.
            - `weft status`: each proxy's certificate and when it expires.
            - The clocks of both hosts: a certificate is refused 20 s after its end, and more than 62 minutes before its beginning.

            ## What to change

            - Set the clocks.
            - Let the proxy join anew with a fresh token (`weft token create`) when its identity is of another mesh or can no longer be renewed.
            - What the label says, below.

            ## Which failure it was

            `weft_tls_handshakes_total{side,result}` counts each by its label, the warning in the log has the label as `result` and
            the whole cause in words, and `weft check` shows what the control plane refused. `side="inbound"` is a caller that this
            sidecar refused, `outbound` an endpoint.

            | `result` | Cause | What to do |
            |---|---|---|
            | `expired`, `not_yet_valid` | a certificate of the chain, leaf or intermediate, is past its end by more than 20 s, or before its beginning by more than 62 minutes | compare the clocks; see in that peer's log why it does not renew |
            | `no_certificate` | the peer showed none; or it resumed a session whose certificate is no longer known here | give that caller a sidecar or an SVID |
            | `unknown_issuer` | no root here has signed it, an issuer of that name did not, or an intermediate is missing from the chain | the peer is of another mesh: let it join here with a new token |
            | `foreign_trust_domain` | the SPIFFE ID is of a trust domain that is not trusted here | likewise |
            | `not_svid` | not exactly one URI name, or one that is no SPIFFE ID of a workload | issue it anew by the rules of X.509-SVID |
            | `wrong_usage` | a signing certificate shown as a leaf, a key that may not sign handshakes, or one TLS role only | issue it with `digitalSignature` and both `serverAuth` and `clientAuth` |
            | `bad_path` | an issuer that may not sign, too many below one, name constraints, an unknown critical extension | correct the profile of the issuer that the log names |
            | `weak_algorithm` | a key or signature other than ECDSA on P-256 to P-521 with SHA-2, or Ed25519 | issue it with such a key |
            | `malformed` | a certificate, or the message it is in, cannot be read; or more than 8 certificates | look at the chain that the peer is given |
            | `no_key` | the peer does not hold the key of the certificate it showed | give it the key that belongs to it; otherwise treat it as an attack |
            | `refused_by_peer` | the other side refused this one | read the other side's log |
            | `no_tls13` | the peer does not take TLS 1.3 | nothing older is spoken; bring the peer's TLS library up to date |
            | `not_tls` | plaintext, or noise | see what listens at the address, or who calls |
            | `no_alpn` | the peer does not speak HTTP/2 inside TLS | see what listens at the address: it is no sidecar |
            | `closed`, `timeout` | the peer went away, or was silent for 10 s (for an endpoint: the time to connect) | look at the peer's load, and the network between |
            | `too_large`, `protocol` | a handshake that no TLS library sends | see who calls: a scanner, or a damaged network path |
            | `failed` | none of these; the cause has the library's words | |

            A certificate that nobody renews is told of before it ends: in the sidecar's log at 30 % of its life left and each 5 %
            below, as an error in the last 10 %; by `weft check`, which then exits with 3; and by
            `weft_certificate_expiry_timestamp_seconds`. Until its true end it is used for new connections too, and readiness does
            not change; when the control plane is back, it is renewed.
            """#,
        "try_timeout": #"""
            # `try_timeout`

            One attempt took longer than allowed, and no other could follow.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 504 | 4 | UT |

            ## What happened

            The attempt ran into `timeouts.perTry` (`timeouts.backendRequest` of a rule) and was given up. No retry followed: the method is not safe to repeat, no attempts were left, or the budget was empty.

            ## Whose side it is on

            The destination's: this endpoint is slow.

            ## What to look at

            - The access log's line of the request: `attempts`.
            - `weft stat` by version and endpoint: one slow replica shows in p99.

            ## What to change

            - `retry.attempts`, or `nonIdempotent: true` where repeating is harmless.
            - `timeouts.perTry`, if it is below what the service normally needs.
            """#,
        "unauthenticated": #"""
            # `unauthenticated`

            The request's token is missing or not good.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 401 | 16 | UAEX |

            ## What happened

            A RequestAuthentication applies to the port. The request brought a token that was refused, or none where one is required. Its sidecar answered; the application heard nothing. The response carries `WWW-Authenticate`, and inside the mesh the cause.

            | Cause | Meaning |
            |---|---|
            | `missing` | a token is required, and none came |
            | `malformed`, `too_large` | it is no compact JWT, or beyond 16 KiB |
            | `algorithm_none`, `algorithm_refused` | it is not signed, or in a way that does not fit the key |
            | `unknown_key` | no key of the issuer has its `kid`, or the keys could not be fetched |
            | `bad_signature` | it was altered, or signed by somebody else |
            | `expired`, `not_yet_valid` | its time is over or has not come; 60 s are allowed for clocks |
            | `wrong_issuer`, `wrong_audience` | it was made by, or for, somebody else |

            Every token in a place where an issuer looks must be good; where none is required, no token is no fault. A token is believed until it expires, however often it is shown, and a stream that began with it goes on after that.

            ## Whose side it is on

            The caller's; `unknown_key` may be the control plane's, which fetches the keys.

            ## What to look at

            - The access log of the destination's proxy: the detail, and the policy that asked for the token.
            - The token's `iss`, `aud`, `exp` and `kid`.
            - The control plane's log, where keys cannot be fetched.
            - Where the cause is `no_keys`: the control plane's log, which says why it could not get the issuer's keys.

            ## What to change

            - The caller's token, or the issuer, audiences or keys of the RequestAuthentication.
            """#,
        "upstream_reset": #"""
            # `upstream_reset`

            The destination broke the stream off.

            | HTTP status | gRPC status | Envoy flag |
            |---|---|---|
            | 502 | 14 | UR |

            ## What happened

            The peer or the application reset this one stream while its connection lives on: it gave the request up, or it runs into an error half-way through the response.

            ## Whose side it is on

            The destination's.

            ## What to look at

            - The destination application's log.
            - Whether the destination's own proxy logged a reason for the same request.

            ## What to change

            - The application. Where the method is safe, `retry` covers resets before the response's head by default.
            """#,
    ]
}
