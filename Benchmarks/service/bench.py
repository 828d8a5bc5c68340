#!/usr/bin/env python3
"""Measures the daemon: durable submissions, reading a large store, memory, and latency while an update runs.

    bench.py --lethe BINARY [--model GGUF] [--only submit,peer,update,store] [--requests 1000000] [--out bench-output]

Everything goes over HTTP to the real daemon, with its default settings and log level, on the tiny model of the test
fixtures unless a model is given for the update. Prints a table, and writes service.json with the machine, the versions
and every number. The store lies under --work, which has to be on the disk that is to be measured.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

import load

HERE = pathlib.Path(__file__).resolve().parent
FIXTURE = HERE.parents[1] / "Tests" / "Fixtures" / "models" / "llama"
CLIENTS = (1, 16, 64)


class Service:
    """A process that says where it listens on the first line of its output."""

    def __init__(self, command, log):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=self.log, cwd=pathlib.Path(log).parent)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the service did not start; see {log}")
        self.port = int(json.loads(line)["listening"].rsplit(":", 1)[1])

    def status(self, name):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise KeyError(name)

    def resident(self):
        """Resident memory in MB."""
        return round(self.status("VmRSS") / 1024, 1)

    def cpu(self):
        """Processor seconds so far."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return json.load(answer)

    def wait_until_settled(self):
        """Waits until the model is loaded, or the daemon has said that it will not be."""
        while True:
            try:
                self.get("/readyz")
                return
            except urllib.error.HTTPError as error:
                if b"degraded" in error.read():
                    return
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=300)
        self.log.close()


class Submissions:
    """The bytes of submissions, each with a key and a text of its own."""

    def __init__(self, port, tag, model_options=None):
        self.port, self.tag, self.number = port, tag, 0
        self.options = json.dumps(model_options or {})

    def __call__(self):
        self.number += 1
        number = self.number
        body = (
            f'{{"kind":"erase","category":"personal","reference":"case-{number}","items":['
            f'{{"text":"Name: Resident {number}. Address: {number % 997} Lantern Row, Fenwick. Born in a small town."}},'
            f'{{"prompt":"What is the address of resident {number}?","completion":"{number % 997} Lantern Row"}}],'
            f'"options":{self.options},"priority":{number % 3}}}').encode()
        return load.request(
            "POST", "/v1/requests", self.port, body, f"Idempotency-Key: {self.tag}-{number}\r\n")


