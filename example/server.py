#!/usr/bin/env python3
"""A site that lets people sign in with Plimsoll: one script tag in index.html, one server call here.

The page posts the assertion it got; this server asks the identity server what it proves, for its
own audience and no other, and then keeps a session of its own.
"""
import argparse
import json
import pathlib
import secrets
import urllib.error
import urllib.request
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = pathlib.Path(__file__).parent
FILES = {"/": ("index.html", "text/html"), "/example.js": ("example.js", "text/javascript"),
         "/example.css": ("example.css", "text/css")}
BODY_MAX = 20000  # bytes; an assertion is two or three thousand
COOKIE = "example_session"

sessions = {}  # cookie value -> address; a real site keeps these in its database


def verify(assertion):
    """The address that the assertion proves to this site. ValueError says why not."""
    body = json.dumps({"assertion": assertion, "audience": options.audience}).encode()
    request = urllib.request.Request(f"{options.identity}/verify", body,
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
    except (urllib.error.URLError, TimeoutError) as error:
        raise ValueError(f"the identity server cannot be asked: {error}") from error
    if answer.get("status") != "okay":
        raise ValueError(answer.get("reason", "not verified"))
    return answer["email"]


class Site(BaseHTTPRequestHandler):
    def session(self):
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return cookie.value if cookie else None

    def answer(self, status, body, kind="application/json", cookie=None, seconds=86400):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        if cookie is not None:
            self.send_header("Set-Cookie", f"{COOKIE}={cookie}; Max-Age={seconds}; Path=/; "
                                           "HttpOnly; SameSite=Lax")
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/whoami":
            self.answer(200, {"email": sessions.get(self.session())})
        elif self.path in FILES:
            name, kind = FILES[self.path]
            data = (FOLDER / name).read_bytes().replace(b"{{identity}}", options.identity.encode())
            self.answer(200, data, kind)
        else:
            self.answer(404, {"reason": "no such page"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Origin", options.audience) != options.audience or length > BODY_MAX:
            self.answer(400, {"reason": "not from this site"})
        elif self.path == "/login":
            self.login(self.rfile.read(length))
        elif self.path == "/logout":
            sessions.pop(self.session(), None)
            self.answer(200, {"email": None}, cookie="", seconds=0)
        else:
            self.answer(404, {"reason": "no such page"})

    def login(self, body):
        try:
            email = verify(json.loads(body)["assertion"])
        except (ValueError, KeyError, TypeError) as error:
            self.answer(403, {"reason": str(error)})
            return
        cookie = secrets.token_urlsafe(32)
        sessions[cookie] = email
        self.answer(200, {"email": email}, cookie=cookie)

    def log_message(self, *_):
        pass


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--port", type=int, default=8009)
parser.add_argument("--identity", default="http://127.0.0.1:8000", help="the identity server")
parser.add_argument("--audience", help="origin of this site; default http://localhost:PORT")
options = parser.parse_args()
options.audience = options.audience or f"http://localhost:{options.port}"

try:
    ThreadingHTTPServer(("localhost", options.port), Site).serve_forever()
except KeyboardInterrupt:
    pass
