"""Real servers for a run: on free ports of 127.0.0.1, in folders of their own, stopped by their process id."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from api.configuration.mosquitto import MESSAGE_BYTES, PACKET_BYTES, QUEUED_BYTES, QUEUED_MESSAGES
from api.ports import free_port

START_S = 30.0
STOP_S = 20.0
DATABASE = "bench"

# `user` counts only where root starts it: else it would become a user that cannot write to our folder.
MOSQUITTO = """
user root
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 60
set_tcp_nodelay true
max_packet_size {packet}
message_size_limit {message}
max_inflight_messages 256
max_queued_messages {queued}
max_queued_bytes {queued_bytes}
log_dest stderr
log_type error
log_type warning
"""

INFLUXD = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{http}"
log-enabled = false
[logging]
suppress-logo = true
"""

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  client_max_body_size 64m;
  client_body_buffer_size 4m;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream influx {{
    server 127.0.0.1:{upstream};
    keepalive 8;
  }}
  server {{
    listen 127.0.0.1:{http};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location = /api/v2/write {{
      rewrite ^ /write?db=$arg_bucket&precision=$arg_precision? break;
      proxy_pass http://influx;
    }}
    location / {{
      proxy_pass http://influx;
    }}
  }}
}}
"""


class ServerError(RuntimeError):
    """A server is missing or does not start; says which and why."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    pid: int
    port: int


@dataclass(frozen=True)
class Influx:
    """InfluxDB 1 behind nginx, which gives it the write path of InfluxDB 2."""

    url: str
    """Of nginx."""
    port: int
    """Of InfluxDB itself."""

    def stored(self) -> int:
        """How many readings are in the database."""
        asked = urlencode({"db": DATABASE, "q": "SELECT count(export_wh) FROM meter_reading"})
        with urlopen(f"http://127.0.0.1:{self.port}/query?{asked}", timeout=START_S) as answer:
            (result,) = json.load(answer)["results"]
        return int(result["series"][0]["values"][0][1]) if "series" in result else 0


def executable(command: str, package: str) -> str:
    """Path of a server, also where the PATH of a user without root does not look.

    Raises:
        ServerError: it is not installed.

    """
    found = shutil.which(command) or shutil.which(command, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ServerError(f"{command} is missing (Debian: apt-get install {package})")
    return found


@contextmanager
def mosquitto(folder: Path) -> Iterator[Running]:
    """Run a mosquitto that keeps its sessions on disk."""
    command = executable("mosquitto", "mosquitto")
    folder.mkdir(parents=True)
    port = free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        MOSQUITTO.format(
            port=port,
            folder=folder,
            packet=PACKET_BYTES,
            message=MESSAGE_BYTES,
            queued=QUEUED_MESSAGES,
            queued_bytes=QUEUED_BYTES,
        )
    )
    with _server([command, "-c", str(configuration)], folder / "log", lambda: _listens(port)) as process:
        yield Running(process.pid, port)


@contextmanager
def influx_behind_nginx(folder: Path) -> Iterator[Influx]:
    """Run InfluxDB 1 behind nginx, with an empty database."""
    influxd, nginx = executable("influxd", "influxdb"), executable("nginx", "nginx")
    folder.mkdir(parents=True)
    port, proxy_port = free_port(), free_port()
    (folder / "influxdb.conf").write_text(INFLUXD.format(folder=folder, http=port, rpc=free_port()))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, http=proxy_port, upstream=port))
    database = [influxd, "-config", str(folder / "influxdb.conf")]
    proxy = [nginx, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with ExitStack() as stack:
        stack.enter_context(_server(database, folder / "influxd.log", lambda: _answers(port)))
        stack.enter_context(_server(proxy, folder / "nginx.log", lambda: _answers(proxy_port)))
        created = urlencode({"q": f"CREATE DATABASE {DATABASE}"}).encode()
        with urlopen(f"http://127.0.0.1:{port}/query", created, timeout=START_S):
            pass
        yield Influx(f"http://127.0.0.1:{proxy_port}", port)


@contextmanager
def _server(arguments: list[str], log: Path, is_up: Callable[[], bool]) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as said:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,  # Ctrl-C is for the command, which stops its servers itself
        )
    try:
        deadline = time.monotonic() + START_S
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"{arguments[0]} did not start: {log.read_text(errors='replace')[-500:].strip()}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/ping", timeout=1):
            return True
    except HTTPError:  # nginx is there before what stands behind it
        return True
    except (URLError, OSError):
        return False
