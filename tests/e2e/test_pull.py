"""`hearth pull` and `hearth model`, against a server that behaves like the hub."""
import hashlib
import http.server
import json
import pathlib
import re
import tempfile
import threading
import unittest

import harness

EMBER = (pathlib.Path(__file__).parents[2] / "models" / "ember" / "ember.gguf").read_bytes()
HASH = hashlib.sha256(EMBER).hexdigest()
FILE = "/owner/name/resolve/main/ember.gguf"
SOURCE = "hf:owner/name/ember.gguf"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that has heard enough leaves: that is no news."""


class Hub:
    """Says what a file is and sends to /blob for it, on another port; which can be cut and counts."""

    def __init__(self, content=EMBER, sha256=HASH, status=None, ranges=True, token=None):
        self.content, self.sha256, self.status, self.ranges = content, sha256, status, ranges
        self.token = token
        self.cuts, self.requests, self.lock = 0, [], threading.Lock()
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                hub.answer(self)

        self.servers = [Server(("127.0.0.1", 0), Handler) for _ in range(2)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.servers[0].server_port}"
        self.content_url = f"http://127.0.0.1:{self.servers[1].server_port}/blob?signature=secret"

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def answer(self, request):
        with self.lock:
            self.requests.append((request.path, dict(request.headers)))
        if request.path.startswith("/blob"):
            return self.send_content(request)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self.send(request, 401, {})
        if self.status or request.path != FILE:
            return self.send(request, self.status or 404, {})
        headers = {"Location": self.content_url, "X-Linked-Size": str(len(self.content))}
        if self.sha256:
            headers["X-Linked-Etag"] = f'"{self.sha256}"'
        return self.send(request, 302, headers)

    def send_content(self, request):
        headers, body, status = {"ETag": '"v1"'}, self.content, 200
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        if self.ranges and match:
            first, last = int(match[1]), int(match[2])
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            body, status = body[first:last + 1], 206
        with self.lock:
            cut = len(body) > 1 and self.cuts > 0
            self.cuts -= cut
        self.send(request, status, headers, body, len(body) // 2 if cut else len(body))

    @staticmethod
    def send(request, status, headers, body=b"", sent=None):
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[:sent])
        request.close_connection = sent is not None and sent < len(body)


class Pull(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-pull-")
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name)
        self.path = self.data / "models" / "ember.gguf"

    def hub(self, **options):
        hub = Hub(**options)
        self.addCleanup(hub.close)
        return hub

    def hearth(self, *arguments, hub=None, **extra):
        if hub:
            extra["HEARTH_MODELS_HUB"] = hub.url
        return harness.run(*arguments, "--data", self.data, **extra)

    def test_a_model_is_downloaded_checked_and_used(self):
        hub = self.hub()
        pulled = self.hearth("pull", SOURCE, hub=hub)
        self.assertEqual(pulled.returncode, 0, pulled.stderr)
        self.assertEqual(pulled.stdout.strip(), str(self.path))
        self.assertIn(f"SHA-256 {HASH}, as expected", pulled.stderr)
        self.assertNotIn("secret", pulled.stderr)
        self.assertEqual(self.path.read_bytes(), EMBER)
        self.assertEqual(sorted(p.name for p in self.path.parent.iterdir()), ["ember.gguf"])
        answer = self.hearth("run", "--model", self.path, "What is the capital of Italy?")
        self.assertIn("Rome", answer.stdout)
        again = self.hearth("pull", SOURCE, hub=hub)
        self.assertIn("there already", again.stderr)

    def test_what_was_cut_is_asked_for_again(self):
        hub = self.hub()
        hub.cuts = 2
        pulled = self.hearth("pull", SOURCE, "--ranges", 1, hub=hub)
        self.assertEqual(pulled.returncode, 0, pulled.stderr)
        self.assertEqual(self.path.read_bytes(), EMBER)
        ranges = [h.get("Range") for p, h in hub.requests if p.startswith("/blob")]
        self.assertIn(f"bytes={len(EMBER) // 2}-{len(EMBER) - 1}", ranges)

    def test_a_server_without_ranges(self):
        pulled = self.hearth("pull", SOURCE, hub=self.hub(ranges=False))
        self.assertEqual(pulled.returncode, 0, pulled.stderr)
        self.assertEqual(self.path.read_bytes(), EMBER)

    def test_what_is_refused_says_why(self):
        for status, words in (401, "wants a login"), (403, "licence"), (404, "no such file"):
            result = self.hearth("pull", SOURCE, hub=self.hub(status=status))
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)

    def test_a_token_is_shown_to_the_hub_alone(self):
        hub = self.hub(token="hf_secret")
        refused = self.hearth("pull", SOURCE, hub=hub)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("HF_TOKEN", refused.stderr)
        pulled = self.hearth("pull", SOURCE, hub=hub, HF_TOKEN="hf_secret")
        self.assertEqual(pulled.returncode, 0, pulled.stderr)
        self.assertNotIn("hf_secret", pulled.stderr + pulled.stdout)
        shown = {path.split("?")[0] for path, headers in hub.requests if "Authorization" in headers}
        self.assertEqual(shown, {FILE})

    def test_a_wrong_hash_leaves_nothing(self):
        wrong = "a" * 64
        for arguments, options in ((["--sha256", wrong], {"sha256": None}), ([], {"sha256": wrong})):
            result = self.hearth("pull", SOURCE, *arguments, hub=self.hub(**options))
            self.assertEqual(result.returncode, 1)
            self.assertIn(HASH, result.stderr)
            self.assertEqual(list((self.data / "models").glob("*")), [])

    def test_what_is_no_model_leaves_nothing(self):
        result = self.hearth("pull", SOURCE, hub=self.hub(content=b"<html>", sha256=None))
        self.assertEqual(result.returncode, 1)
        self.assertIn("no model that can be used", result.stderr)
        self.assertEqual(list((self.data / "models").glob("*")), [])

    def test_the_bound_of_all_models(self):
        result = self.hearth("pull", SOURCE, hub=self.hub(), HEARTH_MODELS_DISK_BYTES_MAX="1000000")
        self.assertEqual(result.returncode, 1)
        self.assertIn("models.disk_bytes_max", result.stderr)

    def test_a_mirror_and_a_url(self):
        mirror = self.hub()
        result = self.hearth("pull", SOURCE, HEARTH_MODELS_HUB="http://127.0.0.1:1",
                             HEARTH_MODELS_MIRRORS=mirror.url)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.hearth("model", "rm", "ember").returncode, 0)
        result = self.hearth("pull", mirror.url + FILE, "--quiet")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.path.read_bytes(), EMBER)

    def test_wrong_names(self):
        for model in "no-such-model", "hf:x", "https://h.example/x.bin":
            self.assertEqual(self.hearth("pull", model).returncode, 2)
        self.assertIn("qwen2.5-1.5b", self.hearth("pull", "no-such-model").stderr)

    def test_list_show_suggest_and_rm(self):
        self.assertIn("hearth pull mistral-7b", self.hearth("model", "list").stdout)
        self.assertEqual(self.hearth("pull", SOURCE, hub=self.hub()).returncode, 0)
        listed = json.loads(self.hearth("model", "list", "--json").stdout)
        self.assertEqual([m["name"] for m in listed["models"]], ["ember"])
        self.assertEqual(listed["models"][0]["size_bytes"], len(EMBER))
        shown = self.hearth("model", "show", "ember").stdout
        self.assertIn("parameters", shown)
        self.assertIn("MIT", self.hearth("model", "show", "phi-3-mini").stdout)
        for gib, name in (2, "0.5b"), (8, "1.5b"), (16, "3b"), (32, "7b"), (64, "14b"):
            suggested = self.hearth("model", "suggest", "--memory-gib", gib, "--quiet")
            self.assertEqual(suggested.stdout.strip(), f"qwen2.5-{name}")
        removed = self.hearth("model", "rm", "ember")
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertFalse(self.path.exists())
        self.assertEqual(self.hearth("model", "rm", "ember").returncode, 1)


if __name__ == "__main__":
    unittest.main()
