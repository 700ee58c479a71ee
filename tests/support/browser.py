"""A headless Chromium that tests look at pages with, over its pipe (the DevTools protocol, NUL after each message).
Promises that no request leaves the machine, that all that the page logs is kept, and that the browser ends with the test.
Needs Debian's package chromium; find_chromium() is None where it is missing."""
import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
# Chromium takes its orders from descriptor 3 and answers on 4.
ON_ITS_PIPE = "import os, sys; os.dup2(int(sys.argv[1]), 13); os.dup2(int(sys.argv[2]), 14); os.dup2(13, 3); os.dup2(14, 4); os.execv(sys.argv[3], sys.argv[3:])"
LIMIT = 120  # seconds: how long an answer may take on a machine that has much else to do


def find_chromium():
    return shutil.which("chromium", path="/usr/bin:/usr/local/bin")


class Browser:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="jr-browser-", ignore_cleanup_errors=True)
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()
        self.process = subprocess.Popen([sys.executable, "-c", ON_ITS_PIPE, str(to_read), str(to_write), find_chromium(), *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"],
                                        pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.pending, self.number, self.events, self.page = b"", 0, [], None

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        self.profile.cleanup()

    def _message(self, deadline):
        while b"\0" not in self.pending:
            if not select.select([self.back], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"Chromium did not answer within {LIMIT} s")
            more = os.read(self.back, 1 << 20)
            if not more:
                raise AssertionError("Chromium has ended")
            self.pending += more
        one, _, self.pending = self.pending.partition(b"\0")
        return json.loads(one)

    def ask(self, method, **params):
        self.number += 1
        order = {"id": self.number, "method": method, "params": params}
        if self.page:
            order["sessionId"] = self.page
        os.write(self.to, json.dumps(order).encode() + b"\0")
        deadline = time.monotonic() + LIMIT
        while True:
            message = self._message(deadline)
            if message.get("id") == self.number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, path, width=1280, height=900, dark=False):
        """Opens a file as on a screen of this size; what it logs and asks for is in `events` from then on."""
        if self.page is None:
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            self.page = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.ask(domain + ".enable")
        self.events = []
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Page.navigate", url="file://" + path)
        deadline = time.monotonic() + LIMIT
        while not self.of("Page.loadEventFired"):
            self.events.append(self._message(deadline))

    def of(self, *methods):
        return [event["params"] for event in self.events if event.get("method") in methods]

    def complaints(self):
        """What the page logged, and what it asked for beside itself."""
        asked = [one["request"]["url"] for one in self.of("Network.requestWillBeSent")]
        return [json.dumps(one) for one in self.of("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")] + [url for url in asked[1:] if url != "data:,"]

    def value(self, script):
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def screenshot(self, path, whole=True):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))
