"""The ways from the load to the endpoint that check nothing: none in between, a TCP hop, and proxies."""

import os

from .processes import free_port
from .site import Route, Site, first_line, installed


def direct(site: Site) -> Route:
    process, address = site.endpoint()
    return Route("direct", address, None, process)


def direct_unix(site: Site) -> Route:
    process, address = site.endpoint("unix")
    return Route("direct, unix", address, None, process)


def tcp(site: Site) -> Route:
    return _haproxy(site, "raw TCP hop", "mode tcp", "", "")


def haproxy(site: Site) -> Route:
    return _haproxy(site, "HAProxy h2", "mode http", "proto h2", "proto h2")


def _haproxy(site: Site, title: str, mode: str, bind: str, server: str) -> Route:
    program = installed("haproxy", "haproxy")
    endpoint, address = site.endpoint()
    port = free_port()
    file = site.directory / f"{title.replace(' ', '-')}.cfg"
    file.write_text(
        f"global\n  nbthread 1\n  maxconn 1000\ndefaults\n  {mode}\n  timeout connect 1s\n  timeout client 1m\n"
        f"  timeout server 1m\nlisten bench\n  bind 127.0.0.1:{port} {bind}\n  server endpoint {address} {server}\n")
    process = site.start(file.stem, [program, "-db", "-f", str(file)])
    process.wait_for_port(port)
    site.versions["HAProxy"] = first_line([program, "-v"])
    return Route(title, f"127.0.0.1:{port}", process, endpoint)


def nghttpx(site: Site) -> Route:
    program = installed("nghttpx", "nghttp2-proxy")
    endpoint, address = site.endpoint()
    port = free_port()
    file = site.directory / "nghttpx.conf"
    file.write_text("")
    host, _, endpoint_port = address.rpartition(":")
    process = site.start("nghttpx", [
        program, f"--conf={file}", f"--frontend=127.0.0.1,{port};no-tls",
        f"--backend={host},{endpoint_port};;proto=h2", "--workers=1", "--single-process"])
    process.wait_for_port(port)
    site.versions["nghttpx"] = first_line([program, "--version"])
    return Route("nghttpx", f"127.0.0.1:{port}", process, endpoint)


def nginx(site: Site) -> Route:
    program = installed("nginx", "nginx")
    endpoint, address = site.endpoint()
    port = free_port()
    directory = site.directory / "nginx"
    directory.mkdir()
    # nginx closes a connection after so many requests, and pays for an access log: neither is to be measured here.
    for_ever = "keepalive_requests 1000000000; keepalive_timeout 1h;"
    kept = " ".join(f"{name}_temp_path {directory};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    file = directory / "nginx.conf"
    file.write_text(f"""\
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
pid {directory}/pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {directory};
  {kept}
  {for_ever}
  http2_max_concurrent_streams 1024;
  upstream endpoint {{ server {address}; keepalive 1024; {for_ever} }}
  server {{
    listen 127.0.0.1:{port} http2 backlog=1024;
    location / {{ grpc_pass grpc://endpoint; }}
  }}
}}
""")
    process = site.start("nginx", [program, "-e", "stderr", "-p", str(directory), "-c", str(file)])
    process.wait_for_port(port)
    site.versions["nginx"] = first_line([program, "-v"])
    return Route("nginx grpc_pass", f"127.0.0.1:{port}", process, endpoint)
