"""A load generator on raw sockets and epoll: one thread, many kept-alive connections, prepared bytes.

It costs some 20 microseconds a request, so that the service is what is measured; every result has the share of a
processor that the client itself took.
"""

import collections
import gc
import re
import resource
import select
import socket
import time

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def percentile(ordered, share):
    """The smallest value that at least this share of an ordered list does not exceed."""
    return ordered[min(len(ordered) - 1, max(0, int(len(ordered) * share + 0.9999999) - 1))]


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.start = None

    def send(self, data, start):
        self.start = start
        self.buffer = b""
        self.socket.sendall(data)

    def receive(self):
        """The status and the body once the answer is whole, else None."""
        data = self.socket.recv(262144)
        if not data:
            raise ConnectionError("the service closed the connection")
        self.buffer = self.buffer + data if self.buffer else data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = LENGTH.search(self.buffer, 0, end + 2)
        if length is None:
            raise ConnectionError("an answer without Content-Length")
        if len(self.buffer) - end - 4 < int(length.group(1)):
            return None
        return int(self.buffer[9:12]), self.buffer[end + 4:]


def request(method, path, port, body=None, headers=""):
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + (body or b"")


class Result:
    """Latencies in milliseconds, and what was achieved."""

    def __init__(self, latencies, statuses, seconds, cpu):
        self.latencies = sorted(latencies)
        self.statuses = statuses
        self.seconds = seconds
        self.client_cpu = cpu / seconds

    def json(self):
        ms = [self.percentile(share) for share in (0.5, 0.99, 0.999, 1)]
        return {
            "requests": len(self.latencies), "seconds": round(self.seconds, 3),
            "per_second": round(len(self.latencies) / self.seconds, 1),
            "p50_ms": ms[0], "p99_ms": ms[1], "p999_ms": ms[2], "max_ms": ms[3],
            "statuses": self.statuses, "client_cpu_share": round(self.client_cpu, 3),
        }

    def percentile(self, share):
        return round(percentile(self.latencies, share) * 1000, 3)


def run(port, clients, make, seconds=None, count=None, rate=None, warmup=0.0, answered=None):
    """Sends requests until the time or the number is reached, and waits for the last answers.

    - `make()` gives the bytes of the next request.
    - Without `rate` each of the clients sends its next request when it has the answer to the one before. With it,
      requests are due at even intervals whatever the service does, and a latency counts from when its request was
      due: a service that stalls cannot hide the requests that waited.
    - `answered(status, body)` sees every answer.
    """
    connections = {}
    epoll = select.epoll()
    for _ in range(clients):
        connection = Connection(port)
        connections[connection.socket.fileno()] = connection
        epoll.register(connection.socket.fileno(), select.EPOLLIN)
    # In turn: a connection that is never used would be closed by the service.
    idle = collections.deque(connections.values())
    latencies, statuses = [], {}
    clock = time.perf_counter
    gc.collect()
    gc.disable()
    begin = clock()
    measured = begin + warmup
    end = measured + seconds if seconds is not None else float("inf")
    limit = count if count is not None else float("inf")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    sent = finished = 0
    due = measured
    if rate is None:
        for connection in idle:
            if sent < limit:
                connection.send(make(), clock())
                sent += 1
        idle = []
    last = begin
    while finished < sent or (sent < limit and clock() < end):
        timeout = 0.5
        if rate is not None:
            now = clock()
            while idle and due <= now and due < end and sent < limit:
                idle.popleft().send(make(), due)
                sent += 1
                due += 1 / rate
            if idle and due < end:
                timeout = max(0, due - clock())
        for descriptor, _ in epoll.poll(timeout):
            connection = connections[descriptor]
            answer = connection.receive()
            if answer is None:
                continue
            now = last = clock()
            finished += 1
            status, body = answer
            if connection.start >= measured:
                latencies.append(now - connection.start)
                statuses[str(status)] = statuses.get(str(status), 0) + 1
            if answered is not None:
                answered(status, body)
            if rate is not None:
                idle.append(connection)
            elif sent < limit and now < end:
                connection.send(make(), clock())
                sent += 1
    after = resource.getrusage(resource.RUSAGE_SELF)
    gc.enable()
    for connection in connections.values():
        connection.socket.close()
    epoll.close()
    cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
    return Result(latencies, statuses, max(1e-9, last - measured), cpu)
