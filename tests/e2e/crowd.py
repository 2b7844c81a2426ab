"""Many clients at the same instant, without a thread for each: what they got, and when."""
import json
import selectors
import socket
import time


class Client:
    """One raw connection that sends one request and reads the answer to the end of the connection."""

    def __init__(self, daemon, body, path="/v1/chat/completions", headers=()):
        text = json.dumps(body)
        head = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Connection: close",
                f"Content-Length: {len(text)}", *headers]
        self.request = ("\r\n".join(head) + "\r\n\r\n" + text).encode()
        self.socket = socket.create_connection((daemon.host, daemon.port), timeout=60)
        self.received, self.sent_at, self.first_at, self.end_at = b"", None, None, None

    def send(self):
        self.sent_at = time.monotonic()
        self.socket.sendall(self.request)

    def read(self):
        """Takes what has come; True at the end of the answer."""
        piece = self.socket.recv(65_536)
        now = time.monotonic()
        self.first_at = self.first_at or now
        self.received += piece
        if piece:
            return False
        self.end_at = now
        self.socket.close()
        return True

    @property
    def status(self):
        return int(self.received.split(b" ", 2)[1]) if self.received else 0

    @property
    def body(self):
        return self.received.partition(b"\r\n\r\n")[2]

    @property
    def headers(self):
        return self.received.partition(b"\r\n\r\n")[0].decode().lower()

    @property
    def first_ms(self):
        """From sending to the first byte of the answer."""
        return (self.first_at - self.sent_at) * 1000


def rush(clients, timeout_s=300):
    """All send at once; returns when every one has its whole answer."""
    for client in clients:
        client.send()
    watch = selectors.DefaultSelector()
    for client in clients:
        watch.register(client.socket, selectors.EVENT_READ, client)
    deadline = time.monotonic() + timeout_s
    while watch.get_map():
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(watch.get_map())} answers are missing after {timeout_s} s")
        for key, _ in watch.select(1):
            socket_of = key.fileobj
            if key.data.read():
                watch.unregister(socket_of)
    return clients
