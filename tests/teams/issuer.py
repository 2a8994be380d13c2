"""Who signs what Teams sends, and gives the bot its own tokens: a local issuer with the real shapes."""

import json
import time
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

APP_ID = "11111111-2222-4333-8444-555555555555"


@cache
def _made(number: int) -> rsa.RSAPrivateKey:
    """One for all tests of a process: making it takes longer than a test."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """`token()` as Microsoft would sign it; `rotate` as it changes its keys."""

    def __init__(self) -> None:
        self.url = ""
        self.fetched = 0
        """How often the keys were asked for."""
        self.away = False
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self.kid = ""
        self.rotate()

    @property
    def issuer(self) -> str:
        return self.url

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/metadata"

    def rotate(self) -> None:
        number = len(self._keys) + 1
        self.kid = f"key-{number}"
        self._keys[self.kid] = _made(number)

    def token(self, service_url: str, *, kid: str = "", **claims: Any) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "aud": APP_ID, "exp": now + 3600, "nbf": now - 10, "iat": now}
        said |= {"serviceurl": service_url} | claims
        key = kid or self.kid
        return jwt.encode(said, self._keys[key], "RS256", {"kid": key})

    @property
    def private(self) -> rsa.RSAPrivateKey:
        return self._keys[self.kid]

    @property
    def public_pem(self) -> bytes:
        public = self._keys[self.kid].public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def routes(self, app: web.Application) -> None:
        app.router.add_get("/issuer/metadata", self._metadata)
        app.router.add_get("/issuer/keys", self._published)

    async def _metadata(self, _: web.Request) -> web.Response:
        if self.away:
            return web.Response(status=503)
        return web.json_response({"issuer": self.issuer, "jwks_uri": f"{self.url}/keys"})

    async def _published(self, _: web.Request) -> web.Response:
        self.fetched += 1
        keys = [self._published_key(kid, key) for kid, key in self._keys.items()]
        return web.json_response({"keys": keys})

    def _published_key(self, kid: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
        shown = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
        return {**shown, "kid": kid, "use": "sig", "endorsements": ["msteams"]}
