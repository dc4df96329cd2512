"""Certificates of a test's own, made with the openssl command."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


def openssl(*arguments: object):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


@dataclass
class Certificate:
    certificate: Path
    key: Path

    def pair(self) -> tuple[bytes, bytes]:
        """Key and certificate, as grpcio wants them."""
        return self.key.read_bytes(), self.certificate.read_bytes()


class Authority:
    def __init__(self, directory: Path, name: str = "authority"):
        self._directory, self._name, self._issued = directory / name, name, 0
        self._directory.mkdir()
        self.certificate, self._key = self._directory / "ca.crt", self._directory / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 1,
                "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.certificate)

    def issue(self, *names: str, common_name: str = "", days: int = 1) -> Certificate:
        """For subject alternative names such as `DNS:gate.test`, `IP:127.0.0.1`, `URI:spiffe://desk/mm`."""
        self._issued += 1
        base = self._directory / f"{self._issued}"
        made = Certificate(base.with_suffix(".crt"), base.with_suffix(".key"))
        request = base.with_suffix(".csr")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/CN={common_name or 'none'}", "-keyout", made.key, "-out", request)
        extensions = base.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={','.join(names)}\n" if names else "basicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                "-days", days, "-extfile", extensions, "-out", made.certificate)
        return made


def listening(server: Certificate, authority: Authority | None = None) -> str:
    """The section of Gate's configuration; `authority`: that of its clients."""
    text = f"tls:\n  listen: {{certificate: {server.certificate}, key: {server.key}"
    return text + (f", client_ca: {authority.certificate}}}\n" if authority else "}\n")


def trusting(authority: Authority, protocols: tuple[str, ...] = ("h2",)) -> ssl.SSLContext:
    """A client's end of TLS."""
    context = ssl.create_default_context(cafile=authority.certificate)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context
