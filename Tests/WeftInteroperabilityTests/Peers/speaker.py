"""Services that speak something other than gRPC: `speaker.py greet|echo|sockets|pages`, on 127.0.0.1:$PORT.

greet    greets, then echoes; at the end of input says how many bytes came
echo     the same without a greeting
sockets  WebSocket echo
pages    HTTP/1 with the corners of the protocol, written out by hand
"""

import asyncio
import json
import os
import sys

PORT = int(os.environ["PORT"])


async def serve_bytes(reader, writer, greeting):
    writer.write(greeting)
    count = 0
    while data := await reader.read(65536):
        count += len(data)
        writer.write(data)
        await writer.drain()
    writer.write(b"received %d\n" % count)
    await writer.drain()
    writer.close()


class Pages:
    """One connection of a client, read and answered byte by byte."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def serve(self):
        try:
            while await self.exchange():
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        self.writer.close()

    def write(self, text):
        self.writer.write(text if isinstance(text, bytes) else text.encode("latin-1"))

    async def exchange(self):
        """Answers one request; false ends the connection."""
        line = (await self.reader.readline()).decode("latin-1").rstrip("\r\n")
        if not line:
            return False
        method, target, version = line.split(" ")
        fields = []
        while field := (await self.reader.readline()).decode("latin-1").rstrip("\r\n"):
            name, value = field.split(":", 1)
            fields.append([name, value.strip()])
        named = {name.lower(): value for name, value in fields}
        path = target.split("?")[0]
        if path == "/refuse":
            # The body is not wanted: neither asked for nor read.
            self.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbig\n")
            await self.writer.drain()
            return False
        if named.get("expect") == "100-continue":
            self.write("HTTP/1.1 100 Continue\r\n\r\n")
        body, trailers = await self.body(named)
        seen = {"method": method, "target": target, "version": version, "fields": fields, "body": len(body),
                "trailers": trailers}
        text = json.dumps(seen).encode()
        if path == "/old":
            self.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + text)
            await self.writer.drain()
            return False
        if path == "/hints":
            self.write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
            await self.writer.drain()
        if path == "/trailers":
            self.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            for start in range(0, len(text), 7):
                piece = text[start : start + 7]
                self.write(b"%x;note=\"a b\"\r\n%s\r\n" % (len(piece), piece))
            self.write("0\r\nX-Sum: %d\r\n\r\n" % len(text))
        elif path == "/nothing":
            self.write("HTTP/1.1 204 No Content\r\n\r\n")
        else:
            self.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text))
            if method != "HEAD":
                self.write(text)
        await self.writer.drain()
        return True

    async def body(self, named):
        if "transfer-encoding" not in named:
            return await self.reader.readexactly(int(named.get("content-length", 0))), {}
        body, trailers = b"", {}
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        while field := (await self.reader.readline()).decode("latin-1").rstrip("\r\n"):
            name, value = field.split(":", 1)
            trailers[name.lower()] = value.strip()
        return body, trailers


async def main(kind):
    if kind == "sockets":
        import websockets

        async def echo(socket):
            async for message in socket:
                await socket.send(message)

        async with websockets.serve(echo, "127.0.0.1", PORT, max_size=None, ping_interval=None):
            await asyncio.Future()
    serve = {
        "greet": lambda reader, writer: serve_bytes(reader, writer, b"220 ready\n"),
        "echo": lambda reader, writer: serve_bytes(reader, writer, b""),
        "pages": lambda reader, writer: Pages(reader, writer).serve(),
    }[kind]
    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    await server.serve_forever()


asyncio.run(main(sys.argv[1]))
