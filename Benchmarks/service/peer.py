#!/usr/bin/env python3
"""What Lethe's queue is compared with: a minimal service in Python's standard library on the same SQLite settings.

POST /v1/requests stores a body under its idempotency key, in one transaction of its own (WAL, synchronous=FULL), and
answers 202 after the commit. GET /v1/requests/{id} gives it back. There is no encryption, no audit log, no event, no
validation beyond JSON.

    peer.py DATABASE
"""

import http.server
import json
import socketserver
import sqlite3
import sys
import threading
import time
import uuid

database = sqlite3.connect(sys.argv[1], check_same_thread=False, isolation_level=None)
for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "mmap_size = 0"):
    database.execute(f"PRAGMA {pragma}")
database.execute(
    """
    CREATE TABLE IF NOT EXISTS requests (
        id TEXT PRIMARY KEY, idempotency_key TEXT NOT NULL UNIQUE, state TEXT NOT NULL, created_at REAL NOT NULL,
        body TEXT NOT NULL) STRICT
    """)
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        try:
            json.loads(body)
        except ValueError:
            return self.answer(400, {"detail": "not JSON"})
        with lock:
            known = database.execute("SELECT id FROM requests WHERE idempotency_key = ?", (key,)).fetchone()
            if known:
                name = known[0]
            else:
                name = f"req_{uuid.uuid4().hex}"
                database.execute("BEGIN IMMEDIATE")
                database.execute(
                    "INSERT INTO requests VALUES (?, ?, 'queued', ?, ?)", (name, key, time.time(), body.decode()))
                database.execute("COMMIT")
        self.answer(202, {"id": name, "state": "queued"})

    def do_GET(self):
        with lock:
            row = database.execute(
                "SELECT id, state, created_at FROM requests WHERE id = ?", (self.path.rsplit("/", 1)[1],)).fetchone()
        self.answer(200 if row else 404, dict(zip(("id", "state", "created_at"), row)) if row else {})


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256


with Server(("127.0.0.1", 0), Handler) as server:
    print(json.dumps({"listening": f"http://127.0.0.1:{server.server_address[1]}"}), flush=True)
    server.serve_forever()
