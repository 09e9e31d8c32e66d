"""Holds a request and a TCP tunnel open through a sidecar, and tells how each ends.

holder.py UPSTREAM_PORT PROXY_PORT: a declared upstream whose answer does not come, and the proxy's port, for a CONNECT to
`echo`. Prints `open`, then `request STATUS` and `tunnel ended`, then what a new request gets: `again STATUS`.
"""

import socket
import sys
import threading

upstream, proxy = int(sys.argv[1]), int(sys.argv[2])


def status(connection):
    return int(connection.recv(4096).split(b" ")[1])


tunnel = socket.create_connection(("127.0.0.1", proxy))
tunnel.sendall(b"CONNECT echo:80 HTTP/1.1\r\nHost: echo:80\r\n\r\n")
assert status(tunnel) == 200
tunnel.sendall(b"ping\n")
assert tunnel.recv(100) == b"ping\n"
request = socket.create_connection(("127.0.0.1", upstream))
request.sendall(b"GET /held HTTP/1.1\r\nHost: front\r\n\r\n")
print("open", flush=True)


def watch():
    try:
        while tunnel.recv(100):
            pass
    except OSError:
        pass
    print("tunnel ended", flush=True)


watcher = threading.Thread(target=watch)
watcher.start()
print("request", status(request), flush=True)
watcher.join()
again = socket.create_connection(("127.0.0.1", upstream))
again.sendall(b"GET / HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n")
print("again", status(again), flush=True)
