#!/usr/bin/env python3
"""A process that gets its identity by the SPIFFE Workload API, through the `spiffe` package alone.

Usage: workload.py COMMAND [ARGUMENT…], with SPIFFE_ENDPOINT_SOCKET in the environment. Prints one JSON object.

svid                       its default X.509-SVID, verified by `cryptography` against the bundle
svids                      all of them
rotation COUNT             the serials of as many different certificates, from one stream
jwt AUDIENCE               a JWT-SVID, validated by PyJWT with the JWT bundle, and by the agent
validate AUDIENCE TOKEN    what the agent says of a token
refused                    the code with which the agent refuses this process
unmarked                   the code for a call without the metadata that is demanded
wit                        the code for a method of another profile
save DIRECTORY             writes svid.pem, key.pem and bundle.pem
"""
import json
import os
import sys
import threading

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from spiffe import TrustDomain, WorkloadApiClient
from spiffe._proto import workload_pb2, workload_pb2_grpc
from spiffe.svid.jwt_svid import JwtSvid


def authorities(client, domain):
    bundle = client.fetch_x509_bundles(timeout=30).get_bundle_for_trust_domain(domain)
    return list(bundle.x509_authorities)


def verified(chain, roots):
    """Whether the X.509 verifier of `cryptography` finds a path from the leaf to a root, as client and as server."""
    policy = verification.ExtensionPolicy.permit_all().require_present(
        x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None
    )
    builder = verification.PolicyBuilder().store(verification.Store(roots)).extension_policies(
        ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=policy
    )
    path = builder.build_client_verifier().verify(chain[0], chain[1:])
    return [str(name.value) for name in path.subjects]


def describe(svid, roots):
    return {
        "id": str(svid.spiffe_id),
        "serial": format(svid.leaf.serial_number, "x"),
        "chain": len(svid.cert_chain),
        "seconds": (svid.leaf.not_valid_after_utc - svid.leaf.not_valid_before_utc).total_seconds(),
        "names": verified(svid.cert_chain, roots),
        "key_fits": svid.private_key.public_key() == svid.leaf.public_key(),
    }


def rotation(client, count):
    serials, done, failures = [], threading.Event(), []

    def update(context):
        serial = format(context.default_svid.leaf.serial_number, "x")
        if serial not in serials:
            serials.append(serial)
        if len(serials) >= count:
            done.set()

    def fail(error):
        failures.append(str(error))
        done.set()

    handle = client.stream_x509_contexts(on_success=update, on_error=fail)
    done.wait(120)
    handle.cancel()
    return {"serials": serials, "failures": failures}


def code(call):
    """The gRPC code that a raw call ends with."""
    try:
        for _ in call():
            return {"code": "OK"}
        return {"code": "OK"}
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details()}


def raw(method, request, metadata):
    channel = grpc.insecure_channel(os.environ["SPIFFE_ENDPOINT_SOCKET"])
    stub = workload_pb2_grpc.SpiffeWorkloadAPIStub(channel)
    return code(lambda: getattr(stub, method)(request, metadata=metadata, timeout=30))


def main(command, *arguments):
    if command == "refused":
        return raw("FetchX509SVID", workload_pb2.X509SVIDRequest(), [("workload.spiffe.io", "true")])
    if command == "unmarked":
        return raw("FetchX509SVID", workload_pb2.X509SVIDRequest(), [])
    if command == "wit":
        channel = grpc.insecure_channel(os.environ["SPIFFE_ENDPOINT_SOCKET"])
        call = channel.unary_stream("/SpiffeWorkloadAPI/FetchWITSVID")
        return code(lambda: call(b"", metadata=[("workload.spiffe.io", "true")], timeout=30))
    client = WorkloadApiClient(default_timeout=30)
    if command in ("svid", "svids"):
        svids = client.fetch_x509_svids()
        roots = authorities(client, svids[0].spiffe_id.trust_domain)
        described = [describe(svid, roots) for svid in svids]
        return described[0] if command == "svid" else {"svids": described}
    if command == "rotation":
        return rotation(client, int(arguments[0]))
    if command == "jwt":
        svid = client.fetch_jwt_svid(audience={arguments[0]})
        domain = svid.spiffe_id.trust_domain
        bundle = client.fetch_jwt_bundles().get_bundle_for_trust_domain(domain)
        local = JwtSvid.parse_and_validate(svid.token, bundle, {arguments[0]})
        remote = client.validate_jwt_svid(svid.token, arguments[0])
        return {
            "id": str(svid.spiffe_id), "token": svid.token, "local": str(local.spiffe_id),
            "remote": str(remote.spiffe_id), "keys": len(bundle.jwt_authorities),
        }
    if command == "validate":
        try:
            return {"id": str(client.validate_jwt_svid(arguments[1], arguments[0]).spiffe_id)}
        except Exception as error:  # whatever the library makes of the refusal
            return {"refused": str(error)}
    if command == "save":
        svid = client.fetch_x509_svid()
        roots = authorities(client, svid.spiffe_id.trust_domain)
        pem = serialization.Encoding.PEM
        parts = {
            "svid.pem": b"".join(part.public_bytes(pem) for part in svid.cert_chain),
            "key.pem": svid.private_key.private_bytes(
                pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            "bundle.pem": b"".join(root.public_bytes(pem) for root in roots),
        }
        for name, content in parts.items():
            path = os.open(os.path.join(arguments[0], name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(path, "wb") as file:
                file.write(content)
        return {"id": str(svid.spiffe_id)}
    raise SystemExit(f"unknown command {command}")


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
