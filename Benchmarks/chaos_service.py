"""An application of the chaos run: answers after asking the next service, and writes down what it was asked to do.

Its argument is the service to ask, or nothing. Environment: PORT, WEFT_UPSTREAM_… (where that service is), SEEN (the file that names each POST it was
given), and BEHAVIOUR (a file whose word is read for every request: nothing, `slow` or `failing`).
"""

import asyncio
import os
import sys

PORT = int(os.environ["PORT"])
NEXT = os.environ[f"WEFT_UPSTREAM_{sys.argv[1].upper()}"].rsplit(":", 1)[1] if sys.argv[1] else ""
INSTANCE = os.environ.get("WEFT_INSTANCE", "?")
SEEN = open(os.environ["SEEN"], "a", buffering=1)
BEHAVIOUR = os.environ["BEHAVIOUR"]
idle = []


def behaviour():
    try:
        with open(BEHAVIOUR) as file:
            return file.read().strip()
    except OSError:
        return ""


async def read_message(reader):
    """A head's first line, its fields and its body; everything here has a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {}
    for line in head[1:]:
        if line:
            name, value = line.split(":", 1)
            fields[name.lower()] = value.strip()
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    return head[0], fields, body


async def ask_next(method, identity):
    """The status of the next service's answer; a POST is sent once, whatever becomes of it."""
    reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", int(NEXT))
    try:
        writer.write(f"{method} /work HTTP/1.1\r\nHost: next\r\nX-Work: {identity}\r\nContent-Length: 0\r\n\r\n".encode())
        line, fields, _ = await read_message(reader)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()
        return 502
    if fields.get("connection", "").lower() == "close":
        writer.close()
    else:
        idle.append((reader, writer))
    return int(line.split(" ")[1])


async def serve(reader, writer):
    try:
        while True:
            line, fields, _ = await read_message(reader)
            method, path, _ = line.split(" ")
            status = 200
            if path == "/work":
                identity = fields.get("x-work", "")
                if method == "POST":
                    SEEN.write(f"{identity} {INSTANCE}\n")
                word = behaviour()
                if word == "slow":
                    await asyncio.sleep(0.3)
                if word == "failing":
                    status = 503
                elif NEXT:
                    status = await ask_next(method, identity)
            text = {200: "OK"}.get(status, "Error")
            body = f"{INSTANCE}\n"
            writer.write(f"HTTP/1.1 {status} {text}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, ValueError):
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    await server.serve_forever()


asyncio.run(main())
