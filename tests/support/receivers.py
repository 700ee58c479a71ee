"""Those who are told: a receiver of HTTP requests and a mail server, on loopback. They write down all that comes
and answer as they are bidden. Check nothing; the tests do."""
import base64
import hashlib
import hmac
import http.server
import socketserver
import threading


class Receiver:
    """`answers`: statuses for the requests to come, the last one for ever. `hold`: an event to wait for first."""

    def __init__(self, *answers, hold=None, headers=None):
        self.requests = []  # (method, path, headers, body)
        self.answers = list(answers) or [200]
        self.hold, self.headers = hold, headers or {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                if outer.hold is not None:
                    outer.hold.wait(60)
                status = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature(secret, message_id, stamp, body):
    """Standard Webhooks, word for word."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class MailServer:
    """As much of RFC 5321 as a client needs; every mail is (from, [to], text)."""

    def __init__(self):
        self.mails = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write((line + "\r\n").encode())

            def handle(self):
                sender, to = None, []
                self.say("220 sink ESMTP")
                while line := self.rfile.readline():
                    word = line.decode().strip()
                    if word[:4].upper() in ("EHLO", "HELO"):
                        self.say("250 sink")
                    elif word.upper().startswith("MAIL FROM:"):
                        sender = word[10:].split(">")[0].strip("< ")
                        self.say("250 ok")
                    elif word.upper().startswith("RCPT TO:"):
                        to.append(word[8:].split(">")[0].strip("< "))
                        self.say("250 ok")
                    elif word.upper() == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (text := self.rfile.readline()) != b".\r\n":
                            lines.append(text[1:] if text.startswith(b".") else text)
                        outer.mails.append((sender, to, b"".join(lines)))
                        self.say("250 taken")
                    elif word.upper() == "QUIT":
                        return self.say("221 bye")
                    else:
                        self.say("250 ok")
                return None

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
