"""The tokens of a log-in, refreshed by one task at a time."""
import asyncio
import time
import uuid

import grpc
from addressbook.auth.v1 import auth_service_pb2 as auth

from errors import reason
from session import bearer


class Session:
    def __init__(self, accounts, tokens):
        self.accounts, self.running, self.refreshes = accounts, None, 0
        self.keep(tokens)

    def keep(self, tokens):
        # As in session.py.
        self.tokens, self.request_id = tokens, str(uuid.uuid4())
        left = tokens.access_expire_time.seconds - time.time()
        self.fresh_until = time.monotonic() + max(0.9 * left, 1)

    async def token(self, refused=None):
        """A token that is valid for a while, and not the one that a server has refused."""
        if self.tokens.access_token == refused or time.monotonic() >= self.fresh_until:
            self.running = self.running or asyncio.create_task(self.refresh())
            # A caller that is cancelled does not cancel the refresh, which would lose the new
            # refresh token.
            await asyncio.shield(self.running)
        return self.tokens.access_token

    async def refresh(self):
        try:
            request = auth.RefreshTokenRequest(
                refresh_token=self.tokens.refresh_token, request_id=self.request_id)
            self.keep((await self.accounts.RefreshToken(request)).tokens)
            self.refreshes += 1
        finally:
            self.running = None

    async def call(self, method, request, **options):
        """Calls with a token. A call that is refused as expired was not executed."""
        token = await self.token()
        try:
            return await method(request, metadata=bearer(token), **options)
        except grpc.RpcError as error:
            if reason(error) != "TOKEN_EXPIRED":
                raise
            return await method(request, metadata=bearer(await self.token(refused=token)), **options)
