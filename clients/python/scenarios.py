"""What every client of the address book does, with grpcio. Usage: scenarios.py AUTH CONTACTS"""
import random
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
from addressbook.auth.v1 import account_service_pb2 as account, account_service_pb2_grpc as account_grpc
from addressbook.auth.v1 import auth_service_pb2 as auth, auth_service_pb2_grpc as auth_grpc
from addressbook.contacts.v1 import contacts_service_pb2 as contacts, contacts_service_pb2_grpc as contacts_grpc

from channels import PLAIN, RETRYING
from errors import fields, is_broken, reason, retry_delay
from samples import AT_ONCE, BROKEN, NAMES, SCENARIOS, PASSWORD, expect, import_requests, new_contact
from session import Session, bearer


class Client:
    def __init__(self, auth_address, contacts_address):
        auth_channel = grpc.insecure_channel(auth_address, RETRYING)
        self.accounts = auth_grpc.AuthServiceStub(auth_channel)
        self.account = account_grpc.AccountServiceStub(auth_channel)
        self.book = contacts_grpc.ContactsServiceStub(grpc.insecure_channel(contacts_address, RETRYING))
        self.impatient = contacts_grpc.ContactsServiceStub(grpc.insecure_channel(contacts_address, PLAIN))

    def sign_up(self):
        email = f"{uuid.uuid4()}@example.com"
        self.accounts.SignUp(auth.SignUpRequest(email=email, password=PASSWORD, request_id=str(uuid.uuid4())))
        response = self.accounts.LogIn(auth.LogInRequest(email=email, password=PASSWORD))
        self.session = Session(self.accounts, response.tokens)
        me = self.session.call(self.account.GetMe, account.GetMeRequest())
        expect(me.user.email, email)

    def refresh(self):
        # As if the token were near its end.
        self.session.fresh_until = 0
        self.get_me_at_once()
        expect(self.session.refreshes, 1)

        # As if this machine's clock were late: the server decides.
        self.session.fresh_until = float("inf")
        self.wait_until_expired(self.session.tokens.access_token)
        self.get_me_at_once()
        expect(self.session.refreshes, 2)

    def get_me_at_once(self):
        together = threading.Barrier(AT_ONCE)

        def get_me(_):
            together.wait()
            self.session.call(self.account.GetMe, account.GetMeRequest())

        with ThreadPoolExecutor(AT_ONCE) as pool:
            # It raises what a call has raised.
            list(pool.map(get_me, range(AT_ONCE)))

    def wait_until_expired(self, token):
        while True:
            try:
                self.account.GetMe(account.GetMeRequest(), metadata=bearer(token))
            except grpc.RpcError as error:
                return expect(reason(error), "TOKEN_EXPIRED")
            time.sleep(0.1)

    def pages(self):
        for name in NAMES:
            self.session.call(self.book.CreateContact, new_contact(name))
        pages, request = [], contacts.ListContactsRequest(page_size=2, order_by="given_name")
        while True:
            page = self.session.call(self.book.ListContacts, request)
            pages.append([contact.given_name for contact in page.contacts])
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return expect(pages, [NAMES[:2], NAMES[2:4], NAMES[4:]])

    def errors(self):
        try:
            self.session.call(self.book.CreateContact, BROKEN)
        except grpc.RpcError as error:
            expect(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
            expect(reason(error), "FIELD_INVALID")
            return expect(fields(error), ["contact.emails[0].address"])
        raise AssertionError("an invalid address was accepted")

    def retry(self):
        request = contacts.FindDuplicatesRequest()
        try:
            # More than the limit of a minute.
            for _ in range(1000):
                self.session.call(self.impatient.FindDuplicates, request)
            raise AssertionError("there is no limit")
        except grpc.RpcError as error:
            expect(reason(error), "RATE_LIMITED")
            expect(retry_delay(error) > 0, True)
        # The library waits as long as the server asks it to.
        for _ in range(2):
            self.session.call(self.book.FindDuplicates, request)

    def deadline(self):
        try:
            for _ in self.session.call(self.book.WatchContacts, contacts.WatchContactsRequest(), timeout=0.2):
                pass
            raise AssertionError("the stream ended by itself")
        except grpc.RpcError as error:
            expect(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def watch(self):
        events = self.changes()
        while next(events).WhichOneof("event") != "caught_up":
            pass
        print("ready to be killed", flush=True)
        while next(events) is not None:
            pass
        # Calls wait for the next connection instead of failing.
        self.session.call(self.book.CreateContact, new_contact("Wanda"), wait_for_ready=True)
        changed = (event.changed for event in events if event and event.WhichOneof("event") == "changed")
        expect(next(changed).given_name, "Wanda")

    def changes(self):
        """Every event of WatchContacts; None where the connection broke, and was resumed."""
        request = contacts.WatchContactsRequest()
        while True:
            token = self.session.token()
            try:
                for event in self.book.WatchContacts(request, metadata=bearer(token), wait_for_ready=True):
                    request.sync_token = event.sync_token
                    yield event
            except grpc.RpcError as error:
                if reason(error) == "TOKEN_EXPIRED":
                    self.session.token(refused=token)
                    continue
                if not is_broken(error):
                    raise
            yield None
            # All clients of a server that was restarted do not come back at the same moment.
            time.sleep(random.uniform(0.1, 0.5))

    def import_file(self):
        token = self.session.token()
        refused = []
        for response in self.book.ImportContacts(import_requests(), metadata=bearer(token)):
            if response.WhichOneof("event") == "row":
                refused.append((response.row.index, reason(response.row.status)))
            if response.WhichOneof("event") == "summary":
                summary = response.summary
        expect(refused, [(1, "CARD_EMPTY")])
        expect((summary.created, summary.failed), (2, 1))


def main(auth_address, contacts_address):
    client = Client(auth_address, contacts_address)
    failed = False
    for name in SCENARIOS:
        try:
            getattr(client, name)()
            print("ok", name, flush=True)
        except Exception as error:
            failed = True
            print(f"failed {name}: {error!r}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
