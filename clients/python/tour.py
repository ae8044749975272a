"""Signs up, logs in, and keeps a few contacts. Usage: tour.py [AUTH [CONTACTS]]"""
import sys, uuid
import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from addressbook.auth.v1 import auth_service_pb2 as auth, auth_service_pb2_grpc as auth_grpc
from addressbook.contacts.v1 import contact_pb2 as model
from addressbook.contacts.v1 import contacts_service_pb2 as contacts, contacts_service_pb2_grpc as contacts_grpc

addresses = sys.argv[1:] + ["127.0.0.1:50051", "127.0.0.1:50052"][len(sys.argv) - 1:]
accounts = auth_grpc.AuthServiceStub(grpc.insecure_channel(addresses[0]))
book = contacts_grpc.ContactsServiceStub(grpc.insecure_channel(addresses[1]))
email, password = f"{uuid.uuid4()}@example.com", "the otter naps at noon"

accounts.SignUp(auth.SignUpRequest(email=email, password=password, display_name="Ada"))
tokens = accounts.LogIn(auth.LogInRequest(email=email, password=password)).tokens
bearer = [("authorization", f"Bearer {tokens.access_token}")]

muller = model.Contact(given_name="Hans", family_name="Müller", birthday=model.Date(month=2, day=29),
                       phones=[model.Phone(number="030 123456")])
request = contacts.CreateContactRequest(contact=muller, default_region="DE", request_id=str(uuid.uuid4()))
created = book.CreateContact(request, metadata=bearer).contact
print("created", created.display_name, created.phones[0].e164)
listed = book.ListContacts(contacts.ListContactsRequest(page_size=10), metadata=bearer)
print("listed", listed.total_size)
found = book.SearchContacts(contacts.SearchContactsRequest(query="muller"), metadata=bearer)
print("found", found.results[0].contact.display_name)
window = contacts.ListUpcomingBirthdaysRequest(within_days=366)
birthdays = book.ListUpcomingBirthdays(window, metadata=bearer).birthdays
print("birthday in", birthdays[0].days_until, "days")
try:
    broken = model.Contact(given_name="Eve", emails=[model.Email(address="nowhere")])
    book.CreateContact(contacts.CreateContactRequest(contact=broken), metadata=bearer)
except grpc.RpcError as error:
    for detail in rpc_status.from_call(error).details:
        for kind in (error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()):
            if detail.Unpack(kind):
                print(error.code().name, type(kind).__name__, str(kind).replace("\n", " "))
