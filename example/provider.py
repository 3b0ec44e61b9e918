#!/usr/bin/env python3
"""An identity provider: a server that knows its own users and says to Plimsoll who of them is who.

Three documents make one: the support document with the public key, the page on which people sign in,
and the page that certifies, in a hidden frame, the key of somebody who is signed in. The private key
is an RSA key of openssl; only this program reads it.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import subprocess
import time
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = pathlib.Path(__file__).parent
FILES = {"/sign_in": ("provider/sign_in.html", "text/html"),
         "/sign_in.js": ("provider/sign_in.js", "text/javascript"),
         "/provision": ("provider/provision.html", "text/html"),
         "/provision.js": ("provider/provision.js", "text/javascript"),
         "/example.css": ("example.css", "text/css")}
BODY_MAX = 20000  # bytes
CERTIFICATE_MAX_S = 24 * 3600
CLOCKS_MS = 10000  # how far the clocks of others may be behind
COOKIE = "provider_session"
# The provisioning page is in a frame of another site: without SameSite=None it gets no cookie, and
# browsers take that only with Secure (from loopback addresses also over http).
COOKIE_RULES = "Path=/; HttpOnly; Secure; SameSite=None"

sessions = {}  # cookie value -> address; a real provider has accounts and a database


class Key:
    """The RSA key in a file, made when it is not there. The private half stays with openssl."""

    def __init__(self, path):
        self.path = str(path)
        if not path.exists():
            os.umask(0o077)
            self.run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                     "-out", self.path)
        modulus = self.run("rsa", "-in", self.path, "-noout", "-modulus").decode().split("=")[1]
        # openssl makes keys with this exponent.
        self.public = {"algorithm": "RS", "n": str(int(modulus, 16)), "e": "65537"}

    @staticmethod
    def run(*arguments, given=b""):
        return subprocess.run(("openssl",) + arguments, input=given, check=True,
                              capture_output=True).stdout

    def sign(self, data):
        return self.run("dgst", "-sha256", "-sign", self.path, given=data)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def certificate(public_key, email, seconds):
    """A certificate of BrowserID: this key is that address's, says this domain. Times are in ms."""
    now = int(time.time() * 1000)
    payload = {"public-key": public_key, "principal": {"email": email},
               "iat": now - CLOCKS_MS,
               "exp": now + 1000 * min(seconds, CERTIFICATE_MAX_S), "iss": options.domain}
    parts = [base64url(json.dumps(part).encode()) for part in ({"alg": "RS256"}, payload)]
    text = b".".join(parts)
    return (text + b"." + base64url(key.sign(text))).decode()


def support_document():
    return {"public-key": key.public, "authentication": "/sign_in", "provisioning": "/provision"}


class Provider(BaseHTTPRequestHandler):
    def session(self):
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return cookie.value if cookie else None

    def answer(self, status, body, kind="application/json", cookie=None, seconds=86400):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        # Only the sign-in server may hold pages of this one in a frame.
        self.send_header("Content-Security-Policy", f"frame-ancestors {options.identity}")
        if cookie is not None:
            self.send_header("Set-Cookie", f"{COOKIE}={cookie}; Max-Age={seconds}; {COOKIE_RULES}")
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/.well-known/browserid":
            self.answer(200, support_document())
        elif path == "/whoami":
            self.answer(200, {"email": sessions.get(self.session())})
        elif path in FILES:
            name, kind = FILES[path]
            data = (FOLDER / name).read_bytes().replace(b"{{identity}}", options.identity.encode())
            self.answer(200, data, f"{kind}; charset=utf-8")
        else:
            self.answer(404, {"reason": "no such page"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Origin") != options.origin or length > BODY_MAX:
            self.answer(400, {"reason": "not from this site"})
            return
        try:
            fields = json.loads(self.rfile.read(length) or b"{}")
            if self.path == "/session":
                self.sign_in(fields["email"], fields["password"])
            elif self.path == "/certificate":
                self.certify(json.loads(fields["pubkey"]), int(fields["seconds"]))
            elif self.path == "/sign_out":
                sessions.pop(self.session(), None)
                self.answer(200, {}, cookie="", seconds=0)
            else:
                self.answer(404, {"reason": "no such page"})
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"reason": "that was not understood"})

    def sign_in(self, email, password):
        name, _, domain = email.lower().partition("@")
        kept = users.get(name, "") if domain == options.domain else ""
        if not kept or not hmac.compare_digest(kept, hashed(name, password)):
            self.answer(403, {"reason": "This is not the right address and password."})
            return
        cookie = secrets.token_urlsafe(32)
        sessions[cookie] = email.lower()
        self.answer(200, {"email": email.lower()}, cookie=cookie)

    def certify(self, public_key, seconds):
        """For the address of the session and no other, whatever the page asks for."""
        email = sessions.get(self.session())
        if email is None:
            self.answer(403, {"reason": "nobody is signed in"})
            return
        self.answer(200, {"certificate": certificate(public_key, email, seconds)})

    def log_message(self, *_):
        pass


def hashed(name, password):
    return hashlib.scrypt(password.encode(), salt=name.encode(), n=2**14, r=8, p=1).hex()


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--port", type=int, default=8008)
parser.add_argument("--domain", default="provider.example", help="the domain of its addresses")
parser.add_argument("--identity", default="http://127.0.0.1:8000", help="the sign-in server")
parser.add_argument("--origin", help="origin of this server; default http://localhost:PORT")
parser.add_argument("--data", type=pathlib.Path, default="var/provider", help="folder of the key")
parser.add_argument("--user", action="append", metavar="NAME:PASSWORD",
                    help="one of its users; default keeper:lighthouse")
options = parser.parse_args()
options.origin = options.origin or f"http://localhost:{options.port}"
users = {}
for user in options.user or ["keeper:lighthouse"]:
    user_name, _, user_password = user.partition(":")
    users[user_name] = hashed(user_name, user_password)
options.data.mkdir(parents=True, exist_ok=True)
key = Key(options.data / "key.pem")
document = (options.data / "browserid.json").resolve()
document.write_text(json.dumps(support_document()))
print("on one machine the sign-in server finds this provider by\n[identity]\n"
      f"shimmed_primaries = {options.domain}|{options.origin}|{document}", flush=True)

try:
    ThreadingHTTPServer(("localhost", options.port), Provider).serve_forever()
except KeyboardInterrupt:
    pass
