#!/usr/bin/env python3
"""The example of a reverse proxy (examples/deploy/nginx.conf) in front of the real service.

Usage: proxy_test.py HARDY MODEL_WRITER NGINX_CONF. MODEL_WRITER writes a small model to the path
that it is given. Exit code 77 (skipped) when nginx is not installed.
"""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, head, body=b""):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        answer = b""
        while part := client.recv(1 << 16):
            answer += part
    return answer


def request(method, path, host="hardy.example.org", more="", body=b""):
    return (f"{method} {path} HTTP/1.1\nHost: {host}\nConnection: close\n"
            f"Content-Type: application/json\nContent-Length: {len(body)}\n{more}"), body


def main():
    hardy, write_model, example = sys.argv[1:4]
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")
    if nginx is None:
        print("proxy_test: nginx is not installed: skipped")
        return 77
    failures = []
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        model = place / "model.safetensors"
        subprocess.run([write_model, model], check=True)
        service = subprocess.Popen([hardy, "serve", model, "--port", "0", "--name",
                                    "hardy.example.org", "--quiet"], stderr=subprocess.PIPE)
        port = re.search(r"127\.0\.0\.1:(\d+)/", service.stderr.readline().decode()).group(1)
        own = free_port()
        site = pathlib.Path(example).read_text()
        for mark, value in {"@HARDY@": f"127.0.0.1:{port}", "@LISTEN@": f"127.0.0.1:{own}",
                            "@NAME@": "hardy.example.org"}.items():
            site = site.replace(mark, value)
        (place / "site.conf").write_text(site)
        folders = "".join(f"{name}_temp_path {place}/{name};\n"
                          for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (place / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/errors;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{folders}include {place}/site.conf;\n}}\n")
        proxy = subprocess.Popen([nginx, "-p", place, "-c", place / "nginx.conf"])
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", own), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)

        def expect(name, pattern, head, body=b""):
            answer = ask(own, head, body)
            if not re.match(pattern, answer, re.DOTALL):
                failures.append(f"{name}: {answer[:300]!r}")

        good = json.dumps({"features": {"m0": [1, 2, 3]}}).encode()
        expect("predict", rb"HTTP/1.1 200 .*\"label\"", *request("POST", "/v1/predict", body=good))
        expect("page", rb"HTTP/1.1 200 .*Content-Security-Policy", *request("GET", "/"))
        expect("own origin", rb"HTTP/1.1 201 ",
               *request("POST", "/v1/dialogues", more="Origin: https://hardy.example.org\n"))
        expect("foreign origin", rb"HTTP/1.1 403 ",
               *request("POST", "/v1/dialogues", more="Origin: https://evil.example\n"))
        expect("foreign name", rb"HTTP/1.1 403 ",
               *request("POST", "/v1/predict", host="evil.example", body=good))
        expect("reload", rb"HTTP/1.1 403 ", *request("POST", "/v1/reload"))
        expect("counters", rb"HTTP/1.1 403 ", *request("GET", "/metrics"))
        expect("large", rb"HTTP/1.1 413 ", *request("POST", "/v1/predict", body=b" " * (17 << 20)))
        # What is hidden behind a coding that nobody knows must not become a request of its own.
        hidden = b"GET /v1/model HTTP/1.1\r\nHost: hardy.example.org\r\n\r\n"
        answer = ask(own, "POST /v1/predict HTTP/1.1\nHost: hardy.example.org\n"
                     "Transfer-Encoding: identity\n"
                     f"Content-Length: {len(hidden)}\nConnection: close\n", hidden)
        if b"fingerprint" in answer:
            failures.append(f"smuggling: {answer[:300]!r}")
        for process in (proxy, service):
            process.terminate()
            process.wait(timeout=30)
        if failures and (place / "errors").exists():
            failures.append((place / "errors").read_text()[-1000:])
    print("\n".join(failures) or "proxy_test: as the example says")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
