"""Clients of `speaker.py`: `talker.py WHAT PORT` prints what it saw as one line of JSON.

greet    waits for the greeting before it says a word
echo     sends, waits, sends the rest and ends its direction
late     is silent for a while first, on several connections
noise    what is no request by its first byte
large    16 MiB at once, in both directions
socket   a WebSocket: text, 1 MiB of bytes, ping, close
"""

import asyncio
import json
import os
import socket
import sys
import threading
import time


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(30)
    return connection


def rest(connection):
    data = b""
    while piece := connection.recv(1 << 16):
        data += piece
    return data


def greet(port):
    connection = connect(port)
    greeting = connection.recv(100)
    connection.sendall(b"quit\n")
    answer = connection.recv(5)
    connection.shutdown(socket.SHUT_WR)
    return {"greeting": greeting.decode(), "answer": (answer + rest(connection)).decode()}


def echo(port):
    connection = connect(port)
    connection.sendall(b"one ")
    first = connection.recv(100)
    connection.sendall(b"two ")
    connection.shutdown(socket.SHUT_WR)
    return {"answer": (first + rest(connection)).decode()}


def late(port):
    answers = []
    for _ in range(3):
        connection = connect(port)
        time.sleep(0.4)
        connection.sendall(b"late ")
        connection.shutdown(socket.SHUT_WR)
        answers.append(rest(connection).decode())
    return {"answers": answers}


def noise(port):
    connection = connect(port)
    connection.sendall(b"\0\1\2\3")
    return {"answer": rest(connection).decode()}


def large(port):
    results = [exchange(port) for _ in range(4)]
    return {"same": all(same for same, _ in results), "answers": [end for _, end in results]}


def exchange(port):
    connection = connect(port)
    data = os.urandom(16 << 20)
    sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
    sender.start()
    answer = rest(connection)
    sender.join()
    return answer[: len(data)] == data, answer[len(data) :].decode()


def talk(port):
    import websockets

    async def run():
        async with websockets.connect(f"ws://127.0.0.1:{port}/room", max_size=None, proxy=None) as connection:
            await connection.send("hello")
            text = await connection.recv()
            data = os.urandom(1 << 20)
            await connection.send(data)
            same = await connection.recv() == data
            await (await connection.ping())
            await connection.close(1000, "done")
            return {"text": text, "same": same, "code": connection.close_code}

    return asyncio.run(run())


WHAT = {"greet": greet, "echo": echo, "late": late, "noise": noise, "large": large, "socket": talk}
print(json.dumps(WHAT[sys.argv[1]](int(sys.argv[2]))))
