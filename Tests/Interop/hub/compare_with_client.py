"""Serves a folder as a hub does, and fetches it twice: with huggingface_hub, whose view of the protocol counts, and with
`lethe model pull`. Both have to end with the same bytes.

    pip install huggingface_hub
    python compare_with_client.py --lethe .build/release/lethe --model Tests/Fixtures/models/llama
"""
import argparse
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

COMMIT = "0123456789" * 4
REPOSITORY = "acme/tiny"


def handler(files: dict[str, bytes]):
    def sha256(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def git(data: bytes) -> str:
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def is_large(name: str) -> bool:
        return name.endswith(".safetensors")

    class Hub(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_HEAD(self):
            self.answer(False)

        def do_GET(self):
            self.answer(True)

        def send(self, status: int, headers: dict[str, str], body: bytes, with_body: bool):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def answer(self, with_body: bool):
            path = self.path.split("?")[0]
            if path.startswith(f"/api/models/{REPOSITORY}/tree/"):
                entries = []
                for name, data in sorted(files.items()):
                    entry = {"type": "file", "path": name, "size": len(data), "oid": git(data)}
                    if is_large(name):
                        entry["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": 134}
                    entries.append(entry)
                self.send(200, {"Content-Type": "application/json"}, json.dumps(entries).encode(), with_body)
                return
            if path.startswith(f"/api/models/{REPOSITORY}"):
                siblings = []
                for name, data in sorted(files.items()):
                    sibling = {"rfilename": name, "size": len(data), "blobId": git(data)}
                    if is_large(name):
                        sibling["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 134}
                    siblings.append(sibling)
                info = {"_id": "0", "id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "private": False,
                        "tags": [], "downloads": 0, "likes": 0, "siblings": siblings}
                self.send(200, {"Content-Type": "application/json"}, json.dumps(info).encode(), with_body)
                return
            for revision in ("main", COMMIT):
                prefix = f"/{REPOSITORY}/resolve/{revision}/"
                name = path[len(prefix):]
                if path.startswith(prefix) and name in files:
                    data = files[name]
                    headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{git(data)}"', "Accept-Ranges": "bytes"}
                    if is_large(name):
                        headers["X-Linked-Size"] = str(len(data))
                        headers["X-Linked-ETag"] = f'"{sha256(data)}"'
                        headers["ETag"] = f'"{sha256(data)}"'
                    first = 0
                    status = 200
                    if asked := self.headers.get("Range"):
                        first = int(asked.removeprefix("bytes=").split("-")[0])
                        headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
                        status = 206
                    self.send(status, headers, data[first:], with_body)
                    return
            self.send(404, {"X-Error-Code": "EntryNotFound"}, b"", with_body)

    return Hub


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lethe", required=True)
    parser.add_argument("--model", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    names = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
    files = {name: (arguments.model / name).read_bytes() for name in names}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(files))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        os.environ["HF_HOME"] = str(root / "home")
        os.environ["HF_HUB_DISABLE_XET"] = "1"
        import huggingface_hub

        theirs = pathlib.Path(huggingface_hub.snapshot_download(
            REPOSITORY, endpoint=endpoint, cache_dir=root / "cache"))
        subprocess.run([arguments.lethe, "model", "pull", REPOSITORY, "--endpoint", endpoint, "--out",
                        str(root / "ours")], check=True)
        for name in names:
            if not (theirs / name).read_bytes() == (root / "ours" / name).read_bytes() == files[name]:
                print(f"{name} differs")
                return 1
        print(f"huggingface_hub {huggingface_hub.__version__}: {len(names)} files are the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
