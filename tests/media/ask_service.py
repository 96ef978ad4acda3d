#!/usr/bin/env python3
"""Starts a service, posts one recording to /v1/media, prints the answer, stops the service.

Usage: ask_service.py RECORDING PROGRAM ARGUMENTS..
"""
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request


def main():
    recording, *command = sys.argv[1:]
    service = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        address = None
        while address is None:
            line = service.stderr.readline()
            if not line:
                sys.exit(said)
            said += line
            address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        body = (b'--XX\r\nContent-Disposition: form-data; name="recording"; filename="clip"\r\n\r\n'
                + pathlib.Path(recording).read_bytes() + b"\r\n--XX--\r\n")
        request = urllib.request.Request(
            address[0] + "v1/media", body,
            {"Content-Type": "multipart/form-data; boundary=XX"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                print(answer.read().decode())
        except urllib.error.HTTPError as refused:
            sys.exit(f"{refused.code} {refused.read().decode()}")
    finally:
        service.terminate()
        service.wait()


if __name__ == "__main__":
    main()
