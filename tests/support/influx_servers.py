"""Real time-series databases for tests: on 127.0.0.1, in folders of their own, stopped by their process id.

InfluxDB 1.6 of Debian has no /api/v2/write, so nginx stands before it and rewrites that to /write. That is the path which
InfluxDB 1.8 serves by itself.
"""

import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from api.bench.servers import INFLUXD
from api.ports import free_port

START_S = 30

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{http};
    location = /api/v2/write {{
      rewrite ^ /write?db=$arg_bucket&precision=$arg_precision? break;
      proxy_pass http://127.0.0.1:{upstream};
    }}
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
    }}
  }}
}}
"""


def find(command):
    """Path of a server's executable, also where the PATH of a user without root does not look; None if it is absent."""
    return shutil.which(command) or shutil.which(command, path="/usr/sbin:/usr/local/sbin")


class Server:
    """One server process that can be stopped, killed and started again on its port and its files."""

    def __init__(self, arguments, health_url, log):
        self._arguments = arguments
        self._health_url = health_url
        self._log = log
        self._running = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(self._arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._running.poll() is not None or time.monotonic() > deadline:
                self.kill()
                said = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self._arguments[0]} did not start:\n{said}")
            time.sleep(0.05)

    def stop(self):
        if self._running is not None:
            self._running.terminate()
            try:
                self._running.wait(10)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()
            self._running = None

    def kill(self):
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def _answers(self):
        try:
            with urlopen(self._health_url, timeout=1):
                return True
        except HTTPError:  # nginx is there before what stands behind it
            return True
        except (URLError, OSError):
            return False


def influxd(folder: Path, executable):
    """Return InfluxDB, not started, and the port of its HTTP."""
    folder.mkdir(parents=True)
    http = free_port()
    configuration = folder / "influxdb.conf"
    configuration.write_text(INFLUXD.format(folder=folder, http=http, rpc=free_port()))
    arguments = [executable, "-config", str(configuration)]
    return Server(arguments, f"http://127.0.0.1:{http}/ping", folder / "influxd.log"), http


def nginx(folder: Path, executable, upstream):
    """Return nginx before InfluxDB on port `upstream`, not started, and its URL."""
    folder.mkdir(parents=True)
    http = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, http=http, upstream=upstream))
    arguments = [executable, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
    return Server(arguments, f"http://127.0.0.1:{http}/ping", folder / "nginx.log"), f"http://127.0.0.1:{http}"


def victoria_metrics(folder: Path, executable):
    """Return VictoriaMetrics, not started, and its URL."""
    folder.mkdir(parents=True)
    http = free_port()
    arguments = [
        executable, f"-storageDataPath={folder / 'store'}", f"-httpListenAddr=127.0.0.1:{http}",
        "-retentionPeriod=100y", "-loggerLevel=WARN",
    ]  # fmt: skip
    return Server(
        arguments, f"http://127.0.0.1:{http}/health", folder / "victoria-metrics.log"
    ), f"http://127.0.0.1:{http}"


@contextmanager
def influx_behind_nginx(folder: Path, require):
    """Run InfluxDB behind nginx: `.url`, `.database` and `.proxy` to stop and start, `.query(database, InfluxQL)` of our own."""
    for command, package in (("influxd", "influxdb"), ("nginx", "nginx")):
        require(command, find(command), f"apt-get install {package}")
    database, port = influxd(folder / "influxdb", find("influxd"))
    proxy, url = nginx(folder / "nginx", find("nginx"), port)

    def query(name, statement):
        with urlopen(f"http://127.0.0.1:{port}/query", urlencode({"db": name, "q": statement}).encode()) as answer:
            (result,) = json.load(answer)["results"]
        assert "error" not in result, result
        return [row for series in result.get("series", []) for row in series["values"]]

    with database, proxy:
        yield SimpleNamespace(url=url, database=database, proxy=proxy, query=query)
