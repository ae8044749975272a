"""The tokens of a log-in, refreshed by one thread at a time."""
import threading
import time
import uuid

import grpc
from addressbook.auth.v1 import auth_service_pb2 as auth

from errors import reason


def bearer(token):
    return [("authorization", f"Bearer {token}")]


class Session:
    def __init__(self, accounts, tokens):
        self.accounts, self.lock, self.refreshes = accounts, threading.Lock(), 0
        self.keep(tokens)

    def keep(self, tokens):
        self.tokens = tokens
        # Of the next refresh and its repeats: if its response is lost, a repeat returns it.
        self.request_id = str(uuid.uuid4())
        # A tenth of its time is left for calls that are on their way. A new token is used for
        # a second, whatever this machine's clock says.
        left = tokens.access_expire_time.seconds - time.time()
        self.fresh_until = time.monotonic() + max(0.9 * left, 1)

    def token(self, refused=None):
        """A token that is valid for a while, and not the one that a server has refused."""
        # The lock is held during the refresh: a refresh token works once.
        with self.lock:
            if self.tokens.access_token == refused or time.monotonic() >= self.fresh_until:
                request = auth.RefreshTokenRequest(
                    refresh_token=self.tokens.refresh_token, request_id=self.request_id)
                self.keep(self.accounts.RefreshToken(request).tokens)
                self.refreshes += 1
            return self.tokens.access_token

    def call(self, method, request, **options):
        """Calls with a token. A call that is refused as expired was not executed."""
        token = self.token()
        try:
            return method(request, metadata=bearer(token), **options)
        except grpc.RpcError as error:
            if reason(error) != "TOKEN_EXPIRED":
                raise
            return method(request, metadata=bearer(self.token(refused=token)), **options)