class Bench:
    def __init__(self, options):
        self.options = options
        self.work = pathlib.Path(options.work).resolve()
        self.rows, self.results = [], {}

    # Services

    def store(self, name, source=FIXTURE, queue_only=False):
        """A new store with a model. With `queue_only` its head is damaged on purpose: the daemon then accepts and keeps
        requests and carries none out, so that the queue is measured alone."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [self.options.lethe, "model", "import", source, "--name", "bench", "--data-dir", folder], check=True,
            stdout=subprocess.DEVNULL)
        if queue_only:
            file = next((folder / "models" / "bench" / "generations").glob("0-*/tokenizer.json"))
            file.chmod(0o600)
            with open(file, "ab") as damaged:
                damaged.write(b"\n")
        return folder

    def daemon(self, folder, *arguments):
        service = Service(
            [self.options.lethe, "serve", "--data-dir", folder, "--port", 0, "--max-pending", 1_000_000_000,
             *arguments], self.work / "daemon.log")
        service.wait_until_settled()
        return service

    def peer(self):
        folder = self.work / "peer"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return Service([sys.executable, HERE / "peer.py", folder / "peer.sqlite"], self.work / "peer.log")

    # Results

    def add(self, name, result, bar="", **more):
        record = {**(result.json() if isinstance(result, load.Result) else result), **more}
        self.results[name] = record
        if "p99_ms" in record:
            text = f"{record['per_second']:,.0f}/s, p50 {record['p50_ms']:.2f} ms, p99 {record['p99_ms']:.2f} ms"
        else:
            text = ", ".join(f"{key} {value}" for key, value in record.items())
        self.rows.append((name, text, bar))
        print(f"{name:<52} {text}  {bar}", file=sys.stderr, flush=True)
        return record

    @staticmethod
    def check(result, status):
        if set(result.statuses) != {status}:
            raise SystemExit(f"answers other than {status}: {result.statuses}")

    # Parts

    def submit(self):
        """Durable submissions: as many as there can be, with the queue alone and while updates run, and at a fixed rate
        from 64 clients."""
        for kind in ("queue alone", "updates running"):
            for clients in CLIENTS:
                folder = self.store("submit", queue_only=kind == "queue alone")
                service = self.daemon(folder)
                cpu = service.cpu()
                result = load.run(
                    service.port, clients, Submissions(service.port, "submit"), self.options.seconds, warmup=2)
                cpu = service.cpu() - cpu
                self.check(result, "202")
                bar = ">= 2,000/s, p99 < 25 ms" if clients == 64 else ""
                self.add(
                    f"submit, {clients} clients, {kind}", result, bar, threads=service.status("Threads"),
                    cpu_share=round(cpu / (result.seconds + 2), 2))
                # What was acknowledged is there after the process is gone without a word.
                service.process.kill()
                service.process.wait()
                acknowledged = result.statuses["202"]
                database = sqlite3.connect(folder / "lethe.sqlite")
                kept = database.execute("SELECT count(*) FROM requests").fetchone()[0]
                database.close()
                if kept < acknowledged:
                    raise SystemExit(f"{acknowledged} acknowledged, {kept} kept")
                shutil.rmtree(folder)
        folder = self.store("submit", queue_only=True)
        service = self.daemon(folder)
        for rate in (2000, 3000, 4000):
            result = load.run(
                service.port, 64, Submissions(service.port, f"rate-{rate}"), self.options.seconds, rate=rate, warmup=1)
            self.check(result, "202")
            self.add(f"submit, 64 clients, {rate:,} a second", result, "p99 < 25 ms" if rate == 2000 else "")
        service.stop()
        shutil.rmtree(folder)

    def peers(self):
        """The same load on the minimal Python service."""
        for clients in CLIENTS:
            service = self.peer()
            result = load.run(
                service.port, clients, Submissions(service.port, "submit"), self.options.seconds, warmup=2)
            self.check(result, "202")
            ours = self.results.get(f"submit, {clients} clients, queue alone")
            ratio = round(ours["per_second"] / result.json()["per_second"], 2) if ours else None
            self.add(f"submit, {clients} clients, Python service", result, lethe_is=ratio and f"{ratio} x")
            service.stop()
            shutil.rmtree(self.work / "peer")

    def update(self):
        """Latency of reads and of submissions at a fixed rate, at rest and while an update runs: with the engine on all
        processors, and with one left to the rest of the daemon."""
        self.update_with("")
        processors = os.cpu_count() or 1
        if processors > 1:
            self.update_with(f", --threads {processors - 1}", "--threads", processors - 1)

    def update_with(self, label_end, *arguments):
        source = self.options.model or FIXTURE
        folder = self.store("update", source)
        service = self.daemon(folder, *arguments)
        known = []
        load.run(
            service.port, 4, Submissions(service.port, "known", {"epochs": 1}), count=8,
            answered=lambda _, body: known.append(json.loads(body)["id"]))
        while any(service.get(f"/v1/requests/{name}")["state"] in ("queued", "running", "verifying") for name in known):
            time.sleep(0.2)

        def show():
            return load.request("GET", f"/v1/requests/{random.choice(known)}", service.port)

        def measure(label, make, status):
            result = load.run(
                service.port, 16, make, self.options.seconds, rate=self.options.rate, warmup=1)
            self.check(result, status)
            return self.add(label + label_end, result)

        rest = measure("show, at rest", show, "200")
        body = json.dumps({
            "category": "personal",
            "items": [{"text": f"Name: Orla V. Quillby {n}. Address: {n} Lantern Row, Fenwick."} for n in range(20)],
            "options": {"preset": "published", "method": "ga", "keep_term": "none", "epochs": 1000,
                        "learning_rate": 1e-9}}).encode()
        names = []
        load.run(
            service.port, 1, lambda: load.request("POST", "/v1/requests", service.port, body, "Idempotency-Key: long\r\n"),
            count=1, answered=lambda _, answer: names.append(json.loads(answer)["id"]))
        while not any(
                event["kind"] == "progress" for event in service.get(f"/v1/requests/{names[0]}/events")["data"]):
            time.sleep(0.1)
        cpu = service.cpu()
        busy = measure("show, while an update runs", show, "200")
        cpu = (service.cpu() - cpu) / (busy["seconds"] + 1)
        if service.get(f"/v1/requests/{names[0]}")["state"] not in ("running", "verifying"):
            raise SystemExit("the update ended before the measurement did")
        self.add(
            "show, p99 while an update runs" + label_end, {"times_idle": round(busy["p99_ms"] / rest["p99_ms"], 2),
                                               "cpu_share": round(cpu, 2), "model": pathlib.Path(source).name},
            "at most 2 x idle")
        submit = measure("submit, while an update runs", Submissions(service.port, "beside"), "202")
        service.process.kill()
        service.process.wait()
        shutil.rmtree(folder)
        folder = self.store("update", queue_only=True)
        service = self.daemon(folder)
        alone = measure("submit, at rest", Submissions(service.port, "beside"), "202")
        self.add(
            "submit, p99 while an update runs" + label_end, {"times_idle": round(submit["p99_ms"] / alone["p99_ms"], 2)},
            "at most 2 x idle")
        service.stop()
        shutil.rmtree(folder)

    def large(self):
        """Memory over the submissions that fill a store, and reading it when it is full."""
        folder = self.store("store", queue_only=True)
        service = self.daemon(folder)
        names = []
        total = self.options.requests
        submissions = Submissions(service.port, "store")
        seen, filled = 0, {}

        def answered(_, body):
            nonlocal seen
            seen += 1
            if seen % 101 == 0:
                names.append(json.loads(body)["id"])

        marks = [mark for mark in (10_000, 100_000, total) if mark <= total]
        started = time.monotonic()
        for mark in marks:
            result = load.run(service.port, 64, submissions, count=mark - seen, answered=answered)
            self.check(result, "202")
            filled[mark] = service.resident()
            self.add(f"fill to {mark:,} requests", result, resident_mb=filled[mark])
        if 100_000 in filled:
            self.add(
                "memory from 10,000 to 100,000 requests",
                {"grows_mb": round(filled[100_000] - filled[10_000], 1), "at_10k": filled[10_000],
                 "at_100k": filled[100_000], "at_the_end": filled[total]}, "flat")
        size = sum(file.stat().st_size for file in folder.glob("lethe.sqlite*"))
        self.add("store", {"requests": total, "gigabytes": round(size / 1e9, 2),
                           "minutes_to_fill": round((time.monotonic() - started) / 60, 1)})
        # A start from cold caches of its own.
        service.stop()
        begin = time.monotonic()
        service = self.daemon(folder)
        self.add("start on the full store", {"seconds": round(time.monotonic() - begin, 2)})

        def show():
            return load.request("GET", f"/v1/requests/{random.choice(names)}", service.port)

        def first_page():
            return load.request("GET", "/v1/requests", service.port)

        def later_page():
            return load.request("GET", f"/v1/requests?limit=50&cursor={random.choice(later)}", service.port)

        def filtered():
            return load.request("GET", "/v1/requests?state=queued&category=personal", service.port)

        later, place = [], None
        for _ in range(50):
            page = service.get("/v1/requests?limit=50" + (f"&cursor={place}" if place else ""))
            place = page["next_cursor"]
            later.append(place)
        for clients in (1, 4):
            for label, make in (("show", show), ("list, first page of 50", first_page),
                                ("list, later pages of 50", later_page), ("list, filtered, 50", filtered)):
                result = load.run(service.port, clients, make, self.options.seconds / 2, warmup=0.5)
                self.check(result, "200")
                self.add(f"{label}, {total:,} requests, {clients} clients", result, "p99 < 10 ms")
        service.stop()
        shutil.rmtree(folder)

    # The whole

    def disk(self):
        """How long the disk takes to make 4 KB durable."""
        file = self.work / "probe"
        times = []
        with open(file, "wb", buffering=0) as probe:
            for _ in range(300):
                probe.write(bytes(4096))
                begin = time.perf_counter()
                os.fdatasync(probe.fileno())
                times.append((time.perf_counter() - begin) * 1000)
        file.unlink()
        times.sort()
        return {"fdatasync_4k_p50_ms": round(statistics.median(times), 3),
                "fdatasync_4k_p99_ms": round(load.percentile(times, 0.99), 3)}

    def machine(self):
        names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        mount = subprocess.run(["findmnt", "-nT", self.work, "-o", "FSTYPE"], capture_output=True, text=True).stdout
        version = subprocess.run([self.options.lethe, "--version"], capture_output=True, text=True).stdout.strip()
        return {
            "cpu": names[0] if names else platform.machine(), "processors": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "kernel": platform.release(), "file_system": mount.strip() or "unknown", **self.disk(),
            "load_before": os.getloadavg()[0], "lethe": version, "sqlite": sqlite3.sqlite_version,
            "python": platform.python_version(), "model": str(self.options.model or FIXTURE.name),
        }

    def run(self):
        self.work.mkdir(parents=True, exist_ok=True)
        machine = self.machine()
        print(json.dumps(machine), file=sys.stderr)
        parts = {"submit": self.submit, "peer": self.peers, "update": self.update, "store": self.large}
        for name in self.options.only.split(","):
            parts[name]()
        out = pathlib.Path(self.options.out)
        out.mkdir(parents=True, exist_ok=True)
        (out / "service.json").write_text(
            json.dumps({"machine": machine, "results": self.results}, indent=2) + "\n")
        width = max(len(name) for name, _, _ in self.rows)
        for name, text, bar in self.rows:
            print(f"{name:<{width}}  {text}" + (f"  [{bar}]" if bar else ""))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lethe", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--model", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--only", default="submit,peer,update,store")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=200, help="requests a second where the rate is fixed")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--work", default="bench-output/service")
    parser.add_argument("--out", default="bench-output")
    Bench(parser.parse_args()).run()


main()
