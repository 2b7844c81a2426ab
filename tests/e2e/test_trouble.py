"""A machine in trouble: full and unwritable disks, no descriptors left, an engine that hangs or is still loading."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import harness


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def may_mount():
    """Whether this machine lets a process have mounts of its own."""
    if not shutil.which("unshare"):
        return False
    mounts = "mount -t tmpfs none /mnt"
    result = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", mounts], capture_output=True,
                            check=False)
    return result.returncode == 0


class Loading(unittest.TestCase):
    """The engine is stopped before it has loaded its model, so that the test says when it has."""

    @contextlib.contextmanager
    def daemon_that_loads(self):
        for _ in range(20):  # the engine may be quicker than we are
            with harness.scripted(wait_ready=False) as daemon:
                (engine,) = harness.wait_until(daemon.engine_pids, 30, "engine started")
                os.kill(engine, signal.SIGSTOP)
                if daemon.is_ready():
                    os.kill(engine, signal.SIGCONT)
                    continue
                try:
                    yield daemon, engine
                finally:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(engine, signal.SIGCONT)
                return
        self.skipTest("the engine always loads faster than this machine can stop it")

    def waiting(self, daemon, count):
        harness.wait_until(lambda: daemon.metric("hearth_requests_waiting") == count, 30, f"{count} wait")

    def test_health_answers_and_a_request_waits_for_the_model(self):
        with self.daemon_that_loads() as (daemon, engine), concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual(daemon.request("GET", "/health").status, 200)
            ready = daemon.request("GET", "/health/ready")
            self.assertEqual(ready.status, 503)
            self.assertIn("loading", ready.json["missing"][0])
            plain = pool.submit(daemon.chat, "What is 2+2?")
            stream = pool.submit(lambda: daemon.stream("Say hello.").text())
            tokens = pool.submit(daemon.post, "/tokenize", {"content": "hello"})
            self.waiting(daemon, 2)
            os.kill(engine, signal.SIGCONT)
            self.assertEqual(plain.result().text, "2+2 is 4.")
            self.assertEqual(stream.result(), "Hello! I am a scripted test model.")
            self.assertEqual(tokens.result().status, 200)

    def test_the_queue_has_its_bound_while_loading(self):
        with self.daemon_that_loads() as (daemon, engine), concurrent.futures.ThreadPoolExecutor(40) as pool:
            jobs = [pool.submit(daemon.chat, "Say hello.", max_tokens=1) for _ in range(32)]
            self.waiting(daemon, 32)
            refused = daemon.chat("Say hello.")
            self.assertEqual(refused.status, 429)
            self.assertIn("32", refused.error["message"])
            self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
            os.kill(engine, signal.SIGCONT)
            self.assertEqual({job.result().status for job in jobs}, {200})

    def test_a_client_that_leaves_while_loading_is_dropped(self):
        with self.daemon_that_loads() as (daemon, engine):
            leaver = daemon.connect()
            leaver.request("POST", "/v1/chat/completions", json.dumps(harness.chat_body(harness.NEVER_ENDING)),
                           {"Content-Type": "application/json"})
            self.waiting(daemon, 1)
            leaver.close()
            self.waiting(daemon, 0)
            os.kill(engine, signal.SIGCONT)
            harness.wait_until(daemon.is_ready, 30, "ready")
            self.assertEqual(daemon.metric("hearth_prompt_tokens_total"), 0, "the engine never heard of it")

    def test_sigterm_while_loading_refuses_who_waits(self):
        with self.daemon_that_loads() as (daemon, _), concurrent.futures.ThreadPoolExecutor(2) as pool:
            plain = pool.submit(daemon.chat, "Say hello.")
            stream = pool.submit(daemon.stream, "Say hello.")
            self.waiting(daemon, 2)
            started = time.monotonic()
            self.assertEqual(daemon.stop(20), 0, daemon.log())
            self.assertLess(time.monotonic() - started, 10)
            self.assertEqual(plain.result().status, 503)
            self.assertIn("stopping", plain.result().error["message"])
            self.assertEqual(stream.result().status, 503)

    def test_an_engine_killed_while_loading_costs_nobody_an_answer(self):
        with self.daemon_that_loads() as (daemon, engine), concurrent.futures.ThreadPoolExecutor(1) as pool:
            job = pool.submit(daemon.chat, "What is 2+2?")
            self.waiting(daemon, 1)
            os.kill(engine, signal.SIGKILL)
            self.assertEqual(job.result().text, "2+2 is 4.")


class Hanging(unittest.TestCase):
    def test_a_stopped_engine_is_a_504_and_is_replaced(self):
        with harness.scripted(HEARTH_MODEL_TOKEN_TIMEOUT="2s") as daemon:
            stream = daemon.stream(harness.NEVER_ENDING, max_tokens=7000)
            events = iter(stream)
            next(events)
            (engine,) = daemon.engine_pids()
            os.kill(engine, signal.SIGSTOP)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(daemon.chat, "Say hello.")
                last = list(events)[-1]
                self.assertIn("no token for 2 s", json.loads(last)["error"]["message"])
                self.assertIn(waiting.result().status, (503, 504))
            harness.wait_until(lambda: daemon.engine_pids() not in ([engine], []), 30, "the stopped one was killed")
            harness.wait_until(daemon.is_ready, 30, "another engine is ready")
            self.assertEqual(daemon.chat("What is 2+2?").text, "2+2 is 4.")

    def test_sigterm_with_a_stopped_engine_ends_in_time(self):
        with harness.scripted(HEARTH_SERVER_DRAIN_TIMEOUT="1s") as daemon:
            stream = daemon.stream(harness.NEVER_ENDING, max_tokens=7000)
            events = iter(stream)
            next(events)
            (engine,) = daemon.engine_pids()
            os.kill(engine, signal.SIGSTOP)
            self.assertEqual(daemon.stop(20), 0, daemon.log())
            self.assertIn("error", list(events)[-1])
            self.assertTrue(harness.has_ended(engine))

    def test_many_killed_engines_in_a_row(self):
        with harness.scripted() as daemon:
            for _ in range(2):
                (engine,) = harness.wait_until(daemon.engine_pids, 30, "engine")
                harness.wait_until(daemon.is_ready, 30, "ready")
                os.kill(engine, signal.SIGKILL)
                harness.wait_until(lambda e=engine: daemon.engine_pids() not in ([e], []), 30, "another engine")
            refused = daemon.chat("Say hello.")  # the second restart waits a second
            if refused.status != 200:
                self.assertEqual(refused.status, 503)
                self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
            harness.wait_until(daemon.is_ready, 30, "ready again")
            self.assertEqual(daemon.chat("What is 2+2?").text, "2+2 is 4.")


class Disk(unittest.TestCase):
    def run_in_small_disk(self, script, kilobytes):
        """Runs `script` (Python) with a data directory, its first argument, on a small disk that nobody else sees."""
        paths = {"HEARTH_BINARY": harness.HEARTH, "HEARTH_SCRIPTED_MODEL": harness.SCRIPTED}
        environment = harness.clean_environment(**{name: os.path.abspath(path) for name, path in paths.items()})
        with tempfile.TemporaryDirectory() as disk:
            command = (f"mount -t tmpfs -o size={kilobytes}k,mode=0700 none {disk} && "
                       f"exec {sys.executable} -c \"$1\" {disk}")
            return subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", command, "sh", script],
                                  capture_output=True, text=True, timeout=120, check=False, env=environment,
                                  cwd=pathlib.Path(__file__).parent)

    @unittest.skipUnless(may_mount(), "no mounts of one's own here")
    def test_a_disk_that_is_full_from_the_start(self):
        script = ("import harness, os, subprocess, sys\n"
                  "open(sys.argv[1] + '/filler', 'wb', 0).write(b'x' * (60 * 1024))\n"
                  "try:\n"
                  "    while True: open(sys.argv[1] + '/rest', 'ab', 0).write(b'x' * 512)\n"
                  "except OSError: pass\n"
                  "result = harness.run('serve', '--data', sys.argv[1], '--port', '0', timeout=60)\n"
                  "print(result.returncode, result.stderr)\n")
        result = self.run_in_small_disk(script, 64)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.startswith("1 "), result.stdout)
        self.assertIn("No space left on device", result.stdout)

    @unittest.skipUnless(may_mount(), "no mounts of one's own here")
    def test_a_disk_that_fills_up_later(self):
        script = ("import harness, os, sys\n"
                  "with harness.scripted(data=sys.argv[1]) as daemon:\n"
                  "    try:\n"
                  "        while True: open(sys.argv[1] + '/filler', 'ab', 0).write(b'x' * 512)\n"
                  "    except OSError as error: print(error)\n"
                  "    for _ in range(3): print(daemon.chat('What is 2+2?').text)\n"
                  "    refused = daemon.chat('Say hello.', session_id='s')\n"
                  "    print('session', refused.status, refused.error['message'])\n"
                  "    killed = daemon.engine_pids()\n"
                  "    os.kill(killed[0], 9)\n"
                  "    harness.wait_until(lambda: daemon.engine_pids() not in (killed, []), 30, 'another engine')\n"
                  "    harness.wait_until(daemon.is_ready, 30, 'ready again')\n"
                  "    print(daemon.chat('Say hello.').text, daemon.request('GET', '/health').status)\n"
                  "    print('exit', daemon.stop(20))\n")
        result = self.run_in_small_disk(script, 2048)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("No space left", result.stdout)
        self.assertEqual(result.stdout.count("2+2 is 4."), 3)
        self.assertRegex(result.stdout, "session 507 .*full")
        self.assertIn("Hello! I am a scripted test model. 200", result.stdout)
        self.assertIn("exit 0", result.stdout)

    def test_files_that_may_not_grow(self):
        """RLIMIT_FSIZE 0 is a full disk that needs no mount: nothing can be written to any file."""
        with tempfile.TemporaryDirectory() as data:
            def limit():
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and that is inherited
            result = subprocess.run([harness.HEARTH, "serve", "--data", data, "--port", "0"], preexec_fn=limit,
                                    text=True, capture_output=True, timeout=60, check=False,
                                    env=harness.clean_environment())
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("cannot write", result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)

    def test_a_data_directory_that_cannot_be(self):
        with tempfile.TemporaryDirectory() as place:
            file = pathlib.Path(place, "file")
            file.write_text("not a folder")
            for data in (f"{file}/data", str(file), "/proc/hearth", "/dev/null/x"):
                with self.subTest(data):
                    result = harness.run("serve", "--data", data, "--port", "0")
                    self.assertEqual(result.returncode, 1, result.stderr)
                    self.assertIn(data.rsplit("/", 1)[0], result.stderr)
                    self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)

    @unittest.skipUnless(may_mount(), "no mounts of one's own here")
    def test_a_read_only_data_directory(self):
        script = ("import harness, subprocess, sys\n"
                  "subprocess.run(['mount', '-o', 'remount,ro', sys.argv[1]], check=True)\n"
                  "result = harness.run('serve', '--data', sys.argv[1] + '/data', '--port', '0', timeout=60)\n"
                  "print(result.returncode, result.stderr)\n")
        result = self.run_in_small_disk(script, 64)
        self.assertTrue(result.stdout.startswith("1 "), result.stdout + result.stderr)
        self.assertIn("Read-only file system", result.stdout)


@unittest.skipUnless(harness.is_static(), "the loader and sanitizers need descriptors of their own")
class Descriptors(unittest.TestCase):
    def daemon_with(self, descriptors, **options):
        """A daemon that may have so many descriptors open."""
        daemon = harness.scripted(**options)
        # Only now, since a soft limit alone it raises when it starts.
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        return daemon

    def test_more_clients_than_descriptors(self):
        with self.daemon_with(64) as daemon:
            crowd = []
            for _ in range(200):
                crowd.append(socket.create_connection((daemon.host, daemon.port), timeout=20))
            crowd[0].sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertTrue(crowd[0].recv(4096).startswith(b"HTTP/1.1 200"), "who is in is served")
            for one in crowd:
                one.close()
            self.assertEqual(daemon.chat("What is 2+2?").text, "2+2 is 4.")
            self.assertLess(daemon.log().count("cannot accept"), 20, "it says so once, and does not spin")
            self.assertEqual(daemon.stop(20), 0)

    def test_an_engine_dies_while_no_descriptor_is_left(self):
        with self.daemon_with(64) as daemon:
            crowd = [socket.create_connection((daemon.host, daemon.port), timeout=20) for _ in range(100)]
            harness.wait_until(lambda: "cannot accept" in daemon.log(), 20, "none is left")
            os.kill(daemon.engine_pids()[0], signal.SIGKILL)
            harness.wait_until(lambda: "starting it again" in daemon.log(), 20, "noticed")
            for one in crowd:
                one.close()
            harness.wait_until(daemon.is_ready, 60, "ready again")
            self.assertEqual(daemon.chat("What is 2+2?").text, "2+2 is 4.")

    def test_too_few_to_start(self):
        for descriptors in (3, 5, 8, 12):
            with self.subTest(descriptors), tempfile.TemporaryDirectory() as data:
                def limit(count=descriptors):
                    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
                process = subprocess.Popen([harness.HEARTH, "serve", "--data", data, "--port", "0"], preexec_fn=limit,
                                           text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           env=harness.clean_environment())
                timer = threading.Timer(3, process.terminate)  # should it start after all
                timer.start()
                _, errors = process.communicate(timeout=30)
                timer.cancel()
                self.assertGreaterEqual(process.returncode, 0, errors)
                self.assertNotIn("terminate", errors)
                if process.returncode != 0:
                    self.assertIn("oo many open files", errors)


class Places(unittest.TestCase):
    def test_two_daemons_want_one_port(self):
        with harness.scripted() as daemon, tempfile.TemporaryDirectory() as data:
            result = harness.run("serve", "--data", data, "--port", daemon.port)
            self.assertEqual(result.returncode, 1)
            self.assertIn("in use", result.stderr)
            self.assertEqual(daemon.chat("What is 2+2?").text, "2+2 is 4.")

    def test_a_port_is_free_again_after_a_kill(self):
        port = free_port()
        with tempfile.TemporaryDirectory() as data:
            for _ in range(2):
                daemon = harness.scripted(data=data, port=port)
                stream = daemon.stream(harness.NEVER_ENDING, max_tokens=7000)
                next(iter(stream))
                daemon.kill()
                stream.close()
